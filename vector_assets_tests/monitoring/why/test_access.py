"""A viewer learns nothing of what they may not read, in any form of asking for it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vector_assets.cli.main import app
from vector_assets.monitoring.why.answer import Cause, Why
from vector_assets.monitoring.why.held import read_held
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb import copies
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.monitoring.why.vendors import PUT, READER, Put, texts_of
from vector_assets_tests.monitoring.why.ways import MISSED, READ, World, put
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, records
from vector_assets_tests.support import tiny

STRANGER = "eve@example.com"
VIEWERS = [Filter(viewer=STRANGER), Filter(), Filter(groups=("staff",))]
RESTRICTING = ("jira", "slack", "fireflies")


@dataclass
class Shelf:
    """A world, and its documents by source."""

    world: World
    public: dict[str, Put]
    restricted: dict[str, Put]
    unread: dict[str, Put]
    failed: dict[str, Put]

    def hidden_of(self, source: str) -> list[Put]:
        """Return the documents that a stranger may not know of."""
        kinds = (self.restricted, self.unread, self.failed)
        return [kind[source] for kind in kinds if source in kind]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A public and a restricted document of each source, one not read, and one that failed."""
    with running_sandbox(Workspace()) as sandbox:
        world = World.build(sandbox, tmp_path_factory.mktemp("access"))

        def shelved(number: int, sources: Iterable[str], **how: Any) -> dict[str, Put]:
            at = how.pop("at", READ)
            return {
                source: put(at, **how)(world, source, number + place)
                for place, source in enumerate(sources)
            }

        shelf = Shelf(
            world,
            shelved(10, PUT),
            shelved(30, RESTRICTING, kind="restricted"),
            shelved(50, PUT, at=MISSED),
            shelved(70, PUT, more=("POISON",)),
        )
        world.sync()
        yield shelf


@pytest.fixture
def world(shelf: Shelf) -> World:
    return shelf.world


def told(world: World, text: str, where: Filter, **asked: Any) -> str:
    """Return all that a viewer is told, without what they typed."""
    answer = world.why(text, is_operator=False, where=where, **asked)
    assert answer.asked == text
    return json.dumps(asdict(replace(answer, asked="")), default=str)


ARCHIVE = "https://acme.slack.com/archives/C0NOTHING1"
NAMELESS = {
    "jira": ("jira:99999", "HAR-99999", "http://127.0.0.1:1/jira/browse/HAR-99999"),
    "slack": (
        "slack:C0NOTHING1:1700000000.000000",
        f"{ARCHIVE}/p1700000000000000",
        f"{ARCHIVE}/p1700000060000000?thread_ts=1700000000.000000&cid=C0NOTHING1",
    ),
    "notion": ("notion:00000000-0000-4000-8000-000000000009",
               "https://www.notion.so/acme/Page-00000000000040008000000000000009"),
    "fireflies": ("fireflies:01MEETING999999999",
                  "https://app.fireflies.ai/view/Meeting::01MEETING999999999"),
}  # fmt: skip
"""Names of no document, in the order of `Put.names`."""


@pytest.mark.parametrize("where", VIEWERS, ids=["another", "nobody", "group"])
@pytest.mark.parametrize("question", ["", "d30w0x1 d31w0x1 d32w0x1 d33w0x1"])
def test_what_is_not_for_a_viewer_looks_like_what_does_not_exist(
    shelf: Shelf, where: Filter, question: str
) -> None:
    world = shelf.world
    requests_before = len(world.sandbox.faults.log)
    for source in PUT:
        for hidden in shelf.hidden_of(source):
            for name, nameless in zip(hidden.names, NAMELESS[source], strict=True):
                of_nothing = told(world, nameless, where, question=question)
                assert told(world, name, where, question=question) == of_nothing
                assert json.loads(of_nothing)["cause"] == Cause.UNKNOWN, nameless
            of_nothing = told(world, '"no such words at all"', where, question=question)
            assert told(world, f'"{hidden.words}"', where, question=question) == of_nothing
            assert json.loads(of_nothing)["cause"] == Cause.NO_SUCH_WORDS
    assert len(world.sandbox.faults.log) == requests_before


def test_serve_tells_from_its_copies_what_is_told_from_the_index(shelf: Shelf) -> None:
    serving = replace(shelf.world, store=LanceDBStore(shelf.world.settings.lancedb_uri))
    serving.store.keeps_copies = True
    for source in PUT:
        for listed in (shelf.public[source], *shelf.hidden_of(source)):
            for text in (*listed.names, f'"{listed.words}"'):
                for where in (*VIEWERS, Filter(viewer=READER)):
                    assert told(serving, text, where) == told(shelf.world, text, where), text


def test_a_document_that_was_just_closed_is_not_told_though_a_copy_has_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "COPYING_SHARE", 1e-6)  # no second copy within the test
    store, serving = (LanceDBStore(str(tmp_path)) for _ in range(2))
    serving.keeps_copies = True
    store.open(SPACE, DIMENSIONS)
    store.upsert(SPACE, records(tiny.document("1"), "The crane report."))
    reader = Filter(viewer=STRANGER)
    assert read_held(serving, SPACE, "jira:1", reader.lets_read) is not None
    store.update_metadata(SPACE, {"jira:1#0": {"access": ["restricted"]}})
    assert reader.lets_read(serving.for_question(SPACE).heads(SPACE, ["jira:1"])["jira:1"])
    assert read_held(serving, SPACE, "jira:1", reader.lets_read) is None


@pytest.mark.parametrize("source", PUT)
def test_who_may_read_a_document_is_told_of_it(shelf: Shelf, source: str) -> None:
    readable = [(shelf.public[source], where) for where in (*VIEWERS, Filter(viewer=READER))]
    if source in RESTRICTING:
        readable.append((shelf.restricted[source], Filter(viewer=READER)))
    for document, where in readable:
        for text in (*document.names, f'"{document.words}"'):
            answer = shelf.world.why(text, is_operator=False, where=where)
            assert (answer.cause, answer.document_id) == (Cause.FOUND, document.document_id), text
            assert answer.title


@pytest.mark.parametrize("source", RESTRICTING)
def test_an_operator_is_told_who_may_read_a_document(shelf: Shelf, source: str) -> None:
    restricted = shelf.restricted[source]
    for name in restricted.names:
        answer = shelf.world.why(name)
        assert (answer.cause, answer.document_id) == (Cause.RESTRICTED, restricted.document_id)
        assert READER in answer.sentence
    hidden = shelf.world.why(f'"{restricted.words}"')
    assert hidden.cause is Cause.NO_SUCH_WORDS
    assert "--viewer" in hidden.advice


def test_a_word_of_a_title_never_stands_in_a_sentence(world: World) -> None:
    for number in range(10, 14):
        answer: Why = world.why(f'"{" ".join(texts_of(number)[0].split()[3:6])}"')
        assert answer.cause is Cause.FOUND
        assert f"d{number}" in answer.title
        assert f"d{number}" not in answer.sentence + answer.advice


def test_the_command_tells_a_viewer_as_little(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in world.sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VECTOR_STORE", "lancedb")
    monkeypatch.setenv("LANCEDB_URI", str(tmp_path / "lancedb"))
    monkeypatch.setenv("DAGSTER_GRAPHQL_URL", "http://127.0.0.1:9/graphql")
    sync = CliRunner().invoke(app, ["sync", "jira", "--days", "4"], catch_exceptions=False)
    assert sync.exit_code == 0, sync.output

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["why", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "restricted" in run("HAR-30")
    for form in ([], ["--json"]):
        hidden = run("HAR-30", "--viewer", STRANGER, *form)
        nothing = run("HAR-98", "--viewer", STRANGER, *form)
        assert hidden.replace("HAR-30", "") == nothing.replace("HAR-98", "")
    assert "can-be-found" in run("HAR-30", "--viewer", READER)
    assert "in-answer" in run("HAR-10", "--question", "HAR-10")
    assert json.loads(run("HAR-10", "--json", "--question", "HAR-10"))["ranks"]["fused"] == 1


def test_the_newest_activity_alone_is_told_of_a_source(world: World) -> None:
    said = told(world, "jira:99999", Filter(viewer=STRANGER))
    newest = world.store.watermark("jira")
    assert newest is not None
    assert abs(newest - READ) < timedelta(minutes=1)
    assert f"{newest:%Y-%m-%d %H:%M}" in said
