"""The sandbox's Jira behaves like the vendor, including what a source may get wrong."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.jira.issues import FIRST, comment, issue
from vector_assets_tests.support.tiny import utc

API = "/jira/rest/api/3"
MIDNIGHT_IN_TOKYO = utc("2026-03-01T15:00")


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[requests.Session]:
    with requests.Session() as signed_in:
        signed_in.auth = ("sandbox@example.com", "sandbox-jira-token")
        yield signed_in


def search(sandbox: Sandbox, session: requests.Session, jql: str, **asked: Any) -> Any:
    answer = session.get(f"{sandbox.url}{API}/search/jql", params={"jql": jql, **asked})
    return answer.json()


def numbers(answer: Any) -> list[int]:
    return [int(raw["id"]) - 10_000 for raw in answer["issues"]]


@pytest.mark.parametrize(
    ("zone", "jql", "expected"),
    [
        ("UTC", 'updated >= "2026-03-02 00:00"', [3]),
        ("Asia/Tokyo", 'updated >= "2026-03-02 00:00"', [1, 2, 3]),
        ("Asia/Tokyo", 'updated > "2026-03-02 00:00"', [2, 3]),
        ("Asia/Tokyo", 'updated <= "2026/03/02"', [0, 1]),
        ("America/Los_Angeles", 'updated >= "2026-03-02 00:00"', []),
        ("Asia/Tokyo", f"updated >= {int(utc('2026-03-02').timestamp() * 1000)}", [3]),
        ("UTC", "updated > 0 AND updated < 1772400000000", [0, 1, 2]),
        ("UTC", "updated > 0 AND project = QUAY", [3]),
        ("UTC", "updated > 0 AND level is not EMPTY", [2]),
        ("UTC", "updated > 0 ORDER BY created DESC", [3, 2, 1, 0]),
        ("UTC", 'project in ("QUAY", HAR) order by updated desc', [3, 2, 1, 0]),
    ],
)
def test_dates_are_read_in_the_accounts_time_zone_and_epochs_in_none(
    sandbox: Sandbox, session: requests.Session, zone: str, jql: str, expected: list[int]
) -> None:
    sandbox.workspace.site.jira_time_zone = zone
    sandbox.workspace.issues = [
        issue(0, updated=MIDNIGHT_IN_TOKYO - timedelta(minutes=1)),
        issue(1, updated=MIDNIGHT_IN_TOKYO),
        issue(2, updated=MIDNIGHT_IN_TOKYO + timedelta(hours=1), security={"id": "7"}),
        issue(3, updated=utc("2026-03-02T06:00"), project="QUAY"),
    ]
    assert numbers(search(sandbox, session, jql)) == expected


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("", "Unbounded JQL"),
        ("ORDER BY updated ASC", "Unbounded JQL"),
        ("updated >= yesterday", "cannot read 'updated >= yesterday'"),
        ('updated >= "the 2nd"', "Date value 'the 2nd' for field 'updated' is invalid"),
        ("project = TYPO", "The value 'TYPO' does not exist for the field 'project'"),
    ],
)
def test_a_query_that_the_vendor_would_refuse_is_refused(
    sandbox: Sandbox, session: requests.Session, jql: str, message: str
) -> None:
    sandbox.workspace.issues = [issue(1)]
    answer = session.get(f"{sandbox.url}{API}/search/jql", params={"jql": jql})
    assert answer.status_code == 400
    assert message in answer.json()["errorMessages"][0]


def test_paging_ignores_start_and_goes_by_token(
    sandbox: Sandbox, session: requests.Session
) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(5)]
    first = search(sandbox, session, "updated > 0 ORDER BY updated", maxResults=2)
    assert (numbers(first), first["isLast"]) == ([0, 1], False)
    token = first["nextPageToken"]
    second = search(sandbox, session, "updated > 0", maxResults=3, nextPageToken=token)
    assert (numbers(second), second["isLast"]) == ([2, 3, 4], True)
    assert "nextPageToken" not in second


def test_a_listing_downwards_goes_on_downwards(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(3)]
    jql = "updated > 0 ORDER BY updated DESC"
    first = search(sandbox, session, jql, maxResults=2)
    second = search(sandbox, session, jql, nextPageToken=first["nextPageToken"])
    assert numbers(first) + numbers(second) == [2, 1, 0]


def test_a_page_token_of_nobody_is_refused(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.workspace.issues = [issue(1)]
    refused = search(sandbox, session, "updated > 0", nextPageToken="bm9ib2R5")
    assert "page token is invalid" in refused["errorMessages"][0]


def test_a_page_holds_50_issues_unless_told_and_100_at_most_but_5000_ids(
    sandbox: Sandbox, session: requests.Session
) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(120)]
    assert len(search(sandbox, session, "updated > 0")["issues"]) == 50
    many = search(sandbox, session, "updated > 0", maxResults=5000, fields="summary")
    assert len(many["issues"]) == 100
    assert len(search(sandbox, session, "updated > 0", maxResults=5000)["issues"]) == 120


def test_an_issue_is_its_id_alone_unless_fields_are_asked_for(
    sandbox: Sandbox, session: requests.Session
) -> None:
    sandbox.workspace.issues = [issue(1)]
    assert search(sandbox, session, "updated > 0")["issues"] == [{"id": "10001"}]
    [shown] = search(sandbox, session, "updated > 0", fields="summary,updated")["issues"]
    assert set(shown["fields"]) == {"summary", "updated"}


def test_a_search_may_be_posted(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.workspace.issues = [issue(1)]
    answer = session.post(
        f"{sandbox.url}{API}/search/jql", json={"jql": "updated > 0", "fields": ["summary"]}
    )
    assert answer.json()["issues"][0]["fields"] == {"summary": "Issue 1"}


def test_comments_in_results_are_cut_and_counted_and_are_paged_beside_them(
    sandbox: Sandbox, session: requests.Session
) -> None:
    comments = tuple(comment(n, f"Comment {n}.") for n in range(130))
    sandbox.workspace.issues = [issue(1, comments=comments)]
    [result] = search(sandbox, session, "updated > 0", fields="comment")["issues"]
    shown = result["fields"]["comment"]
    assert (len(shown["comments"]), shown["total"]) == (20, 130)
    url = f"{sandbox.url}{API}/issue/HAR-1/comment"
    assert len(session.get(url).json()["comments"]) == 50
    page = session.get(url, params={"startAt": 120, "maxResults": 500}).json()
    assert (len(page["comments"]), page["maxResults"], page["total"]) == (10, 100, 130)


def test_an_issue_is_found_by_id_and_by_key(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.workspace.issues = [issue(1)]
    for name in ("10001", "HAR-1"):
        shown = session.get(f"{sandbox.url}{API}/issue/{name}").json()
        assert shown["fields"]["summary"] == "Issue 1"
    for path in ("issue/HAR-2", "issue/HAR-2/comment"):
        assert session.get(f"{sandbox.url}{API}/{path}").status_code == 404


def test_projects_are_those_of_the_issues(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY"), issue(3)]
    projects = session.get(f"{sandbox.url}{API}/project/search").json()["values"]
    assert [project["key"] for project in projects] == ["HAR", "QUAY"]


def test_what_the_account_may_not_browse_is_not_there(
    sandbox: Sandbox, session: requests.Session
) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY")]
    sandbox.workspace.site.jira_projects = ["EMPTY"]
    sandbox.workspace.site.jira_hidden_projects = ["QUAY"]
    projects = session.get(f"{sandbox.url}{API}/project/search").json()["values"]
    assert [project["key"] for project in projects] == ["EMPTY", "HAR"]
    assert numbers(search(sandbox, session, "updated > 0")) == [1]
    refused = search(sandbox, session, "updated > 0 AND project = QUAY")
    assert "'QUAY' does not exist" in refused["errorMessages"][0]
    assert session.get(f"{sandbox.url}{API}/issue/QUAY-2").status_code == 404


def test_the_search_lags_and_the_issue_itself_does_not(
    sandbox: Sandbox, session: requests.Session
) -> None:
    sandbox.workspace.issues = [issue(1), issue(2)]
    sandbox.workspace.site.jira_unindexed_issue_ids = ["10002"]
    assert numbers(search(sandbox, session, "updated > 0")) == [1]
    assert session.get(f"{sandbox.url}{API}/issue/HAR-2").status_code == 200


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("issuesecurityschemes/level/member?levelId=7", 200),
        ("group/member?groupId=g", 404),
        ("project/93/role/5", 404),
        ("user?accountId=nobody", 404),
    ],
)
def test_only_an_administrator_may_ask_who_reads_what(
    sandbox: Sandbox, session: requests.Session, path: str, missing: int
) -> None:
    assert session.get(f"{sandbox.url}{API}/{path}").status_code == missing
    sandbox.workspace.site.jira_is_admin = False
    assert session.get(f"{sandbox.url}{API}/{path}").status_code == 403


def test_a_server_has_no_such_search(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.workspace.site.jira_deployment = "Server"
    answer = session.get(f"{sandbox.url}{API}/search/jql", params={"jql": "updated > 0"})
    assert answer.status_code == 404


def test_myself_tells_the_time_zone(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.workspace.site.jira_time_zone = "Asia/Tokyo"
    assert session.get(f"{sandbox.url}{API}/myself").json()["timeZone"] == "Asia/Tokyo"


@pytest.mark.parametrize("path", ["myself", "search/jql?jql=updated>0", "issue/HAR-1", "field"])
def test_only_the_sandboxs_own_credentials_open_it(sandbox: Sandbox, path: str) -> None:
    sandbox.workspace.issues = [issue(1, updated=FIRST)]
    for auth in (None, ("sandbox@example.com", "wrong")):
        answer = requests.get(f"{sandbox.url}{API}/{path}", auth=auth, timeout=10)
        assert answer.status_code == 401
