"""Decides which process reports which problem, so that each is alerted once.

The sensors report sources and answers; the watcher reports Dagster, and while the daemon is dead
or evaluates no sensors, sources and answers too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from vector_assets.core.settings import Settings
from vector_assets.maintenance.canary import CANARY
from vector_assets.maintenance.quality.record import QUALITY
from vector_assets.monitoring.alerts.incidents import Incident
from vector_assets.monitoring.dagster_state.names import (
    PRUNE_CHECK,
    QUALITY_ASSET,
    documents_asset,
    prune_asset,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.state import DagsterState
from vector_assets.monitoring.health import INDEX, Health, SourceHealth
from vector_assets.monitoring.liveness import DAEMON, SENSORS_IDLE
from vector_assets.monitoring.problems import Problem
from vector_assets.monitoring.verdict import Verdict
from vector_assets.sources import SOURCES

RUN_PREFIX = "run:"
SOURCE_PREFIX = "source:"
FRESHNESS_SENSOR = "freshness_alert_sensor"


def run_problem(source: str, *, days: str, cause: str, link: str) -> Problem:
    """Return the problem that a source's run has failed and will not be retried."""
    return Problem(
        f"{RUN_PREFIX}{source}",
        f"{source}: the run for {days} failed",
        cause,
        "What was written stays. The next nightly run includes the same days; to repeat them now, "
        "materialize them in the UI.",
        link=link,
    )


def canary_problem(cause: str, *, link: str) -> Problem:
    """Return the problem that the newest canary was not written and found."""
    return Problem(
        f"{RUN_PREFIX}{CANARY}",
        "The canary was not found: what is written may not be found by search",
        cause,
        "`vector-assets doctor --canary` tries it again; so does the next nightly run.",
        link=link,
    )


def quality_problem(cause: str, *, link: str) -> Problem:
    """Return the problem that the answers could not be examined."""
    return Problem(
        f"{RUN_PREFIX}{QUALITY}",
        "The answers could not be examined",
        cause,
        "`vector-assets quality` tries it again; so does the next night.",
        link=link,
    )


def for_sensors(
    health: Health,
    state: DagsterState,
    incidents: Mapping[str, Incident],
    settings: Settings,
    naming: Naming = APPLICATION,
) -> list[Problem]:
    """Return the problems that the sensors report: late sources, failed runs and checks, answers.

    While the incident of a failed run is open, the lateness that it causes is not reported too;
    nor is a source while it is being loaded.
    """
    runs = [
        incident.problem
        for key, incident in incidents.items()
        if key.startswith(RUN_PREFIX) and not _has_recovered(incident, state, health)
    ]
    failed = {problem.key.removeprefix(RUN_PREFIX) for problem in runs}
    alerted = {
        key.removeprefix(SOURCE_PREFIX)
        for key, incident in incidents.items()
        if incident.notified_at
    }
    behind = [
        _source_problem(source, state, settings, naming)
        for source in _behind(health)
        if source.source in alerted or not (source.source in failed or source.loading)
    ]
    quality = [
        replace(problem, link=_asset_link(QUALITY_ASSET, settings, naming))
        for problem in _of_quality(health)
    ]
    return [*runs, *behind, *_check_problems(state, settings, naming), *quality]


def for_watcher(
    health: Health,
    state: DagsterState,
    settings: Settings,
    *,
    watched_for: timedelta,
) -> list[Problem]:
    """Return the problems that the watcher reports: Dagster's, and the sensors' if they cannot."""
    is_starting = watched_for < timedelta(seconds=settings.heartbeat_max_age_seconds)
    of_quality = _of_quality(health)
    problems = [
        problem for problem in health.problems if not is_starting and problem not in of_quality
    ]
    sensor = (state.instigators or {}).get(FRESHNESS_SENSOR)
    silent = [problem for problem in health.problems if problem.key in {DAEMON, SENSORS_IDLE}]
    is_switched_off = sensor is not None and not sensor.is_running
    if (silent and not is_starting) or is_switched_off:
        # A late source follows from what stops the sensors, which is told; a stale one does not.
        problems += [
            _source_problem(source, state, settings)
            for source in _behind(health)
            if source.verdict is Verdict.STALE or not silent
        ]
        # A daemon that has just been started is about to evaluate the sensors, which tell it.
        wait_seconds = max((problem.tell_after_seconds for problem in silent), default=0.0)
        problems += [replace(problem, tell_after_seconds=wait_seconds) for problem in of_quality]
    return problems


def _of_quality(health: Health) -> list[Problem]:
    return [problem for problem in health.problems if problem.key == QUALITY]


def is_already_alerted(source: str, cause: str, incidents: Mapping[str, Incident]) -> bool:
    """Return whether an alert about a source has already named the cause of a failed run."""
    incident = incidents.get(f"{SOURCE_PREFIX}{source}")
    return incident is not None and bool(incident.notified_at) and cause in incident.problem.detail


def _behind(health: Health) -> list[SourceHealth]:
    """Return the sources to report; an index that does not answer is reported once, by itself."""
    is_index_down = any(problem.key == INDEX for problem in health.problems)
    return [
        source
        for source in health.sources
        if source.missing_days
        or source.verdict in {Verdict.LATE, Verdict.STALE}
        or (source.verdict is Verdict.UNKNOWN and not is_index_down)
    ]


def _source_problem(
    source: SourceHealth, state: DagsterState, settings: Settings, naming: Naming = APPLICATION
) -> Problem:
    is_unknown = source.verdict is Verdict.UNKNOWN
    consequence = "may be out of date" if is_unknown else "are out of date"
    return Problem(
        f"{SOURCE_PREFIX}{source.source}",
        f"{source.source} is {source.verdict}: search results from it {consequence}",
        "; ".join(source.reasons),
        advice_on(source.source),
        since=source.watermark,
        link=(
            _asset_link(documents_asset(source.source), settings, naming)
            if source.source in SOURCES
            else ""
        ),
        tell_after_seconds=settings.watch_seconds * _checks_before_alert(source, state),
    )


def advice_on(name: str) -> str:
    """Return the next step for a source or namespace that is not fresh."""
    if name not in SOURCES:
        return "Open the named asset in its own Dagster project and look at its newest run."
    return (
        f"Open the asset and look at its newest run; `vector-assets doctor` says whether "
        f"{name} can be reached."
    )


def _checks_before_alert(source: SourceHealth, state: DagsterState) -> int:
    """Return how many checks long a source may be behind before an alert is sent.

    A failed run is reported sooner, with its cause. A vendor may be down for a while, and a first
    load may run long before it completes a day.
    """
    history = state.assets.get(source.source)
    is_first_load = not source.watermark or (history is not None and not history.days)
    return 60 if is_first_load or source.verdict is Verdict.UNKNOWN else 10


def _check_problems(state: DagsterState, settings: Settings, naming: Naming) -> Sequence[Problem]:
    return [
        _check_problem(source, check, description, settings, naming)
        for source, history in state.assets.items()
        if source in settings.enabled_sources
        for check, description in history.failed_checks.items()
    ]


def _check_problem(
    source: str, check: str, description: str, settings: Settings, naming: Naming
) -> Problem:
    if check == PRUNE_CHECK:
        return Problem(
            f"prune:{source}",
            f"{source}: the prune did not delete documents that may be gone",
            description,
            "Search may return documents that no longer exist. Open the run: its table says what "
            "was refused, why, and what to do.",
            link=_asset_link(prune_asset(source), settings, naming),
        )
    return Problem(
        f"check:{source}:{check}",
        f"{source}: the asset check {check} fails",
        description,
        "Open the asset's checks: the table lists each document and its cause.",
        link=_asset_link(documents_asset(source), settings, naming),
    )


def _has_recovered(incident: Incident, state: DagsterState, health: Health) -> bool:
    """Return whether a source was materialized since its run failed, and has no missing days.

    Nothing is expected any more of a source that was switched off.
    """
    source = incident.problem.key.removeprefix(RUN_PREFIX)
    if source == CANARY:
        return health.canary_found_at is not None and health.canary_found_at > incident.seen_at
    if source == QUALITY:
        return health.quality is not None and health.quality.examined_at > incident.seen_at
    source_health = next((known for known in health.sources if known.source == source), None)
    history = state.assets.get(source)
    if source_health is None:
        return True
    if history is None or source_health.missing_days:
        return False
    newest: datetime | None = max((record.recorded_at for record in history.recent), default=None)
    return newest is not None and newest > incident.seen_at


def _asset_link(asset: str, settings: Settings, naming: Naming) -> str:
    return f"{settings.dagster_url}/assets/{'/'.join(naming.path(asset))}"
