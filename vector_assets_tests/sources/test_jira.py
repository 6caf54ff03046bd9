"""The Jira source over real HTTP, against a sandbox that has the vendor's traps."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.documents import Checkpoint, Document, DocumentFailure, SourceItem, Window
from vector_assets.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
)
from vector_assets.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.settings import Settings
from vector_assets.sources import http_retries
from vector_assets.sources.jira import JiraSource
from vector_assets_tests.jira_issues import FIRST, comment, issue, stamp
from vector_assets_tests.tiny import utc

SEARCH = "/jira/rest/api/3/search/jql"
EVER = Window(utc("2000-01-01"), None)


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after one repeat, so that a test of giving up is quick."""
    monkeypatch.setattr(http_retries, "_ATTEMPTS", 1)


def source(sandbox: Sandbox, **changes: str) -> JiraSource:
    values = {k.lower(): v for k, v in sandbox.environment.items()} | changes
    return JiraSource.from_settings(Settings.model_validate(values), Meter())


def documents(items: list[SourceItem]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def keys(sandbox: Sandbox, window: Window = EVER, **changes: str) -> list[object]:
    items = list(source(sandbox, **changes).documents(window))
    return [one.extra["issue_key"] for one in documents(items)]


def only(sandbox: Sandbox) -> Document:
    [found] = documents(list(source(sandbox).documents(EVER)))
    return found


# The window


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_accounts_in_any_time_zone_see_the_same_issues(sandbox: Sandbox, zone: str) -> None:
    sandbox.workspace.site.jira_time_zone = zone
    sandbox.workspace.issues = [
        issue(1, updated=utc("2026-03-01T23:59:59.999")),
        issue(2, updated=utc("2026-03-02T00:00")),
        issue(3, updated=utc("2026-03-02T23:59:59.999")),
        issue(4, updated=utc("2026-03-03T00:00")),
    ]
    assert keys(sandbox, Window(utc("2026-03-02"), utc("2026-03-03"))) == ["HAR-2", "HAR-3"]


def test_an_issue_that_is_edited_every_minute_lands(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1, updated=datetime.now(UTC) + timedelta(minutes=1))]
    assert keys(sandbox, Window(utc("2026-03-02"), None)) == ["HAR-1"]


def test_an_issue_that_is_edited_while_it_is_listed_comes_as_it_stands_then(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(250)]
    listing = source(sandbox).documents(EVER)
    first = next(listing)
    sandbox.workspace.issues[0] = issue(0, updated=FIRST + timedelta(days=1), summary="Edited")
    found = documents([first, *listing])
    assert [one.title for one in found if one.native_id == "10000"] == [
        "HAR-0 Issue 0",
        "HAR-0 Edited",
    ]
    assert {one.native_id for one in found} == {str(10_000 + n) for n in range(250)}


def test_issues_come_in_order_and_a_checkpoint_follows_each_page(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(n) for n in reversed(range(120))]
    items = list(source(sandbox).documents(EVER))
    assert [item.updated_at for item in documents(items)] == [
        FIRST + timedelta(minutes=n) for n in range(120)
    ]
    assert [(place, item.through) for place, item in enumerate(items)
            if isinstance(item, Checkpoint)] == [
        (100, FIRST + timedelta(minutes=99)),
        (121, FIRST + timedelta(minutes=119)),
    ]  # fmt: skip


def test_only_the_projects_that_are_named_are_read(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY"), issue(3, project="MOLE")]
    assert keys(sandbox, jira_projects="HAR,MOLE") == ["HAR-1", "MOLE-3"]


def test_a_project_that_does_not_exist_is_named_and_is_no_empty_night(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    with pytest.raises(SettingsError, match=r"JIRA_PROJECTS is HAR,TYPO.*'TYPO' does not exist"):
        keys(sandbox, jira_projects="HAR,TYPO")


def test_every_issue_of_the_real_data_is_found_once(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    sandbox = serve(workspace)
    items = list(source(sandbox).documents(EVER))
    found = documents(items)
    assert sorted(one.native_id for one in found) == sorted(one["id"] for one in workspace.issues)
    assert not [item for item in items if isinstance(item, DocumentFailure)]
    assert sum(len(one.sections) for one in found) > len(found)


# The document


def test_an_issue_reads_as_a_document(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [
        issue(
            41,
            summary="Labels print blank",
            labels=["labels", "norway"],
            components=[{"name": "Printing"}],
            fixVersions=[{"name": "2026.3"}],
            assignee={"displayName": "Cy Oh"},
            parent={"key": "HAR-7", "fields": {"summary": "Parcels abroad"}},
            environment="Depot printers",
            attachment=[{"id": "1", "filename": "label.pdf"}],
            issuelinks=[
                {
                    "id": "1",
                    "type": {"inward": "is blocked by", "outward": "blocks"},
                    "inwardIssue": {"key": "HAR-9", "fields": {"summary": "New printers"}},
                }
            ],
            comments=(comment(1, "Seen in Bergen too."),),
        )
    ]
    found = only(sandbox)
    assert (found.id, found.title) == ("jira:10041", "HAR-41 Labels print blank")
    assert (found.container, found.authors) == ("HAR", ("Ann Lee", "Bo Ek"))
    assert found.url == f"{sandbox.url}/jira/browse/HAR-41"
    assert found.updated_at == FIRST + timedelta(minutes=41)
    assert found.created_at == FIRST - timedelta(days=1)
    assert found.extra == {
        "issue_key": "HAR-41",
        "status": "In Progress",
        "issue_type": "Bug",
        "priority": "High",
        "assignee": "Cy Oh",
        "labels": ["labels", "norway"],
    }
    details, *rest = found.sections
    assert details.text.splitlines() == [
        "- Type: Bug",
        "- Status: In Progress",
        "- Priority: High",
        "- Project: Project HAR",
        "- Components: Printing",
        "- Fix versions: 2026.3",
        "- Labels: labels, norway",
        "- Assignee: Cy Oh",
        "- Reporter: Ann Lee",
        "- Parent: HAR-7 Parcels abroad",
        "- Links: is blocked by HAR-9 New printers",
        "- Attachments: label.pdf",
    ]
    assert [(one.heading, one.text, one.url) for one in rest] == [
        ("Description", "Words of issue 41.", ""),
        ("Environment", "Depot printers", ""),
        (
            "Comment by Bo Ek, 2026-03-02 10:01",
            "Seen in Bergen too.",
            f"{found.url}?focusedCommentId=5001",
        ),
    ]


def test_a_moved_issue_keeps_its_id(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    before = only(sandbox)
    sandbox.workspace.issues = [issue(1, project="QUAY")]
    after = only(sandbox)
    assert (before.id, before.extra["issue_key"]) == ("jira:10001", "HAR-1")
    assert (after.id, after.extra["issue_key"]) == ("jira:10001", "QUAY-1")


def test_an_issue_almost_without_fields_is_a_document(sandbox: Sandbox) -> None:
    bare = issue(1, description=None, reporter=None, creator=None, priority=None)
    del bare["fields"]["issuelinks"], bare["fields"]["labels"]
    sandbox.workspace.issues = [bare]
    found = only(sandbox)
    assert [one.heading for one in found.sections] == ["Details"]
    assert (found.authors, found.extra["priority"], found.extra["labels"]) == ((), "", [])


@pytest.mark.parametrize("count", [20, 21, 45, 230])
def test_all_comments_of_an_issue_are_there(sandbox: Sandbox, count: int) -> None:
    comments = tuple(comment(n, f"Comment {n}.") for n in range(count))
    sandbox.workspace.issues = [issue(1, comments=comments)]
    texts = [section.text for section in only(sandbox).sections if section.url]
    assert texts == [f"Comment {n}." for n in range(count)]


def test_a_comment_that_only_a_role_may_read_is_left_out_and_counted(sandbox: Sandbox) -> None:
    role = {"type": "role", "value": "Administrators", "identifier": "Administrators"}
    sandbox.workspace.issues = [
        issue(1, comments=(comment(1, "Open."), comment(2, "Secret.", visibility=role)))
    ]
    found = only(sandbox)
    text = "\n".join(section.text for section in found.sections)
    assert "Open." in text
    assert "Secret." not in text
    assert "- Comments left out: 1, kept to a group or role" in text


@pytest.mark.parametrize(
    ("security", "access"), [(None, ("public",)), ({"id": "1", "name": "Staff"}, ("restricted",))]
)
def test_a_security_level_restricts(
    sandbox: Sandbox, security: object, access: tuple[str, ...]
) -> None:
    sandbox.workspace.issues = [issue(1, security=security)]
    assert only(sandbox).access == access


# One bad issue


def test_an_issue_that_cannot_be_read_is_named_and_the_others_go_on(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, created="yesterday"), issue(3)]
    items = list(source(sandbox).documents(EVER))
    assert [one.native_id for one in documents(items)] == ["10001", "10003"]
    [failure] = [item for item in items if isinstance(item, DocumentFailure)]
    assert (failure.document_id, failure.day) == ("jira:10002", FIRST.date())
    assert "HAR-2 cannot be read: ValueError" in failure.cause


def test_an_issue_that_vanishes_before_its_comments_are_read_is_named(sandbox: Sandbox) -> None:
    comments = tuple(comment(n, "Words.") for n in range(30))
    sandbox.workspace.issues = [issue(1, comments=comments), issue(2)]
    sandbox.conditions.fail("/jira/rest/api/3/issue/10001/comment", status=404)
    items = list(source(sandbox).documents(EVER))
    assert [one.native_id for one in documents(items)] == ["10002"]
    [failure] = [item for item in items if isinstance(item, DocumentFailure)]
    assert "HAR-1 has comments that cannot be read: HTTP 404" in failure.cause


# The vendor


def test_a_page_token_that_comes_twice_ends_the_listing_by_name(sandbox: Sandbox) -> None:
    for number in (1, 2, 3):
        page = {"issues": [issue(number)], "nextPageToken": "same", "isLast": False}
        sandbox.conditions.fail(SEARCH, status=200, body=page, times=1)
    with pytest.raises(ContractError, match="a page token for the second time"):
        keys(sandbox)


def test_pages_that_repeat_under_new_tokens_end_the_listing_by_name(sandbox: Sandbox) -> None:
    for token in "ab":
        page = {"issues": [issue(1)], "nextPageToken": token, "isLast": False}
        sandbox.conditions.fail(SEARCH, status=200, body=page, times=1)
    with pytest.raises(ContractError, match="issues that it had shown before"):
        keys(sandbox)


def test_a_site_that_is_not_cloud_is_refused_by_name(sandbox: Sandbox) -> None:
    sandbox.workspace.site.jira_deployment = "Server"
    for ask in (source(sandbox).check, source(sandbox).newest, lambda: keys(sandbox)):
        with pytest.raises(ContractError, match=r"deploymentType 'Server'.*'Cloud'"):
            ask()


def test_a_wrong_token_is_refused_and_never_shown(sandbox: Sandbox) -> None:
    wrong = source(sandbox, jira_api_token="wrong-secret")
    with pytest.raises(CredentialsError, match=r"HTTP 401.*JIRA_API_TOKEN") as caught:
        list(wrong.documents(EVER))
    assert "wrong-secret" not in f"{caught.value!r} {caught.value.__cause__}"


def test_an_empty_listing_of_a_token_that_has_expired_is_no_empty_night(sandbox: Sandbox) -> None:
    sandbox.conditions.fail("/jira/rest/api/3/myself", status=401)
    for ask in (source(sandbox).newest, lambda: keys(sandbox)):
        with pytest.raises(CredentialsError, match="HTTP 401"):
            ask()


def test_an_empty_site_is_empty(sandbox: Sandbox) -> None:
    assert keys(sandbox) == []
    assert source(sandbox).newest() is None


def test_a_rate_limit_is_waited_for_and_counted(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    sandbox.conditions.fail(SEARCH, status=429, retry_after_seconds=1, times=1)
    meter = Meter()
    jira = JiraSource(
        sandbox.environment["JIRA_SERVER"], "sandbox@example.com", "sandbox-jira-token", (), meter
    )
    assert len(documents(list(jira.documents(EVER)))) == 1
    assert meter.throttled_seconds == 1
    assert meter.requests == {"jira field": 1, "jira search/jql": 2, "jira serverInfo": 1}


def test_a_rate_limit_that_stays_fails_by_name(sandbox: Sandbox, few_attempts: None) -> None:
    sandbox.conditions.fail(SEARCH, status=429, retry_after_seconds=0)
    with pytest.raises(RateLimitedError, match="jira is rate limited"):
        keys(sandbox)


def test_a_rate_limit_beyond_the_ceiling_fails_at_once(sandbox: Sandbox) -> None:
    sandbox.conditions.fail(SEARCH, status=429, retry_after_seconds=86_400)
    with pytest.raises(RateLimitedError, match="at most 900 s are allowed"):
        keys(sandbox)


def test_an_error_in_passing_is_not_noticed(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    sandbox.conditions.fail(SEARCH, status=503, times=1)
    assert keys(sandbox) == ["HAR-1"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"status": 502}, "HTTP 502"),
        ({"break_connection": "truncate"}, "ChunkedEncodingError"),
        ({"break_connection": "drop"}, "HTTP 500|ConnectionError"),
    ],
)
def test_a_page_that_fails_is_no_end_of_the_listing(
    sandbox: Sandbox, few_attempts: None, fault: dict[str, object], seen: str
) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(150)]
    sandbox.conditions.fail(SEARCH, skip=1, **fault)
    listing = source(sandbox).documents(EVER)
    assert len([next(listing) for _ in range(101)]) == 101
    with pytest.raises(UnavailableError, match=f"jira did not answer: ({seen})"):
        next(listing)


def test_comments_that_do_not_come_end_the_run_and_cut_no_issue(
    sandbox: Sandbox, few_attempts: None
) -> None:
    sandbox.workspace.issues = [issue(1, comments=tuple(comment(n, "x") for n in range(30)))]
    sandbox.conditions.fail("/jira/rest/api/3/issue/", status=503)
    with pytest.raises(UnavailableError, match="HTTP 503"):
        keys(sandbox)


def test_a_site_that_is_not_there_is_unavailable(few_attempts: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    jira = JiraSource(f"http://127.0.0.1:{port}", "a@example.com", "t", (), Meter())
    with pytest.raises(UnavailableError, match="Check JIRA_SERVER"):
        jira.check()


# The small questions


def test_newest_is_one_request_once_the_site_is_known(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(3)]
    jira = source(sandbox)
    jira.newest()
    sandbox.conditions.clear()
    assert jira.newest() == FIRST + timedelta(minutes=2)
    assert sandbox.conditions.requests() == {f"GET {SEARCH}": 1}


def test_newest_minds_the_projects(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY")]
    assert source(sandbox, jira_projects="HAR").newest() == FIRST + timedelta(minutes=1)


def test_check_says_who_we_are(sandbox: Sandbox) -> None:
    assert source(sandbox).check().identity == f"{sandbox.url}/jira as Sandbox"


def test_times_of_any_offset_become_utc(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    sandbox.workspace.issues[0]["fields"]["updated"] = "2026-03-02T23:30:00.250-0800"
    assert only(sandbox).updated_at == utc("2026-03-03T07:30:00.250")
    assert stamp(only(sandbox).updated_at) == "2026-03-03T07:30:00.250+0000"
