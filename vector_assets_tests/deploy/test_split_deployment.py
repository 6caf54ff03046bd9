"""The services of `deploy/compose.yaml` as processes that share no disk, with a real Postgres.

The tests kill services in order; they share a file so that the deployment starts once.
"""

import os
import re
import signal
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.orchestration.partitions import range_tags
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import SOURCE_NAMES
from vector_assets_tests.deploy.split import SplitDeployment
from vector_assets_tests.support.receiver import Receiver

pytestmark = [pytest.mark.timeout(2400), pytest.mark.slow]

JOB = "nightly_ingestion"

_RUNS = """
query { runsOrError { ... on Runs { results {
  runId status tags { key value } assetSelection { path } stepStats { stepKey startTime endTime }
} } } }
"""

_EVENTS = """
query ($id: ID!) {
  logsForRun(runId: $id) { ... on EventConnection { events { ... on MessageEvent { message } } } }
}
"""


def runs_of(team: SplitDeployment, source: str) -> list[dict[str, Any]]:
    """Return the runs of a source, newest first, with their tags as a mapping."""
    path = {"path": [f"{source}_documents"]}
    runs = team.dagster.query(_RUNS)["runsOrError"]["results"]
    return [
        {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}}
        for run in runs
        if path in (run["assetSelection"] or [])
    ]


def wait_for_backfill(team: SplitDeployment, backfill: dict[str, Any]) -> dict[str, Any]:
    def state() -> dict[str, Any] | None:
        status: dict[str, Any] = team.get(backfill["status_url"])
        return status if status["is_finished"] else None

    return dict(team.wait_until(state, f"the backfill of {backfill['source']}"))


def events_about(receiver: Receiver, key: str) -> list[str]:
    return [kind for kind, about in receiver.events() if about == key]


@pytest.fixture(scope="module")
def backfilled(team: SplitDeployment) -> list[dict[str, Any]]:
    """Fill the index with a week of all sources over HTTP."""
    asked = [team.backfill(source, 7) for source in SOURCE_NAMES]
    return [wait_for_backfill(team, backfill) for backfill in asked]


def test_a_backfill_over_http_runs_on_the_other_host_and_is_found(
    backfilled: list[dict[str, Any]], team: SplitDeployment, sandbox: Sandbox
) -> None:
    assert all(set(backfill["days"].values()) == {"materialized"} for backfill in backfilled)
    team.wait_until(lambda: set(team.verdicts().values()) == {"fresh"}, "fresh sources")
    answers = team.get("/api/find-context", q="HAR-41", limit="1")["answers"]
    assert answers[0]["title"].startswith("HAR-41")
    # The status counts what is in the sandbox's Pinecone.
    assert all(status["vectors"] > 0 for status in team.status()["sources"])
    assert sum(sandbox.faults.requests("/pinecone").values()) > 0


def test_accounts_are_where_they_are_needed_and_nowhere_else(team: SplitDeployment) -> None:
    for name in ("webserver", "daemon", "migrate"):
        assert "JIRA_API_TOKEN" not in team.environment_of(name)
    for name in ("code", "serve"):
        assert "JIRA_API_TOKEN" in team.environment_of(name)


def test_two_backfills_of_a_source_at_once_take_turns(
    team: SplitDeployment, sandbox: Sandbox
) -> None:
    sandbox.faults.latency_seconds = 0.3
    both = [team.backfill("jira", 2), team.backfill("jira", 3)]
    other = team.backfill("slack", 2)
    for backfill in (*both, other):
        assert not wait_for_backfill(team, backfill)["has_failed"]
    sandbox.faults.clear()
    ids = {backfill["backfill_id"] for backfill in both}
    runs = [run for run in runs_of(team, "jira") if run["tags"].get("dagster/backfill") in ids]
    assert len(runs) == 2
    steps = sorted(
        (step["startTime"], step["endTime"])
        for run in runs_of(team, "jira")
        for step in run["stepStats"]
        if step["stepKey"] == "jira_documents" and step["endTime"]
    )
    assert all(ended <= began for (_, ended), (began, _) in pairwise(steps))


def test_a_killed_run_is_tried_again_though_webserver_and_daemon_were_killed_too(
    team: SplitDeployment, sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.workspace.pages[0]["last_edited_time"] = datetime.now(UTC).isoformat()
    sandbox.faults.latency_seconds = 2.0
    days = range_tags(Days.newest(3, datetime.now(UTC)))
    run_id = team.dagster.launch(JOB, {**days, "source": "notion"}, source="notion")
    pid = team.wait_until(lambda: process_of(team, run_id), "the process of the run")
    before = {run["runId"] for run in runs_of(team, "jira")}
    os.kill(pid, signal.SIGKILL)
    for name in ("webserver", "daemon"):
        team.kill(name)
    sandbox.faults.clear()
    for name in ("webserver", "daemon"):
        team.start(name)
    team.dagster.wait_until_up()

    assert before <= {run["runId"] for run in runs_of(team, "jira")}

    def retry() -> dict[str, Any] | None:
        tried_again = [
            run
            for run in runs_of(team, "notion")
            if run["tags"].get("dagster/parent_run_id") == run_id and run["status"] == "SUCCESS"
        ]
        return tried_again[0] if tried_again else None

    assert team.wait_until(retry, "the retry")["tags"]["dagster/retry_number"] == "1"
    [killed] = [run for run in runs_of(team, "notion") if run["runId"] == run_id]
    assert killed["status"] == "FAILURE"
    assert events_about(receiver, "run:notion") == []


def process_of(team: SplitDeployment, run_id: str) -> int | None:
    """Return the pid of a run's process; None before it starts."""
    connection = team.dagster.query(_EVENTS, id=run_id)["logsForRun"]
    messages = "\n".join(event.get("message", "") for event in connection["events"])
    match = re.search(r"in process \(pid: (\d+)\)", messages)
    return int(match[1]) if match else None


@pytest.mark.usefixtures("backfilled")
def test_a_code_server_that_dies_is_told_once_by_its_name(
    team: SplitDeployment, receiver: Receiver
) -> None:
    team.kill("code")
    alert = receiver.wait_for("opened", "code-location")
    assert "server" in alert["detail"]
    answers = team.get("/api/find-context", q="HAR-41", limit="1")["answers"]
    assert answers[0]["title"].startswith("HAR-41")
    team.start("code")
    receiver.wait_for("over", "code-location")
    assert events_about(receiver, "code-location") == ["opened", "over"]
    assert [about for _, about in receiver.events() if about.startswith("tick:")] == []


def is_healed(team: SplitDeployment) -> bool:
    """Restart dead services as the file's restart policy does; tell whether no problem is left."""
    team.start_what_has_died()
    return not team.status()["problems"]


@pytest.mark.usefixtures("backfilled")
def test_a_database_that_is_away_is_told_once_and_all_goes_on_when_it_is_back(
    team: SplitDeployment, receiver: Receiver
) -> None:
    known = len(receiver.events())
    team.database.stop()
    alert = receiver.wait_for("opened", "database")
    assert "refused" in alert["detail"]
    assert team.get("/api/find-context", q="HAR-41", limit="1")["answers"]
    team.database.start()
    team.wait_until(lambda: is_healed(team), "all of it")
    receiver.wait_for("over", "database")
    assert events_about(receiver, "database") == ["opened", "over"]
    # There was no second incident for the webserver, which could not answer meanwhile.
    assert ("opened", "webserver") not in receiver.events()[known:]

    def launched() -> str:
        # Each old connection of the webserver fails once before it is replaced.
        with suppress(AssertionError):
            days = range_tags(Days.newest(1, datetime.now(UTC)))
            return team.dagster.launch(JOB, days, source="jira")
        return ""

    run_id = team.wait_until(launched, "a run that is taken")
    assert team.dagster.wait_for_run(run_id) == "SUCCESS"


def test_what_was_told_is_remembered_when_serve_is_put_on_another_host(
    team: SplitDeployment, receiver: Receiver
) -> None:
    """`serve` has no persistent disk; it keeps incidents in the database."""
    team.kill("webserver")
    receiver.wait_for("opened", "webserver")
    team.kill("serve")
    team.start("serve")
    team.wait_until(lambda: "webserver" in str(team.status()["problems"]), "serve")
    team.start("webserver")
    receiver.wait_for("over", "webserver")
    assert events_about(receiver, "webserver") == ["opened", "over"]


def test_the_night_begins_by_itself_through_all_of_this(team: SplitDeployment) -> None:
    def nights() -> list[str]:
        return [
            source
            for source in SOURCE_NAMES
            for run in runs_of(team, source)
            if run["tags"].get("dagster/schedule_name") == "nightly_ingestion_schedule"
            and run["status"] == "SUCCESS"
        ]

    team.wait_until(lambda: set(nights()) == set(SOURCE_NAMES), "the night")
