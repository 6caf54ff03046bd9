"""Who tells of what: sensors of the sources, the watcher of Dagster, and of all when that is dead.

Two processes watch, and people shall hear of one thing once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from vector_assets.core.settings import Settings
from vector_assets.maintenance.canary import CANARY
from vector_assets.monitoring.alerts.incidents import Incident
from vector_assets.monitoring.dagster_state.names import PRUNE_CHECK, documents_asset, prune_asset
from vector_assets.monitoring.dagster_state.state import Observation
from vector_assets.monitoring.health import INDEX, Health, SourceHealth, Verdict
from vector_assets.monitoring.liveness import DAEMON
from vector_assets.monitoring.problems import Problem

RUN_PREFIX = "run:"
SOURCE_PREFIX = "source:"
FRESHNESS_SENSOR = "freshness_alert_sensor"


def run_problem(source: str, *, days: str, cause: str, link: str) -> Problem:
    """Return the problem that a run of a source has failed, and no retry will follow.

    Args:
        source: Which.
        days: That it was to bring, in words.
        cause: In words.
        link: To the run.
    """
    return Problem(
        f"{RUN_PREFIX}{source}",
        f"{source}: the run for {days} failed",
        cause,
        "What was written stays. The next night asks for the same days again; to do it now, "
        "materialize them in the UI.",
        link=link,
    )


def canary_problem(cause: str, *, link: str) -> Problem:
    """Return the problem that tonight's canary was not written and found.

    Args:
        cause: In words.
        link: To the run.
    """
    return Problem(
        f"{RUN_PREFIX}{CANARY}",
        "The canary was not found: what is written may not be found by search",
        cause,
        "`vector-assets doctor --canary` tries it again; the next night does by itself.",
        link=link,
    )


def for_sensors(
    health: Health,
    observation: Observation,
    incidents: Mapping[str, Incident],
    settings: Settings,
) -> list[Problem]:
    """Return what the sensors tell of: sources that are behind, runs, and failed checks.

    A failed run is told of by itself when it fails; as long as it is not made good, the freshness
    that it costs is no other news.

    Args:
        health: As it is now.
        observation: From which it was judged.
        incidents: That the sensors have open.
        settings: Say where the UI is.
    """
    runs = [
        incident.problem
        for key, incident in incidents.items()
        if key.startswith(RUN_PREFIX) and not _is_made_good(incident, observation, health)
    ]
    told = {problem.key.removeprefix(RUN_PREFIX) for problem in runs}
    known = {key.removeprefix(SOURCE_PREFIX) for key, one in incidents.items() if one.told_at}
    behind = [
        _source_problem(source, observation, settings)
        for source in _behind(health)
        if source.source not in told - known
    ]
    return [*runs, *behind, *_check_problems(observation, settings)]


def for_watcher(
    health: Health,
    observation: Observation,
    settings: Settings,
    *,
    watched_for: timedelta,
) -> list[Problem]:
    """Return what the watcher tells of: Dagster; and the sources, when no sensor can.

    Args:
        health: As it is now.
        observation: From which it was judged.
        settings: Say how long a daemon may need to come up.
        watched_for: How long the watcher has been there: all processes may have just been started.
    """
    is_starting = watched_for < timedelta(seconds=settings.heartbeat_max_age_seconds)
    problems = [] if is_starting else list(health.problems)
    sensor = (observation.instigators or {}).get(FRESHNESS_SENSOR)
    is_daemon_dead = any(problem.key == DAEMON for problem in health.problems)
    if (is_daemon_dead and not is_starting) or (sensor is not None and not sensor.is_running):
        # That a source is late follows from what was told already; that it is stale is news.
        problems += [
            _source_problem(source, observation, settings)
            for source in _behind(health)
            if source.verdict is Verdict.STALE or not is_daemon_dead
        ]
    return problems


def is_told_already(source: str, cause: str, incidents: Mapping[str, Incident]) -> bool:
    """Return whether people know of a source's run that failed, because they know of its cause.

    A token that is revoked by day is told of by day; the night that fails of it is no other news.

    Args:
        source: Whose run failed.
        cause: Of the failure, in words.
        incidents: That the sensors have open.
    """
    known = incidents.get(f"{SOURCE_PREFIX}{source}")
    return known is not None and bool(known.told_at) and cause in known.problem.detail


def _behind(health: Health) -> list[SourceHealth]:
    """Return the sources to tell of; when the whole index is away, that is told once."""
    is_index_away = any(problem.key == INDEX for problem in health.problems)
    return [
        source
        for source in health.sources
        if source.missing_days
        or source.verdict in {Verdict.LATE, Verdict.STALE}
        or (source.verdict is Verdict.UNKNOWN and not is_index_away)
    ]


def _source_problem(source: SourceHealth, observation: Observation, settings: Settings) -> Problem:
    is_unknown = source.verdict is Verdict.UNKNOWN
    consequence = "may get old answers" if is_unknown else "get old answers"
    return Problem(
        f"{SOURCE_PREFIX}{source.source}",
        f"{source.source} is {source.verdict}: those who search {consequence}",
        "; ".join(source.reasons),
        f"Open the asset and look at its newest run; `vector-assets doctor` says whether "
        f"{source.source} can be reached.",
        since=source.watermark,
        link=_asset_link(source.source, settings),
        tell_after_seconds=settings.watch_seconds * _patience_turns(source, observation),
    )


def _patience_turns(source: SourceHealth, observation: Observation) -> int:
    """Return for how many looks of the watcher a source may be behind before it is told.

    A run that fails tells the cause sooner; a vendor may be away for a while; and a source of which
    no day was ever finished may be having its first night, which has not brought a whole day yet.
    """
    history = observation.assets.get(source.source)
    is_first_night = not source.watermark or (history is not None and not history.days)
    return 60 if is_first_night or source.verdict is Verdict.UNKNOWN else 10


def _check_problems(observation: Observation, settings: Settings) -> Sequence[Problem]:
    return [
        _check_problem(source, check, words, settings)
        for source, history in observation.assets.items()
        if source in settings.enabled_sources
        for check, words in history.failed_checks.items()
    ]


def _check_problem(source: str, check: str, words: str, settings: Settings) -> Problem:
    if check == PRUNE_CHECK:
        return Problem(
            f"prune:{source}",
            f"{source}: what may be gone there was left in the index",
            words,
            "Nothing of it was deleted; answers may name what no longer exists. Open the run: its "
            "table says what was seen and what to do.",
            link=f"{settings.dagster_url}/assets/{prune_asset(source)}",
        )
    return Problem(
        f"check:{source}:{check}",
        f"{source}: the asset check {check} fails",
        words,
        "Open the asset's checks: the table names each document and its cause.",
        link=_asset_link(source, settings),
    )


def _is_made_good(incident: Incident, observation: Observation, health: Health) -> bool:
    """Return whether a source has been materialized since its run failed, and lacks no day."""
    source = incident.problem.key.removeprefix(RUN_PREFIX)
    if source == CANARY:
        return health.canary_found_at is not None and health.canary_found_at > incident.seen_at
    found = next((one for one in health.sources if one.source == source), None)
    history = observation.assets.get(source)
    if found is None or history is None or found.missing_days:
        return False
    newest: datetime | None = max((one.recorded_at for one in history.recent), default=None)
    return newest is not None and newest > incident.seen_at


def _asset_link(source: str, settings: Settings) -> str:
    return f"{settings.dagster_url}/assets/{documents_asset(source)}"
