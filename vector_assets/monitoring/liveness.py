"""Is what has to run alive: daemons, schedule, sensors, code location. Judged from heartbeats.

Dagster itself calls a daemon healthy for 30 minutes after its death (measured, 1.13.27).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from vector_assets.core.days import complete_days
from vector_assets.core.settings import Settings
from vector_assets.monitoring.cron import last_tick
from vector_assets.monitoring.dagster_state.names import (
    CODE_SERVER_AWAY,
    PRUNE_SCHEDULE,
    RESCAN_SCHEDULE,
    SCHEDULE,
    SENSORS,
    documents_asset,
)
from vector_assets.monitoring.dagster_state.state import Observation
from vector_assets.monitoring.problems import Problem

TICK_TAKES = timedelta(minutes=10)
"""How long after its time a tick may still come, with a daemon that has just been started."""

DAEMON = "daemon"
CODE_LOCATION = "code-location"


def problems_of(observation: Observation, settings: Settings, now: datetime) -> tuple[Problem, ...]:
    """Return what is not alive or not switched on, the gravest first.

    Args:
        observation: What Dagster says of itself.
        settings: Say how old a heartbeat may be, and when the nights are.
        now: The present.
    """
    return tuple(_problems(observation, settings, now))


def _problems(observation: Observation, settings: Settings, now: datetime) -> Iterator[Problem]:
    if observation.database_error:
        # Whether the webserver lives cannot be seen then: it has nothing to answer with.
        yield Problem(
            "database",
            "Dagster's database does not answer: nothing can run, and nothing is recorded",
            observation.database_error,
            "Start Postgres, or see to the disk of DAGSTER_HOME; missed days are then caught up "
            "with by themselves.",
        )
    elif observation.webserver_error:
        yield Problem(
            "webserver",
            "Dagster's webserver does not answer",
            observation.webserver_error,
            "Start `dagster-webserver`, or set DAGSTER_GRAPHQL_URL to where it listens.",
            # One look that fails is a restart, or a connection that a database has dropped.
            tell_after_seconds=settings.watch_seconds,
        )
    if observation.heartbeats is not None:
        yield from _daemon(observation, settings, now)
    if observation.location_error:
        yield _location(observation.location_error, settings)
    elif unreachable := _code_server_error(observation):
        yield _location(unreachable, settings)
    if observation.instigators is not None:
        yield from _instigators(observation, settings, now)
    yield from _sources_gone(observation, settings, now)


def _location(error: str, settings: Settings) -> Problem:
    return Problem(
        CODE_LOCATION,
        "The code location does not load: nothing can run",
        error,
        "Where a code server has it, see that it runs. Else run `dagster definitions validate`, "
        "mend what it names, and reload the location.",
        link=f"{settings.dagster_url}/locations",
    )


def _code_server_error(observation: Observation) -> str:
    """Return what the daemon says of a code server that is away; it sees that first."""
    errors = [one.last_tick_error for one in (observation.instigators or {}).values()]
    return next((error for error in errors if CODE_SERVER_AWAY in error), "")


def _daemon(observation: Observation, settings: Settings, now: datetime) -> Iterator[Problem]:
    beats = observation.heartbeats or {}
    max_age = timedelta(seconds=settings.heartbeat_max_age_seconds)
    dead = {name: beat for name, beat in beats.items() if beat is None or now - beat > max_age}
    if beats and not dead:
        return
    seen = [beat for beat in dead.values() if beat is not None]
    since = min(seen, default=None)
    words = ", ".join(sorted(dead)) if dead else "no daemon has ever run here"
    heard = f"; last heard of {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    yield Problem(
        DAEMON,
        "Dagster's daemon is dead: no schedule, sensor or backfill will run",
        f"no heartbeat for more than {max_age.total_seconds():.0f} s: {words}{heard}",
        "Start `dagster-daemon run` (or `vector-assets up`); missed days are then caught up with "
        "by themselves.",
        since=since,
        link=f"{settings.dagster_url}/health",
    )


def _sources_gone(observation: Observation, settings: Settings, now: datetime) -> Iterator[Problem]:
    """Yield the sources that were read lately and have lost their credentials.

    A deploy that drops a variable switches a source off without an error anywhere. Who means it
    lists the sources that are on.
    """
    if settings.vector_assets_sources:
        return
    lately = set(complete_days(now, settings.catch_up_days))
    for source, history in observation.assets.items():
        missing = settings.missing_credentials(source)
        if missing and lately & history.days:
            yield Problem(
                f"credentials:{source}",
                f"{source} is not read any more: its credentials are not set",
                f"{', '.join(missing)} not set, and {max(history.days)} was materialized",
                "Set them again where Dagster runs. If the source is meant to be off, list those "
                "that are on in VECTOR_ASSETS_SOURCES.",
                link=f"{settings.dagster_url}/assets/{documents_asset(source)}",
            )


def _instigators(observation: Observation, settings: Settings, now: datetime) -> Iterator[Problem]:
    found = observation.instigators or {}
    for name in (SCHEDULE, RESCAN_SCHEDULE, PRUNE_SCHEDULE, *SENSORS):
        one = found.get(name)
        kind = "sensors" if name in SENSORS else "schedules"
        link = f"{settings.dagster_url}/locations/vector_assets/{kind}/{name}"
        if one is None:
            continue
        if not one.is_running:
            yield Problem(
                f"off:{name}",
                f"{name} is switched off",
                "somebody has stopped it in the UI, and nothing else does its work",
                f"Switch it on under Automation, or run `dagster {kind[:-1]} start {name}`.",
                link=link,
            )
        elif one.last_tick_error and CODE_SERVER_AWAY not in one.last_tick_error:
            yield Problem(
                f"tick:{name}",
                f"{name} fails whenever it is evaluated",
                one.last_tick_error,
                "Open its last tick in the UI; it is evaluated again by itself.",
                since=one.last_tick_at,
                link=link,
            )
    schedule = found.get(SCHEDULE)
    if schedule is None or not schedule.is_running or schedule.last_tick_at is None:
        return
    due = last_tick(settings.nightly_cron, now - TICK_TAKES)
    if due is not None and schedule.last_tick_at < due - TICK_TAKES:
        yield Problem(
            f"missed:{SCHEDULE}",
            f"The night of {due:%Y-%m-%d %H:%M} UTC was not started",
            f"the last tick of {SCHEDULE} was at {schedule.last_tick_at:%Y-%m-%d %H:%M} UTC",
            "Look at the daemon's log. The missing days are asked for by missed_partitions_sensor.",
            since=due,
            link=f"{settings.dagster_url}/locations/vector_assets/schedules/{SCHEDULE}",
        )
