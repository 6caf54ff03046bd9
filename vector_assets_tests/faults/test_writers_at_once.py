"""Two runs that write one document at once, in the orders that can lose something.

Each order is made by hand: a store that lets the other run happen in the middle of a call.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.stores.base import Filter, Metadata, Record, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.faults.memory_store import MemoryStore
from vector_assets_tests.faults.test_schedules import DAYS, NOW
from vector_assets_tests.faults.world import expected
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document

LONG = tuple(f"part {n} " + "word " * 25 for n in range(5))
OLDER = document("1", *LONG, updated_at="2026-03-02T10:00")
NEWER = document("1", "short", updated_at="2026-03-03T10:00")
NEWER_LONG = document("1", *(f"new {text}" for text in LONG), updated_at="2026-03-03T10:00")

NEWER_TWO = document("1", "newest", "second " + "word " * 30, updated_at="2026-03-04T10:00")


class Interrupted:
    """A store that calls something once, before or after a write of some name.

    It takes no two records as one, so that there is a middle to come into.
    """

    atomic_records = 1

    def __init__(self, store: VectorStore, verb: str, place: int, what: Callable[[], None]) -> None:
        self._store, self._verb, self._place, self._what = store, verb, place, what

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def _maybe(self, verb: str, items: Sequence[object] | Mapping[str, object]) -> None:
        if items and verb == self._verb:
            self._place -= 1
            if self._place == -1:
                self._what()

    @property
    def has_interrupted(self) -> bool:
        return self._place < 0

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        self._maybe("upsert", records)
        self._store.upsert(namespace, records)

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        self._maybe("update", metadata_by_id)
        self._store.update_metadata(namespace, metadata_by_id)

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        self._maybe("delete", chunk_ids)
        self._store.delete(namespace, chunk_ids)

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        self._maybe("delete", until)
        self._store.delete_older(namespace, until)


def embedder() -> TinyEmbedder:
    return TinyEmbedder(dimensions=16, chunk_tokens=40)


def run(store: object, *documents: Document) -> None:
    """Sync documents into a store."""
    pipeline = Pipeline(
        source=ListSource(documents), target=target_of(store, embedder()), meter=Meter()
    )
    write(pipeline.embedded_documents(DAYS, now=NOW))


@pytest.fixture(params=["memory", "lancedb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> VectorStore:
    return MemoryStore() if request.param == "memory" else LanceDBStore(str(tmp_path / "lancedb"))


def assert_holds(store: VectorStore, wanted: Document) -> None:
    """Check that the index holds this version whole and nothing else of it."""
    records = expected({wanted.id: wanted}, embedder())
    assert store.chunk_ids("jira", wanted.id) == sorted(records)
    assert store.fingerprints("jira", sorted(records)) == {
        identity: fields["fingerprint"] for identity, (fields, _) in records.items()
    }
    head = store.heads("jira", [wanted.id])[wanted.id]
    assert head.document_fingerprint == records[f"{wanted.id}#0"][0]["document_fingerprint"]


@pytest.mark.parametrize(
    ("newer", "verb", "place"),
    [(NEWER, "upsert", 0), *((NEWER_LONG, "upsert", place) for place in range(3))],
)
def test_a_newer_run_survives_an_older_one_that_writes_in_the_middle_of_it(
    store: VectorStore, newer: Document, verb: str, place: int
) -> None:
    seam = Interrupted(store, verb, place, lambda: run(store, OLDER))
    run(seam, newer)
    assert seam.has_interrupted
    assert_holds(store, newer)


@pytest.mark.parametrize("newer", [NEWER, NEWER_LONG], ids=["short", "long"])
@pytest.mark.parametrize(("verb", "place"), [("upsert", place) for place in range(3)])
def test_what_an_older_run_overwrites_the_next_run_of_the_newer_mends(
    store: VectorStore, newer: Document, verb: str, place: int
) -> None:
    seam = Interrupted(store, verb, place, lambda: run(store, newer))
    run(seam, OLDER)
    assert seam.has_interrupted
    run(store, newer)
    assert_holds(store, newer)


@pytest.mark.parametrize("chunks", [2, 4, 5])
@pytest.mark.parametrize(("verb", "place"), [("upsert", 0), ("delete", 0), ("upsert", 1)])
def test_what_an_older_run_deletes_of_a_longer_newer_version_is_whole_after_the_next_run(
    store: VectorStore, verb: str, place: int, chunks: int
) -> None:
    """The older version is shorter than the one before it, and the newer longer than either."""
    before = document("1", *LONG[:chunks], updated_at="2026-03-02T08:00")
    older = document("1", "short", updated_at="2026-03-02T10:00")
    run(store, before)
    seam = Interrupted(store, verb, place, lambda: run(store, NEWER_LONG))
    run(seam, older)
    assert seam.has_interrupted
    head = store.heads("jira", ["jira:1"])["jira:1"]
    is_older = head.updated_at == older.updated_at.timestamp()
    assert_holds(store, older if is_older else NEWER_LONG)
    run(store, NEWER_LONG)
    assert_holds(store, NEWER_LONG)
    run(store, NEWER_TWO)
    assert_holds(store, NEWER_TWO)


def test_an_older_version_that_was_planned_before_a_newer_was_written_is_dropped(
    store: VectorStore,
) -> None:
    class Slow(TinyEmbedder):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            run(store, NEWER)
            return super().embed(texts)

    pipeline = Pipeline(
        source=ListSource([OLDER]), target=target_of(store, Slow(16, 40)), meter=Meter()
    )
    write(pipeline.embedded_documents(DAYS, now=NOW))
    assert_holds(store, NEWER)


def test_a_chunk_is_not_relabelled_when_another_run_has_replaced_its_vector_since_the_plan(
    store: VectorStore,
) -> None:
    part_1, part_2, part_3, part_4 = (f"{word} " * 25 for word in ("one", "two", "three", "four"))
    first = document("1", part_1, part_2, updated_at="2026-03-02T10:00")
    between = document("1", part_1, part_3, updated_at="2026-03-03T10:00")
    newest = document("1", part_4, part_2, updated_at="2026-03-04T10:00")
    run(store, first)

    class Slow(TinyEmbedder):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            if "four" in texts[0]:
                run(store, between)
            return super().embed(texts)

    slow = Slow(16, 40)
    pipeline = Pipeline(source=ListSource([newest]), target=target_of(store, slow), meter=Meter())
    report = write(pipeline.embedded_documents(DAYS, now=NOW))
    [wanted] = [text for text in slow.embedded_texts if "two" in text]
    [near] = store.search_dense("jira", slow.embed_query(wanted), where=Filter(), limit=1)
    assert near.score == pytest.approx(1.0, abs=1e-4)
    assert near.metadata["text"] == wanted
    assert len(slow.embedded_texts) == len(set(slow.embedded_texts)) == 2
    assert report.total.embedded_chunks == 2
    assert_holds(store, newest)


def test_a_chunk_whose_vector_another_run_replaces_while_it_is_relabelled_is_written_anew(
    store: VectorStore,
) -> None:
    part_1, part_2, part_3, part_4 = (f"{word} " * 25 for word in ("one", "two", "three", "four"))
    first = document("1", part_1, part_2, updated_at="2026-03-02T10:00")
    between = document("1", part_1, part_3, updated_at="2026-03-03T10:00")
    newest = document("1", part_4, part_2, updated_at="2026-03-04T10:00")
    run(store, first)
    metadata, vector = expected({between.id: between}, embedder())["jira:1#1"]
    theirs = Record("jira:1#1", vector, metadata)

    seam = Interrupted(store, "update", 0, lambda: store.upsert("jira", [theirs]))
    run(seam, newest)
    assert seam.has_interrupted
    assert_holds(store, newest)
    wanted, of_two = expected({newest.id: newest}, embedder())["jira:1#1"]
    [near] = store.search_dense("jira", of_two, where=Filter(), limit=1)
    assert near.metadata["text"] == wanted["text"]
    assert near.score == pytest.approx(1.0, abs=1e-4)
