"""What the schedule asks for, from what the instance remembers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets_tests.orchestration.parts import JIRA
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.tiny import utc

TICK = utc("2025-03-15T06:00")
JIRA_ON = {"jira_server": "https://x.example", "jira_email": "a@x.example", "jira_api_token": "t"}


@pytest.fixture(scope="module")
def instance_on_disk() -> Iterator[dg.DagsterInstance]:
    """An instance that a schedule can open a connection of its own to."""
    with dagster_instance() as opened:
        yield opened


@pytest.fixture
def instance(instance_on_disk: dg.DagsterInstance) -> dg.DagsterInstance:
    instance_on_disk.wipe()
    return instance_on_disk


def record(instance: dg.DagsterInstance, *days: str, failed_documents: int = 0) -> None:
    for day in days:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                JIRA, partition=day, metadata={"failed_documents": failed_documents}
            )
        )


def evaluate(
    instance: dg.DagsterInstance, at: datetime = TICK, **settings: Any
) -> tuple[list[dg.RunRequest], str]:
    """Return what the schedule asks of sources at a tick, and why nothing when it does not."""
    defs = build_defs(Settings(**(settings or JIRA_ON)))
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, repository_def=defs.get_repository_def()
    )
    data = defs.resolve_schedule_def("nightly_ingestion_schedule").evaluate_tick(context)
    requests = list(data.run_requests or [])
    canary = [
        request for request in requests if request.asset_selection == [dg.AssetKey("index_canary")]
    ]
    assert len(canary) == bool(requests)
    assert all(request.run_key == f"canary at {at.isoformat()}" for request in canary)
    return [request for request in requests if request not in canary], data.skip_message or ""


def spans(instance: dg.DagsterInstance, at: datetime = TICK, **settings: Any) -> list[str]:
    """Return the spans that are asked for, as `03-01..03-14`."""
    requests, _ = evaluate(instance, at, **settings)
    start, end = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
    return [f"{request.tags[start][5:]}..{request.tags[end][5:]}" for request in requests]


def march(*numbers: int) -> list[str]:
    return [f"2025-03-{n:02}" for n in numbers]


def test_the_first_night_catches_up_with_fourteen_days_in_one_run(
    instance: dg.DagsterInstance,
) -> None:
    assert spans(instance) == ["03-01..03-14"]


def test_yesterday_is_requested_even_when_it_is_materialized(instance: dg.DagsterInstance) -> None:
    record(instance, *march(*range(1, 15)))
    assert spans(instance) == ["03-14..03-14"]


def test_every_gap_of_an_outage_is_requested(instance: dg.DagsterInstance) -> None:
    record(instance, *march(1, 2, 3, 6, 7, 8, 9, 10, 11))
    assert spans(instance) == ["03-04..03-05", "03-12..03-14"]


def test_a_day_with_failed_documents_is_requested_until_it_has_none(
    instance: dg.DagsterInstance,
) -> None:
    record(instance, *march(*range(1, 15)))
    record(instance, "2025-03-10", failed_documents=2)
    assert spans(instance) == ["03-10..03-10", "03-14..03-14"]
    record(instance, "2025-03-10")
    assert spans(instance) == ["03-14..03-14"]


def test_days_before_the_catch_up_span_or_the_start_are_left_alone(
    instance: dg.DagsterInstance,
) -> None:
    assert spans(instance, catch_up_days=3, **JIRA_ON) == ["03-12..03-14"]
    assert spans(instance, partitions_start="2025-03-13", **JIRA_ON) == ["03-13..03-14"]


def test_each_run_has_one_source_and_disabled_sources_are_not_requested(
    instance: dg.DagsterInstance,
) -> None:
    requests, _ = evaluate(instance, slack_bot_token="xoxb-1", **JIRA_ON)
    assert [request.asset_selection for request in requests] == [
        [JIRA],
        [dg.AssetKey("slack_documents")],
    ]
    requests, _ = evaluate(instance, vector_assets_sources="notion", **JIRA_ON)
    assert [request.asset_selection for request in requests] == [[dg.AssetKey("notion_documents")]]


def test_a_day_that_failed_last_night_is_a_new_request_tonight(
    instance: dg.DagsterInstance,
) -> None:
    once, again = (
        evaluate(instance, at)[0][0].run_key for at in (TICK, TICK + timedelta(minutes=1))
    )
    assert once != again
    assert once == evaluate(instance, TICK)[0][0].run_key


def test_the_run_of_a_request_is_checked_too(instance: dg.DagsterInstance) -> None:
    (request,) = evaluate(instance)[0]
    assert request.asset_check_keys is None


def test_nothing_is_requested_when_no_source_is_enabled_and_the_reason_names_what_to_set(
    instance: dg.DagsterInstance,
) -> None:
    requests, reason = evaluate(instance, lancedb_uri="x")
    assert requests == []
    assert "no source is on" in reason
    assert "JIRA_API_TOKEN" in reason


def test_nothing_is_requested_before_the_first_day_is_complete(
    instance: dg.DagsterInstance,
) -> None:
    requests, reason = evaluate(instance, partitions_start="2025-03-15", **JIRA_ON)
    assert requests == []
    assert "PARTITIONS_START" in reason


def test_the_schedule_runs_by_default_at_the_set_hour_in_utc() -> None:
    schedule = build_defs(Settings(nightly_cron="30 4 * * *")).resolve_schedule_def(
        "nightly_ingestion_schedule"
    )
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "30 4 * * *"
    assert schedule.execution_timezone == "UTC"


def test_an_invalid_cron_expression_is_refused_with_the_variable() -> None:
    with pytest.raises(SettingsError, match=r"NIGHTLY_CRON is 'at six'.*set it to five fields"):
        build_defs(Settings(nightly_cron="at six"))
