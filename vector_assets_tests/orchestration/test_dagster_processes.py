"""The whole product as deployed: the UI's own API launches a run that fills the index."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.orchestration.local import prepare_home
from vector_assets.orchestration.partitions import range_tags
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.orchestration.dagster_processes import running_dagster
from vector_assets_tests.support.patience import first_answer

_RECORDED = """
query ($path: [String!]!) {
  assetOrError(assetKey: {path: $path}) { ... on Asset {
    assetMaterializations(limit: 100) {
      partition
      metadataEntries { label ... on IntMetadataEntry { intValue } }
    }
  } }
}
"""

_SCHEDULE = """
query {
  workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    ... on RepositoryLocation { repositories { schedules { name scheduleState { status } } } }
  } } } }
}
"""


def test_a_run_launched_as_the_ui_does_fills_every_namespace_and_its_days(
    serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, now)
    week = Days.newest(7, now)
    environment = {
        **serve(workspace).environment,
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        "NIGHTLY_CRON": "0 0 1 1 *",  # so that no tick falls into this test
    }
    with running_dagster(tmp_path / "home", environment) as dagster:
        schedules = dagster.query(_SCHEDULE)["workspaceOrError"]["locationEntries"][0]
        run_id = dagster.launch("nightly_ingestion", range_tags(week))
        assert (dagster.wait_for_run(run_id), dagster.failures_of(run_id)) == ("SUCCESS", [])
        recorded = {
            source: dagster.query(_RECORDED, path=[f"{source}_documents"])["assetOrError"]
            for source in SOURCE_NAMES
        }
    loaded = schedules["locationOrLoadError"]["repositories"][0]["schedules"]
    assert {schedule["name"]: schedule["scheduleState"]["status"] for schedule in loaded} == {
        "nightly_ingestion_schedule": "RUNNING",
        "nightly_examination_schedule": "RUNNING",
        "weekly_rescan_schedule": "RUNNING",
        "weekly_prune_schedule": "RUNNING",
    }
    store = LanceDBStore(environment["LANCEDB_URI"])
    for source in SOURCE_NAMES:
        events = recorded[source]["assetMaterializations"]
        assert sorted(event["partition"] for event in events) == [str(day) for day in week]
        assert sum(_number(event, "failed_documents") for event in events) == 0
        assert sum(_number(event, "chunks") for event in events) > 0
        assert store.count(source) >= sum(_number(event, "chunks") for event in events)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_that_hangs_is_ended_after_its_time_and_leaves_its_place_to_the_next(
    serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> None:
    sandbox = serve(Workspace.load(PACKAGED_WORKSPACE))
    sandbox.faults.fail("/jira/rest/api/3/search", drip_seconds=10)
    environment = {
        **sandbox.environment,
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        "NIGHTLY_CRON": "0 0 1 1 *",
        "RUN_MAX_HOURS": "0.02",
    }
    day = range_tags(Days.newest(1, datetime.now(UTC)))
    with running_dagster(prepare_home(tmp_path / "home"), environment) as dagster:
        hung = dagster.launch("nightly_ingestion", day, source="jira")
        assert first_answer(lambda: sandbox.faults.requests("/jira/rest/api/3/search"))
        waits = dagster.launch("nightly_ingestion", day, source="jira")
        assert dagster.wait_for_run(hung) in {"FAILURE", "CANCELED"}
        sandbox.faults.clear()
        assert dagster.wait_for_run(waits) == "SUCCESS"


_EVALUATED = """
query ($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor {
  sensorState { ticks(limit: 1, statuses: [SUCCESS, SKIPPED, FAILURE]) {
    status skipReason cursor
  } }
} } }
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_vendor_that_asks_for_a_pause_keeps_nothing_from_being_told_of_the_others(
    serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> None:
    sandbox = serve(Workspace.load(PACKAGED_WORKSPACE))
    sandbox.faults.fail("/jira/rest/api/3/search", status=429, retry_after_seconds=600)
    environment = {
        **sandbox.environment,
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        "NIGHTLY_CRON": "0 0 1 1 *",
    }
    selector = {
        "repositoryLocationName": "vector_assets",
        "repositoryName": "__repository__",
        "sensorName": "freshness_alert_sensor",
    }
    with running_dagster(prepare_home(tmp_path / "home"), environment) as dagster:

        def ticks() -> Any:
            answer = dagster.query(_EVALUATED, selector=selector)
            return answer["sensorOrError"]["sensorState"]["ticks"]

        [tick] = first_answer(ticks)
    assert tick["status"] == "SKIPPED"
    assert "jira unknown" in tick["skipReason"]
    # What the others answered is kept, so that they are not asked at each evaluation.
    assert set(json.loads(tick["cursor"])) == {"slack", "notion", "fireflies"}


def _number(event: dict[str, list[dict[str, int]]], label: str) -> int:
    return next(entry["intValue"] for entry in event["metadataEntries"] if entry["label"] == label)
