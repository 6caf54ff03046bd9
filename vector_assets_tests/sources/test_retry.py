"""What failed on an old day is read again by each source's night, over real HTTP, and leaves."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from vector_assets.core.days import Days
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.pipeline.quarantine import quarantined
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.sources.http import httpx_transport as httpx_retries
from vector_assets.sources.http import requests_retries as http_retries
from vector_assets.sources.items import Quarantined, Resolved
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.fireflies import meetings as fireflies_meetings
from vector_assets_tests.sources.jira.issues import comment, issue
from vector_assets_tests.sources.notion.pages import (
    child_database,
    child_page,
    database,
    page,
    row_of,
)
from vector_assets_tests.sources.slack import team as slack_team
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder

MARCH_2 = date(2026, 3, 2)
THREAD_TS = slack_team.ts_of("2026-03-02T10:00")


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once, and once."""
    monkeypatch.setattr(httpx_retries, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(http_retries, "_ATTEMPTS", 1)


class Runs:
    """Runs of one source over one index, by hand for old days and by night."""

    def __init__(self, name: str, sandbox: Sandbox, folder: Path, **settings: str) -> None:
        values = {key.lower(): value for key, value in sandbox.environment.items()} | settings
        self.name = name
        self._settings = Settings.model_validate(values)
        self._store = LanceDBStore(str(folder / "index"))

    def by_hand(self, first: date = MARCH_2, last: date | None = None) -> SyncReport:
        return self._run(Days(first, last or first))

    def night(self) -> SyncReport:
        return self._run(Days.newest(1, datetime.now(UTC)))

    def held(self) -> dict[str, Quarantined]:
        ledger = Ledger(LanceDBStore(self._store._uri), 64)
        return {document.document_id: document for document in quarantined(ledger)}

    def indexed(self) -> set[str]:
        return {document_id for document_id, _ in self._store.documents(self.name)}

    def _run(self, days: Days) -> SyncReport:
        meter = Meter()
        pipeline = Pipeline(
            source=build_source(self.name, self._settings, meter),
            target=target_of(self._store, TinyEmbedder(chunk_tokens=2_000)),
            meter=meter,
        )
        return write(pipeline.embedded_documents(days))


@dataclass(frozen=True)
class Case:
    """A document of March 2nd that fails, beside one that does not.

    Attributes:
        source: Name.
        document_id: Of the one that fails.
        cause: What the quarantine says, in part.
        populate: Makes both, and breaks the one.
        heal: Makes it whole.
        remove: Takes it away at the vendor.
    """

    source: str
    document_id: str
    cause: str
    populate: Callable[[Sandbox, Path], None]
    heal: Callable[[Sandbox, Path], None]
    remove: Callable[[Sandbox, Path], None]
    prepare: Callable[[Sandbox], None] | None = None
    """What an earlier run has brought into the index."""


def _clear(sandbox: Sandbox, _: Path) -> None:
    sandbox.faults.rules.clear()


# Jira: comments that are not given, and a field of another shape.


def _jira(sandbox: Sandbox, _: Path) -> None:
    many = tuple(comment(n, f"word {n}") for n in range(30))
    sandbox.workspace.issues = [issue(1, comments=many), issue(2)]
    sandbox.faults.fail("/jira/rest/api/3/issue/10001/comment", status=404)


def _jira_shape(sandbox: Sandbox, _: Path) -> None:
    sandbox.workspace.issues = [issue(1) | {"key": ""}, issue(2)]


def _jira_heal(sandbox: Sandbox, _: Path) -> None:
    sandbox.workspace.issues[0] = issue(1)


def _jira_remove(sandbox: Sandbox, _: Path) -> None:
    del sandbox.workspace.issues[0]


# Slack: a thread whose replies are not given, and a day with a message of another shape.


def _slack_channels(sandbox: Sandbox) -> None:
    """Two channels that the index knows, so that no night reads their whole history."""
    slack_team.populate(sandbox)
    slack_team.say(sandbox, "2026-03-02T09:00", "Good morning", channel=slack_team.RANDOM)


def _slack(sandbox: Sandbox, _: Path) -> None:
    parent = slack_team.say(sandbox, "2026-03-02T10:00", "Is the crane late?")
    slack_team.say(sandbox, "2026-03-02T11:00", "It is.", thread=parent)
    slack_team.say(sandbox, "2026-03-02T12:00", "Lunch!", channel=slack_team.RANDOM)
    body = {"ok": False, "error": "internal_error"}
    path = "/slack/api/conversations.replies"
    sandbox.faults.fail(path, contains=THREAD_TS, status=200, body=body)


def _slack_remove(sandbox: Sandbox, _: Path) -> None:
    sandbox.faults.rules.clear()
    sandbox.workspace.messages[slack_team.ENGINEERING].clear()


def _slack_day(sandbox: Sandbox, _: Path) -> None:
    slack_team.say(sandbox, "2026-03-02T10:00", "The crane is late, says <@U0EXT0001>.")
    sandbox.faults.fail("/slack/api/users.info", status=200, body={"ok": True})


# Notion: a page whose body is not given, one with a property of another shape.


def _notion_id() -> str:
    return f"notion:{page('Bad')['id']}"


def _notion_break(sandbox: Sandbox, _: Path) -> None:
    bad = page("Bad")
    sandbox.workspace.pages = [page("Good"), bad]
    error = {"object": "error", "status": 400, "code": "validation_error", "message": "no"}
    sandbox.faults.fail("/notion/v1/comments", contains=bad["id"], status=400, body=error)


def _notion_remove(sandbox: Sandbox, _: Path) -> None:
    sandbox.faults.rules.clear()
    del sandbox.workspace.pages[1]


# Fireflies: a transcript of which the vendor cannot give all, and one without a day.


def _fireflies(sandbox: Sandbox, _: Path) -> None:
    sandbox.workspace.transcripts = [
        fireflies_meetings.meeting(1, sentences=[{"start_time": "no number"}]),
        fireflies_meetings.meeting(2),
    ]


def _fireflies_heal(sandbox: Sandbox, _: Path) -> None:
    sandbox.workspace.transcripts[0] = fireflies_meetings.meeting(1)


def _fireflies_remove(sandbox: Sandbox, _: Path) -> None:
    del sandbox.workspace.transcripts[0]


# Files: one that is no UTF-8.


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    at = datetime(2026, 3, 2, 10, tzinfo=UTC).timestamp()
    os.utime(path, (at, at))


def _files(_: Sandbox, folder: Path) -> None:
    _write(folder / "files" / "bad.md", b"caf\xe9")
    _write(folder / "files" / "good.md", b"words")


def _files_heal(_: Sandbox, folder: Path) -> None:
    _write(folder / "files" / "bad.md", b"healed")


def _files_remove(_: Sandbox, folder: Path) -> None:
    (folder / "files" / "bad.md").unlink()


SLACK_THREAD = f"slack:{slack_team.ENGINEERING}:{THREAD_TS}"
SLACK_DAY = f"slack:{slack_team.ENGINEERING}:2026-03-02"
CASES = {
    "jira": Case("jira", "jira:10001", "HTTP 404", _jira, _clear, _jira_remove),
    "jira shape": Case(
        "jira", "jira:10001", "cannot be read", _jira_shape, _jira_heal, _jira_remove
    ),
    "slack thread": Case(
        "slack", SLACK_THREAD, "internal_error", _slack, _clear, _slack_remove, _slack_channels
    ),
    "slack day": Case(
        "slack",
        SLACK_DAY,
        "answered no user",
        _slack_day,
        _clear,
        _slack_remove,
        _slack_channels,
    ),
    "notion": Case("notion", _notion_id(), "refuses it", _notion_break, _clear, _notion_remove),
    "fireflies": Case(
        "fireflies",
        "fireflies:meeting-1",
        "could not give all of it",
        _fireflies,
        _fireflies_heal,
        _fireflies_remove,
    ),
    "files": Case("files", "files:bad.md", "not UTF-8", _files, _files_heal, _files_remove),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    case: Case = request.param
    return case


@pytest.fixture
def runs(case: Case, sandbox: Sandbox, tmp_path: Path) -> Runs:
    runs = Runs(case.source, sandbox, tmp_path, files_path=str(tmp_path / "files"))
    if case.prepare is not None:
        case.prepare(sandbox)
        runs.by_hand()
    case.populate(sandbox, tmp_path)
    return runs


def test_a_document_that_fails_is_recorded_and_costs_no_other(case: Case, runs: Runs) -> None:
    runs.by_hand()
    (held,) = runs.held().values()
    assert held.document_id == case.document_id
    assert case.cause in held.cause
    assert (held.day, held.attempts) == (MARCH_2, 1)
    assert len(runs.indexed() - {f"slack:{slack_team.ENGINEERING}", f"slack:{slack_team.RANDOM}"})
    assert case.document_id not in runs.indexed()


def test_the_night_tries_it_again_though_its_day_is_long_past_and_counts_the_attempts(
    case: Case, runs: Runs
) -> None:
    runs.by_hand()
    (first,) = runs.held().values()
    report = runs.night()
    (again,) = runs.held().values()
    assert (again.document_id, again.attempts) == (case.document_id, 2)
    assert (again.first_seen_at, again.window, again.day) == (
        first.first_seen_at,
        first.window,
        first.day,
    )
    assert again.last_seen_at > first.last_seen_at
    assert case.cause in again.cause
    # Files that came today are in the night's window, whatever their day.
    is_in_window = case.source == "files"
    assert report.failed_again_documents == (not is_in_window)
    assert report.total.failed_documents == is_in_window


def test_what_has_healed_is_indexed_by_the_next_night_and_leaves_the_quarantine(
    case: Case, runs: Runs, sandbox: Sandbox, tmp_path: Path
) -> None:
    runs.by_hand()
    case.heal(sandbox, tmp_path)
    report = runs.night()
    assert case.document_id in runs.indexed()
    assert runs.held() == {}
    assert (report.released_documents, report.failed_again_documents) == (1, 0)


def test_what_is_gone_at_the_vendor_leaves_the_quarantine_and_is_not_indexed(
    case: Case, runs: Runs, sandbox: Sandbox, tmp_path: Path
) -> None:
    runs.by_hand()
    case.remove(sandbox, tmp_path)
    runs.night()
    assert case.document_id not in runs.indexed()
    assert runs.held() == {}


def test_a_run_for_its_day_by_hand_clears_it_too(
    case: Case, runs: Runs, sandbox: Sandbox, tmp_path: Path
) -> None:
    runs.by_hand()
    case.heal(sandbox, tmp_path)
    runs.by_hand()
    assert case.document_id in runs.indexed()
    assert runs.held() == {}


# What one source alone has


def test_thirty_issues_that_failed_cost_one_request_and_no_search(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.workspace.issues = [issue(n) | {"key": ""} for n in range(30)]
    runs = Runs("jira", sandbox, tmp_path)
    runs.by_hand()
    assert len(runs.held()) == 30
    sandbox.workspace.issues = [issue(n) for n in range(30)]
    report = runs.night()
    assert report.requests["jira issue/bulkfetch"] == 1
    assert len(runs.indexed()) == 30
    assert runs.held() == {}


def test_an_issue_that_moved_out_of_the_projects_that_are_read_is_let_go(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.workspace.issues = [issue(1) | {"key": ""}, issue(2)]
    runs = Runs("jira", sandbox, tmp_path, jira_projects="HAR")
    runs.by_hand()
    sandbox.workspace.issues[0] = issue(1, project="SEA")
    runs.night()
    assert runs.indexed() == {"jira:10002"}
    assert runs.held() == {}


def test_an_account_that_sees_nothing_any_more_lets_go_of_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.workspace.issues = [issue(1) | {"key": ""}, issue(2)]
    runs = Runs("jira", sandbox, tmp_path)
    runs.by_hand()
    # A fault of the night's window would end the run before; this one is of the second half alone.
    # The first listing of projects is that of their readers.
    sandbox.faults.fail(
        "/jira/rest/api/3/issue/bulkfetch", status=200, body={"issues": [], "issueErrors": []}
    )
    sandbox.workspace.site.jira_hidden_projects = ["HAR"]
    sandbox.faults.fail(
        "/jira/rest/api/3/search/jql", status=200, body={"issues": [], "isLast": True}
    )
    sandbox.faults.fail(
        "/jira/rest/api/3/project/search", status=200, body={"values": [], "total": 1}, times=2
    )
    report = runs.night()
    (held,) = runs.held().values()
    assert "its account sees no project" in held.cause
    assert (held.attempts, report.failed_again_documents) == (2, 1)


def test_a_page_that_is_read_at_last_brings_the_pages_that_only_it_knows_of(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    hidden = page("Hidden")
    bad = page("Bad", child_page(hidden))
    sandbox.workspace.pages = [bad, hidden]
    sandbox.workspace.site.notion_hidden_page_ids = [hidden["id"]]
    for path in (f"pages/{bad['id']}/markdown", f"blocks/{bad['id']}/children"):
        sandbox.faults.fail(f"/notion/v1/{path}", status=404)
    runs = Runs("notion", sandbox, tmp_path)
    runs.by_hand()
    assert runs.indexed() == set()
    sandbox.faults.rules.clear()
    runs.night()
    assert runs.indexed() == {f"notion:{bad['id']}", f"notion:{hidden['id']}"}
    assert runs.held() == {}


def test_a_data_source_whose_rows_were_refused_is_listed_again_for_its_window(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    table = database("Table")
    row = page("Row", parent=row_of(table))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [row, page("Good")]
    sandbox.workspace.site.notion_hidden_page_ids = [row["id"]]
    error = {"object": "error", "status": 400, "code": "validation_error", "message": "no"}
    sandbox.faults.fail("/notion/v1/data_sources", status=400, body=error)
    runs = Runs("notion", sandbox, tmp_path)
    runs.by_hand()
    (held,) = runs.held().values()
    assert "rows of a data source" in held.cause
    sandbox.faults.rules.clear()
    runs.night()
    assert f"notion:{row['id']}" in runs.indexed()
    assert runs.held() == {}


def test_a_database_that_was_not_given_is_listed_again_for_its_window(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    table = database("Table")
    row = page("Row", parent=row_of(table))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [row, page("Top", child_database(table))]
    # Search knows neither the database nor its row.
    sandbox.workspace.site.notion_hidden_page_ids = [table["id"], row["id"]]
    outage = sandbox.faults.fail(f"/notion/v1/databases/{table['id']}", status=503)
    runs = Runs("notion", sandbox, tmp_path)
    runs.by_hand()
    assert runs.held().keys() == {f"notion:{table['id']}"}
    sandbox.faults.rules.remove(outage)
    runs.night()
    assert f"notion:{row['id']}" in runs.indexed()
    assert runs.held() == {}


@pytest.mark.parametrize("what", ["page", "database"])
def test_what_went_into_the_trash_of_notion_is_let_go(
    sandbox: Sandbox, tmp_path: Path, what: str
) -> None:
    bad, table = page("Bad"), database("Table")
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [bad, page("Top", child_database(table))]
    sandbox.workspace.site.notion_hidden_page_ids = [table["id"]]
    broken = f"databases/{table['id']}" if what == "database" else f"blocks/{bad['id']}/children"
    sandbox.faults.fail(f"/notion/v1/pages/{bad['id']}/markdown", status=503)
    sandbox.faults.fail(f"/notion/v1/{broken}", status=503)
    runs = Runs("notion", sandbox, tmp_path)
    runs.by_hand()
    trashed = table if what == "database" else bad
    assert runs.held().keys() == {f"notion:{trashed['id']}"}
    sandbox.faults.rules.clear()
    trashed["in_trash"] = True
    runs.night()
    assert runs.held() == {}


def test_a_meeting_without_a_day_is_asked_for_by_its_id(sandbox: Sandbox, tmp_path: Path) -> None:
    odd = fireflies_meetings.meeting(1)
    sandbox.workspace.transcripts = [odd]
    page_of_one = {"data": {"transcripts": [{**odd, "date": "no date"}]}}
    sandbox.faults.fail(fireflies_meetings.PATH, status=200, body=page_of_one, times=1)
    runs = Runs("fireflies", sandbox, tmp_path)
    runs.by_hand()
    (held,) = runs.held().values()
    assert (held.document_id, held.day) == ("fireflies:meeting-1", None)
    runs.night()
    assert runs.indexed() == {"fireflies:meeting-1"}
    assert runs.held() == {}


def test_a_meeting_without_a_day_that_is_gone_is_let_go(sandbox: Sandbox, tmp_path: Path) -> None:
    odd = {**fireflies_meetings.meeting(1), "date": "no date"}
    sandbox.faults.fail(
        fireflies_meetings.PATH, status=200, body={"data": {"transcripts": [odd]}}, times=1
    )
    runs = Runs("fireflies", sandbox, tmp_path)
    runs.by_hand()
    assert runs.held().keys() == {"fireflies:meeting-1"}
    sandbox.faults.fail(
        fireflies_meetings.PATH,
        contains="Transcript(",
        status=200,
        body={"data": None, "errors": [{"message": "none", "code": "object_not_found"}]},
    )
    runs.night()
    assert runs.held() == {}


def test_a_file_is_read_again_by_its_path_and_the_folder_is_listed_once(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    _files(sandbox, tmp_path)
    runs = Runs("files", sandbox, tmp_path, files_path=str(tmp_path / "files"))
    runs.by_hand()
    _files_heal(sandbox, tmp_path)
    (held,) = runs.held().values()
    source = build_source("files", runs._settings, Meter())
    gone = replace(held, document_id="files:gone.md")
    healed, settled = source.retry([gone, held])
    assert isinstance(healed, Document)
    assert healed.sections[0].text == "healed"
    assert settled == Resolved("files:gone.md")


def test_a_thread_that_has_lost_its_last_reply_is_no_thread_any_more(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    _slack_channels(sandbox)
    runs = Runs("slack", sandbox, tmp_path)
    runs.by_hand()
    _slack(sandbox, tmp_path)
    runs.by_hand()
    assert runs.held().keys() == {SLACK_THREAD}
    sandbox.faults.rules.clear()
    del sandbox.workspace.messages[slack_team.ENGINEERING][1]
    runs.night()
    assert runs.held() == {}
    assert SLACK_THREAD not in runs.indexed()


def test_a_thread_of_a_channel_that_the_bot_has_left_waits_until_it_is_back(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    _slack_channels(sandbox)
    runs = Runs("slack", sandbox, tmp_path)
    runs.by_hand()
    _slack(sandbox, tmp_path)
    runs.by_hand()
    sandbox.workspace.channels[0]["is_member"] = False
    runs.night()
    (held,) = runs.held().values()
    assert "invite the bot" in held.cause
    sandbox.faults.rules.clear()
    sandbox.workspace.channels[0]["is_member"] = True
    runs.night()
    assert SLACK_THREAD in runs.indexed()
    assert runs.held() == {}
