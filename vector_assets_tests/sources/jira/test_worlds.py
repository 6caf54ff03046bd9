"""Random teams whose projects, levels, roles and groups change night after night.

After each night nobody finds what a model of the team does not let them read, of whatever day it
is, nor the summary of such an issue in another; and everybody finds all that they may.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from vector_assets.core.days import Days, start_of_day
from vector_assets.core.errors import UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.pipeline import readers as readers_module
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources.jira.source import JiraSource
from vector_assets.stores.base import Filter, IndexStore, Metadata
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import document_id_of
from vector_assets_tests.sources.jira.issues import (
    SYSTEM,
    custom_field,
)
from vector_assets_tests.sources.jira.teams import EVERYONE, Team
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

EMBEDDER = TinyEmbedder(32, chunk_tokens=24)
NIGHTS = ("2026-03-02", "2026-03-03", "2026-03-04")
OUTSIDER = "eve@elsewhere.example"


def sync(teams: list[Team], store: IndexStore, first: str, last: str) -> SyncReport:
    sandbox = teams[0].sandbox
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    values["jira_public_projects"] = ",".join(filter(None, (team.public_key for team in teams)))
    source = JiraSource.from_settings(Settings.model_validate(values), Meter())
    pipeline = Pipeline(source=source, target=target_of(store, EMBEDDER), meter=Meter())
    days = Days(utc(first).date(), utc(last).date())
    morning = start_of_day(days.last) + timedelta(days=1, hours=6)
    return write(pipeline.embedded_documents(days, morning))


def found_by(store: IndexStore, viewer: str, way: str) -> dict[str, str]:
    """Return the texts that somebody finds, by record, by meaning, by words, or by lookup."""
    where = Filter(viewer=viewer)
    match way:
        case "meaning":
            question = EMBEDDER.embed_query("badger")
            hits = store.search_dense("jira", question, where=where, limit=5_000)
        case "words":
            hits = store.search_lexical("jira", "badger", where=where, limit=5_000)
        case _:
            hits = store.lookup("jira", where=where, limit=5_000)
    return {hit.id: str(hit.metadata["text"]) for hit in hits}


def check(teams: list[Team], store: IndexStore, random: Random) -> None:
    """Check who finds what, by a way of search that is chosen anew for each person."""
    held = {record.id: record for record in store.fetch("jira", sorted(store.record_ids("jira")))}
    ways = {"meaning": set(held), "lookup": {each for each in held if each.endswith("#0")}}
    if store.has_lexical_search:
        badgers = {key for key in held if "badger" in str(held[key].metadata["text"])}
        ways["words"] = badgers
    by_id = {f"jira:{raw['id']}": (team, raw) for team in teams for raw in team.issues}
    readers = {key: team.readers_of(raw) for key, (team, raw) in by_id.items()}
    lost = {key for key in map(document_id_of, held) if key not in by_id}
    assert not lost
    viewers = [OUTSIDER, "", *(p["emailAddress"] for t in teams for p in t.people[:3])]
    for viewer in viewers:
        way = random.choice(list(ways))
        may_read = {key for key, allowed in readers.items() if allowed & {viewer, *EVERYONE}}
        found = found_by(store, viewer, way)
        expected = {each for each in ways[way] if document_id_of(each) in may_read}
        assert found.keys() == expected, (viewer, way)
        text = " ".join(found.values())
        for key, (team, raw) in by_id.items():
            if key not in may_read and team.is_shown(raw):
                assert raw["fields"]["summary"] not in text, (viewer, key)


def make_teams(sandbox: Sandbox, numbers: range) -> list[Team]:
    site = sandbox.workspace.site
    sandbox.workspace.issues.clear()
    for lists in (site.jira_hidden_projects, site.jira_hidden_issue_ids):
        lists.clear()
    for raw in (site.jira_project_browsers, site.jira_level_holders, site.jira_group_members):
        raw.clear()
    site.jira_role_actors.clear()
    site.jira_custom_fields = [custom_field(1, "Tester", "user", f"{SYSTEM}:userpicker")]
    return [Team(sandbox, Random(number), number) for number in numbers]


def play(sandbox: Sandbox, store: IndexStore, numbers: range) -> None:
    """Play some nights of teams, and check after each who finds what."""
    teams = make_teams(sandbox, numbers)
    random = Random(numbers.start)
    sync(teams, store, "2023-01-01", "2026-03-01")
    check(teams, store, random)
    for night in NIGHTS:
        for team in teams:
            team.change(night)
        sync(teams, store, night, night)
        check(teams, store, random)


@pytest.fixture
def town() -> Iterator[Sandbox]:
    """A sandbox whose traffic is not held against the contracts, for speed."""
    with running_sandbox(Workspace()) as sandbox:
        yield sandbox


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_nobody_finds_what_they_may_not_read(town: Sandbox, tmp_path: Path, first: int) -> None:
    play(town, LanceDBStore(str(tmp_path / "lancedb")), range(first, first + 20))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1_000, 1_300, 20))
def test_nor_in_many_more_teams(town: Sandbox, tmp_path: Path, first: int) -> None:
    play(town, LanceDBStore(str(tmp_path / "lancedb")), range(first, first + 20))


@pytest.mark.parametrize("api", ["documents", "vectors"])
def test_nor_in_pinecone(town: Sandbox, api: str) -> None:
    if api == "vectors":
        make_vector_index(town, EMBEDDER.dimensions)
    play(town, build(town), range(300, 303))


class MortalStore(LanceDBStore):
    """Dies at the nth update of metadata from now on, before or after it is made."""

    updates_left = -1
    dies_after = False

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        self.updates_left -= 1
        if self.updates_left == 0 and not self.dies_after:
            raise UnavailableError("store", "gone")
        super().update_metadata(namespace, metadata_by_id)
        if self.updates_left == 0:
            raise UnavailableError("store", "gone")


@pytest.mark.parametrize("dies_after", [False, True])
@pytest.mark.parametrize("updates", [1, 2, 3, 5, 8])
def test_a_night_that_dies_half_way_is_finished_by_the_next(
    town: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    updates: int,
    dies_after: bool,
) -> None:
    monkeypatch.setattr(readers_module, "BATCH_DOCUMENTS", 1)
    store = MortalStore(str(tmp_path / "lancedb"))
    teams = make_teams(town, range(400, 404))
    sync(teams, store, "2023-01-01", "2026-03-01")
    for team in teams:
        for project in team.projects:
            team.site.jira_project_browsers[project["id"]] = team.some_holders()
            if team.random.random() < 0.3:
                team.site.jira_hidden_projects.append(project["key"])
    store.updates_left, store.dies_after = updates, dies_after
    with pytest.raises(UnavailableError, match="gone"):
        sync(teams, store, NIGHTS[0], NIGHTS[0])
    sync(teams, store, NIGHTS[0], NIGHTS[0])
    check(teams, store, Random(updates))
