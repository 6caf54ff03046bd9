"""Measures how fresh each source is and whether everything runs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from vector_assets.core.errors import cause_of
from vector_assets.core.settings import Settings
from vector_assets.index.hosts import HostNamespace
from vector_assets.index.targets import ADVICE, PendingReindex
from vector_assets.maintenance.quality.record import Quality
from vector_assets.monitoring.canary import canary_found
from vector_assets.monitoring.changes import Changes
from vector_assets.monitoring.dagster_state.state import AssetHistory, DagsterState
from vector_assets.monitoring.liveness import package_problems, problems_of
from vector_assets.monitoring.loading import Loading, loading_of
from vector_assets.monitoring.probes import Probes, SourceProbe
from vector_assets.monitoring.problems import Problem
from vector_assets.monitoring.quality import quality_problems
from vector_assets.monitoring.verdict import (
    Verdict,
    judge,
    judge_changes,
    judge_host,
    judge_lag,
    judge_missing_days,
    judge_volume,
    missing_days,
    worst,
)
from vector_assets.monitoring.volume import usual_documents
from vector_assets.pipeline.quarantine import MAX_LISTED
from vector_assets.sources.items import Gap, Quarantined

INDEX = "index"
"""Key of the problem that the index does not answer."""

INDEX_KIND = "index-kind"
"""Key of the problem that the index does not match the settings and cannot be written."""

INDEX_OUTAGE_SECONDS = 300.0
"""A shorter outage of the index sends no alert."""


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How fresh one source is in the index.

    Attributes:
        watermark: Newest activity in the index, UTC; None when the index has no documents of it.
        newest_at_source: Newest activity at the vendor, UTC; None when not known.
        lag_seconds: How far the index is behind the source; None when not known.
        newest_day: Newest materialized day; where Dagster was not read, the newest complete day
            with activity in the index. None when there is none.
        missing_days: Days of the last `CATCH_UP_DAYS` that are due and not materialized.
        documents: Number of documents of the newest day; None when not known.
        usual_documents: Usual number for such a day; None when too little is known.
        failed_documents: Number in quarantine; taken from the recent days' records when the index
            cannot be read.
        quarantine: The first `MAX_LISTED` of them, with causes; they do not affect the verdict.
        gaps: What the newest run did not read, and why; they do not affect the verdict.
        last_sync: When a day was last materialized, UTC; None when not known.
        loading: How far runs that load days of it are; None when there are none that progress.
        changes: What came by events between nights, and what waits of it.
        error: What the source or the index answered instead, as `reasons` quote it: it may name
            what few may read, so it is for operators.
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
    loading: Loading | None = None
    changes: Changes = field(default_factory=Changes)
    error: str = ""

    @property
    def reasons_for_readers(self) -> tuple[str, ...]:
        """The reasons without the words of an error."""
        quoted = f": {self.error}"
        return tuple(
            reason.removesuffix(quoted) if self.error else reason for reason in self.reasons
        )


@dataclass(frozen=True, slots=True)
class Health:
    """The health of all sources, the index and Dagster.

    Attributes:
        problems: Problems other than freshness, such as a dead daemon or a schedule that is off.
        notes: General remarks that are no problems, such as that no source is enabled.
        canary_found_at: When search last found the canary, UTC; None when it never did, or the
            index cannot be read.
        quality: Of the answers, by the newest examination; None before the first.
        heartbeats: By daemon, the last heartbeat, UTC; None when Dagster was not read.
    """

    checked_at: datetime
    sources: tuple[SourceHealth, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = field(default=())
    heartbeats: Mapping[str, datetime | None] | None = None
    canary_found_at: datetime | None = None
    quality: Quality | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of the sources, unknown without any; at best late while there is a problem."""
        verdicts = {source.verdict for source in self.sources} or {Verdict.UNKNOWN}
        if self.problems:
            verdicts.add(Verdict.LATE)
        return worst(verdicts)

    def as_json(self) -> dict[str, Any]:
        """Return the health with times as ISO text, for `--json`."""
        quality = self.quality.as_json() if self.quality else None
        plain = asdict(replace(self, quality=None))
        return {"verdict": self.verdict, **_json_ready(plain), "quality": quality}


def measure(
    settings: Settings,
    probes: Probes,
    state: DagsterState | None,
    *,
    now: datetime | None = None,
) -> Health:
    """Measure all enabled sources, the index and Dagster."""
    at = now or datetime.now(UTC)
    problems = package_problems() + (problems_of(state, settings, at) if state else ())
    heartbeats = state.heartbeats if state else None
    names, hosts = settings.enabled_sources, probes.hosts()
    if not names and not hosts:
        note = "no source is on: set the credentials of one; `vector-assets doctor` names them"
        return Health(at, (), problems, (note,), heartbeats)
    histories = state.assets if state else {}
    with ThreadPoolExecutor(len(names) + len(hosts)) as pool:
        probed = tuple(pool.map(probes.probe, names))
        hosts_probed = tuple(pool.map(probes.probe_host, hosts))
    problems += _index_problem((*probed, *hosts_probed))
    pending = probes.pending_reindex()
    notes = (f"{str(pending)[0].upper()}{str(pending)[1:]}.",) if pending else ()
    if pending and pending.is_blocking:
        problems += (_spec_problem(pending),)
    canary_found_at, canary_problem = canary_found(probes, state, at)
    quality = probes.quality()
    problems += (*canary_problem, *quality_problems(quality, state, at))
    sources = tuple(_judged(probe, histories.get(probe.source), settings, at) for probe in probed)
    sources += tuple(host_health(probe, hosts[probe.source], at) for probe in hosts_probed)
    return Health(at, sources, problems, notes, heartbeats, canary_found_at, quality)


def _spec_problem(pending: PendingReindex) -> Problem:
    """Return the problem that the index does not match the settings and cannot be written."""
    return Problem(
        INDEX_KIND,
        "The index does not match the settings or this version: nothing is written to it",
        pending.difference
        + (f"; a reindex was started {pending.building}" if pending.building else ""),
        f"{ADVICE}. Search still works on what it holds.",
    )


def _index_problem(probed: Sequence[SourceProbe]) -> tuple[Problem, ...]:
    """Return one problem when the index could not be read for any source."""
    errors = [probe.index_error for probe in probed if probe.index_error]
    if len(errors) < len(probed):
        return ()
    problem = Problem(
        INDEX,
        "The index does not answer: nothing can be searched or written",
        errors[0],
        "`vector-assets doctor` tests it again; the days of failed runs are requested again later.",
        tell_after_seconds=INDEX_OUTAGE_SECONDS,
    )
    return (problem,)


def _judged(
    probe: SourceProbe, history: AssetHistory | None, settings: Settings, now: datetime
) -> SourceHealth:
    """Judge one source; what cannot be judged is unknown, and the others are still judged."""
    try:
        return source_health(probe, history, settings, now)
    except Exception as error:  # noqa: BLE001 - what answers may be odd in any way
        odd = SourceProbe(probe.source, source_error=cause_of(error))
        return source_health(odd, None, settings, now)


def source_health(
    probe: SourceProbe, history: AssetHistory | None, settings: Settings, now: datetime
) -> SourceHealth:
    """Judge one source."""
    newest_day = _newest_day(history, probe, now)
    history = history or AssetHistory()
    missing = missing_days(history, settings, now)
    loading = loading_of(history, now)
    verdict, reasons = judge(
        [
            judge_lag(probe, loading, now),
            judge_missing_days(missing, settings, now),
            judge_volume(history),
            judge_changes(probe.changes, loading, now),
        ],
        loading,
    )
    newest = history.recent[-1] if history.recent else None
    lag_seconds = None
    if probe.watermark and probe.newest_at_source:
        lag_seconds = max(0.0, (probe.newest_at_source - probe.watermark).total_seconds())
    return SourceHealth(
        source=probe.source,
        verdict=verdict,
        reasons=reasons or ("the index is up to date with the source",),
        watermark=probe.watermark,
        newest_at_source=probe.newest_at_source,
        lag_seconds=lag_seconds,
        vectors=probe.vectors,
        newest_day=newest_day,
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
        loading=loading,
        changes=probe.changes,
        error=probe.index_error or probe.source_error,
    )


def _newest_day(history: AssetHistory | None, probe: SourceProbe, now: datetime) -> date | None:
    if history is not None:
        return max(history.days, default=None)
    if probe.watermark is None:
        return None
    # Today is not over, so it is not done, whatever the index holds of it.
    return min(probe.watermark.astimezone(UTC).date(), now.date() - timedelta(days=1))


def host_health(probe: SourceProbe, host: HostNamespace, now: datetime) -> SourceHealth:
    """Judge a namespace that another project fills: by its last run, as no vendor is known."""
    verdict, reason = judge_host(probe, host, now)
    return SourceHealth(
        source=host.name,
        verdict=verdict,
        reasons=(reason,),
        watermark=probe.watermark,
        newest_at_source=None,
        lag_seconds=None,
        vectors=probe.vectors,
        newest_day=None,
        missing_days=(),
        failed_documents=len(probe.quarantine or ()),
        quarantine=(probe.quarantine or ())[:MAX_LISTED],
        last_sync=host.last_run_at,
        error=probe.index_error,
    )


def _json_ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json_ready(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(inner) for inner in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else value
