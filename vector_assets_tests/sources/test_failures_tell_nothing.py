"""A failure, a gap and a quarantine entry hold nothing of what the document says.

They are shown to everyone who may see the state of a source: over HTTP, in alerts, in Dagster.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.days import Days
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.fireflies.meetings import meeting
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.sources.notion.pages import page
from vector_assets_tests.sources.slack import team as slack_team
from vector_assets_tests.sources.test_retry import Runs, _no_patience, _write

__all__ = ["_no_patience"]

SECRET = "Layoffs at the Rotterdam depot"
NO_TRANSCRIPT = {"sentences": None, "meeting_info": {"summary_status": "processing"}}


def jira_shape(sandbox: Sandbox, _: Path) -> None:
    broken = issue(1, summary=SECRET, status=SECRET) | {"key": ""}
    sandbox.workspace.issues = [broken, issue(2)]


def jira_value(sandbox: Sandbox, _: Path) -> None:
    broken = issue(1, summary=SECRET, created=SECRET) | {"key": ""}
    sandbox.workspace.issues = [broken, issue(2)]


def slack_person(sandbox: Sandbox, _: Path) -> None:
    slack_team.populate(sandbox)
    slack_team.say(sandbox, "2026-03-02T10:00", f"{SECRET} <@U0EXT0001>")
    body = {"ok": True, "user": SECRET}
    sandbox.faults.fail("/slack/api/users.info", status=200, body=body)


def notion_refused(sandbox: Sandbox, _: Path) -> None:
    bad = page(SECRET)
    sandbox.workspace.pages = [page("Good"), bad]
    for path in (f"pages/{bad['id']}/markdown", f"blocks/{bad['id']}/children"):
        sandbox.faults.fail(f"/notion/v1/{path}", status=404)


def fireflies_shape(sandbox: Sandbox, _: Path) -> None:
    bad = meeting(1, title=SECRET, sentences=[{"start_time": SECRET}])
    sandbox.workspace.transcripts = [bad, meeting(2)]


def fireflies_date(sandbox: Sandbox, _: Path) -> None:
    listed = {**meeting(1, title=SECRET), "date": SECRET}
    body = {"data": {"transcripts": [listed]}}
    sandbox.faults.fail("/fireflies/graphql", status=200, body=body)


def files_encoding(_: Sandbox, folder: Path) -> None:
    _write(folder / "files" / "bad.md", f"---\ntitle: {SECRET}\n---\n".encode() + b"caf\xe9")


CASES: list[tuple[str, Callable[[Sandbox, Path], None]]] = [
    ("jira", jira_shape),
    ("jira", jira_value),
    ("slack", slack_person),
    ("notion", notion_refused),
    ("fireflies", fireflies_shape),
    ("fireflies", fireflies_date),
    ("files", files_encoding),
]


@pytest.mark.parametrize(("source", "populate"), CASES)
def test_a_failure_tells_nothing_of_its_document(
    sandbox: Sandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    source: str,
    populate: Callable[[Sandbox, Path], None],
) -> None:
    (tmp_path / "files").mkdir()
    populate(sandbox, tmp_path)
    runs = Runs(source, sandbox, tmp_path, files_path=str(tmp_path / "files"))
    with caplog.at_level(logging.DEBUG, "vector_assets"):
        report = runs.by_hand()
    assert report.failures
    assert runs.held()
    told = f"{report.failures} {report.quarantine} {report.gaps} {runs.held()} {caplog.text}"
    assert SECRET not in told


@pytest.mark.parametrize("hours", [24 * 4, 24 * 20])
def test_a_meeting_without_a_transcript_is_told_by_its_id(
    sandbox: Sandbox, tmp_path: Path, hours: int
) -> None:
    began = datetime.now(UTC) - timedelta(hours=hours)
    late = meeting(1, title=SECRET, date=int(began.timestamp() * 1000), **NO_TRANSCRIPT)
    sandbox.workspace.transcripts = [late]
    runs = Runs("fireflies", sandbox, tmp_path)
    report = runs.by_hand(began.date(), Days.newest(1, datetime.now(UTC)).last)
    told = f"{report.failures} {report.gaps} {runs.held()}"
    assert "meeting-1" in told
    assert SECRET not in told
