"""Finds what does not run: database, webserver, daemons, schedules, sensors, code location.

Daemons are judged by their heartbeats: Dagster itself reports a dead daemon as healthy for 30
minutes (measured, 1.13.27).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from vector_assets.core.days import complete_days
from vector_assets.core.plugins import broken_plugins
from vector_assets.core.settings import Settings
from vector_assets.monitoring.cron import last_tick
from vector_assets.monitoring.dagster_state.names import (
    CHANGES_SENSOR,
    CODE_SERVER_AWAY,
    POLLING_SENSOR,
    SCHEDULE,
    SCHEDULES,
    SENSORS,
    documents_asset,
)
from vector_assets.monitoring.dagster_state.state import DagsterState, Instigator
from vector_assets.monitoring.problems import Problem

MAX_TICK_DELAY = timedelta(minutes=10)
"""How late a tick may be when the daemon has just been started."""

DAEMON = "daemon"
DAEMON_CLOCK = "daemon-clock"
CODE_LOCATION = "code-location"
SENSORS_IDLE = "sensors"


def problems_of(state: DagsterState, settings: Settings, now: datetime) -> tuple[Problem, ...]:
    """Return what does not run or is switched off, the most serious first."""
    return tuple(_problems(state, settings, now))


def package_problems() -> tuple[Problem, ...]:
    """Return a problem for each source of an installed package that cannot be used."""
    return tuple(
        Problem(
            f"package:{plugin.package}:{plugin.name}",
            f"{plugin.name} is not synced: its package {plugin.package} cannot be used",
            plugin.error,
            "Restart Dagster and the services after the package is mended.",
        )
        for plugin in broken_plugins()
    )


def _problems(state: DagsterState, settings: Settings, now: datetime) -> Iterator[Problem]:
    if state.database_error:
        # The webserver cannot answer without its database, so its error is not reported too.
        yield Problem(
            "database",
            "Dagster's database does not answer: nothing can run or be recorded",
            state.database_error,
            "Start Postgres, or check the disk of DAGSTER_HOME; missed days are then caught up "
            "automatically.",
        )
    elif state.webserver_error:
        yield Problem(
            "webserver",
            "Dagster's webserver does not answer",
            state.webserver_error,
            "Start `vector-assets webserver`, or set DAGSTER_GRAPHQL_URL to where it listens.",
            # A single failed check may be a restart or a dropped database connection.
            tell_after_seconds=settings.watch_seconds,
        )
    of_daemon = () if state.heartbeats is None else tuple(_daemon(state, settings, now))
    yield from of_daemon
    if state.location_error:
        yield _location(state.location_error, settings)
    elif unreachable := _code_server_error(state):
        yield _location(unreachable, settings)
    if state.instigators is not None:
        yield from _instigators(state, settings, now)
        if state.heartbeats is not None and not of_daemon:
            yield from _idle_sensors(state.instigators, settings, now)
    yield from _lost_sources(state, settings, now)


def _location(error: str, settings: Settings) -> Problem:
    return Problem(
        CODE_LOCATION,
        "The code location does not load: nothing can run",
        error,
        "If a code server hosts it, check that it runs. Otherwise run `dagster definitions "
        "validate`, fix the error that it reports, and reload the location.",
        link=f"{settings.dagster_url}/locations",
    )


def _code_server_error(state: DagsterState) -> str:
    """Return the tick error of a code server that does not answer; ticks fail on it first."""
    errors = [instigator.last_tick_error for instigator in (state.instigators or {}).values()]
    return next((error for error in errors if CODE_SERVER_AWAY in error), "")


def _daemon(state: DagsterState, settings: Settings, now: datetime) -> Iterator[Problem]:
    beats = state.heartbeats or {}
    max_age = timedelta(seconds=settings.heartbeat_max_age_seconds)
    dead = {name: beat for name, beat in beats.items() if beat is None or now - beat > max_age}
    ahead = {name: beat for name, beat in beats.items() if beat and beat - now > max_age}
    if ahead:
        yield _ahead(ahead, now)
    if beats and not dead:
        return
    seen = [beat for beat in dead.values() if beat is not None]
    since = min(seen, default=None)
    names = ", ".join(sorted(dead)) if dead else "no daemon has ever run here"
    last_seen = f"; last heartbeat {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    yield Problem(
        DAEMON,
        "Dagster's daemon is dead: no schedule, sensor or backfill will run",
        f"no heartbeat for more than {max_age.total_seconds():.0f} s: {names}{last_seen}",
        "Start `dagster-daemon run` (or `vector-assets up`); missed days are then caught up "
        "automatically.",
        since=since,
        link=f"{settings.dagster_url}/health",
    )


def _ahead(beats: Mapping[str, datetime], now: datetime) -> Problem:
    """Return the problem that heartbeats of the future cannot tell whether a daemon runs."""
    newest = max(beats.values())
    return Problem(
        DAEMON_CLOCK,
        "Nobody knows whether Dagster's daemon runs: its heartbeats are dated in the future",
        f"{', '.join(sorted(beats))}: last heartbeat {newest:%Y-%m-%d %H:%M:%S} UTC, and here it "
        f"is {now:%Y-%m-%d %H:%M:%S} UTC",
        "Set the clocks of the daemon's host and of this one, then restart the daemon.",
    )


def _lost_sources(state: DagsterState, settings: Settings, now: datetime) -> Iterator[Problem]:
    """Yield the sources that were synced recently and have no credentials any more.

    A deployment that drops a variable disables a source without an error. To disable it on
    purpose, list the enabled sources in VECTOR_ASSETS_SOURCES.
    """
    if settings.vector_assets_sources:
        return
    recent_days = set(complete_days(now, settings.catch_up_days))
    for source, history in state.assets.items():
        missing = settings.missing_credentials(source)
        if missing and recent_days & history.days:
            yield Problem(
                f"credentials:{source}",
                f"{source} is no longer synced: its credentials are not set",
                f"{', '.join(missing)} not set, though {max(history.days)} was materialized",
                "Set them again where Dagster runs. If the source is meant to be off, list the "
                "others in VECTOR_ASSETS_SOURCES.",
                link=f"{settings.dagster_url}/assets/{documents_asset(source)}",
            )


def _idle_sensors(
    instigators: Mapping[str, Instigator], settings: Settings, now: datetime
) -> Iterator[Problem]:
    """Yield a problem if a daemon that is alive does not evaluate the sensors.

    Its heartbeats go on, and no tick fails, when it cannot load the code that the webserver has
    loaded (measured, 1.13.27), and after its clock was set back (its code, 1.13.27).
    """
    # No sensor waits for longer than two checks between evaluations.
    longest = MAX_TICK_DELAY + timedelta(seconds=2 * settings.watch_seconds)
    idle = {
        name: instigators[name].last_tick_at
        for name in SENSORS
        if name in instigators
        and instigators[name].is_running
        and not _is_near(instigators[name].last_tick_at, now, longest)
    }
    if not idle:
        return
    newest = max((at for at in idle.values() if at is not None), default=None)
    yield Problem(
        SENSORS_IDLE,
        "Dagster's daemon is alive and does not evaluate the sensors: missed days are not "
        "requested, and nothing is told of sources",
        f"{', '.join(idle)}: " + (f"last at {newest:%Y-%m-%d %H:%M} UTC" if newest else "never"),
        "Read the daemon's log: it may not load the code, though the webserver does. Then restart "
        "it; missed days are caught up automatically.",
        link=f"{settings.dagster_url}/health",
        tell_after_seconds=MAX_TICK_DELAY.total_seconds(),
    )


def _is_near(instant: datetime | None, now: datetime, span: timedelta) -> bool:
    return instant is not None and abs(now - instant) <= span


def _instigators(state: DagsterState, settings: Settings, now: datetime) -> Iterator[Problem]:
    instigators = state.instigators or {}
    sensors = list(SENSORS)
    if settings.pushed_sources or settings.polled_sources:
        sensors.append(CHANGES_SENSOR)
    if settings.polled_sources:
        sensors.append(POLLING_SENSOR)
    for name in (*SCHEDULES, *sensors):
        instigator = instigators.get(name)
        kind = "sensors" if name in sensors else "schedules"
        link = f"{settings.dagster_url}/locations/vector_assets/{kind}/{name}"
        if instigator is None:
            continue
        if not instigator.is_running:
            yield Problem(
                f"off:{name}",
                f"{name} is switched off",
                "somebody stopped it in the UI, and nothing else does its work",
                f"Switch it on under Automation, or run `dagster {kind[:-1]} start {name}`.",
                link=link,
            )
        elif (error := instigator.last_tick_error) and CODE_SERVER_AWAY not in error:
            yield Problem(
                f"tick:{name}",
                f"{name} fails when it is evaluated",
                error,
                "Open its last tick in the UI; Dagster evaluates it again automatically.",
                since=instigator.last_tick_at,
                link=link,
            )
    schedule = instigators.get(SCHEDULE)
    if schedule is None or not schedule.is_running or schedule.last_tick_at is None:
        return
    due = last_tick(settings.nightly_cron, now - MAX_TICK_DELAY)
    if due is not None and schedule.last_tick_at < due - MAX_TICK_DELAY:
        yield Problem(
            f"missed:{SCHEDULE}",
            f"The nightly run of {due:%Y-%m-%d %H:%M} UTC was not started",
            f"the last tick of {SCHEDULE} was at {schedule.last_tick_at:%Y-%m-%d %H:%M} UTC",
            "Look at the daemon's log. missed_partitions_sensor requests the missing days.",
            since=due,
            link=f"{settings.dagster_url}/locations/vector_assets/schedules/{SCHEDULE}",
        )
