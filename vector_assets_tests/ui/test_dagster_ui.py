"""The Dagster UI over our assets, in a real browser: whatever a person does there works.

With `VECTOR_ASSETS_SCREENSHOTS` set to a folder, the pictures of the documents are taken there.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.core.settings import Settings
from vector_assets.orchestration.local import prepare_home
from vector_assets.orchestration.partitions import range_tags
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.sources import SOURCES
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.orchestration.dagster_processes import DagsterProcesses, running_dagster
from vector_assets_tests.support.indexes import assert_same, contents
from vector_assets_tests.ui.browser import (
    Browser,
    eventually,
    missing_programs,
    picture_folder,
    running_browser,
)

pytestmark = pytest.mark.skipif(
    bool(missing_programs()),
    reason=f"needs {' and '.join(missing_programs())}: apt-get install chromium chromium-driver",
)

_ASSET = "jira_documents"
_DIALOG = ".dagster-dialog"

_RUNS = "query { runsOrError { ... on Runs { results { runId } } } }"

_BACKFILLS = """
query { partitionBackfillsOrError { ... on PartitionBackfills { results { id status } } } }
"""

_RECORDED = """
query ($path: [String!]!) {
  assetOrError(assetKey: {path: $path}) { ... on Asset {
    assetMaterializations(limit: 100) {
      partition
      metadataEntries {
        label
        ... on IntMetadataEntry { intValue }
        ... on FloatMetadataEntry { floatValue }
      }
    }
  } }
}
"""


@pytest.mark.timeout(1800)
def test_a_day_and_a_week_are_materialized_by_clicking_and_their_numbers_are_plotted(
    serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    week, fortnight = Days.newest(7, now), Days.newest(14, now)
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, now)
    environment = {
        **serve(workspace).environment,
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        # Plots are of all days: so that the week is not lost among years.
        "PARTITIONS_START": str(fortnight.first),
    }
    pictures = picture_folder(tmp_path)
    store = LanceDBStore(environment["LANCEDB_URI"])
    home = prepare_home(tmp_path / "home")
    with running_dagster(home, environment) as dagster, running_browser() as browser:
        # Nothing is run but what is clicked on.
        dagster.stop_schedule("nightly_ingestion_schedule")
        browser.open(dagster.url)
        _see_every_day_missing(browser, fortnight)

        _materialize_the_newest_day(browser, dagster)
        assert _recorded_days(dagster) == [str(week.last)]
        assert _documents_in_index(store) == _documents_of_newest_run(dagster) > 0

        _backfill(browser, dagster, week, pictures)
        assert _recorded_days(dagster) == [str(day) for day in week]
        assert _documents_in_index(store) == _documents_of_newest_run(dagster) > 0
        _assert_same_as_by_hand(week, environment, tmp_path / "by-hand")

        _run_the_week_again(dagster, week)
        _see_the_week_materialized(browser, week, pictures)
        _see_plots(browser, _numeric_labels(dagster), pictures)


def _see_every_day_missing(browser: Browser, days: Days) -> None:
    _open_asset(browser)
    browser.click("Partitions")
    browser.wait_for_text(f"Missing ({len(list(days))})", str(days.first), str(days.last))


def _materialize_the_newest_day(browser: Browser, dagster: DagsterProcesses) -> None:
    _open_asset(browser)
    browser.click("Materialize…")
    browser.click("Latest", within=_DIALOG)
    browser.click("Launch 1 run", within=_DIALOG)
    [run] = eventually(lambda: dagster.query(_RUNS)["runsOrError"]["results"], "the run")
    status = dagster.wait_for_run(run["runId"])
    assert (status, dagster.failures_of(run["runId"])) == ("SUCCESS", [])


def _backfill(browser: Browser, dagster: DagsterProcesses, days: Days, pictures: Path) -> None:
    _open_asset(browser)
    browser.click("Materialize…")
    browser.type_into(f"{_DIALOG} input[type=text]", f"[{days.first}...{days.last}]")
    browser.wait_for_text(f"{len(list(days))} partitions")
    browser.save_picture(pictures / "launch.png")
    browser.click("Launch backfill", within=_DIALOG)
    backfill_id = eventually(lambda: _finished_backfill(dagster), "the end of the backfill")
    browser.click("Runs")
    browser.click(backfill_id)
    browser.wait_for_text("Partition selection", "Succeeded", "100% completed")
    browser.save_picture(pictures / "backfill.png")


def _run_the_week_again(dagster: DagsterProcesses, week: Days) -> None:
    """Check that a run with nothing to do leaves the numbers of the index as they are."""
    before = _newest_numbers(dagster)
    run_id = dagster.launch("nightly_ingestion", range_tags(week), "jira")
    assert dagster.wait_for_run(run_id) == "SUCCESS"
    after = _newest_numbers(dagster)
    assert sum(numbers["run_embedded_chunks"] for numbers in before.values()) > 0
    assert sum(numbers["run_embedded_chunks"] for numbers in after.values()) == 0
    kept = {"dagster/partition_row_count", "chunks"}
    assert all(kept <= numbers.keys() for numbers in after.values()), after
    for day, numbers in after.items():
        assert {name: numbers[name] for name in kept} == {
            name: before[day][name] for name in kept
        }, day


def _see_the_week_materialized(browser: Browser, week: Days, pictures: Path) -> None:
    _open_asset(browser)
    browser.click("Partitions")
    browser.wait_for_text(f"Materialized ({len(list(week))})")
    day_before_last = str(list(week)[-2])
    browser.click(day_before_last)
    browser.wait_for_text("run_embedded_chunks", "openai/text-embedding-3-small")
    browser.save_picture(pictures / "asset.png")


def _see_plots(browser: Browser, labels: set[str], pictures: Path) -> None:
    _open_asset(browser)
    browser.click("Plots")
    browser.wait_for_text(*labels)
    browser.wait_for_charts(len(labels))
    browser.scroll_to("Metadata")
    browser.save_picture(pictures / "plots.png")


def _open_asset(browser: Browser) -> None:
    browser.click("Catalog")
    browser.wait_for_text("slack_documents")
    browser.click(_ASSET)
    browser.wait_for_text("Latest materialization", SOURCES["jira"].description)


def _assert_same_as_by_hand(days: Days, environment: dict[str, str], uri: Path) -> None:
    """Check that clicking has made the index that the command line makes."""
    given = {name.lower(): value for name, value in environment.items()}
    sync_source("jira", days, Settings.model_validate({**given, "lancedb_uri": str(uri)}))
    assert_same(contents(environment["LANCEDB_URI"], ["jira"]), contents(uri, ["jira"]))


def _finished_backfill(dagster: DagsterProcesses) -> str:
    """Return the id of the one backfill, empty while it is not done."""
    backfills = dagster.query(_BACKFILLS)["partitionBackfillsOrError"]["results"]
    assert len(backfills) <= 1
    for backfill in backfills:
        assert backfill["status"] not in {"FAILED", "COMPLETED_FAILED", "CANCELED"}
        if backfill["status"] == "COMPLETED_SUCCESS":
            return str(backfill["id"])
    return ""


def _recorded(dagster: DagsterProcesses) -> list[dict[str, Any]]:
    """Return the materializations, newest first."""
    events = dagster.query(_RECORDED, path=[_ASSET])["assetOrError"]["assetMaterializations"]
    return list(events)


def _newest_numbers(dagster: DagsterProcesses) -> dict[str, dict[str, float]]:
    """Return the numbers of each day's newest materialization."""
    numbers: dict[str, dict[str, float]] = {}
    for event in reversed(_recorded(dagster)):
        numbers[event["partition"]] = {
            entry["label"]: entry.get("intValue", entry.get("floatValue"))
            for entry in event["metadataEntries"]
            if {"intValue", "floatValue"} & entry.keys()
        }
    return numbers


def _recorded_days(dagster: DagsterProcesses) -> list[str]:
    return sorted({event["partition"] for event in _recorded(dagster)})


def _numeric_labels(dagster: DagsterProcesses) -> set[str]:
    return {
        entry["label"]
        for event in _recorded(dagster)
        for entry in event["metadataEntries"]
        if {"intValue", "floatValue"} & entry.keys()
    }


def _documents_of_newest_run(dagster: DagsterProcesses) -> int:
    newest_event = _recorded(dagster)[0]
    return next(
        int(entry["intValue"])
        for entry in newest_event["metadataEntries"]
        if entry["label"] == "run_documents"
    )


def _documents_in_index(store: LanceDBStore) -> int:
    return len(dict(store.documents("jira")))
