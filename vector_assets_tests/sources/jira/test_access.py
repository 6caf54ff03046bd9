"""Who may browse a Jira project decides who finds its issues, and is asked anew each night."""

from datetime import date, datetime
from pathlib import Path

import pytest

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
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


@pytest.mark.parametrize("way", ["403", "404", "nobody is told"])
def test_a_project_of_which_jira_tells_no_reader_is_taken_for_open_and_told_of(
    sandbox: Sandbox, way: str
) -> None:
    if way.isdecimal():
        path = "/jira/rest/api/3/project/93/permissionscheme"
        sandbox.faults.fail(path, status=int(way))
    else:
        browsed_by(sandbox)
    sandbox.workspace.issues = [issue(1)]
    [document], [gap] = read(sandbox)
    assert document.access == ("public",)
    said = f"HTTP {way}" if way.isdecimal() else way
    assert gap.subject == "readers of the project HAR"
    assert gap.reason == f"not named: who may browse it ({said})"
    assert "JIRA_PUBLIC_PROJECTS" in gap.advice
    for word in ("HAR", "*", "QUAY,HAR"):
        [document], gaps = read(sandbox, jira_public_projects=word)
        assert document.access == ("public",)
        assert gaps == []
    [_], gaps = read(sandbox, jira_public_projects="QUAY")
    assert len(gaps) == 1


def test_a_level_limits_an_issue_of_a_project_of_which_jira_tells_no_reader(
    sandbox: Sandbox,
) -> None:
    sandbox.faults.fail("/jira/rest/api/3/project/93/permissionscheme", status=403)
    sandbox.workspace.site.jira_level_holders = {"7": [{"type": "user", "parameter": "eve"}]}
    sandbox.workspace.issues = [issue(1), issue(2, security=STAFF)]
    documents, _ = read(sandbox)
    assert [document.access[0] for document in documents] == ["restricted", "public"]


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
