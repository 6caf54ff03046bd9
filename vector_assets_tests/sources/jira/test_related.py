"""The summary of an issue that fewer people may read stands in no issue that more may read."""

from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.documents import Document
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.jira.issues import Json, adf, issue, linked, reference
from vector_assets_tests.sources.jira.test_access import (
    ANN,
    BO,
    GROUP,
    OLD,
    STAFF,
    Nights,
    browsed_by,
    read,
)

BULK = "/jira/rest/api/3/issue/bulkfetch"
SECRET = "Pierdeal"


def secret(number: int = 9, **fields: Any) -> Json:
    usual: Json = {"updated": OLD, "summary": SECRET, "security": STAFF}
    return issue(number, **(usual | fields))


def referring(other: Json, way: str, number: int = 1, **fields: Any) -> Json:
    shown: Json = {
        "links": {"issuelinks": linked(other)},
        "parent": {"parent": reference(other)},
        "sub-tasks": {"subtasks": [reference(other)]},
    }[way]
    return issue(number, **shown | fields)


def text_of(documents: list[Document], number: int = 1) -> str:
    [document] = [d for d in documents if d.native_id == str(10_000 + number)]
    return "\n".join([document.title, *(section.text for section in document.sections)])


WAYS = ["links", "parent", "sub-tasks"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_on_the_page", [True, False])
def test_a_public_issue_shows_the_key_of_a_limited_one_and_not_its_summary(
    sandbox: Sandbox, way: str, is_on_the_page: bool
) -> None:
    hidden = secret()
    sandbox.workspace.site.jira_level_holders = {"7": [{"type": "user", "value": "a"}]}
    sandbox.workspace.issues = [referring(hidden, way), hidden]
    if not is_on_the_page:
        page = {"issues": sandbox.workspace.issues[:1], "isLast": True}
        path = "/jira/rest/api/3/search/jql"
        sandbox.faults.fail(path, status=200, body=page, contains="updated DESC")
    documents, _ = read(sandbox)
    assert "HAR-9" in text_of(documents)
    assert SECRET not in text_of(documents)


@pytest.mark.parametrize("way", WAYS)
def test_a_summary_is_shown_where_every_reader_may_read_that_issue(
    sandbox: Sandbox, way: str
) -> None:
    browsed_by(sandbox, {"type": "anyone"})
    sandbox.workspace.site.jira_level_holders = {
        "7": [GROUP],
        "8": [{"type": "user", "value": "b"}],
    }
    same, wider = secret(9), secret(8, security=None)
    narrower = secret(7, security={"id": "8", "name": "Board"})
    sandbox.workspace.issues = [
        same, wider, narrower,
        referring(same, way, 1, security=STAFF),
        referring(wider, way, 2),
        referring(narrower, way, 3, security=STAFF),
    ]  # fmt: skip
    documents, _ = read(sandbox)
    assert f"HAR-9 {SECRET}" in text_of(documents, 1)
    assert f"HAR-8 {SECRET}" in text_of(documents, 2)
    assert "HAR-7" in text_of(documents, 3)
    assert SECRET not in text_of(documents, 3)


def test_an_issue_of_a_closed_project_is_limited_too(sandbox: Sandbox) -> None:
    browsed_by(sandbox, GROUP, project_id="94")
    hidden = secret(project="QUAY", security=None)
    sandbox.workspace.issues = [referring(hidden, "links"), hidden]
    documents, _ = read(sandbox)
    assert "blocks QUAY-9" in text_of(documents)
    assert SECRET not in text_of(documents)


def test_an_issue_of_a_project_that_is_not_read_keeps_its_summary_to_itself(
    sandbox: Sandbox,
) -> None:
    # No run of ours would see that it is limited later.
    other = secret(project="QUAY", security=None)
    sandbox.workspace.issues = [referring(other, "links"), other]
    documents, _ = read(sandbox, jira_projects="HAR")
    assert "blocks QUAY-9" in text_of(documents)
    assert SECRET not in text_of(documents)


def test_an_issue_that_jira_does_not_show_keeps_its_summary_to_itself(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [referring(secret(), "links")]
    documents, _ = read(sandbox)
    assert "blocks HAR-9" in text_of(documents)
    assert SECRET not in text_of(documents)


@pytest.mark.parametrize(
    "names",
    [{"id": "no id"}, {"id": None, "key": "no key"}, {"id": None, "key": None}, {"id": {"a": 1}}],
)
def test_a_reference_with_odd_names_shows_no_summary_and_is_asked_for_by_none(
    sandbox: Sandbox, names: Json
) -> None:
    hidden = secret() | {"fields": secret()["fields"]}
    odd = referring(hidden, "links")
    odd["fields"]["issuelinks"][0]["outwardIssue"] |= names
    sandbox.workspace.issues = [odd]
    documents, _ = read(sandbox)
    assert SECRET not in text_of(documents)


def test_other_issues_are_asked_about_by_the_hundred_and_once(sandbox: Sandbox) -> None:
    others = [issue(1000 + n, updated=OLD) for n in range(150)]
    sandbox.workspace.issues = [
        *others, *(issue(n, issuelinks=linked(*others)) for n in range(100))
    ]  # fmt: skip
    page = {"issues": sandbox.workspace.issues[-100:], "isLast": True}
    path = "/jira/rest/api/3/search/jql"
    sandbox.faults.fail(path, status=200, body=page, contains="updated DESC")
    documents, gaps = read(sandbox)
    assert "HAR-1149 Issue 1149" in text_of(documents, 99)
    assert sandbox.faults.requests(BULK) == {f"POST {BULK}": 2}
    assert gaps == []


@pytest.mark.parametrize("way", ["a level", "a project"])
def test_an_issue_that_is_limited_later_takes_its_summary_out_of_those_that_link_to_it(
    sandbox: Sandbox, tmp_path: Path, way: str
) -> None:
    site = sandbox.workspace.site
    site.jira_level_holders = {"7": [GROUP]}
    site.jira_group_members = {}
    other = secret(project="QUAY", security=None)
    public = issue(1, updated=OLD, issuelinks=linked(other))
    other["fields"]["issuelinks"] = linked(public)
    sandbox.workspace.issues = [public, other]
    nights = Nights(sandbox, tmp_path)
    nights.run(OLD.date(), OLD.date(), OLD.replace(day=6))
    assert SECRET in nights.text_of("jira:10001")
    if way == "a level":
        other["fields"] |= {"security": STAFF, "updated": "2026-03-02T10:00:00.000+0000"}
    else:
        browsed_by(sandbox, GROUP, project_id="94")
    nights.night()
    assert SECRET not in nights.text_of("jira:10001")
    assert "QUAY-9" in nights.text_of("jira:10001")


@pytest.mark.parametrize(
    "data",
    [
        {"url": "https://a.example/browse/HAR-9", "name": SECRET},
        {"url": "https://a.example/jira/boards/1?selectedIssue=HAR-9", "name": SECRET},
        {"name": f"HAR-9: {SECRET}"},
    ],
)
def test_a_smart_link_to_an_issue_shows_no_summary(sandbox: Sandbox, data: Json) -> None:
    card = {"type": "inlineCard", "attrs": {"data": data}}
    rich = adf("see") | {"content": [{"type": "paragraph", "content": [card]}]}
    sandbox.workspace.issues = [issue(1, description=rich)]
    documents, _ = read(sandbox)
    assert "HAR-9" in text_of(documents)
    assert SECRET not in text_of(documents)


def test_readers_are_those_of_the_issue_and_not_of_those_that_it_links_to(
    sandbox: Sandbox,
) -> None:
    browsed_by(sandbox, GROUP)
    sandbox.workspace.issues = [issue(1, issuelinks=linked(secret()))]
    [document], _ = read(sandbox)
    assert document.access == ("restricted", ANN, BO)
