"""Who may browse a Jira project decides who finds its issues, and is asked anew each night."""

from datetime import date, datetime
from pathlib import Path

import pytest

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    UnavailableError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import requests_retries
from vector_assets.sources.items import Gap
from vector_assets.sources.jira.source import JiraSource
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.jira.issues import Json, adf, issue, person
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

EVER = Window(utc("2000-01-01"), None)
ANN, BO = "ann@harbor.example", "bo@harbor.example"
STAFF = {"id": "7", "name": "Staff"}
GROUP = {"type": "group", "value": "g1"}
OLD, NIGHT = utc("2026-01-05T10:00"), date(2026, 3, 2)


def source(sandbox: Sandbox, **changes: str) -> JiraSource:
    values = {k.lower(): v for k, v in sandbox.environment.items()} | changes
    return JiraSource.from_settings(Settings.model_validate(values), Meter())


def browsed_by(sandbox: Sandbox, *holders: Json, project_id: str = "93") -> None:
    """Let these browse a project; `g1` is Ann and Bo."""
    site = sandbox.workspace.site
    site.jira_project_browsers[project_id] = list(holders)
    site.jira_group_members = {
        "g1": [person("a", ANN), person("b", BO)],
        "g2": [person("b", BO), person("c", "cy@harbor.example")],
    }


def read(sandbox: Sandbox, **changes: str) -> tuple[list[Document], list[Gap]]:
    items = list(source(sandbox, **changes).documents(EVER))
    return (
        [item for item in items if isinstance(item, Document)],
        [item for item in items if isinstance(item, Gap)],
    )


def test_a_project_that_a_group_may_browse_is_for_the_group(sandbox: Sandbox) -> None:
    browsed_by(sandbox, GROUP)
    sandbox.workspace.issues = [issue(1), issue(2), issue(3, project="QUAY")]
    documents, gaps = read(sandbox)
    assert [document.access for document in documents] == [
        ("public",),
        ("restricted", ANN, BO),
        ("restricted", ANN, BO),
    ]
    assert gaps == []
    asked = sandbox.faults.requests("/jira/rest/api/3/project/9")
    assert asked == {
        "GET /jira/rest/api/3/project/93/permissionscheme": 1,
        "GET /jira/rest/api/3/project/94/permissionscheme": 1,
    }


@pytest.mark.parametrize("kind", ["anyone", "applicationRole"])
def test_a_project_that_everyone_may_browse_is_public_whoever_else_may(
    sandbox: Sandbox, kind: str
) -> None:
    browsed_by(sandbox, GROUP, {"type": kind}, {"type": "group", "value": "gone"})
    sandbox.workspace.issues = [issue(1)]
    [document], gaps = read(sandbox)
    assert document.access == ("public",)
    assert gaps == []


def test_a_security_level_lets_in_only_those_who_may_browse_the_project_too(
    sandbox: Sandbox,
) -> None:
    browsed_by(sandbox, GROUP)
    sandbox.workspace.site.jira_level_holders = {"7": [{"type": "group", "value": "g2"}]}
    sandbox.workspace.issues = [issue(1, security=STAFF)]
    [document], _ = read(sandbox)
    assert document.access == ("restricted", BO)
    sandbox.workspace.site.jira_level_holders = {"7": [{"type": "anyone"}]}
    [document], _ = read(sandbox)
    assert document.access == ("restricted", ANN, BO)


@pytest.mark.parametrize(
    ("holders", "unnamed"),
    [
        ([{"type": "projectLead"}], "projectLead"),
        ([{"type": "applicationRole", "parameter": "jira-servicedesk"}],
         "applicationRole jira-servicedesk"),
        ([{"type": "something new", "value": "all"}], "something new all"),
    ],
)  # fmt: skip
def test_what_jira_does_not_tell_is_never_taken_for_open(
    sandbox: Sandbox, holders: list[Json], unnamed: str
) -> None:
    browsed_by(sandbox, *holders)
    sandbox.workspace.issues = [issue(1)]
    [document], [gap] = read(sandbox)
    assert document.access == ("restricted",)
    assert gap.subject == "readers of the project HAR"
    assert gap.reason == f"not named: {unnamed}"


SCHEME = "/jira/rest/api/3/project/93/permissionscheme"


@pytest.mark.parametrize("way", ["401", "403", "404", "nobody is told"])
def test_a_project_of_which_jira_tells_no_reader_is_for_nobody_until_a_setting_opens_it(
    sandbox: Sandbox, way: str
) -> None:
    if way.isdecimal():
        sandbox.faults.fail(SCHEME, status=int(way))
    else:
        browsed_by(sandbox)
    sandbox.workspace.issues = [issue(1)]
    [document], [gap] = read(sandbox)
    assert document.access == ("restricted",)
    said = f"HTTP {way}" if way.isdecimal() else way
    assert gap.subject == "readers of the project HAR"
    assert gap.reason == f"not named: who may browse it ({said})"
    assert "JIRA_PUBLIC_PROJECTS" in gap.advice
    for word in ("HAR", "*", "QUAY,HAR"):
        [document], gaps = read(sandbox, jira_public_projects=word)
        assert document.access == ("public",)
        assert gaps == []
    [document], gaps = read(sandbox, jira_public_projects="QUAY")
    assert document.access == ("restricted",)
    assert len(gaps) == 1


def test_a_token_that_administers_nothing_makes_no_project_public(sandbox: Sandbox) -> None:
    sandbox.workspace.site.jira_is_admin = False
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY")]
    documents, gaps = read(sandbox, jira_public_projects="QUAY")
    assert [document.access for document in documents] == [("public",), ("restricted",)]
    assert [gap.subject for gap in gaps] == ["readers of the project HAR"]


def test_a_token_that_has_expired_is_no_refusal_of_one_question(sandbox: Sandbox) -> None:
    sandbox.faults.fail(SCHEME, status=401)
    sandbox.faults.fail("/jira/rest/api/3/myself", status=401)
    sandbox.workspace.issues = [issue(1)]
    with pytest.raises(CredentialsError, match="HTTP 401"):
        read(sandbox)


ACTOR = "atlassian-group-role-actor"
ASKED_ABOUT_READERS = [
    SCHEME,
    "/jira/rest/api/3/issuesecurityschemes/level/member",
    "/jira/rest/api/3/group/member",
    "/jira/rest/api/3/project/93/role/5",
    "/jira/rest/api/3/user",
]
ASKED_ABOUT_OLD_ISSUES = [
    *ASKED_ABOUT_READERS,
    "/jira/rest/api/3/project/search",
    "/jira/rest/api/3/search/jql",
    "/jira/rest/api/3/issue/bulkfetch",
]
PAGE = "<!DOCTYPE html><title>Blocked</title>"
PASSING = [
    ({"status": 429, "retry_after_seconds": 0}, RateLimitedError, "jira is rate limited"),
    ({"status": 408}, UnavailableError, "HTTP 408"),
    ({"status": 500}, UnavailableError, "HTTP 500"),
    ({"status": 503}, UnavailableError, "HTTP 503"),
    ({"break_connection": "truncate"}, UnavailableError, "jira did not answer"),
    ({"status": 200, "body": {"values": "none"}}, ContractError, "jira"),
    ({"status": 400}, ContractError, "HTTP 400"),
    ({"status": 403, "text": PAGE}, CredentialsError, "HTTP 403 with a page"),
    ({"status": 404, "text": PAGE}, ContractError, "HTTP 404 with a page"),
]
PASSING_NAMES = [
    "429", "408", "500", "503", "truncated", "another shape", "400", "a proxy's 403",
    "a proxy's 404",
]  # fmt: skip


@pytest.mark.parametrize("path", ASKED_ABOUT_READERS)
@pytest.mark.parametrize(("fault", "error", "seen"), PASSING, ids=PASSING_NAMES)
def test_an_error_that_is_no_refusal_says_nothing_about_readers_and_ends_the_run(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    fault: Json,
    error: type[Exception],
    seen: str,
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 1)
    browsed_by(sandbox, GROUP, {"type": "projectRole", "value": "5"})
    site = sandbox.workspace.site
    site.jira_level_holders = {"7": [{"type": "user", "value": "a"}]}
    site.jira_role_actors = {"93/5": [{"type": ACTOR, "actorGroup": {"groupId": "g1"}}]}
    sandbox.workspace.issues = [issue(1, security=STAFF)]
    sandbox.faults.fail(path, **fault)
    with pytest.raises(error, match=seen):
        read(sandbox)


def test_what_the_index_holds_stays_when_jira_does_not_say_who_may_read(
    sandbox: Sandbox, nights: "Nights", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 1)
    before = nights.found_by(ANN)
    sandbox.faults.fail(SCHEME, status=503)
    with pytest.raises(UnavailableError, match="HTTP 503"):
        nights.night()
    assert nights.found_by(ANN) == before


@pytest.mark.parametrize("path", ASKED_ABOUT_OLD_ISSUES)
@pytest.mark.parametrize(("fault", "error", "seen"), PASSING, ids=PASSING_NAMES)
def test_an_error_that_is_no_refusal_ends_the_night_and_changes_nothing(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    fault: Json,
    error: type[Exception],
    seen: str,
) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 1)
    browsed_by(sandbox, GROUP, {"type": "projectRole", "value": "5"})
    site = sandbox.workspace.site
    site.jira_level_holders = {"7": [{"type": "user", "value": "a"}]}
    site.jira_role_actors = {"93/5": [{"type": ACTOR, "actorGroup": {"groupId": "g1"}}]}
    sandbox.workspace.issues = [
        issue(1, updated=OLD, security=STAFF),
        issue(2, updated=OLD),
        issue(3, updated=OLD, project="QUAY", security=STAFF),
    ]
    nights = Nights(sandbox, tmp_path)
    nights.run(OLD.date(), OLD.date(), OLD.replace(day=6))
    before = {viewer: nights.found_by(viewer) for viewer in ("", ANN, BO)}
    assert before[ANN]
    sandbox.workspace.issues.append(issue(4))
    sandbox.faults.fail(path, **fault)
    with pytest.raises(error, match=seen):
        nights.night()
    assert {viewer: nights.found_by(viewer) for viewer in ("", ANN, BO)} == before


def test_an_index_that_was_public_is_closed_when_jira_refuses_to_tell(
    sandbox: Sandbox, nights: "Nights"
) -> None:
    assert "jira:10002#0" in nights.found_by("")
    sandbox.faults.fail("/jira/rest/api/3/project/94/permissionscheme", status=403)
    nights.night()
    assert nights.found_by("") == set()


def test_a_level_limits_an_issue_of_a_project_that_a_setting_opens(sandbox: Sandbox) -> None:
    sandbox.faults.fail(SCHEME, status=403)
    sandbox.workspace.site.jira_level_holders = {"7": [{"type": "user", "parameter": "eve"}]}
    sandbox.workspace.issues = [issue(1), issue(2, security=STAFF)]
    documents, _ = read(sandbox, jira_public_projects="HAR")
    assert [document.access[0] for document in documents] == ["restricted", "public"]


@pytest.mark.parametrize(
    "limit",
    [
        {"security": "Staff"},
        {"security": {}},
        {"security": {"name": "Staff"}},
        {"security": ["7"]},
        {"security": False},
        {"issuerestriction": "roles"},
        {"issuerestriction": ["5"]},
        {"issuerestriction": {"issuerestrictions": "5"}},
        {"issuerestriction": {"issuerestrictions": {"projectrole": "5"}}},
        {"issuerestriction": {"issuerestrictions": {"anyone": [{"id": "1"}]}}},
    ],
)
def test_a_limit_that_cannot_be_read_lets_nobody_in_and_is_told(
    sandbox: Sandbox, limit: Json
) -> None:
    sandbox.workspace.issues = [issue(1, **limit)]
    [document], [gap] = read(sandbox)
    assert document.access == ("restricted",)
    assert gap.count == 1


@pytest.mark.parametrize(
    "holders",
    [[{}], [{"type": None}], [{"type": {"a": 1}}], [{"type": ["anyone"]}]],
)
def test_a_holder_that_cannot_be_read_lets_nobody_in_and_is_told(
    sandbox: Sandbox, holders: list[Json]
) -> None:
    grants = [{"permission": "BROWSE_PROJECTS", "holder": holder} for holder in holders]
    sandbox.faults.fail(SCHEME, status=200, body={"permissions": grants})
    sandbox.workspace.issues = [issue(1)]
    [document], [gap] = read(sandbox)
    assert document.access == ("restricted",)
    assert gap.subject == "readers of the project HAR"


@pytest.mark.parametrize("project", [None, "HAR", {}, {"name": "Harbor"}, ["93"]])
def test_an_issue_with_an_odd_project_is_asked_for_by_its_key(
    sandbox: Sandbox, project: object
) -> None:
    odd = issue(1)
    odd["fields"]["project"] = project
    sandbox.workspace.issues = [issue(1)]
    sandbox.workspace.site.jira_project_browsers["HAR"] = [GROUP]
    sandbox.workspace.site.jira_group_members = {"g1": [person("a", ANN)]}
    page = {"issues": [odd], "isLast": True}
    sandbox.faults.fail("/jira/rest/api/3/search/jql", status=200, body=page, times=1)
    [document], _ = read(sandbox)
    assert (document.container, document.access) == ("HAR", ("restricted", ANN))


class Nights:
    """Runs of Jira over one index in a folder."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self.store = LanceDBStore(str(folder))
        self.embedder = TinyEmbedder(chunk_tokens=20)

    def run(self, first: date, last: date, now: datetime) -> int:
        """Run some days; return how many records were written."""
        pipeline = Pipeline(
            source=source(self._sandbox),
            target=target_of(self.store, self.embedder),
            meter=Meter(),
        )
        stream = pipeline.embedded_documents(Days(first, last), now)
        return write(stream).total.reused_chunks

    def night(self) -> int:
        """Run the newest day, to the present."""
        return self.run(NIGHT, NIGHT, utc("2026-03-03T06:00"))

    def found_by(self, viewer: str) -> set[str]:
        """Return the ids of the records, heads or not, that a reader's search brings."""
        where, vector = Filter(viewer=viewer), self.embedder.embed_query("words")
        hits = self.store.search_dense("jira", vector, where=where, limit=100)
        return {hit.id for hit in hits}

    def text_of(self, document_id: str) -> str:
        """Return the text of a document's records."""
        vector = self.embedder.embed_query("words")
        hits = self.store.search_dense("jira", vector, where=Filter(viewer=ANN), limit=100)
        return "\n".join(
            str(hit.metadata["text"]) for hit in hits if hit.id.startswith(f"{document_id}#")
        )


@pytest.fixture
def nights(sandbox: Sandbox, tmp_path: Path) -> Nights:
    browsed_by(sandbox, GROUP)
    long = adf(" ".join(f"word{n}" for n in range(60)))
    sandbox.workspace.issues = [
        issue(1, updated=OLD, description=long),
        issue(2, updated=OLD, project="QUAY"),
        issue(3, updated=utc("2026-03-02T10:00")),
    ]
    made = Nights(sandbox, tmp_path)
    made.run(date(2026, 1, 5), NIGHT, utc("2026-03-03T06:00"))
    return made


def test_who_loses_a_project_loses_its_old_issues_at_the_next_night_all_chunks_of_them(
    sandbox: Sandbox, nights: Nights
) -> None:
    before = nights.found_by(BO)
    assert len([record_id for record_id in before if record_id.startswith("jira:10001#")]) > 2
    embedded = len(nights.embedder.embedded_texts)
    sandbox.workspace.site.jira_group_members["g1"].pop()
    nights.night()
    public = {record_id for record_id in before if record_id.startswith("jira:10002#")}
    assert nights.found_by(BO) == nights.found_by("") == public
    assert nights.found_by(ANN) == before
    assert len(nights.embedder.embedded_texts) == embedded
    assert nights.night() == 0


def test_a_project_that_is_closed_takes_its_old_issues_out_of_the_public(
    sandbox: Sandbox, nights: Nights
) -> None:
    assert "jira:10002#0" in nights.found_by("")
    sandbox.workspace.site.jira_project_browsers["94"] = [GROUP]
    nights.night()
    assert nights.found_by("") == set()
    assert "jira:10002#0" in nights.found_by(ANN)


def test_who_leaves_a_security_level_loses_its_old_issues_at_the_next_night(
    sandbox: Sandbox, tmp_path: Path, nights: Nights
) -> None:
    site = sandbox.workspace.site
    site.jira_project_browsers = {}
    site.jira_level_holders = {"7": [GROUP]}
    sandbox.workspace.issues = [issue(1, updated=OLD, security=STAFF)]
    made = Nights(sandbox, tmp_path / "other")
    made.run(OLD.date(), OLD.date(), utc("2026-03-03T06:00"))
    assert made.found_by(BO) == made.found_by(ANN) != set()
    site.jira_group_members["g1"].pop()
    made.night()
    assert made.found_by(BO) == set()
    assert made.found_by(ANN) != set()


def test_a_backfill_of_old_days_asks_for_no_other_issues(sandbox: Sandbox, nights: Nights) -> None:
    sandbox.faults.clear()
    nights.run(date(2026, 1, 5), date(2026, 1, 5), utc("2026-03-03T06:00"))
    assert sandbox.faults.requests()["POST /jira/rest/api/3/search/jql"] == 1
