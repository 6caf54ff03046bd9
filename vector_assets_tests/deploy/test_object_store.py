"""LanceDB on an object store: the conformance tests of a store, and concurrent writers."""

import os
from collections.abc import Iterator
from itertools import count

import pytest

from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.deploy.object_store import BUCKET, running_object_store
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, StoreConformance, records
from vector_assets_tests.support.processes import run_at_once
from vector_assets_tests.support.tiny import document

WRITERS = 3
ROUNDS = 4

_numbers = count()


@pytest.fixture(scope="module", autouse=True)
def _object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    log = tmp_path_factory.mktemp("object-store") / "server.log"
    with running_object_store(log) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def uri() -> str:
    return f"s3://{BUCKET}/index-{next(_numbers)}"


@pytest.mark.slow
class TestConformance(StoreConformance):
    many = 20  # A commit is a dozen requests here.

    @pytest.fixture
    def store(self, uri: str) -> LanceDBStore:
        return LanceDBStore(uri)


def _write(uri: str, writer: int) -> None:
    store = LanceDBStore(uri)
    store.open(SPACE, DIMENSIONS)
    for turn in range(ROUNDS):
        own = document(f"{writer}-{turn}", "own")
        shared = document(
            "shared", f"by {writer}", updated_at=f"2026-03-{1 + turn:02}T0{writer}:00"
        )
        store.upsert(SPACE, [*records(own, "own"), *records(shared, f"{turn} by {writer}")])


def test_writers_at_once_lose_nothing_and_the_newest_wins(uri: str) -> None:
    """The writers are processes that share no disk and race to create the table."""
    run_at_once(_write, [(uri, number) for number in range(WRITERS)])
    store = LanceDBStore(uri)
    assert store.count(SPACE) == WRITERS * ROUNDS + 1
    hits = {hit.id: hit for hit in store.lookup(SPACE, where=Filter(), limit=50)}
    assert hits["jira:shared#0"].metadata["text"] == f"{ROUNDS - 1} by {WRITERS - 1}"


def test_nothing_is_written_to_this_machine(uri: str) -> None:
    before = set(os.listdir())
    store = LanceDBStore(uri)
    store.open(SPACE, DIMENSIONS)
    store.upsert(SPACE, records(document(), "text"))
    store.maintain(SPACE)
    assert set(os.listdir()) == before
    assert LanceDBStore(uri).count(SPACE) == 1
