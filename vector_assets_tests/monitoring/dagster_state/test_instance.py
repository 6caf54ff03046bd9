"""Dagster's state as it is read from the records of a real instance."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.instance import observe_records
from vector_assets.monitoring.dagster_state.names import SENSORS
from vector_assets.monitoring.dagster_state.private import (
    InstigatorState,
    InstigatorStatus,
    TickStatus,
)
from vector_assets.monitoring.liveness import problems_of
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.dagster_private import (
    DaemonHeartbeat,
    InProcessCodeLocationOrigin,
    InstigatorType,
    LoadableTargetOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
    SensorInstigatorData,
    SerializableErrorInfo,
    TickData,
)

ALERTS = "freshness_alert_sensor"
AWAY = (
    "dagster._core.errors.DagsterUserCodeUnreachableError: Unable to reach the user code server "
    "for sensor freshness_alert_sensor. Sensor will resume execution once the server is available."
)
SLOW = (
    "The sensor tick timed out due to taking longer than 60 seconds to execute the sensor function"
)
TOO_LONG = (
    f"dagster._core.errors.DagsterUserCodeUnreachableError: {SLOW}. One way to avoid this error "
    "is to break up the sensor work into chunks.\n"
)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance whose daemon is alive."""
    with dagster_instance() as opened:
        now = datetime.now(UTC).timestamp()
        for daemon in opened.get_required_daemon_types():
            opened.add_daemon_heartbeat(DaemonHeartbeat(now, daemon, None, []))
        yield opened


def switched_on(
    instance: dg.DagsterInstance, name: str, location: str = "vector_assets"
) -> InstigatorState:
    """Record that a sensor runs, as the daemon does when it first sees it."""
    repository = RemoteRepositoryOrigin(
        InProcessCodeLocationOrigin(LoadableTargetOrigin(), location_name=location), "repository"
    )
    return instance.add_instigator_state(
        InstigatorState(
            RemoteInstigatorOrigin(repository, name),
            InstigatorType.SENSOR,
            InstigatorStatus.DECLARED_IN_CODE,
            SensorInstigatorData(),
        )
    )


def evaluated(
    instance: dg.DagsterInstance,
    sensor: InstigatorState,
    status: TickStatus,
    at: datetime,
    *messages: str,
) -> None:
    """Record an evaluation; the messages are of its error and of the error's causes."""
    error = None
    for message in reversed(messages):
        error = SerializableErrorInfo(message, [], None, error)
    instance.create_tick(
        TickData(
            sensor.instigator_origin_id,
            sensor.name,
            InstigatorType.SENSOR,
            status,
            at.timestamp(),
            error=error,
            selector_id=sensor.selector_id,
        )
    )


def problem_keys(instance: dg.DagsterInstance, now: datetime) -> list[str]:
    state = observe_records(instance, (), ())
    return [problem.key for problem in problems_of(state, Settings(), now)]


def test_a_daemon_that_beats_and_evaluates_nothing_is_a_problem(
    instance: dg.DagsterInstance,
) -> None:
    now = datetime.now(UTC)
    sensors = [switched_on(instance, name) for name in SENSORS]
    assert problem_keys(instance, now) == ["sensors"]
    for sensor in sensors:
        evaluated(instance, sensor, TickStatus.SKIPPED, now - timedelta(minutes=1))
    assert problem_keys(instance, now) == []


def test_an_evaluation_without_a_result_does_not_end_the_error_of_the_last(
    instance: dg.DagsterInstance,
) -> None:
    now = datetime.now(UTC)
    sensor = switched_on(instance, ALERTS)
    evaluated(instance, sensor, TickStatus.FAILURE, now - timedelta(minutes=2), "KeyError: 'x'\n")
    assert problem_keys(instance, now) == [f"tick:{ALERTS}"]
    evaluated(instance, sensor, TickStatus.STARTED, now)
    assert problem_keys(instance, now) == [f"tick:{ALERTS}"]
    evaluated(instance, sensor, TickStatus.SKIPPED, now)
    assert problem_keys(instance, now) == []


@pytest.mark.parametrize(
    ("messages", "key", "detail"),
    [
        ((AWAY, "StatusCode.UNAVAILABLE\n"), "code-location", AWAY),
        (
            (AWAY, TOO_LONG),
            f"tick:{ALERTS}",
            SLOW,
        ),
    ],
    ids=["the code server is away", "the evaluation takes too long"],
)
def test_a_sensor_that_takes_too_long_is_no_code_that_does_not_load(
    instance: dg.DagsterInstance, messages: tuple[str, ...], key: str, detail: str
) -> None:
    now = datetime.now(UTC)
    evaluated(instance, switched_on(instance, ALERTS), TickStatus.FAILURE, now, *messages)
    [problem] = problems_of(observe_records(instance, (), ()), Settings(), now)
    assert (problem.key, problem.detail) == (key, detail)


def test_a_sensor_of_a_location_that_was_renamed_is_not_taken_for_ours(
    instance: dg.DagsterInstance,
) -> None:
    now = datetime.now(UTC)
    for location, days in {"before": 30, "vector_assets": 0, "abandoned": 60}.items():
        sensor = switched_on(instance, ALERTS, location)
        evaluated(instance, sensor, TickStatus.SKIPPED, now - timedelta(days=days))
    instigators = observe_records(instance, (), ()).instigators
    assert instigators is not None
    assert instigators[ALERTS].last_tick_at == now
