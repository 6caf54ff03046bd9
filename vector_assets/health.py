"""How fresh is each source: one result, one verdict with its reasons, read by every face.

Freshness is seen from the index, not from a log of runs: the newest activity in the index against
the newest at the source, and the days that Dagster has materialized where an instance is at hand.
Keep out: alerting, and any wording of one face.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from vector_assets.errors import VectorAssetsError
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources import build_source
from vector_assets.stores.base import VectorStore

LATE_AFTER = timedelta(hours=30)
"""A nightly index may be a day behind, and a run takes its time; beyond this it is late."""

STALE_AFTER = timedelta(hours=54)
"""Beyond two nights and a run, it is stale."""


class Verdict(StrEnum):
    """What a person wants to know, from best to worst."""

    FRESH = "fresh"
    LATE = "late"
    UNKNOWN = "unknown"
    STALE = "stale"


_WORST_FIRST = (Verdict.STALE, Verdict.UNKNOWN, Verdict.LATE, Verdict.FRESH)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How fresh one source is in the index.

    Attributes:
        source: Which.
        verdict: In one word.
        reasons: Why, each a sentence.
        watermark: Newest activity in the index, UTC; None when the index holds nothing of it.
        newest_at_source: Newest activity at the vendor, UTC; None when that is not known.
        lag_seconds: How far the index is behind the source; None when not known.
        vectors: Records in the index.
        newest_day: Newest day that Dagster has materialized; None without an instance or a day.
        missing_days: Days of the last `CATCH_UP_DAYS` that Dagster has not materialized.
    """

    source: str
    verdict: Verdict
    reasons: tuple[str, ...]
    watermark: datetime | None
    newest_at_source: datetime | None
    lag_seconds: float | None
    vectors: int
    newest_day: date | None
    missing_days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """All sources together.

    Attributes:
        checked_at: UTC.
        sources: One entry for each source that is on.
        reasons: What holds for the whole, such as that no source is on.
    """

    checked_at: datetime
    sources: tuple[SourceHealth, ...]
    reasons: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        """The worst of the sources' verdicts; unknown when there is none."""
        found = {source.verdict for source in self.sources}
        return next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.UNKNOWN)

    def as_json(self) -> dict[str, Any]:
        """Return it with times as ISO text, for `--json` and HTTP."""
        return {
            "verdict": self.verdict,
            "checked_at": self.checked_at.isoformat(),
            "reasons": list(self.reasons),
            "sources": [_json_ready(asdict(source)) for source in self.sources],
        }


def measure(settings: Settings, store: VectorStore, *, now: datetime | None = None) -> Health:
    """Ask index, sources and Dagster, and judge.

    Args:
        settings: Say which sources are on and where a Dagster instance might be.
        store: The index.
        now: The present; for tests.
    """
    at = now or datetime.now(UTC)
    names = settings.enabled_sources
    if not names:
        reason = "no source is on: set the credentials of one; `vector-assets doctor` names them"
        return Health(at, (), (reason,))
    days_by_source = _materialized_days(names)
    with ThreadPoolExecutor(len(names)) as pool:
        found = pool.map(
            lambda name: _source_health(name, settings, store, days_by_source.get(name), at), names
        )
        return Health(at, tuple(found))


def judge(
    watermark: datetime | None,
    newest_at_source: datetime | None,
    missing_days: tuple[date, ...],
    now: datetime,
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and its reasons for what was seen of one source.

    Args:
        watermark: Newest activity in the index.
        newest_at_source: Newest activity at the vendor; None when it holds nothing.
        missing_days: Complete days that have not been materialized.
        now: The present.
    """
    if newest_at_source is None:
        return Verdict.FRESH, ("the source holds nothing that we may read",)
    if watermark is None:
        return Verdict.STALE, ("the index holds nothing of it: run `vector-assets sync`",)
    behind = max(newest_at_source - watermark, timedelta())
    verdicts = [Verdict.FRESH]
    reasons: list[str] = []
    if behind > LATE_AFTER:
        verdicts.append(Verdict.STALE if behind > STALE_AFTER else Verdict.LATE)
        reasons.append(f"the index is {hours(behind)} behind the source")
    if missing_days:
        # A day is due two mornings after it began; until then it is late, after that stale.
        since = now.astimezone(UTC).date() - missing_days[-1]
        is_stale = len(missing_days) > 1 or since > timedelta(days=1)
        verdicts.append(Verdict.STALE if is_stale else Verdict.LATE)
        reasons.append(f"not materialized: {', '.join(map(str, missing_days))}")
    verdict = next(v for v in _WORST_FIRST if v in verdicts)
    return verdict, tuple(reasons) or ("the index holds the newest of the source",)


def hours(span: timedelta) -> str:
    """Return a span as a person says it: `40 min`, `7 h`, `12 days`."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} days"


def _source_health(
    name: str, settings: Settings, store: VectorStore, days: set[date] | None, now: datetime
) -> SourceHealth:
    watermark, vectors = store.watermark(name), store.count(name)
    missing = _missing_days(days, settings, now)
    try:
        newest_at_source = build_source(name, settings, Meter()).newest()
    except VectorAssetsError as error:
        newest_at_source = None
        verdict = Verdict.UNKNOWN
        reasons: tuple[str, ...] = (f"the source cannot be asked: {error}",)
    else:
        verdict, reasons = judge(watermark, newest_at_source, missing, now)
    lag_seconds = None
    if watermark and newest_at_source:
        lag_seconds = max(0.0, (newest_at_source - watermark).total_seconds())
    return SourceHealth(
        source=name,
        verdict=verdict,
        reasons=reasons,
        watermark=watermark,
        newest_at_source=newest_at_source,
        lag_seconds=lag_seconds,
        vectors=vectors,
        newest_day=max(days) if days else None,
        missing_days=missing,
    )


def _missing_days(days: set[date] | None, settings: Settings, now: datetime) -> tuple[date, ...]:
    """Return the complete days of the catch-up span that are not materialized, oldest first.

    Days before the oldest that ever was are not missing: they are history that nobody asked for.
    """
    if not days:
        return ()
    today = now.astimezone(UTC).date()
    span = (today - timedelta(days=n) for n in range(settings.catch_up_days, 0, -1))
    return tuple(day for day in span if day not in days and day >= min(days))


def _materialized_days(names: tuple[str, ...]) -> Mapping[str, set[date]]:
    """Return the days that Dagster has materialized by source; empty without an instance.

    Only where `DAGSTER_HOME` names one: importing Dagster takes two seconds, and its ephemeral
    instance would know of no day.
    """
    if not os.environ.get("DAGSTER_HOME"):
        return {}
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        return {
            name: {
                date.fromisoformat(key)
                for key in instance.get_materialized_partitions(dg.AssetKey(f"{name}_documents"))
            }
            for name in names
        }


def _json_ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json_ready(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(inner) for inner in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else value
