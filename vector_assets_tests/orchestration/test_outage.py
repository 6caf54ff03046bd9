"""An outage as the UI shows it: a schedule that is switched off turns the asset's freshness red."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from vector_assets.core.days import Days
from vector_assets.orchestration.freshness import expected_day
from vector_assets.orchestration.partitions import daily_partitions, range_tags
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.orchestration.dagster_processes import DagsterProcesses, running_dagster
from vector_assets_tests.support.patience import first_answer

_NIGHTLY_CRON = "0 0 * * *"

_FRESHNESS = """
query ($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode { assetChecksOrError { ... on AssetChecks {
    checks { name executionForLatestMaterialization { status evaluation { description } } }
  } } } }
}
"""


def test_a_stopped_schedule_turns_the_freshness_red_until_the_day_is_materialized(
    serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, now)
    start = (now - timedelta(days=5)).date().isoformat()
    expected = expected_day(daily_partitions(start), _NIGHTLY_CRON, now)
    assert expected is not None
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for ago in (1, 2):
            before = str(expected - timedelta(days=ago))
            instance.report_runless_asset_event(
                dg.AssetMaterialization("jira_documents", partition=before)
            )
    environment = {
        **serve(workspace).environment,
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        "NIGHTLY_CRON": _NIGHTLY_CRON,
        "PARTITIONS_START": start,
    }
    with running_dagster(home, environment) as dagster:
        dagster.stop_schedule("nightly_ingestion_schedule")
        description = first_answer(lambda: freshness(dagster, "FAILED"))
        assert f"{expected} is not materialized" in str(description)

        run_id = dagster.launch("nightly_ingestion", range_tags(Days(expected, expected)), "jira")
        assert dagster.wait_for_run(run_id) == "SUCCESS"
        assert str(expected) in first_answer(lambda: freshness(dagster, "SUCCEEDED"))


def freshness(dagster: DagsterProcesses, status: str) -> str:
    """Return what Jira's freshness says while it has a status; empty while it has another."""
    node = dagster.query(_FRESHNESS, key={"path": ["jira_documents"]})["assetNodeOrError"]
    (execution,) = (
        check["executionForLatestMaterialization"]
        for check in node["assetChecksOrError"]["checks"]
        if check["name"] == "freshness_check"
    )
    if execution is None or execution["status"] != status:
        return ""
    return str(execution["evaluation"]["description"])
