"""What the sensors ask for after an outage, and what they tell of runs and sources."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from vector_assets.core.days import Days
from vector_assets.core.errors import CredentialsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.dagster_state.names import SCHEDULE
from vector_assets.orchestration.catch_up import (
    NOTE_EXPIRES_AFTER,
    SETTLE,
    MissedDays,
    missed_requests,
    note_of,
)
from vector_assets.orchestration.partitions import range_tags
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.sources.items import DocumentFailure
from vector_assets_tests.orchestration.parts import JIRA, Location
from vector_assets_tests.support.receiver import Receiver, running_receiver
from vector_assets_tests.support.tiny import ListSource, document, utc

DUE = utc("2025-03-15T06:00")
NOW = utc("2025-03-15T09:00")
KEYS = [f"2025-03-{n:02}" for n in range(1, 15)]
START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
JIRA_ON = {"jira_server": "https://x.example", "jira_email": "a@x.example", "jira_api_token": "t"}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def record(instance: dg.DagsterInstance, *numbers: int) -> None:
    for n in numbers:
        event = dg.AssetMaterialization(JIRA, partition=f"2025-03-{n:02}")
        instance.report_runless_asset_event(event)


def look(instance: dg.DagsterInstance, now: datetime, note: str = "") -> MissedDays:
    settings = Settings.model_validate(JIRA_ON)
    return missed_requests(instance, settings, KEYS, due=DUE, now=now, note=note)


def settled(instance: dg.DagsterInstance, now: datetime = NOW) -> list[str]:
    """Return the spans that are asked for once days have been seen missing for long enough."""
    first = look(instance, now - SETTLE)
    assert first.requests == []
    found = look(instance, now, note_of(first, now - SETTLE))
    return [f"{one.tags[START][5:]}..{one.tags[END][5:]}" for one in found.requests]


def run_of(
    instance: dg.DagsterInstance, first: int, last: int, status: dg.DagsterRunStatus, *keys: Any
) -> None:
    days = Days(date(2025, 3, first), date(2025, 3, last))
    tags = dict(range_tags(days))
    defs = build_defs(Settings.model_validate(JIRA_ON))
    instance.create_run_for_job(
        defs.resolve_job_def("nightly_ingestion"),
        asset_selection=frozenset(keys or (JIRA,)),
        tags=tags,
        status=status,
    )


def test_three_days_of_outage_are_asked_for_in_one_run(instance: dg.DagsterInstance) -> None:
    record(instance, *range(1, 12))
    assert settled(instance) == ["03-12..03-14"]


def test_nothing_is_asked_for_when_nothing_is_missing(instance: dg.DagsterInstance) -> None:
    record(instance, *range(1, 15))
    found = look(instance, NOW)
    assert (found.requests, found.reason) == ([], "nothing is missing")


def test_gaps_are_asked_for_as_spans(instance: dg.DagsterInstance) -> None:
    record(instance, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 14)
    assert settled(instance) == ["03-04..03-05", "03-13..03-13"]


def test_a_day_is_not_asked_for_while_the_scheduler_may_be_about_to(
    instance: dg.DagsterInstance,
) -> None:
    record(instance, *range(1, 14))
    found = look(instance, NOW)
    assert found.requests == []
    assert "waiting for the scheduler to request 1 days, jira 2025-03-14" in found.reason


def test_a_note_of_before_the_outage_counts_for_nothing(instance: dg.DagsterInstance) -> None:
    before = NOW - NOTE_EXPIRES_AFTER - timedelta(seconds=1)
    note = note_of(MissedDays(missing_since={"jira 2025-03-14": before}), before)
    record(instance, *range(1, 14))
    assert look(instance, NOW, note).requests == []


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_a_run_that_is_queued_or_going_is_never_doubled(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    record(instance, *range(1, 11))
    run_of(instance, 11, 12, status)
    assert settled(instance) == ["03-13..03-14"]


def test_a_day_that_failed_since_the_night_waits_for_the_next_one(
    instance: dg.DagsterInstance,
) -> None:
    record(instance, *range(1, 14))
    # The run is created now, so the night has to be in the past of the wall clock: it is.
    run_of(instance, 14, 14, dg.DagsterRunStatus.FAILURE)
    assert settled(instance) == []


def test_a_run_of_another_source_hides_nothing(instance: dg.DagsterInstance) -> None:
    record(instance, *range(1, 14))
    run_of(instance, 14, 14, dg.DagsterRunStatus.STARTED, dg.AssetKey("slack_documents"))
    assert settled(instance) == ["03-14..03-14"]


def test_nothing_is_asked_for_while_a_person_has_the_schedule_off(
    instance: dg.DagsterInstance,
) -> None:
    repository = RemoteRepositoryOrigin(
        InProcessCodeLocationOrigin(LoadableTargetOrigin(), location_name="here"), "repository"
    )
    instance.add_instigator_state(
        InstigatorState(
            RemoteInstigatorOrigin(repository, SCHEDULE),
            InstigatorType.SCHEDULE,
            InstigatorStatus.STOPPED,
            ScheduleInstigatorData("0 6 * * *", None),
        )
    )
    found = look(instance, NOW)
    assert (found.requests, found.reason) == (
        [],
        f"{SCHEDULE} is switched off, so nothing is requested",
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


def settings_of(receiver: Receiver) -> Settings:
    return Settings.model_validate({**JIRA_ON, "alert_webhook_url": receiver.url})


def fail(
    instance: dg.DagsterInstance,
    folder: Path,
    receiver: Receiver,
    source: Source | Exception,
    **tags: str,
) -> None:
    """Run a day of Jira to its failure, and evaluate the sensor as the daemon would."""
    location = Location(folder, instance)
    given = ListSource([source]) if isinstance(source, Exception) else source
    result = location.run(Days(date(2025, 3, 14), date(2025, 3, 14)), given)
    assert not result.success
    defs = build_defs(settings_of(receiver))
    instance.add_run_tags(result.run_id, tags)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    failures = [event for event in result.all_events if event.is_run_failure]
    context = dg.build_run_status_sensor_context(
        "run_failure_alert_sensor",
        failures[0],
        instance,
        run,
    ).for_run_failure()
    defs.resolve_sensor_def("run_failure_alert_sensor")(context)


REVOKED = CredentialsError("jira", "HTTP 401", "Check JIRA_EMAIL and JIRA_API_TOKEN.")


def test_a_failed_run_is_told_with_its_cause_its_days_and_a_link(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver
) -> None:
    fail(instance, tmp_path, receiver, REVOKED)
    [alert] = receiver.alerts
    assert (alert["event"], alert["key"]) == ("opened", "run:jira")
    assert alert["headline"] == "jira: the run for 2025-03-14 failed"
    assert alert["detail"] == str(REVOKED)
    assert alert["link"].startswith("http://127.0.0.1:3000/runs/")


def test_a_run_that_is_tried_again_is_not_told(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver
) -> None:
    fail(instance, tmp_path, receiver, REVOKED, **{"dagster/will_retry": "true"})
    assert receiver.alerts == []


def test_the_same_source_failing_again_is_the_same_incident(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver
) -> None:
    fail(instance, tmp_path, receiver, REVOKED)
    fail(instance, tmp_path, receiver, UnavailableError("jira", "HTTP 503"))
    assert receiver.events() == [("opened", "run:jira")]


def source(sandbox: Sandbox) -> Source:
    given = {name.lower(): value for name, value in sandbox.environment.items()}
    return build_source("jira", Settings.model_validate(given), Meter())


def evaluate_freshness(
    instance: dg.DagsterInstance, receiver: Receiver, folder: Path, sandbox: Sandbox
) -> str:
    """Evaluate the freshness sensor over an empty index and an empty Jira."""
    given = {
        **{name.lower(): value for name, value in sandbox.environment.items()},
        "vector_assets_sources": "jira",
        "alert_webhook_url": receiver.url,
        "lancedb_uri": str(folder / "lancedb"),
        "vector_store": "lancedb",
        "watch_seconds": 0.001,
    }
    defs = build_defs(Settings.model_validate(given))
    context = dg.build_sensor_context(
        instance=instance, cursor=None, repository_def=defs.get_repository_def()
    )
    data = defs.resolve_sensor_def("freshness_alert_sensor").evaluate_tick(context)
    assert data.cursor
    return str(data.skip_message)


def test_a_run_that_is_made_good_is_over_and_its_lateness_was_no_second_alert(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    sandbox.workspace.site.jira_projects = ["HAR"]
    today = datetime.now(UTC).date()
    old = today - timedelta(days=5)
    record_days = [old + timedelta(days=n) for n in range(5)]
    instance.report_runless_asset_event(dg.AssetMaterialization(JIRA, partition=old.isoformat()))
    fail(instance, tmp_path, receiver, REVOKED)
    evaluate_freshness(instance, receiver, tmp_path, sandbox)
    evaluate_freshness(instance, receiver, tmp_path, sandbox)
    assert receiver.events() == [("opened", "run:jira")]
    for day in record_days:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(JIRA, partition=day.isoformat())
        )
    assert evaluate_freshness(instance, receiver, tmp_path, sandbox) == "jira fresh"
    assert receiver.events() == [("opened", "run:jira"), ("over", "run:jira")]


def test_days_that_are_missing_are_told_even_when_nothing_failed(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    old = datetime.now(UTC).date() - timedelta(days=5)
    instance.report_runless_asset_event(dg.AssetMaterialization(JIRA, partition=old.isoformat()))
    for _ in range(3):
        evaluate_freshness(instance, receiver, tmp_path, sandbox)
    assert receiver.events() == [("opened", "source:jira")]
    assert "not materialized: " in receiver.alerts[0]["detail"]


def test_a_token_that_is_revoked_by_day_is_told_by_day_and_not_again_by_the_night(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    sandbox.conditions.fail("/jira", status=401)
    for _ in range(3):
        assert evaluate_freshness(instance, receiver, tmp_path, sandbox) == "jira unknown"
    assert receiver.events() == [("opened", "source:jira")]
    assert "jira refuses the credentials: HTTP 401" in receiver.alerts[0]["detail"]
    fail(instance, tmp_path, receiver, source(sandbox))
    evaluate_freshness(instance, receiver, tmp_path, sandbox)
    assert receiver.events() == [("opened", "source:jira")]


def test_a_failed_check_is_told_once(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    location = Location(tmp_path, instance)
    broken = DocumentFailure("jira:7", "its description is no ADF", date(2025, 3, 14))
    kept = document("1", "words", updated_at="2025-03-14T10:00")
    assert location.sync(Days(date(2025, 3, 14), date(2025, 3, 14)), kept, broken).success
    for _ in range(2):
        evaluate_freshness(instance, receiver, tmp_path, sandbox)
    assert ("opened", "check:jira:no_failed_documents") in receiver.events()
    told = [key for kind, key in receiver.events() if kind == "opened"]
    assert len(told) == len(set(told))
