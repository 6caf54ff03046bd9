"""A change of readers reaches the issues in the index, at a cost that goes by those with limits."""

from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import CredentialsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import requests_retries
from vector_assets.stores.base import Filter, Hit
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.jira.issues import Json, comment, issue, linked, person, stamp
from vector_assets_tests.sources.jira.test_access import (
    ANN,
    BO,
    GROUP,
    NIGHT,
    OLD,
    STAFF,
    browsed_by,
    source,
)
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

BULK = "/jira/rest/api/3/issue/bulkfetch"
SEARCH = "/jira/rest/api/3/search/jql"
SECRET = "Pierdeal"
QUAY_ID = "94"
IN_WINDOW = utc("2026-03-02T10:00")


class Index:
    """An index, runs of Jira into it, and what people find in it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.store = LanceDBStore(str(folder))
        self.embedder = TinyEmbedder(chunk_tokens=20)

    def sync(self, first: Days, **settings: str) -> SyncReport:
        pipeline = Pipeline(
            source=source(self.sandbox, **settings),
            target=target_of(self.store, self.embedder),
            meter=Meter(),
        )
        return write(pipeline.embedded_documents(first, utc("2026-03-03T06:00")))

    def fill(self, *issues: Json, **settings: str) -> None:
        """Read issues of any day."""
        self.sandbox.workspace.issues = list(issues)
        self.sync(Days(OLD.date(), NIGHT), **settings)
        self.sandbox.faults.clear()

    def night(self, **settings: str) -> SyncReport:
        return self.sync(Days(NIGHT, NIGHT), **settings)

    def found_by(self, viewer: str = "") -> set[str]:
        """Return the keys of the issues that somebody finds."""
        return {str(hit.metadata["issue_key"]) for hit in self._hits(viewer)}

    def text_for(self, viewer: str = "") -> str:
        """Return all that somebody finds."""
        return "\n".join(str(hit.metadata["text"]) for hit in self._hits(viewer))

    def _hits(self, viewer: str) -> list[Hit]:
        vector = self.embedder.embed_query("words")
        where = Filter(viewer=viewer)
        return self.store.search_dense("jira", vector, where=where, limit=1_000)


@pytest.fixture
def index(sandbox: Sandbox, tmp_path: Path) -> Index:
    return Index(sandbox, tmp_path / "index")


def old(number: int, **fields: Any) -> Json:
    return issue(number, updated=OLD, **fields)


def bulk_requests(sandbox: Sandbox) -> int:
    return sandbox.faults.requests(BULK).total()


def test_a_project_that_is_lost_is_found_by_nobody_told_each_night_and_comes_back(
    sandbox: Sandbox, index: Index
) -> None:
    browsed_by(sandbox, GROUP, project_id=QUAY_ID)
    index.fill(old(1), old(2), old(3, project="QUAY"), issue(4, project="WHARF"))
    hidden = sandbox.workspace.site.jira_hidden_projects
    hidden += ["HAR", "QUAY"]
    for changed in (3, 0):
        report = index.night()
        assert report.documents_with_other_readers == changed
        [gap] = [gap for gap in report.gaps if "no longer sees" in gap.reason]
        assert (gap.subject, gap.count, gap.is_private) == ("documents of HAR, QUAY", 3, True)
        assert index.found_by() == index.found_by(ANN) == {"WHARF-4"}
    hidden.clear()
    report = index.night()
    assert report.gaps == []
    assert index.found_by() == {"HAR-1", "HAR-2", "WHARF-4"}
    assert index.found_by(ANN) == {"HAR-1", "HAR-2", "QUAY-3", "WHARF-4"}


@pytest.mark.parametrize("public", ["", "HAR", "*"])
def test_no_setting_opens_a_project_that_the_account_does_not_see(
    sandbox: Sandbox, index: Index, public: str
) -> None:
    index.fill(old(1), issue(2, project="WHARF"), jira_public_projects=public)
    assert index.found_by() == {"HAR-1", "WHARF-2"}
    sandbox.workspace.site.jira_hidden_projects.append("HAR")
    index.night(jira_public_projects=public)
    assert index.found_by() == {"WHARF-2"}


def test_an_account_that_sees_no_project_any_more_closes_all_and_fails(
    sandbox: Sandbox, index: Index
) -> None:
    index.fill(old(1))
    sandbox.workspace.site.jira_hidden_projects.append("HAR")
    with pytest.raises(CredentialsError, match="its account sees no project"):
        index.night()
    assert index.found_by() == set()


def test_a_token_that_has_expired_says_nothing_of_projects(sandbox: Sandbox, index: Index) -> None:
    index.fill(old(1))
    sandbox.workspace.site.jira_hidden_projects.append("HAR")
    sandbox.faults.fail("/jira/rest/api/3/myself", status=401)
    with pytest.raises(CredentialsError, match="HTTP 401"):
        index.night()
    assert index.found_by() == {"HAR-1"}


def test_a_project_is_known_by_its_new_key_as_well(sandbox: Sandbox, index: Index) -> None:
    browsed_by(sandbox, GROUP, project_id=QUAY_ID)
    index.fill(old(1), old(2, project="QUAY"))
    for raw in sandbox.workspace.issues:
        raw["fields"]["project"]["key"] += "X"
    report = index.night()
    assert (report.documents_with_other_readers, report.gaps) == (0, [])
    browsed_by(sandbox, GROUP)
    index.night()
    assert index.found_by() == set()
    assert index.found_by(ANN) == {"HAR-1", "QUAY-2"}


@pytest.mark.parametrize("way", ["deleted", "hidden", "moved out of sight"])
def test_an_issue_of_an_open_project_that_is_no_longer_shown_is_found_by_nobody(
    sandbox: Sandbox, index: Index, way: str
) -> None:
    gone = old(1)
    index.fill(gone, old(2), old(3, project="QUAY"))
    match way:
        case "deleted":
            sandbox.workspace.issues.remove(gone)
        case "hidden":
            sandbox.workspace.site.jira_hidden_issue_ids.append(gone["id"])
        case _:
            gone["fields"]["project"] = {"id": QUAY_ID, "key": "QUAY", "name": "Quay"}
            sandbox.workspace.site.jira_hidden_projects.append("QUAY")
    report = index.night()
    assert index.found_by() == ({"HAR-2"} if "moved" in way else {"HAR-2", "QUAY-3"})
    assert [gap.count for gap in report.gaps] == [2 if "moved" in way else 1]


def test_an_issue_that_the_search_does_not_show_yet_stays_open(
    sandbox: Sandbox, index: Index
) -> None:
    index.fill(old(1), old(2))
    sandbox.workspace.site.jira_unindexed_issue_ids.append("10001")
    report = index.night()
    assert (report.documents_with_other_readers, report.gaps) == (0, [])
    assert index.found_by() == {"HAR-1", "HAR-2"}


def test_a_level_that_is_set_without_an_update_of_its_issue_closes_it(
    sandbox: Sandbox, index: Index
) -> None:
    sandbox.workspace.site.jira_level_holders = {"7": [GROUP]}
    sandbox.workspace.site.jira_group_members = {"g1": [person("a", ANN)]}
    raw = old(1)
    index.fill(raw, old(2))
    # As when the security scheme of a project is exchanged.
    raw["fields"]["security"] = STAFF
    index.night()
    assert index.found_by() == {"HAR-2"}
    assert index.found_by(ANN) == {"HAR-1", "HAR-2"}
    raw["fields"]["security"] = None
    index.night()
    assert index.found_by() == {"HAR-1", "HAR-2"}


def test_readers_of_roles_of_an_open_project_change_for_old_issues(
    sandbox: Sandbox, index: Index
) -> None:
    actors = [{"actorUser": {"accountId": "a"}}]
    site = sandbox.workspace.site
    site.jira_role_actors = {"93/5": actors}
    site.jira_group_members = {"g1": [person("a", ANN), person("b", BO)]}
    roles = {"issuerestrictions": {"projectrole": [{"id": "5"}]}}
    index.fill(old(1, issuerestriction=roles), old(2))
    assert index.found_by(ANN) == {"HAR-1", "HAR-2"}
    actors[0]["actorUser"]["accountId"] = "b"
    report = index.night()
    assert report.total.embedded_chunks == 0
    assert index.found_by(ANN) == {"HAR-2"}
    assert index.found_by(BO) == {"HAR-1", "HAR-2"}


def test_a_project_that_is_not_read_any_more_is_closed_with_the_others(
    sandbox: Sandbox, index: Index
) -> None:
    index.fill(old(1), old(2, project="QUAY"))
    browsed_by(sandbox, GROUP, project_id=QUAY_ID)
    index.night(jira_projects="HAR")
    assert index.found_by() == {"HAR-1"}
    assert index.found_by(ANN) == {"HAR-1", "QUAY-2"}


def test_an_issue_in_quarantine_is_closed_as_it_stands_in_the_index(
    sandbox: Sandbox, index: Index
) -> None:
    many = tuple(comment(n, f"words {n}") for n in range(30))
    raw = old(1, comments=many)
    index.fill(raw)
    raw["fields"]["updated"] = stamp(IN_WINDOW)
    sandbox.faults.fail("/jira/rest/api/3/issue/10001/comment", status=403)
    assert len(index.night().failures) == 1
    browsed_by(sandbox, GROUP)
    index.night()
    assert index.found_by() == set()
    assert index.found_by(ANN) == {"HAR-1"}


def test_what_jira_could_not_give_for_now_is_closed_until_it_does(
    sandbox: Sandbox, index: Index
) -> None:
    browsed_by(sandbox, GROUP)
    index.fill(old(1))
    answer = {"issues": [], "issueErrors": [{"id": "10001", "errorMessage": "timed out"}]}
    sandbox.faults.fail(BULK, status=200, body=answer, times=1)
    index.night()
    assert index.found_by(ANN) == set()
    index.night()
    assert index.found_by(ANN) == {"HAR-1"}


def linked_pair(**of_secret: Any) -> tuple[Json, Json]:
    """Return an issue and another that it shows the summary of."""
    other = old(9, summary=SECRET, **of_secret)
    public = old(1, issuelinks=linked(other))
    other["fields"]["issuelinks"] = linked(public)
    return public, other


def test_more_readers_find_no_summary_that_only_the_earlier_ones_may_read(
    sandbox: Sandbox, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 1)
    browsed_by(sandbox, GROUP)
    sandbox.workspace.site.jira_level_holders = {"7": [GROUP]}
    index.fill(*linked_pair(security=STAFF))
    assert SECRET in index.text_for(ANN)
    sandbox.workspace.site.jira_project_browsers.clear()
    # The night dies before it reads again what shows other issues.
    sandbox.faults.fail(BULK, status=503, contains='"summary"')
    with pytest.raises(UnavailableError, match="HTTP 503"):
        index.night()
    assert SECRET not in index.text_for()
    assert SECRET in index.text_for(ANN)
    sandbox.faults.clear()
    index.night()
    assert index.found_by() == {"HAR-1"}
    assert SECRET not in index.text_for()
    sandbox.faults.clear()
    report = index.night()
    assert (report.documents_with_other_readers, report.total.documents) == (0, 0)


def test_fewer_readers_of_an_issue_take_its_summary_out_of_others_after_a_death(
    sandbox: Sandbox, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 1)
    site = sandbox.workspace.site
    browsed_by(sandbox, GROUP)
    site.jira_level_holders = {"7": [GROUP]}
    index.fill(*linked_pair(security=STAFF))
    assert SECRET in index.text_for(BO)
    site.jira_level_holders = {"7": [{"type": "user", "value": "a"}]}
    sandbox.faults.fail(BULK, status=503, contains='"summary"')
    with pytest.raises(UnavailableError, match="HTTP 503"):
        index.night()
    assert index.found_by(BO) == {"HAR-1"}
    sandbox.faults.clear()
    index.night()
    assert index.found_by(BO) == {"HAR-1"}
    assert SECRET not in index.text_for(BO)
    assert SECRET in index.text_for(ANN)


def test_readers_without_room_in_a_record_let_nothing_be_read_again_each_night(
    sandbox: Sandbox, index: Index
) -> None:
    crowd = [person(f"p{n}", f"person{n:04}@harbor.example") for n in range(600)]
    browsed_by(sandbox, GROUP)
    sandbox.workspace.site.jira_group_members["g1"] = crowd
    index.fill(*linked_pair())
    index.night()
    sandbox.faults.clear()
    assert index.night().total.documents == 0
    assert bulk_requests(sandbox) == 1


def test_open_projects_without_limits_cost_a_few_requests_whatever_they_hold(
    sandbox: Sandbox, index: Index
) -> None:
    index.fill(*(old(n) for n in range(250)), *(old(n, project="QUAY") for n in range(250, 300)))
    index.night()
    asked = sandbox.faults.requests("/jira/rest/api/3")
    window = 2  # and the issues with a level
    assert asked[f"POST {SEARCH}"] == window + len(("HAR", "QUAY"))
    assert bulk_requests(sandbox) == 0
    assert asked.total() <= 11


def test_limited_issues_alone_are_asked_for_a_hundred_at_a_time(
    sandbox: Sandbox, index: Index
) -> None:
    sandbox.workspace.site.jira_level_holders = {"7": [GROUP]}
    browsed_by(sandbox, GROUP, project_id=QUAY_ID)
    index.fill(
        *(old(n) for n in range(150)),
        *(old(n, security=STAFF) for n in range(150, 160)),
        *(old(n, project="QUAY") for n in range(160, 310)),
    )
    index.night()
    assert bulk_requests(sandbox) == 1 + 2
    assert sandbox.faults.requests("/jira/rest/api/3/issue/").total() == 3


def test_more_projects_than_a_request_takes_are_asked_for_in_several(
    sandbox: Sandbox, index: Index
) -> None:
    def of_project(number: int) -> Json:
        raw = old(number)
        name = f"P{number}"
        raw["fields"]["project"] = {"id": str(5_000 + number), "key": name, "name": name}
        return raw

    index.fill(*map(of_project, range(60)), issue(99))
    sandbox.workspace.site.jira_project_browsers["5055"] = [GROUP]
    report = index.night()
    assert report.documents_with_other_readers == 1
    assert len(index.found_by()) == 60
    assert sandbox.faults.requests("/jira/rest/api/3/project/search").total() == 2
