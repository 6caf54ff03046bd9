"""An installation in which processes die, fail and are switched off, each with one alert.

One file, so that its processes are started once.
"""

import os
import re
import signal
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from vector_assets.core.days import Days
from vector_assets.orchestration.partitions import range_tags
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import SOURCE_NAMES
from vector_assets_tests.monitoring.installation.installation import BIN, Installation
from vector_assets_tests.support.indexes import assert_same, contents
from vector_assets_tests.support.receiver import Receiver

pytestmark = pytest.mark.timeout(2400)

SCHEDULE = "nightly_ingestion_schedule"

_SWITCH = """
query { scheduleOrError(scheduleSelector: {
  repositoryLocationName: "location.py", repositoryName: "__repository__", scheduleName: "%s"
}) { ... on Schedule { scheduleState { id } } } }
"""
_STOP = 'mutation { stopRunningSchedule(id: "%s") { __typename } }'
_START = """
mutation { startSchedule(scheduleSelector: {
  repositoryLocationName: "location.py", repositoryName: "__repository__", scheduleName: "%s"
}) { __typename } }
"""


def events_about(receiver: Receiver, key: str) -> list[str]:
    return [kind for kind, about in receiver.events() if about == key]


def materialized(team: Installation, source: str) -> set[date]:
    """Return the days of a source that Dagster has recorded."""
    query = """query ($key: [AssetKeyInput!]!) { assetNodes(assetKeys: $key) {
      assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey } } } } }"""
    [node] = team.dagster.query(query, key=[{"path": [f"{source}_documents"]}])["assetNodes"]
    days: set[date] = set()
    for span in node["assetPartitionStatuses"]["ranges"]:
        first, last = date.fromisoformat(span["startKey"]), date.fromisoformat(span["endKey"])
        days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return days


def test_the_first_days_come_by_themselves_and_all_is_well(
    team: Installation, receiver: Receiver
) -> None:
    pings = receiver.pings
    team.wait_until(lambda: receiver.pings > pings + 2, "pings while all is well")
    assert requests.get(f"{team.url}/healthz", timeout=60).status_code == 200
    assert receiver.events() == []
    for source in SOURCE_NAMES:
        assert len(materialized(team, source)) == 3


def test_a_schedule_that_somebody_switches_off_is_told_and_so_is_its_return(
    team: Installation, receiver: Receiver
) -> None:
    state: Any = team.dagster.query(_SWITCH % SCHEDULE)["scheduleOrError"]["scheduleState"]
    team.dagster.query(_STOP % state["id"])
    alert = receiver.wait_for("opened", f"off:{SCHEDULE}")
    assert alert["headline"] == f"{SCHEDULE} is switched off"
    team.dagster.query(_START % SCHEDULE)
    receiver.wait_for("over", f"off:{SCHEDULE}")
    assert events_about(receiver, f"off:{SCHEDULE}") == ["opened", "over"]


def test_a_deploy_that_does_not_load_is_told_with_its_cause(
    team: Installation, receiver: Receiver
) -> None:
    team.break_the_location(is_broken=True)
    alert = receiver.wait_for("opened", "code-location")
    assert "somebody has deployed a mistake" in alert["detail"]
    assert team.post_backfill("jira", 1).status_code == 503
    team.break_the_location(is_broken=False)
    receiver.wait_for("over", "code-location")
    assert events_about(receiver, "code-location") == ["opened", "over"]


def test_a_daemon_that_is_killed_is_told_and_makes_up_for_the_days_when_it_is_back(
    team: Installation, receiver: Receiver
) -> None:
    team.kill("daemon")
    alert = receiver.wait_for("opened", "daemon")
    assert "no heartbeat for more than 120 s" in alert["detail"]
    assert requests.get(f"{team.url}/healthz", timeout=60).status_code == 503
    pings = receiver.pings
    refused = team.post_backfill("jira", 1)
    assert refused.status_code == 503
    assert "daemon is dead" in refused.text

    # As after an outage of three days: six days were to be there, three are.
    team.environment["CATCH_UP_DAYS"] = "6"
    assert receiver.pings == pings
    team.start("daemon")
    receiver.wait_for("over", "daemon")
    team.wait_until(
        lambda: all(len(materialized(team, source)) == 6 for source in SOURCE_NAMES),
        "the days of the outage",
    )
    assert events_about(receiver, "daemon") == ["opened", "over"]
    team.wait_until(lambda: receiver.pings > pings, "pings after the outage")


def test_a_webserver_that_is_killed_is_told(team: Installation, receiver: Receiver) -> None:
    team.kill("webserver")
    receiver.wait_for("opened", "webserver")
    team.start("webserver")
    receiver.wait_for("over", "webserver")
    assert events_about(receiver, "webserver") == ["opened", "over"]


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


@pytest.mark.slow
def test_a_revoked_token_is_told_by_name_and_costs_no_other_source(
    team: Installation, receiver: Receiver, sandbox: Sandbox
) -> None:
    sandbox.faults.fail("/jira", status=401)
    assert team.dagster.wait_for_run(launch(team, "jira", 1)) == "FAILURE"
    alert = receiver.wait_for("opened", "run:jira")
    assert "jira refuses the credentials: HTTP 401" in alert["detail"]
    others = {name: verdict for name, verdict in team.verdicts().items() if name != "jira"}
    assert set(others.values()) == {"fresh"}
    sandbox.faults.clear()
    assert team.dagster.wait_for_run(launch(team, "jira", 1)) == "SUCCESS"
    receiver.wait_for("over", "run:jira")
    told = [event for event in receiver.events() if "jira" in event[1]]
    assert told == [("opened", "run:jira"), ("over", "run:jira")]


@pytest.mark.slow
def test_a_run_that_is_killed_is_marked_tried_again_and_blocks_nothing(
    team: Installation, receiver: Receiver, sandbox: Sandbox
) -> None:
    before = contents(team.environment["LANCEDB_URI"])
    sandbox.workspace.pages[0]["last_edited_time"] = datetime.now(UTC).isoformat()
    sandbox.faults.latency_seconds = 2.0
    run_id = launch(team, "notion", 3)
    process = team.wait_until(lambda: process_of(team, run_id), "the process of the run")
    os.kill(process, signal.SIGKILL)
    sandbox.faults.clear()
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
    match = re.search(r"in process \(pid: (\d+)\)", messages)
    return int(match[1]) if match else None


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


@pytest.mark.slow
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
