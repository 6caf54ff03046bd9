"""Attachments of issues the whole way, over real HTTP: from Jira to what people find."""

from pathlib import Path
from typing import Any

import pytest

from vector_assets.sandbox.faults import Rule
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.attachments.reader import NO_ANSWER, NOT_READ, SWITCHED_OFF
from vector_assets.sources.http import requests_retries
from vector_assets_tests.sources.attachments import made
from vector_assets_tests.sources.attachments.made import WORD
from vector_assets_tests.sources.attachments.nights import Nights, told
from vector_assets_tests.sources.jira.issues import Json, issue, linked, person
from vector_assets_tests.sources.jira.test_access import ANN, BO

CONTENT = "/jira/rest/api/3/attachment/content/"


@pytest.fixture
def nights(sandbox: Sandbox, tmp_path: Path) -> Nights:
    return Nights("jira", sandbox, tmp_path)


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 0)


def attach(sandbox: Sandbox, name: str, content: bytes, **fields: Any) -> Json:
    """Serve a file, and return the attachment that names it."""
    identity = str(900 + len(sandbox.workspace.files))
    sandbox.workspace.files[identity] = content
    return {"id": identity, "filename": name, "size": len(content), **fields}


def downloads(sandbox: Sandbox) -> int:
    return sandbox.faults.requests(CONTENT).total()


def test_an_issue_is_found_by_a_word_in_its_attachment_and_not_downloaded_twice(
    sandbox: Sandbox, nights: Nights
) -> None:
    files = [
        attach(sandbox, "plan.pdf", made.pdf(f"The {WORD} sings")),
        attach(sandbox, "shot.png", made.png()),
        attach(sandbox, "huge.csv", b"", size=1_000_000_000),
        attach(sandbox, "keys.txt", b"password: hunter2hunter"),
    ]
    sandbox.workspace.issues = [issue(1, attachment=files), issue(2)]
    report = nights.night()
    text = nights.text_for()
    assert f"The {WORD} sings" in text
    assert "Attachment: plan.pdf" in text
    assert "hunter2" not in text
    assert report.total.redacted_secrets == 1
    assert told(report) == {
        "attachments (csv)": ("larger than 10 MB", 1),
        "attachments (png)": (NOT_READ, 1),
    }
    assert report.requests["jira attachment"] == downloads(sandbox) == 2

    again = nights.night()
    assert (again.total.unchanged_documents, again.total.documents) == (2, 2)
    assert downloads(sandbox) == 2
    assert told(again) == told(report)

    nights.night(is_rescan=True)
    assert downloads(sandbox) == 4
    sandbox.workspace.issues[0]["fields"]["attachment"] = files[1:]
    sandbox.workspace.issues[0]["fields"]["updated"] = "2026-03-02T11:00:00.000+0000"
    nights.night()
    assert WORD not in nights.text_for()


def test_an_attachment_is_for_those_who_may_read_its_issue(
    sandbox: Sandbox, nights: Nights
) -> None:
    site = sandbox.workspace.site
    site.jira_level_holders["7"] = [{"type": "user", "parameter": "a"}]
    site.jira_project_browsers["93"] = [{"type": "group", "value": "g1"}]
    site.jira_group_members = {"g1": [person("a", ANN)]}
    file = attach(sandbox, "plan.txt", WORD.encode())
    sandbox.workspace.issues = [issue(1, attachment=[file])]
    nights.night()
    assert WORD in nights.text_for(ANN)
    assert WORD not in nights.text_for(BO)
    assert WORD not in nights.text_for()
    nights.night()
    assert downloads(sandbox) == 1
    site.jira_group_members = {"g1": [person("b", BO)]}
    nights.night()
    assert WORD not in nights.text_for(ANN)
    assert WORD in nights.text_for(BO)


def test_an_issue_that_is_not_downloaded_again_still_hides_what_was_limited_meanwhile(
    sandbox: Sandbox, nights: Nights
) -> None:
    file = attach(sandbox, "plan.txt", WORD.encode())
    other = issue(2, summary="Pierdeal")
    sandbox.workspace.issues = [issue(1, attachment=[file], issuelinks=linked(other)), other]
    nights.night()
    nights.night()
    assert downloads(sandbox) == 1
    assert "blocks HAR-2 Pierdeal" in nights.text_for()
    other["fields"]["security"] = {"id": "7", "name": "Staff"}
    sandbox.workspace.site.jira_level_holders["7"] = []
    nights.night()
    assert WORD in nights.text_for()
    assert "blocks HAR-2" in nights.text_for()
    assert "Pierdeal" not in nights.text_for()


def test_switched_off_an_issue_reads_as_before_but_for_the_gap(
    sandbox: Sandbox, nights: Nights
) -> None:
    file = attach(sandbox, "plan.txt", WORD.encode())
    sandbox.workspace.issues = [issue(1, attachment=[file])]
    nights.night()
    report = nights.night(read_attachments="false")
    assert downloads(sandbox) == 1
    assert told(report) == {"attachments (txt)": (SWITCHED_OFF, 1)}
    assert WORD not in nights.text_for()
    assert "Attachments: plan.txt" in nights.text_for()
    report = nights.night(attachment_max_bytes="5")
    assert told(report) == {"attachments (txt)": ("larger than 5e-06 MB", 1)}


@pytest.mark.usefixtures("few_attempts")
def test_an_outage_keeps_what_the_index_holds_and_a_new_issue_waits_two_runs(
    sandbox: Sandbox, nights: Nights
) -> None:
    kept = attach(sandbox, "kept.txt", WORD.encode())
    sandbox.workspace.issues = [issue(1, attachment=[kept])]
    nights.night()
    held = sandbox.workspace.issues[0]["fields"]
    held["updated"], held["summary"] = "2026-03-02T11:00:00.000+0000", "Renamed"
    new = attach(sandbox, "new.txt", b"late words")
    sandbox.workspace.issues.append(issue(2, summary="Newcomer", attachment=[new]))
    sandbox.faults.rules.append(Rule(CONTENT, status=503))
    report = nights.night()
    assert report.total.failed_documents == 2
    assert "attachments that Jira does not give now: HTTP 503" in report.failures[0].cause
    assert WORD in nights.text_for()
    assert "Renamed" not in nights.text_for()
    # Beyond the window, an issue is tried by its id.
    sandbox.workspace.issues[1]["fields"]["updated"] = "2026-01-02T11:00:00.000+0000"
    nights.night()
    report = nights.night()
    assert told(report) == {"attachments (txt)": (NO_ANSWER, 1)}
    assert "Newcomer" in nights.text_for()
    assert WORD in nights.text_for()
    sandbox.faults.clear()
    assert nights.night().quarantine == []
    assert "Renamed" in nights.text_for()


def test_a_download_that_is_refused_is_told_and_costs_no_issue(
    sandbox: Sandbox, nights: Nights
) -> None:
    file = attach(sandbox, "plan.txt", WORD.encode())
    sandbox.workspace.issues = [issue(1, attachment=[file])]
    sandbox.faults.rules.append(Rule(CONTENT, status=401))
    report = nights.night()
    assert told(report) == {"attachments (txt)": ("the download is refused: HTTP 401", 1)}
    assert "Words of issue 1" in nights.text_for()


def test_a_redirect_is_followed_without_our_credentials(sandbox: Sandbox, nights: Nights) -> None:
    sandbox.workspace.site.jira_redirects_downloads = True
    file = attach(sandbox, "plan.txt", WORD.encode())
    sandbox.workspace.issues = [issue(1, attachment=[file])]
    assert told(nights.night()) == {}
    assert WORD in nights.text_for()
