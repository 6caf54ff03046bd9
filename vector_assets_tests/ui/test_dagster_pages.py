"""Dagster's pages of an installation: an outage, lineage, resources, the launchpad of a prune.

With `VECTOR_ASSETS_SCREENSHOTS` set to a folder, the pictures of the documents are taken there.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.days import Days
from vector_assets.orchestration.local import prepare_home
from vector_assets.orchestration.partitions import range_tags
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.orchestration.dagster_processes import DagsterProcesses, running_dagster
from vector_assets_tests.ui.browser import (
    Browser,
    missing_programs,
    picture_folder,
    running_browser,
)

pytestmark = pytest.mark.skipif(
    bool(missing_programs()), reason=f"not installed: {missing_programs()}: `make browser`"
)

_VARIABLES = ("JIRA_SERVER", "JIRA_EMAIL", "JIRA_API_TOKEN", "SLACK_BOT_TOKEN", "NOTION_TOKEN")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return picture_folder(tmp_path)


@pytest.fixture
def environment(serve: Callable[[Workspace], Sandbox], tmp_path: Path) -> dict[str, str]:
    now = datetime.now(UTC)
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, now)
    return {
        **serve(workspace).environment,
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        "PARTITIONS_START": (now - timedelta(days=5)).date().isoformat(),
        # Yesterday is overdue at whatever time the test runs.
        "NIGHTLY_CRON": "0 0 * * *",
    }


@pytest.fixture
def dagster(environment: dict[str, str], tmp_path: Path) -> Iterator[DagsterProcesses]:
    with running_dagster(prepare_home(tmp_path / "home"), environment) as processes:
        processes.stop_schedule("nightly_ingestion_schedule")
        yield processes


@pytest.mark.timeout(1800)
def test_pages_show_an_outage_the_lineage_the_fields_of_resources_and_how_to_approve_a_prune(
    dagster: DagsterProcesses, environment: dict[str, str], pictures: Path
) -> None:
    with running_browser() as browser:
        # Else the UI opens on a form for a newsletter.
        assert dagster.query("query { shouldShowNux }") == {"shouldShowNux": False}
        browser.open(f"{dagster.url}/assets/jira_documents?view=checks&checkDetail=freshness_check")
        browser.wait_for_text("Failed", "is not materialized", "Look at the schedule")
        browser.save_picture(pictures / "freshness.png")

        days = Days.newest(5, datetime.now(UTC))
        run_id = dagster.launch("nightly_ingestion", range_tags(days), "jira")
        assert dagster.wait_for_run(run_id) == "SUCCESS"
        browser.open(f"{dagster.url}/assets/jira_documents?view=lineage&lineageScope=neighbors")
        browser.wait_for_text("upstream", "jira_documents", "jira_prune")
        browser.save_picture(pictures / "lineage.png")

        _see_names_of_variables(browser, dagster, environment, pictures)
        _see_the_prunes_options(browser, dagster, environment, pictures)


def _see_names_of_variables(
    browser: Browser, dagster: DagsterProcesses, environment: dict[str, str], pictures: Path
) -> None:
    browser.open(f"{dagster.url}/locations/vector_assets/resources/sources")
    browser.wait_for_text(*_VARIABLES, "Env var")
    browser.save_picture(pictures / "resources.png")
    assert [name for name in _VARIABLES if environment[name] in browser.text()] == []


def _see_the_prunes_options(
    browser: Browser, dagster: DagsterProcesses, environment: dict[str, str], pictures: Path
) -> None:
    browser.open(f"{dagster.url}/assets/jira_prune")
    browser.click("Materialize", with_shift=True)
    browser.wait_for_text("Launchpad (configure assets)", "dry_run", "max_share", "container")
    browser.save_picture(pictures / "launchpad.png")
    assert [name for name in _VARIABLES if environment[name] in browser.text()] == []
