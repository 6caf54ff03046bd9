"""How fresh is each source, and is everything alive: one result that every face reads.

Freshness is seen from the index, not from a log of runs: the newest activity in the index against
the newest at the source, the days that Dagster has materialized, and what each day brought.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from vector_assets.core.days import complete_days
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.settings import Settings
from vector_assets.index.targets import ADVICE, PendingReindex
from vector_assets.maintenance.canary import CANARY, OLD_AFTER
from vector_assets.monitoring.cron import overdue
from vector_assets.monitoring.dagster_state.state import AssetHistory, Observation
from vector_assets.monitoring.liveness import problems_of
from vector_assets.monitoring.probes import Probes, SourceProbe
from vector_assets.monitoring.problems import Problem
from vector_assets.pipeline.quarantine import MAX_LISTED
from vector_assets.sources.items import Gap, Quarantined

LATE_AFTER = timedelta(hours=30)
"""A nightly index may be a day behind, and a run takes its time; beyond this it is late."""

STALE_AFTER = timedelta(hours=54)
"""Beyond two nights and a run, it is stale."""

RUN_TAKES = timedelta(hours=2)
"""How long after its tick a day may still be in the making."""

USUAL_AT_LEAST = 5.0
"""Below so many documents a day, a day without any says nothing."""

INDEX = "index"
"""Key of the problem that the index cannot be asked."""

INDEX_KIND = "index-kind"
"""Key of the problem that the index cannot be written in its own kind."""

INDEX_MAY_BE_AWAY_SECONDS = 300.0
"""A shorter outage of the index passes without a word."""

UNUSUAL_SHARE = 0.1
"""A day that brings no more than this share of what is usual is named."""


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
        newest_day: Newest day that Dagster has materialized; None when it was not asked, or none.
        missing_days: Days of the last `CATCH_UP_DAYS` that had to be materialized and are not.
        documents: That the newest day brought; None when not known.
        usual_documents: That such a day usually brings; None when too little is known.
        failed_documents: In quarantine, and so not in the index as they are at the source; of the
            recent days' records where the index cannot be asked.
        quarantine: The first `MAX_LISTED` of them, each with its cause; they make nothing late.
        gaps: What the newest run did not read, and why; they make nothing late.
        last_sync: When a day was last materialized, UTC; None when not known.
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
    documents: int | None = None
    usual_documents: float | None = None
    failed_documents: int = 0
    quarantine: tuple[Quarantined, ...] = ()
    gaps: tuple[Gap, ...] = ()
    last_sync: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Everything together.

    Attributes:
        checked_at: UTC.
        sources: One entry for each source that is on.
        problems: What is wrong beside freshness: a dead daemon, a schedule that is off.
        notes: What holds for the whole and is no problem, such as that no source is on.
        canary_found_at: When the canary was last found by search, UTC; None when it never was, or
            the index cannot be asked.
        heartbeats: By daemon, its last sign of life, UTC; None when Dagster was not asked.
    """

    checked_at: datetime
    sources: tuple[SourceHealth, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = field(default=())
    heartbeats: Mapping[str, datetime | None] | None = None
    canary_found_at: datetime | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of the sources' verdicts; late at best while there is a problem.

        Unknown when no source is on.
        """
        found = {source.verdict for source in self.sources} or {Verdict.UNKNOWN}
        if self.problems:
            found.add(Verdict.LATE)
        return next(verdict for verdict in _WORST_FIRST if verdict in found)

    def as_json(self) -> dict[str, Any]:
        """Return it with times as ISO text, for `--json` and HTTP."""
        return {"verdict": self.verdict, **_json_ready(asdict(self))}


def measure(
    settings: Settings,
    probes: Probes,
    observation: Observation | None,
    *,
    now: datetime | None = None,
) -> Health:
    """Ask index and sources, and judge.

    Args:
        settings: Say which sources are on.
        probes: Asks the index and the vendors, not more often than is good for them.
        observation: What Dagster says of itself; None when there is no Dagster to ask.
        now: The present; for tests.
    """
    at = now or datetime.now(UTC)
    problems = problems_of(observation, settings, at) if observation else ()
    heartbeats = observation.heartbeats if observation else None
    names = settings.enabled_sources
    if not names:
        note = "no source is on: set the credentials of one; `vector-assets doctor` names them"
        return Health(at, (), problems, (note,), heartbeats)
    histories = observation.assets if observation else {}
    with ThreadPoolExecutor(len(names)) as pool:
        probed = tuple(pool.map(probes.probe, names))
    problems += _index_problem(probed)
    pending = probes.pending_reindex()
    notes = (f"{str(pending)[0].upper()}{str(pending)[1:]}.",) if pending else ()
    if pending and pending.is_blocking:
        problems += (_spec_problem(pending),)
    canary_found_at, canary_problem = _canary(probes, observation, at)
    problems += canary_problem
    sources = tuple(
        source_health(probe, histories.get(probe.source), settings, at) for probe in probed
    )
    return Health(at, sources, problems, notes, heartbeats, canary_found_at)


def _canary(
    probes: Probes, observation: Observation | None, now: datetime
) -> tuple[datetime | None, tuple[Problem, ...]]:
    """Return when the canary was last found, and that this is too long ago.

    Only where Dagster runs, which is to try it each night: without, nobody does.
    """
    try:
        found_at = probes.canary_found_at()
    except VectorAssetsError:
        # That the index does not answer is a problem of its own.
        return None, ()
    if observation is None:
        return found_at, ()
    nights = (one.recorded_at for each in observation.assets.values() for one in each.recent)
    since = found_at or min(nights, default=None)
    if since is None or now - since <= OLD_AFTER:
        return found_at, ()
    never = "was never found, though nights are recorded since"
    words = "was last found at" if found_at else never
    problem = Problem(
        CANARY,
        "The index is not known to be well: no canary was found for more than a night",
        f"the document that is written and searched each night {words} {since:%Y-%m-%d %H:%M} UTC",
        "Open the asset index_canary and look at its newest run, or run `vector-assets doctor "
        "--canary`.",
        since=since,
    )
    return found_at, (problem,)


def _spec_problem(pending: PendingReindex) -> Problem:
    """Return that nothing can be written, for the settings or the code want another spec."""
    return Problem(
        INDEX_KIND,
        "The index is of another kind than this version and its settings: nothing is written to it",
        pending.difference
        + (f"; a reindex was begun {pending.building}" if pending.building else ""),
        f"{ADVICE}. Search goes on with what it holds.",
    )


def _index_problem(probed: Sequence[SourceProbe]) -> tuple[Problem, ...]:
    """Return that no source's part of the index can be asked: one cause, and so one problem."""
    errors = [probe.index_error for probe in probed if probe.index_error]
    if len(errors) < len(probed):
        return ()
    problem = Problem(
        INDEX,
        "The index does not answer: nobody can search, and nothing can be written",
        errors[0],
        "`vector-assets doctor` asks it again; runs that fail meanwhile go on by themselves.",
        tell_after_seconds=INDEX_MAY_BE_AWAY_SECONDS,
    )
    return (problem,)


def source_health(
    probe: SourceProbe, history: AssetHistory | None, settings: Settings, now: datetime
) -> SourceHealth:
    """Judge one source by what was seen of it.

    Args:
        probe: Of the index and the vendor.
        history: Of its asset; None when Dagster was not asked.
        settings: Say when days are due.
        now: The present.
    """
    history = history or AssetHistory()
    missing = _missing_days(history, settings, now)
    found = [
        _judge_lag(probe),
        _judge_missing_days(missing, settings, now),
        _judge_volume(history),
    ]
    verdicts = {verdict for verdict, _ in found}
    reasons = tuple(reason for _, reason in found if reason)
    newest = history.recent[-1] if history.recent else None
    lag_seconds = None
    if probe.watermark and probe.newest_at_source:
        lag_seconds = max(0.0, (probe.newest_at_source - probe.watermark).total_seconds())
    return SourceHealth(
        source=probe.source,
        verdict=next(verdict for verdict in _WORST_FIRST if verdict in verdicts),
        reasons=reasons or ("the index holds the newest of the source",),
        watermark=probe.watermark,
        newest_at_source=probe.newest_at_source,
        lag_seconds=lag_seconds,
        vectors=probe.vectors,
        newest_day=max(history.days, default=None),
        missing_days=missing,
        documents=newest.documents if newest else None,
        usual_documents=usual_documents(history),
        failed_documents=(
            sum(record.failed_documents for record in history.recent)
            if probe.quarantine is None
            else len(probe.quarantine)
        ),
        quarantine=(probe.quarantine or ())[:MAX_LISTED],
        gaps=history.gaps,
        last_sync=max((record.recorded_at for record in history.recent), default=None),
    )


def usual_documents(history: AssetHistory) -> float | None:
    """Return what a day like the newest usually brings; None when too little is known.

    The mean of the same weekday where two of them are known, for teams rest on weekends; else of
    all recent days, where three are.
    """
    if not history.recent:
        return None
    *earlier, newest = history.recent
    alike = [one.documents for one in earlier if one.day.weekday() == newest.day.weekday()]
    if len(alike) >= 2:
        return sum(alike) / len(alike)
    return sum(one.documents for one in earlier) / len(earlier) if len(earlier) >= 3 else None


def hours(span: timedelta) -> str:
    """Return a span as a person says it: `40 min`, `7 h`, `12 days`."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} days"


def _judge_lag(probe: SourceProbe) -> tuple[Verdict, str]:
    if probe.index_error:
        return Verdict.UNKNOWN, f"the index cannot be asked: {probe.index_error}"
    if probe.source_error:
        return Verdict.UNKNOWN, f"the source cannot be asked: {probe.source_error}"
    if probe.newest_at_source is None:
        if probe.watermark is None:
            return Verdict.FRESH, "the source holds nothing that we may read"
        return Verdict.LATE, (
            f"the source shows nothing at all, though the index holds {probe.vectors:,} vectors of "
            f"it: see whether the credentials have lost their access"
        )
    if probe.watermark is None:
        return Verdict.STALE, "the index holds nothing of it: run `vector-assets sync`"
    behind = probe.newest_at_source - probe.watermark
    if behind <= LATE_AFTER:
        return Verdict.FRESH, ""
    verdict = Verdict.STALE if behind > STALE_AFTER else Verdict.LATE
    return verdict, f"the index is {hours(behind)} behind the source"


def _judge_missing_days(
    missing: tuple[date, ...], settings: Settings, now: datetime
) -> tuple[Verdict, str]:
    if not missing:
        return Verdict.FRESH, ""
    long_due = overdue(settings.nightly_cron, missing, now, RUN_TAKES + timedelta(days=1))
    words = f"not materialized: {', '.join(map(str, missing))}"
    return (Verdict.STALE if long_due else Verdict.LATE), words


def _judge_volume(history: AssetHistory) -> tuple[Verdict, str]:
    """Name a day that brought next to nothing where much is usual."""
    usual = usual_documents(history)
    if usual is None or usual < USUAL_AT_LEAST:
        return Verdict.FRESH, ""
    newest = history.recent[-1]
    if newest.documents > usual * UNUSUAL_SHARE:
        return Verdict.FRESH, ""
    return Verdict.LATE, (
        f"{newest.day} brought {newest.documents} documents, where about {usual:.0f} are usual"
    )


def _missing_days(history: AssetHistory, settings: Settings, now: datetime) -> tuple[date, ...]:
    """Return the days that had to be done by now and are not, oldest first.

    Days before the oldest that ever was are not missing: they are history that nobody asked for.
    """
    if not history.days:
        return ()
    days = complete_days(now, settings.catch_up_days, min(history.days))
    due = overdue(settings.nightly_cron, days, now, RUN_TAKES)
    return tuple(day for day in due if day not in history.days)


def _json_ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json_ready(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(inner) for inner in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else value
