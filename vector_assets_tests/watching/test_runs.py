"""Runs that are killed, fail or are asked for in other ways: told, retried, and the same index."""

import os
import re
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from vector_assets.orchestration.partitions import range_tags
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import SOURCE_NAMES
from vector_assets.sync import Days
from vector_assets_tests.indexes import assert_same, contents
from vector_assets_tests.receiver import Receiver
from vector_assets_tests.watching.installation import BIN, Installation

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("team")]

_RUNS = """
query { runsOrError { ... on Runs { results {
  runId status tags { key value } assetSelection { path }
} } } }
"""

_EVENTS = """
query ($id: ID!) {
  logsForRun(runId: $id) { ... on EventConnection { events { ... on MessageEvent { message } } } }
}
"""


def runs_of(team: Installation, source: str) -> list[dict[str, Any]]:
    """Return the runs of a source, newest first."""
    runs: list[dict[str, Any]] = team.dagster.query(_RUNS)["runsOrError"]["results"]
    path = {"path": [f"{source}_documents"]}
    return [run for run in runs if path in (run["assetSelection"] or [])]


def launch(team: Installation, source: str, days: int) -> str:
    return team.dagster.launch(
        "nightly_ingestion",
        {**range_tags(Days.newest(days, datetime.now(UTC))), "source": source},
        source=source,
    )


def test_a_revoked_token_is_told_by_name_and_costs_no_other_source(
    team: Installation, receiver: Receiver, sandbox: Sandbox
) -> None:
    sandbox.conditions.fail("/jira", status=401)
    assert team.dagster.wait_for_run(launch(team, "jira", 1)) == "FAILURE"
    alert = receiver.wait_for("opened", "run:jira")
    assert "jira refuses the credentials: HTTP 401" in alert["detail"]
    others = {name: verdict for name, verdict in team.verdicts().items() if name != "jira"}
    assert set(others.values()) == {"fresh"}
    sandbox.conditions.clear()
    assert team.dagster.wait_for_run(launch(team, "jira", 1)) == "SUCCESS"
    receiver.wait_for("over", "run:jira")
    told = [event for event in receiver.events() if "jira" in event[1]]
    assert told == [("opened", "run:jira"), ("over", "run:jira")]


def test_a_run_that_is_killed_is_marked_tried_again_and_blocks_nothing(
    team: Installation, receiver: Receiver, sandbox: Sandbox
) -> None:
    before = contents(team.environment["LANCEDB_URI"])
    sandbox.workspace.pages[0]["last_edited_time"] = datetime.now(UTC).isoformat()
    sandbox.conditions.latency_seconds = 2.0
    run_id = launch(team, "notion", 3)
    process = team.wait_until(lambda: process_of(team, run_id), "the process of the run")
    os.kill(process, signal.SIGKILL)
    sandbox.conditions.clear()
    assert team.dagster.wait_for_run(run_id) == "FAILURE"

    def retry() -> dict[str, Any] | None:
        newest = runs_of(team, "notion")[0]
        return newest if newest["runId"] != run_id and newest["status"] == "SUCCESS" else None

    retried = team.wait_until(retry, "the retry of the killed run")
    tags = {tag["key"]: tag["value"] for tag in retried["tags"]}
    assert tags["dagster/retry_number"] == "1"
    # The pool's place is free again: another run of the same source goes through.
    assert team.dagster.wait_for_run(launch(team, "notion", 1)) == "SUCCESS"
    assert contents(team.environment["LANCEDB_URI"])["notion"].keys() == before["notion"].keys()
    assert [event for event in receiver.events() if event[1] == "run:notion"] == []


def process_of(team: Installation, run_id: str) -> int | None:
    """Return the pid of the process that executes a run, once it has begun."""
    connection = team.dagster.query(_EVENTS, id=run_id)["logsForRun"]
    messages = "\n".join(event.get("message", "") for event in connection["events"])
    found = re.search(r"in process \(pid: (\d+)\)", messages)
    return int(found[1]) if found else None


def test_backfill_over_http_tells_each_day_as_it_is(team: Installation) -> None:
    launched = team.post_backfill("slack", 5)
    assert launched.status_code == 202
    body = launched.json()
    assert len(body["days"]) == 5

    def state() -> dict[str, Any]:
        answer = requests.get(
            team.url + body["status_url"], headers={"X-Admin-Key": "admin-key"}, timeout=60
        )
        return dict(answer.json())

    first = state()
    assert set(first["days"]) == set(body["days"])
    done = team.wait_until(lambda: (now := state())["is_finished"] and now, "the backfill")
    assert set(done["days"].values()) == {"materialized"}
    assert (done["has_failed"], done["error"]) == (False, "")


def test_every_way_to_start_it_makes_the_same_index(
    team: Installation, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Sensors and runs have filled the team's index; the command line fills one of its own."""
    for backfilled in [team.post_backfill(source, 7).json() for source in SOURCE_NAMES]:
        team.wait_until(
            lambda url=backfilled["status_url"]: requests.get(
                team.url + url, headers={"X-Admin-Key": "admin-key"}, timeout=60
            ).json()["is_finished"],
            f"the backfill of {backfilled['source']}",
        )
    environment = {**team.environment, "LANCEDB_URI": str(tmp_path / "by-hand")}
    environment.pop("DAGSTER_HOME")
    synced = subprocess.run(
        [str(BIN / "vector-assets"), "sync", "--days", "7"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert synced.returncode == 0, synced.stderr
    assert_same(contents(team.environment["LANCEDB_URI"]), contents(tmp_path / "by-hand"))
