"""The queue of changes, on LanceDB and on both of Pinecone's APIs over HTTP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.index import queue as module
from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import Change, ChangeQueue
from vector_assets.stores.base import VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.stores.conformance import DIMENSIONS
from vector_assets_tests.support.processes import run_at_once

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def queue(store: VectorStore) -> ChangeQueue:
    return ChangeQueue(Ledger(store, DIMENSIONS))


def seen(queue: ChangeQueue) -> dict[str, tuple[datetime, datetime]]:
    return {each.document_id: (each.first_said_at, each.last_said_at) for each in queue.waiting()}


def test_changes_of_a_document_wait_as_one_with_the_oldest_and_the_newest_time(
    queue: ChangeQueue,
) -> None:
    later = NOW + timedelta(minutes=1)
    queue.add([Change("jira:1", later), Change("jira:2", NOW), Change("jira:1", NOW)])
    queue.add([Change("jira:1", later + timedelta(minutes=1))])
    assert seen(queue) == {
        "jira:1": (NOW, later + timedelta(minutes=1)),
        "jira:2": (NOW, NOW),
    }
    assert [each.document_id for each in queue.waiting()] == ["jira:1", "jira:2"]
    assert {each.source for each in queue.waiting()} == {"jira"}


def test_what_is_added_while_a_run_reads_stays(queue: ChangeQueue) -> None:
    queue.add([Change("jira:1", NOW), Change("slack:C1:2026-03-02", NOW)])
    taken = queue.waiting()
    queue.add([Change("jira:1", NOW + timedelta(minutes=1))])
    queue.remove(taken)
    assert seen(queue) == {"jira:1": (NOW + timedelta(minutes=1),) * 2}
    queue.remove(queue.waiting())
    queue.remove(taken)
    assert queue.waiting() == []


def test_too_many_changes_become_the_source_since_the_oldest(
    queue: ChangeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 10)
    queue.add([Change(f"jira:{n}", NOW + timedelta(minutes=n)) for n in range(10)])
    queue.add([Change("notion:a", NOW)])
    queue.compact()
    assert seen(queue) == {"jira:": (NOW, NOW), "notion:a": (NOW, NOW)}
    queue.compact()
    assert set(seen(queue)) == {"jira:", "notion:a"}


def _add_many(uri: str, name: str) -> None:
    queue = ChangeQueue(Ledger(LanceDBStore(uri), DIMENSIONS))
    for n in range(10):
        queue.add([Change(f"jira:{name}-{n}", NOW)])


def test_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    names = ["A", "B", "C"]
    run_at_once(_add_many, [(str(tmp_path), name) for name in names])
    waiting = ChangeQueue(Ledger(LanceDBStore(str(tmp_path)), DIMENSIONS)).waiting()
    assert {each.document_id for each in waiting} == {
        f"jira:{name}-{n}" for name in names for n in range(10)
    }
