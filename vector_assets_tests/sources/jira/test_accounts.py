"""A mention without a name is named: by the issue itself, else by Jira, asked once."""

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import CredentialsError, VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import requests_retries
from vector_assets.sources.jira.source import JiraSource
from vector_assets_tests.sources.jira.issues import (
    SYSTEM,
    Json,
    comment,
    custom_field,
    issue,
    person,
)
from vector_assets_tests.support.tiny import utc

USER = "/jira/rest/api/3/user"
EVER = Window(utc("2000-01-01"), utc("2027-01-01"))
TOMAS = {"accountId": "4b5", "displayName": "Tomás Rey"}


def mentioning(*account_ids: str, **attrs: str) -> Json:
    mentions = [{"type": "mention", "attrs": {"id": name, **attrs}} for name in account_ids]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": mentions}]}


def documents(sandbox: Sandbox) -> list[Document]:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    jira = JiraSource.from_settings(Settings.model_validate(values), Meter())
    return [item for item in jira.documents(EVER) if isinstance(item, Document)]


def descriptions(sandbox: Sandbox) -> list[str]:
    return [document.sections[1].text for document in documents(sandbox)]


@pytest.mark.parametrize(
    "people",
    [
        {"assignee": TOMAS},
        {"reporter": TOMAS},
        {"creator": TOMAS},
        {"customfield_1": [TOMAS]},
        {"comments": (comment(1, "Seen.", author=TOMAS),)},
        {"comments": (comment(1, "", body=mentioning("4b5", text="@Tomás Rey")),)},
    ],
    ids=["assignee", "reporter", "creator", "a custom field", "a comment's author", "a mention"],
)
def test_whom_the_issue_names_elsewhere_is_named_without_a_request(
    sandbox: Sandbox, people: Json
) -> None:
    sandbox.workspace.site.jira_custom_fields = [
        custom_field(1, "Testers", "array of user", f"{SYSTEM}:multiuserpicker")
    ]
    sandbox.workspace.issues = [issue(1, description=mentioning("4b5"), **people)]
    assert descriptions(sandbox) == ["@Tomás Rey"]
    assert sandbox.faults.requests(USER) == {}


def test_whom_the_issue_does_not_name_jira_is_asked_for_once(sandbox: Sandbox) -> None:
    sandbox.workspace.site.jira_group_members = {"g1": [person("eve", None)]}
    sandbox.workspace.issues = [
        issue(n, description=mentioning("eve", "eve", "left")) for n in range(3)
    ]
    assert descriptions(sandbox) == ["@Eve@Eve@someone"] * 3
    assert sandbox.faults.requests(USER) == {f"GET {USER}": 2}


def test_a_person_without_a_name_in_a_field_is_named_like_one_in_a_text(sandbox: Sandbox) -> None:
    sandbox.workspace.site.jira_group_members = {"g1": [person("eve", None)]}
    nameless = {"accountId": "eve", "active": True}
    sandbox.workspace.issues = [issue(1, assignee=nameless, description=mentioning("eve"))]
    [document] = documents(sandbox)
    assert "- Assignee: Eve" in document.sections[0].text


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_account_that_jira_does_not_tell_reads_as_someone(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.fail(USER, status=status)
    sandbox.workspace.issues = [issue(1, description=mentioning("eve"))]
    assert descriptions(sandbox) == ["@someone"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"status": 503}, "HTTP 503"),
        ({"status": 410}, "HTTP 410"),
        ({"status": 400, "text": "<html>Blocked</html>"}, "HTTP 400 with a page"),
        ({"status": 403, "text": "<html>Blocked</html>"}, "HTTP 403 with a page"),
        ({"status": 404, "text": "<html>Blocked</html>"}, "HTTP 404 with a page"),
    ],
)
def test_an_error_in_passing_names_nobody_someone(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, fault: Json, seen: str
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 1)
    sandbox.faults.fail(USER, **fault)
    sandbox.workspace.issues = [issue(1, description=mentioning("eve"))]
    with pytest.raises(VectorAssetsError, match=seen):
        descriptions(sandbox)


def test_a_token_that_has_expired_names_nobody_someone(sandbox: Sandbox) -> None:
    sandbox.faults.fail(USER, status=401)
    sandbox.faults.fail("/jira/rest/api/3/myself", status=401)
    sandbox.workspace.issues = [issue(1, description=mentioning("eve"))]
    with pytest.raises(CredentialsError, match="HTTP 401"):
        descriptions(sandbox)


@pytest.mark.parametrize("attrs", [{}, {"id": ""}, {"text": ""}, {"id": "", "text": ""}])
def test_a_mention_of_nobody_reads_as_someone(sandbox: Sandbox, attrs: Json) -> None:
    mention = {"type": "mention", "attrs": attrs}
    document = {"type": "doc", "content": [{"type": "paragraph", "content": [mention]}]}
    sandbox.workspace.issues = [issue(1, description=document)]
    assert descriptions(sandbox) == ["@someone"]
