"""From a vendor's event over HTTP to an answer: queue, sensor, run, and what the run tells."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.index.generations import build_index
from vector_assets.index.queue import Change, ChangeQueue, Waiting
from vector_assets.monitoring import probes
from vector_assets.monitoring.changes import Changes
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, changes_key
from vector_assets.monitoring.watcher import Watcher
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.pipeline import arrivals
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.events import (
    Event,
    fireflies_event,
    jira_event,
    notion_event,
    slack_event,
    spoiled,
)
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.api.test_app import READ, served
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.indexes import assert_same, contents

SECRET = "hook-secret-of-the-test"
HOOKS = {
    "jira_webhook_secret": SECRET,
    "slack_signing_secret": SECRET,
    "notion_webhook_token": SECRET,
    "fireflies_webhook_secret": SECRET,
}
SOURCES = ("jira", "slack", "notion", "fireflies")


@dataclass
class Team:
    """A team whose week is in the index, and whose vendors send events."""

    sandbox: Sandbox
    settings: Settings
    url: str
    instance: dg.DagsterInstance
    watcher: Watcher

    @property
    def workspace(self) -> Workspace:
        return self.sandbox.workspace

    def deliver(self, event: Event) -> requests.Response:
        return requests.post(
            f"{self.url}/hooks/{event.source}", data=event.body, headers=event.headers, timeout=60
        )

    def waiting(self) -> list[Waiting]:
        return ChangeQueue(build_index(self.settings, Meter()).ledger).waiting()

    def requested(self) -> list[dg.AssetKey]:
        """Return the assets that the sensor asks for."""
        defs = build_defs(self.settings)
        context = dg.build_sensor_context(
            instance=self.instance, repository_def=defs.get_repository_def()
        )
        data = defs.resolve_sensor_def("changes_sensor").evaluate_tick(context)
        return [key for request in data.run_requests for key in request.asset_selection or ()]

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Return what a new check says of each source, and wait for it."""
        self.watcher.check_once()
        answer = requests.get(f"{self.url}/api/sync-status", headers=READ, timeout=60).json()
        return {status["source"]: status for status in answer["sources"]}

    def run(self, source: str) -> dg.ExecuteInProcessResult:
        """Run the job for one source."""
        job = build_defs(self.settings).resolve_job_def("changes_ingestion")
        return job.execute_in_process(
            asset_selection=[changes_key(source)],
            instance=self.instance,
            tags={"source": source},
            raise_on_error=False,
        )

    def materialize(self, source: str) -> dict[str, Any]:
        """Run the job for one source; return the metadata of its materialization."""
        result = self.run(source)
        assert result.success
        (event,) = result.asset_materializations_for_node(f"{source}_changes")
        return {name: value.value for name, value in event.metadata.items()}

    def titles(self, question: str) -> list[str]:
        """Return the titles of the best answers."""
        asked = {"q": question, "limit": "3"}
        answers = requests.get(
            f"{self.url}/api/find-context", params=asked, headers=READ, timeout=60
        ).json()["answers"]
        return [answer["title"] for answer in answers]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    now = datetime.now(UTC)
    move_to_yesterday(workspace, now)
    with running_sandbox(workspace) as sandbox, dagster_instance() as instance:
        given = {name.lower(): value for name, value in sandbox.environment.items()}
        settings = Settings.model_validate(
            {
                **given,
                **HOOKS,
                "vector_store": "lancedb",
                "lancedb_uri": str(tmp_path / "index"),
                "read_api_key": "reading-key",
                "dagster_graphql_url": "http://127.0.0.1:9/graphql",
            }
        )
        for source in SOURCES:
            sync_source(source, Days.newest(14, now), settings)
        monkeypatch.setattr(probes, "LEDGER_SECONDS", 0.0)
        with served(settings, tmp_path) as (url, watcher):
            yield Team(sandbox, settings, url, instance, watcher)


def change_everything(workspace: Workspace, now: datetime) -> list[Event]:
    """Change, add and delete something at each vendor; return the events that tell of it."""
    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "+0000")
    issue, deleted = workspace.issues[0], workspace.issues[1]
    issue["fields"] |= {"summary": "Quokka pallets arrive late", "updated": stamp}
    del workspace.issues[1]

    channel_id, messages = next((key, each) for key, each in workspace.messages.items() if each)
    parent = messages[0]
    ts = f"{now.timestamp():.6f}"
    thread_ts = parent.get("thread_ts", parent["ts"])
    reply = {"type": "message", "user": parent["user"], "text": "Wombat crates are here"}
    messages.append({**reply, "ts": ts, "thread_ts": thread_ts})
    parent |= {"thread_ts": thread_ts, "reply_count": parent.get("reply_count", 0) + 1}
    parent |= {"latest_reply": ts}

    page = workspace.pages[0]
    page["last_edited_time"] = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    title = next(value for value in page["properties"].values() if value["type"] == "title")
    title["title"] = [
        {"type": "text", "text": {"content": "Numbat plans"}, "plain_text": "Numbat plans"}
    ]

    meeting = copy.deepcopy(workspace.transcripts[0])
    meeting |= {"id": "quoll-meeting", "title": "Quoll review", "date": now.timestamp() * 1000}
    workspace.transcripts.append(meeting)

    message = {"type": "message", "channel": channel_id, "ts": ts, "thread_ts": thread_ts}
    return [
        jira_event("jira:issue_updated", {"issue": {"id": issue["id"]}}, SECRET, now),
        jira_event("jira:issue_deleted", {"issue": {"id": deleted["id"]}}, SECRET, now),
        slack_event(message, SECRET, now),
        notion_event("page.content_updated", page["id"], SECRET, now),
        fireflies_event("meeting.transcribed", "quoll-meeting", SECRET, now),
    ]


def test_an_event_brings_its_document_as_a_night_would(team: Team, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    gone = f"jira:{team.workspace.issues[1]['id']}"
    for event in change_everything(team.workspace, now):
        answer = team.deliver(event)
        assert (answer.status_code, answer.json()["queued"] > 0) == (200, True)
    assert {each.source for each in team.waiting()} == set(SOURCES)
    assert set(team.requested()) == {changes_key(source) for source in SOURCES}
    assert all(status["waiting_changes"] > 0 for status in team.statuses().values())

    numbers = {source: team.materialize(source) for source in SOURCES}
    assert team.waiting() == []
    assert team.requested() == []
    assert numbers["jira"]["run_deleted_documents"] == 1
    for source in SOURCES:
        assert numbers[source]["run_failed_documents"] == 0
        assert 0 < numbers[source]["lag_median_seconds"] < 3600
        # No day counts as complete by it.
        assert team.instance.get_materialized_partitions(asset_key(source)) == set()
        (observed,) = team.instance.fetch_observations(asset_key(source), limit=2).records
        assert "run_documents" in observed.asset_observation.metadata

    for status in team.statuses().values():
        assert status["waiting_changes"] == 0
        assert status["event_lag_seconds"]["p95_at_most"] > 0
    metrics = requests.get(f"{team.url}/metrics", headers=READ, timeout=60).text
    assert 'vector_assets_event_lag_seconds_bucket{le="+Inf",source="jira"} 1.0' in metrics

    again = team.settings.model_copy(update={"lancedb_uri": str(tmp_path / "night")})
    for source in SOURCES:
        sync_source(source, Days.newest(15, now), again)
    held = contents(team.settings.lancedb_uri)
    assert all(record["document_id"] != gone for record in held["jira"].values())
    assert_same(held, contents(again.lancedb_uri))


def test_an_event_of_a_meeting_of_another_day_brings_it_and_never_deletes_it(team: Team) -> None:
    now = datetime.now(UTC)
    # It began yesterday or earlier, and the index holds it.
    summarized = max(team.workspace.transcripts, key=lambda meeting: meeting["date"])
    before = contents(team.settings.lancedb_uri, ["fireflies"])["fireflies"].values()
    assert f"fireflies:{summarized['id']}" in {record["document_id"] for record in before}
    summarized["summary"] = {"overview": "Quoll review: the pallets stay"}
    late = {**copy.deepcopy(summarized), "id": "late-meeting", "title": "Bilby review"}
    late["date"] -= timedelta(days=9).total_seconds() * 1000
    team.workspace.transcripts.append(late)
    for name, meeting in (("meeting.summarized", summarized), ("meeting.transcribed", late)):
        team.deliver(fireflies_event(name, meeting["id"], SECRET, now))
    numbers = team.materialize("fireflies")
    assert (numbers["run_deleted_documents"], numbers["run_failed_documents"]) == (0, 0)
    held = contents(team.settings.lancedb_uri, ["fireflies"])["fireflies"].values()
    texts = [str(record["text"]) for record in held]
    assert any("Quoll review: the pallets stay" in text for text in texts)
    assert any("Bilby review" in text for text in texts)


def test_an_event_of_a_page_that_was_trashed_takes_it_out_of_the_index(team: Team) -> None:
    page = max(team.workspace.pages, key=lambda page: page["last_edited_time"])
    page["in_trash"] = True
    team.deliver(notion_event("page.deleted", page["id"], SECRET, datetime.now(UTC)))
    numbers = team.materialize("notion")
    assert (numbers["run_deleted_documents"], numbers["run_failed_documents"]) == (1, 0)
    held = contents(team.settings.lancedb_uri, ["notion"])["notion"].values()
    assert all(record["document_id"] != f"notion:{page['id']}" for record in held)


def test_what_fails_goes_into_quarantine_and_waits_no_more(team: Team) -> None:
    now = datetime.now(UTC)
    issue = team.workspace.issues[0]
    issue["key"] = ""
    team.deliver(jira_event("jira:issue_updated", {"issue": {"id": issue["id"]}}, SECRET, now))
    assert team.materialize("jira")["run_failed_documents"] == 1
    assert team.waiting() == []


def test_while_the_vendor_is_down_everything_waits(team: Team) -> None:
    now = datetime.now(UTC)
    issue = team.workspace.issues[0]
    team.deliver(jira_event("jira:issue_updated", {"issue": {"id": issue["id"]}}, SECRET, now))
    team.sandbox.faults.fail("/jira", status=401)
    assert not team.run("jira").success
    assert [each.document_id for each in team.waiting()] == [f"jira:{issue['id']}"]
    # It has just failed: the next run is not launched at once.
    assert team.requested() == []
    team.sandbox.faults.rules.clear()
    team.materialize("jira")
    assert team.waiting() == []


def test_an_event_of_no_document_reads_the_source_since(team: Team) -> None:
    now = datetime.now(UTC)
    change_everything(team.workspace, now)
    ChangeQueue(build_index(team.settings, Meter()).ledger).add([Change("jira:", now)])
    assert team.materialize("jira")["run_documents"] >= 1
    assert any("Quokka pallets" in title for title in team.titles("Quokka pallets"))


def test_an_account_that_sees_nothing_any_more_deletes_nothing(team: Team) -> None:
    now = datetime.now(UTC)
    issue = team.workspace.issues[0]
    team.workspace.site.jira_hidden_projects = [issue["fields"]["project"]["key"]]
    team.deliver(jira_event("jira:issue_deleted", {"issue": {"id": issue["id"]}}, SECRET, now))
    before = contents(team.settings.lancedb_uri, ["jira"])
    assert not team.run("jira").success
    assert contents(team.settings.lancedb_uri, ["jira"])["jira"].keys() == before["jira"].keys()


def test_hooks_refuse_what_is_not_theirs(team: Team) -> None:
    now = datetime.now(UTC)
    event = jira_event("jira:issue_updated", {"issue": {"id": "1"}}, "another secret", now)
    assert team.deliver(event).status_code == 401
    signed = jira_event("jira:issue_updated", {"issue": {"id": "1"}}, SECRET, now)
    assert requests.post(f"{team.url}/hooks/files", data=signed.body, timeout=60).status_code == 404
    large = {"issue": {"id": "1"}, "words": "w" * (1024 * 1024)}
    assert team.deliver(jira_event("jira:x_y", large, SECRET, now)).status_code == 413
    fits = {"issue": {"id": "1"}, "words": "w" * (900 * 1024)}
    assert team.deliver(jira_event("jira:issue_updated", fits, SECRET, now)).status_code == 200
    again = team.deliver(jira_event("jira:issue_updated", fits, SECRET, now))
    assert (again.status_code, again.json()) == (200, {"queued": 0})
    assert requests.get(f"{team.url}/hooks/jira", timeout=60).status_code == 405
    metrics = requests.get(f"{team.url}/metrics", headers=READ, timeout=60).text
    assert 'vector_assets_hook_events_total{event="forged",source="jira"} 1.0' in metrics
    assert [each.document_id for each in team.waiting()] == ["jira:1"]


def test_without_a_secret_there_is_no_hook_asset_job_or_sensor(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"lancedb_uri": str(tmp_path / "index"), "read_api_key": "reading-key"}
    )
    defs = build_defs(settings)
    names = {key.to_user_string() for key in defs.resolve_all_asset_keys()}
    assert not [name for name in names if name.endswith("_changes")]
    sensors = {each.name for each in defs.get_repository_def().sensor_defs}
    assert "missed_partitions_sensor" in sensors
    assert not sensors & {"changes_sensor", "polling_sensor"}
    with served(settings, tmp_path) as (url, _):
        assert requests.post(f"{url}/hooks/jira", data=b"{}", timeout=60).status_code == 404


def test_polling_queues_what_is_new_and_nothing_twice(team: Team) -> None:
    polled = dict.fromkeys(HOOKS, "") | {"sync_every_minutes": 5}
    settings = Settings.model_validate({**team.settings.model_dump(), **polled})
    assert settings.polled_sources == ("jira", "notion", "fireflies")
    team.settings = settings
    defs = build_defs(settings)
    sensor = defs.resolve_sensor_def("polling_sensor")
    assert sensor.minimum_interval_seconds == 300

    def poll(cursor: str | None) -> tuple[str, str]:
        context = dg.build_sensor_context(
            instance=team.instance, repository_def=defs.get_repository_def(), cursor=cursor
        )
        data = sensor.evaluate_tick(context)
        return data.cursor or "", data.skip_message or ""

    cursor, _ = poll(None)
    assert {each.document_id for each in team.waiting()} == {"jira:", "notion:", "fireflies:"}
    for source in ("jira", "notion", "fireflies"):
        assert team.materialize(source)["run_embedded_chunks"] == 0
    cursor, words = poll(cursor)
    assert "jira: nothing new; notion: nothing new" in words
    assert team.waiting() == []

    odd = json.dumps({**json.loads(cursor), "notion": "yesterday", "fireflies": 7})
    for written in (odd, "odd", "[]"):
        later, words = poll(written)
        assert later == cursor, written
        assert "notion: news of" in words
        ChangeQueue(build_index(settings, Meter()).ledger).remove(team.waiting())

    now = datetime.now(UTC)
    change_everything(team.workspace, now)
    team.sandbox.faults.fail("/notion", status=401)
    cursor, words = poll(cursor)
    assert "jira: news of" in words
    assert "notion: notion refuses the credentials" in words
    assert {each.source for each in team.waiting()} == {"jira", "fireflies"}
    assert team.materialize("jira")["run_documents"] >= 1
    assert any("Quokka pallets" in title for title in team.titles("Quokka pallets"))


def night(team: Team) -> tuple[dict[str, Any], bool]:
    """Run Jira's night; return the newest day's metadata and whether its events came."""
    result = materialize_in_process(
        build_defs(team.settings),
        "jira",
        Days.newest(2, datetime.now(UTC)),
        instance=team.instance,
    )
    assert result.success
    events = result.asset_materializations_for_node("jira_documents")
    metadata = max(events, key=lambda event: str(event.partition)).metadata
    (check,) = (
        check
        for check in result.get_asset_check_evaluations()
        if check.check_name == "events_bring_changes"
    )
    return {name: value.value for name, value in metadata.items()}, check.passed


def touch(team: Team, number: int, at: datetime) -> Event:
    """Change an issue; return the event that tells of it."""
    issue = team.workspace.issues[number]
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "+0000")
    issue["fields"] |= {"summary": f"Changed at {stamp}", "updated": stamp}
    return jira_event("jira:issue_updated", {"issue": {"id": issue["id"]}}, SECRET, at)


def test_the_night_tells_how_many_changes_events_lost(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "SETTLE", timedelta(0))
    metadata, is_passed = night(team)
    # Before the first event nothing can be lost.
    assert (metadata["run_brought_by_events"], is_passed) == (0, True)

    team.deliver(touch(team, 0, datetime.now(UTC)))
    team.materialize("jira")
    metadata, is_passed = night(team)
    counts = metadata["run_brought_by_events"], metadata["run_missed_by_events"]
    assert (counts, is_passed) == ((1, 0), True)

    team.deliver(touch(team, 1, datetime.now(UTC)))
    team.materialize("jira")
    touch(team, 2, datetime.now(UTC))  # whose event is lost
    metadata, is_passed = night(team)
    counts = metadata["run_brought_by_events"], metadata["run_missed_by_events"]
    assert (counts, is_passed) == ((1, 1), False)
    metadata, is_passed = night(team)
    counts = metadata["run_brought_by_events"], metadata["run_missed_by_events"]
    assert (counts, is_passed) == ((0, 0), True)


def test_on_a_bad_network_the_night_brings_the_rest_and_tells_how_much(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "SETTLE", timedelta(0))
    began = datetime.now(UTC) - timedelta(minutes=30)
    team.workspace.issues[:] = [issue(number, updated=began) for number in range(60)]
    night(team)
    team.deliver(touch(team, 0, datetime.now(UTC)))
    team.materialize("jira")
    night(team)  # from now on changes are counted

    events = [touch(team, number, datetime.now(UTC)) for number in range(60)]
    delivered = list(spoiled(events, seed=7, dropped=0.2, doubled=0.1, reordered=0.1))
    for event in delivered:
        assert team.deliver(event).status_code == 200
    team.materialize("jira")
    metadata, is_passed = night(team)
    arrived = len({event.body for event in delivered})
    counts = metadata["run_brought_by_events"], metadata["run_missed_by_events"]
    assert (counts, is_passed) == ((arrived, 60 - arrived), False)
    assert 5 <= 60 - arrived <= 20

    again = team.settings.model_copy(update={"lancedb_uri": str(tmp_path / "night")})
    sync_source("jira", Days.newest(2, datetime.now(UTC)), again)
    held = contents(team.settings.lancedb_uri, ["jira"])
    fresh = contents(again.lancedb_uri, ["jira"])
    for chunk_id, record in fresh["jira"].items():
        assert held["jira"][chunk_id]["text"] == record["text"]
    titles = {record["document_id"] for record in fresh["jira"].values()}
    assert len(titles) == 60


def test_a_source_is_late_when_a_change_waits_for_a_quarter_of_an_hour() -> None:
    now = datetime.now(UTC)
    waiting = Changes(3, now - timedelta(minutes=16))
    assert waiting.late_reason(now).startswith("3 changes wait since ")
    assert Changes(3, now - timedelta(minutes=14)).late_reason(now) == ""
    assert Changes().late_reason(now) == ""


def test_lags_are_bounded_by_their_share() -> None:
    lags = arrivals.Lags().with_seconds([1, 2, 3, 25, 55]).with_seconds([100_000])
    assert [lags.at_most_seconds(share) for share in (0.5, 0.75, 0.8)] == [5, 60, 60]
    assert lags.at_most_seconds(0.95) == float("inf")
    assert arrivals.Lags().at_most_seconds(0.5) is None
    words = str(Changes(0, None, lags))
    assert words == "changes are found within 5 s (half of them), more than an hour (95 %)"
