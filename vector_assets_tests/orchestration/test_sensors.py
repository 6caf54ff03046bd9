"""What the sensors request after an outage, and which alerts they send."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import CredentialsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.dagster_state.names import SCHEDULE
from vector_assets.monitoring.dagster_state.private import (
    BulkActionStatus,
    InstigatorState,
    InstigatorStatus,
)
from vector_assets.monitoring.dagster_state.state import days_of_tags
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
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.dagster_private import (
    InProcessCodeLocationOrigin,
    InstigatorType,
    LoadableTargetOrigin,
    PartitionBackfill,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
    ScheduleInstigatorData,
)
from vector_assets_tests.support.receiver import Receiver
from vector_assets_tests.support.tiny import ListSource, document, utc

DUE = utc("2025-03-15T06:00")
NOW = utc("2025-03-15T09:00")
KEYS = [f"2025-03-{n:02}" for n in range(1, 15)]
START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
JIRA_ON = {"jira_server": "https://x.example", "jira_email": "a@x.example", "jira_api_token": "t"}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dagster_instance() as opened:
        yield opened


def record(instance: dg.DagsterInstance, *numbers: int) -> None:
    for n in numbers:
        event = dg.AssetMaterialization(JIRA, partition=f"2025-03-{n:02}")
        instance.report_runless_asset_event(event)


def evaluate_catch_up(instance: dg.DagsterInstance, now: datetime, note: str = "") -> MissedDays:
    settings = Settings.model_validate(JIRA_ON)
    return missed_requests(instance, settings, KEYS, due=DUE, now=now, note=note)


def settled(instance: dg.DagsterInstance, now: datetime = NOW) -> list[str]:
    """Return the spans that are requested once days have been missing for long enough."""
    first = evaluate_catch_up(instance, now - SETTLE)
    assert first.requests == []
    missed = evaluate_catch_up(instance, now, note_of(first, now - SETTLE))
    return [f"{request.tags[START][5:]}..{request.tags[END][5:]}" for request in missed.requests]


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


def test_three_days_of_outage_are_requested_in_one_run(instance: dg.DagsterInstance) -> None:
    record(instance, *range(1, 12))
    assert settled(instance) == ["03-12..03-14"]


def test_nothing_is_requested_when_nothing_is_missing(instance: dg.DagsterInstance) -> None:
    record(instance, *range(1, 15))
    missed = evaluate_catch_up(instance, NOW)
    assert (missed.requests, missed.reason) == ([], "nothing is missing")


@pytest.mark.parametrize(
    ("status", "requested"),
    [
        (BulkActionStatus.REQUESTED, []),
        (BulkActionStatus.CANCELING, ["03-12..03-14"]),
        (BulkActionStatus.FAILING, ["03-12..03-14"]),
    ],
)
def test_only_a_backfill_that_may_launch_runs_holds_back_the_missing_days(
    instance: dg.DagsterInstance, status: BulkActionStatus, requested: list[str]
) -> None:
    record(instance, *range(1, 12))
    instance.add_backfill(
        PartitionBackfill(
            backfill_id="hangs",
            status=status,
            from_failure=False,
            tags={},
            backfill_timestamp=NOW.timestamp(),
            asset_selection=[JIRA],
            partition_names=KEYS,
        )
    )
    assert settled(instance) == requested


def test_gaps_are_requested_as_spans(instance: dg.DagsterInstance) -> None:
    record(instance, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 14)
    assert settled(instance) == ["03-04..03-05", "03-13..03-13"]


def test_a_day_is_not_requested_while_the_scheduler_may_request_it(
    instance: dg.DagsterInstance,
) -> None:
    record(instance, *range(1, 14))
    missed = evaluate_catch_up(instance, NOW)
    assert missed.requests == []
    assert "waiting for the scheduler to request 1 days, jira 2025-03-14" in missed.reason


def test_a_note_from_before_an_outage_is_ignored(instance: dg.DagsterInstance) -> None:
    before = NOW - NOTE_EXPIRES_AFTER - timedelta(seconds=1)
    note = note_of(MissedDays(missing_since={"jira 2025-03-14": before}), before)
    record(instance, *range(1, 14))
    assert evaluate_catch_up(instance, NOW, note).requests == []


@pytest.mark.parametrize(
    "note",
    ["x", "7", "[]", "{}", '{"at": 7}', '{"at": "2025-03-15"}', '{"at": "AT", "seen": 7}',
     '{"at": "AT", "seen": {"jira 2025-03-14": "2025-03-14", "jira 2025-03-13": null}}'],
)  # fmt: skip
def test_a_note_that_a_person_wrote_counts_as_none(instance: dg.DagsterInstance, note: str) -> None:
    record(instance, *range(1, 14))
    missed = evaluate_catch_up(instance, NOW, note.replace("AT", NOW.isoformat()))
    assert missed.requests == []
    assert missed.missing_since == {"jira 2025-03-14": NOW}


@pytest.mark.parametrize(
    "tags",
    [{"dagster/partition": "2025-03-14-10:00"}, {"dagster/partition": "de"},
     {START: "2025-03", END: "2025-04"}, {START: "2025-03-14", END: "2025-03-01"}],
)  # fmt: skip
def test_a_run_of_other_partitions_than_days_names_no_day(tags: dict[str, str]) -> None:
    # Every active run of the instance is looked at, also those of another project's assets.
    assert days_of_tags(tags) == frozenset()


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_a_queued_or_running_day_is_not_requested_again(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    record(instance, *range(1, 11))
    run_of(instance, 11, 12, status)
    assert settled(instance) == ["03-13..03-14"]


def test_a_day_that_failed_since_the_night_waits_for_the_next_one(
    instance: dg.DagsterInstance,
) -> None:
    record(instance, *range(1, 14))
    # The run is created now, after the tick.
    run_of(instance, 14, 14, dg.DagsterRunStatus.FAILURE)
    assert settled(instance) == []


def test_a_run_of_another_source_has_no_effect(instance: dg.DagsterInstance) -> None:
    record(instance, *range(1, 14))
    run_of(instance, 14, 14, dg.DagsterRunStatus.STARTED, dg.AssetKey("slack_documents"))
    assert settled(instance) == ["03-14..03-14"]


def test_nothing_is_requested_while_the_schedule_is_switched_off(
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
    missed = evaluate_catch_up(instance, NOW)
    assert (missed.requests, missed.reason) == (
        [],
        f"{SCHEDULE} is switched off, so nothing is requested",
    )


def settings_of(receiver: Receiver, on: Mapping[str, str]) -> Settings:
    return Settings.model_validate({**on, "alert_webhook_url": receiver.url})


def fail(
    instance: dg.DagsterInstance,
    folder: Path,
    receiver: Receiver,
    source: Source | Exception,
    on: Mapping[str, str] | None = None,
    **tags: str,
) -> None:
    """Run a day of Jira to its failure, and evaluate the sensor as the daemon would."""
    location = Location(folder, instance)
    given = ListSource([source]) if isinstance(source, Exception) else source
    result = location.run(Days(date(2025, 3, 14), date(2025, 3, 14)), given)
    assert not result.success
    defs = build_defs(settings_of(receiver, JIRA_ON if on is None else on))
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


def test_the_alert_for_a_failed_run_has_cause_days_and_link(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver
) -> None:
    fail(instance, tmp_path, receiver, REVOKED)
    [alert] = receiver.alerts
    assert (alert["event"], alert["key"]) == ("opened", "run:jira")
    assert alert["headline"] == "jira: the run for 2025-03-14 failed"
    assert alert["detail"] == str(REVOKED)
    assert alert["link"].startswith("http://127.0.0.1:3000/runs/")


def test_a_run_that_is_retried_sends_no_alert(
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
    instance: dg.DagsterInstance,
    receiver: Receiver,
    folder: Path,
    sandbox: Sandbox,
    sources: str = "jira",
) -> str:
    """Evaluate the freshness sensor over an empty index and an empty Jira."""
    given = {
        **{name.lower(): value for name, value in sandbox.environment.items()},
        "vector_assets_sources": sources,
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


def test_a_run_that_is_repeated_closes_its_incident_without_a_second_alert(
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
    # Jira lists no issue, and the index holds none.
    assert evaluate_freshness(instance, receiver, tmp_path, sandbox) == "jira unknown"
    assert receiver.events() == [("opened", "run:jira"), ("over", "run:jira")]


def test_missing_days_send_an_alert_even_when_nothing_failed(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    old = datetime.now(UTC).date() - timedelta(days=5)
    instance.report_runless_asset_event(dg.AssetMaterialization(JIRA, partition=old.isoformat()))
    for _ in range(3):
        evaluate_freshness(instance, receiver, tmp_path, sandbox)
    assert receiver.events() == [("opened", "source:jira")]
    assert "not materialized: " in receiver.alerts[0]["detail"]


def test_a_revoked_token_sends_one_alert_and_no_second_one_when_the_run_fails(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    sandbox.faults.fail("/jira", status=401)
    for _ in range(3):
        assert evaluate_freshness(instance, receiver, tmp_path, sandbox) == "jira unknown"
    assert receiver.events() == [("opened", "source:jira")]
    assert "jira refuses the credentials: HTTP 401" in receiver.alerts[0]["detail"]
    fail(instance, tmp_path, receiver, source(sandbox))
    evaluate_freshness(instance, receiver, tmp_path, sandbox)
    assert receiver.events() == [("opened", "source:jira")]


def test_a_failed_check_sends_one_alert(
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


def test_a_failed_check_is_not_over_while_a_run_is_still_to_evaluate_it_again(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    key = "check:jira:no_failed_documents"
    broken = DocumentFailure("jira:7", "its description is no ADF", date(2025, 3, 14))
    assert Location(tmp_path, instance).sync(Days(DUE.date(), DUE.date()), broken).success
    evaluate_freshness(instance, receiver, tmp_path, sandbox)
    run_of(instance, 14, 14, dg.DagsterRunStatus.STARTED)
    evaluate_freshness(instance, receiver, tmp_path, sandbox)
    [run] = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    instance.report_run_failed(run, "the worker was killed")
    evaluate_freshness(instance, receiver, tmp_path, sandbox)
    assert [event for event in receiver.events() if event[1] == key] == [("opened", key)]


def test_a_failed_run_of_a_source_that_is_off_opens_no_incident_that_nothing_would_end(
    instance: dg.DagsterInstance, tmp_path: Path, receiver: Receiver, sandbox: Sandbox
) -> None:
    fail(instance, tmp_path, receiver, REVOKED, on={})
    assert receiver.events() == [("notice", "run:jira")]
    fail(instance, tmp_path, receiver, REVOKED)
    evaluate_freshness(instance, receiver, tmp_path, sandbox, sources="notion")
    assert receiver.events()[1:] == [("opened", "run:jira"), ("over", "run:jira")]
