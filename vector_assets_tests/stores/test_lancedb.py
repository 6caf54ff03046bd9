"""LanceDB: the suite of every store, and what only LanceDB guarantees."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import lancedb
import pytest

from vector_assets.core.errors import UnavailableError
from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Head, Hit, Record, Searchable
from vector_assets.stores.lancedb import indexes as lancedb_indexes
from vector_assets.stores.lancedb.copies import TableCopy
from vector_assets.stores.lancedb.rows import rows_of_records
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, StoreConformance, records
from vector_assets_tests.support.processes import CONTEXT, run_at_once
from vector_assets_tests.support.tiny import document

WRITERS = 4
ROUNDS = 5


class TestConformance(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LanceDBStore:
        return LanceDBStore(str(tmp_path / "index"))


class CopyingStore(LanceDBStore):
    """A LanceDB that answers whatever a question asks from copies in memory."""

    keeps_copies = True

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        return self._asked(namespace).heads(namespace, document_ids)

    def watermark(self, namespace: str) -> datetime | None:
        return self._asked(namespace).watermark(namespace)

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        return self._asked(namespace).search_dense(namespace, vector, where=where, limit=limit)

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        return self._asked(namespace).search_lexical(namespace, text, where=where, limit=limit)

    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        return self._asked(namespace).lookup(namespace, where=where, limit=limit)

    def _asked(self, namespace: str) -> Searchable:
        copy = self.for_question(namespace)
        if copy is not self:
            assert isinstance(copy, TableCopy)
            return copy
        return LanceDBStore(self._uri)


class TestConformanceOfCopies(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LanceDBStore:
        return CopyingStore(str(tmp_path / "index"))


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "index")


@pytest.fixture
def store(uri: str) -> LanceDBStore:
    store = LanceDBStore(uri)
    store.open(SPACE, DIMENSIONS)
    return store


def text_of(store: LanceDBStore) -> str:
    [hit] = store.lookup(SPACE, where=Filter(), limit=5)
    return str(hit.metadata["text"])


def test_an_older_version_never_replaces_a_newer_one(store: LanceDBStore) -> None:
    store.upsert(SPACE, records(document(updated_at="2026-03-05"), "newer"))
    store.upsert(SPACE, records(document(updated_at="2026-03-04"), "older"))
    assert text_of(store) == "newer"
    store.update_metadata(SPACE, {"jira:1#0": {"updated_at": 0.0, "text": "older"}})
    assert text_of(store) == "newer"


def test_an_equal_time_replaces_for_times_are_coarse(store: LanceDBStore) -> None:
    store.upsert(SPACE, records(document(updated_at="2026-03-05"), "first"))
    store.upsert(SPACE, records(document(updated_at="2026-03-05"), "second"))
    assert text_of(store) == "second"


def test_another_process_sees_a_commit_at_once(store: LanceDBStore, uri: str) -> None:
    other = LanceDBStore(uri)
    assert other.count(SPACE) == 0
    store.upsert(SPACE, records(document(), "text"))
    assert other.count(SPACE) == 1
    assert text_of(other) == "text"


def _write(uri: str, writer: int) -> None:
    store = LanceDBStore(uri)
    store.open(SPACE, DIMENSIONS)
    for round_number in range(ROUNDS):
        day = f"2026-03-{1 + round_number * WRITERS + writer:02d}"
        extra = {"issue_key": "HAR-1", f"field_{writer}": "of its own"}
        shared = document("shared", updated_at=day, extra=extra)
        store.upsert(SPACE, records(shared, f"writer {writer}", f"round {round_number}"))
        store.upsert(SPACE, records(document(f"{writer}-{round_number}"), "own"))


def test_four_processes_write_at_once_and_the_newest_stands(store: LanceDBStore, uri: str) -> None:
    run_at_once(_write, [(uri, writer) for writer in range(WRITERS)])
    assert store.count(SPACE) == 2 + WRITERS * ROUNDS
    newest = document("shared", updated_at=f"2026-03-{ROUNDS * WRITERS:02d}")
    assert store.heads(SPACE, [newest.id])[newest.id].updated_at == newest.updated_at.timestamp()
    hits = store.lookup(SPACE, where=Filter(issue_key="HAR-1"), limit=50)
    shared = next(hit for hit in hits if hit.metadata["document_id"] == newest.id)
    assert shared.metadata["text"] == f"writer {WRITERS - 1}"


def _write_the_same(uri: str, start: Any) -> None:
    store = LanceDBStore(uri)
    store.open(SPACE, DIMENSIONS)
    for n in range(ROUNDS):
        start.wait()
        store.upsert(SPACE, records(document(str(n)), "the same text"))


def test_a_document_that_all_insert_at_the_same_moment_stands_once(
    store: LanceDBStore, uri: str
) -> None:
    run_at_once(_write_the_same, [(uri, CONTEXT.Barrier(WRITERS))] * WRITERS)
    assert store.count(SPACE) == ROUNDS


def test_maintenance_keeps_everything_and_can_be_repeated(store: LanceDBStore) -> None:
    for n in range(30):
        store.upsert(SPACE, records(document(str(n)), f"carrots {n}"))
    store.maintain(SPACE)
    store.maintain(SPACE)
    assert store.count(SPACE) == 30
    assert len(store.search_lexical(SPACE, "carrots", where=Filter(), limit=50)) == 30


def unindexed_ids(uri: str, namespace: str = SPACE) -> int:
    """Return how many rows the index of ids does not know."""
    table = lancedb.connect(uri).open_table(namespace)
    known = table.index_stats("id_idx")
    return table.count_rows() if known is None else int(known.num_unindexed_rows)


def test_a_long_run_asks_by_an_index_of_ids_long_before_its_end(
    store: LanceDBStore, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lancedb_indexes, "WAITING_IDS", 10)
    monkeypatch.setattr(lancedb_indexes, "WAITING_IDS_SHARE", 0.25)
    waiting = []
    for n in range(16):
        store.upsert(SPACE, records(document(str(n)), *["crane"] * 5))
        store.keep_pace(SPACE)
        waiting.append(unindexed_ids(uri))
    # From 40 rows on a fourth of all is more than ten, so more wait as the table grows.
    assert waiting == [5, 0, 5, 0, 5, 0, 5, 0, 5, 10, 0, 5, 10, 15, 0, 5]
    heads = store.heads(SPACE, [document(str(n)).id for n in range(16)])
    assert [head.chunk_count for head in heads.values()] == [5] * 16


def test_a_table_is_maintained_at_a_share_of_its_rows_and_before_a_search_scans_much(
    store: LanceDBStore, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lancedb_indexes, "WAITING_ROWS", 3)
    monkeypatch.setattr(lancedb_indexes, "WAITING_ROWS_SHARE", 0.5)
    monkeypatch.setattr(lancedb_indexes, "SMALL_TABLE_ROWS", 4)
    monkeypatch.setattr(lancedb_indexes, "MOST_WAITING_ROWS", 16)
    maintained_at = []
    maintain = LanceDBStore.maintain

    def noted(self: LanceDBStore, namespace: str) -> None:
        maintain(self, namespace)
        maintained_at.append(self.count(namespace))

    monkeypatch.setattr(LanceDBStore, "maintain", noted)
    for n in range(60):
        store.upsert(SPACE, records(document(str(n)), f"crane {n}"))
        store.keep_pace(SPACE)
    assert maintained_at == [3, 6, 9, 14, 24, 40, 56]
    assert len(store.search_lexical(SPACE, "crane", where=Filter(), limit=99)) == 60


def _write_and_keep_pace(uri: str, writer: int) -> None:
    lancedb_indexes.WAITING_IDS, lancedb_indexes.WAITING_ROWS = 1, 20
    store = LanceDBStore(uri)
    store.open(SPACE, DIMENSIONS)
    for n in range(2 * ROUNDS):
        store.upsert(SPACE, records(document(f"{writer}-{n}"), "one", "two"))
        store.upsert(SPACE, records(document(f"shared-{n}"), "the same"))
        store.keep_pace(SPACE)


def test_four_processes_that_keep_one_table_quick_lose_and_double_nothing(
    store: LanceDBStore, uri: str
) -> None:
    run_at_once(_write_and_keep_pace, [(uri, writer) for writer in range(WRITERS)])
    assert store.count(SPACE) == 2 * ROUNDS * (2 * WRITERS + 1)
    assert len(set(store.record_ids(SPACE))) == store.count(SPACE)


def test_a_large_table_is_searched_by_indexes_that_find_what_a_scan_finds(
    store: LanceDBStore, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lancedb_indexes, "INDEXED_ROWS", 300)
    documents = [
        document(str(n), container=f"P{n % 3}", updated_at=f"2026-03-{1 + n % 28:02}")
        for n in range(300)
    ]
    store.upsert(
        SPACE, [each for n, doc in enumerate(documents) for each in records(doc, f"crane {n}")]
    )
    since = documents[9].updated_at.timestamp()
    vector = records(documents[13], "crane 13")[0].vector

    def ids_found(since: float = since, until: float | None = None) -> list[str]:
        where = Filter(containers=("P1",), since=since, until=until)
        return [hit.id for hit in store.search_dense(SPACE, vector, where=where, limit=300)]

    spans = [(since + cut, until) for cut in (-1, 1) for until in (None, since + 3e5, since + 9e5)]
    scanned = ids_found()
    scanned_spans = [sorted(ids_found(*span)) for span in spans]
    store.maintain(SPACE)
    indexes = lancedb.connect(uri).open_table(SPACE).list_indices()
    assert {name for index in indexes for name in index.columns} == {
        "text", "id", "access", "container", "updated_at", "partition", "issue_key", "vector",
    }  # fmt: skip
    assert scanned[0] == "jira:13#0"
    assert sorted(ids_found()) == sorted(scanned)
    assert [sorted(ids_found(*span)) for span in spans] == scanned_spans
    assert len(set(map(len, scanned_spans))) > 2
    by_key = store.lookup(SPACE, where=Filter(issue_key="HAR-13"), limit=5)
    assert [hit.id for hit in by_key] == ["jira:13#0"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UnavailableError, match=r"LanceDB at .*file.*Check that LANCEDB_URI"):
        LanceDBStore(str(tmp_path / "file")).open(SPACE, DIMENSIONS)


def test_writers_that_add_one_document_at_once_to_an_indexed_table_never_double_it(
    tmp_path: Path,
) -> None:
    stores = [LanceDBStore(str(tmp_path / "lancedb")) for _ in range(4)]
    stores[0].open(SPACE, DIMENSIONS)
    stores[0].upsert(SPACE, records(document("0"), "text"))
    stores[0].maintain(SPACE)
    for n in range(1, 6):
        new = records(document(str(n)), "one", "two")
        with ThreadPoolExecutor(len(stores)) as pool:
            for end in [pool.submit(store.upsert, SPACE, new) for store in stores]:
                end.result()
        assert stores[0].count(SPACE) == 1 + 2 * n


def test_the_end_of_a_run_drops_what_a_killed_writer_has_doubled(
    store: LanceDBStore, uri: str
) -> None:
    store.upsert(SPACE, records(document(updated_at="2026-03-02"), "old", "second"))
    table = lancedb.connect(uri).open_table(SPACE)
    table.add(rows_of_records(records(document(updated_at="2026-03-03"), "new"), table.schema))
    assert store.count(SPACE) == 3
    store.maintain(SPACE)
    assert store.count(SPACE) == 2
    assert store.metadata(SPACE, ["jira:1#0"])["jira:1#0"]["text"] == "new"


def test_of_doubled_rows_the_newest_stays(store: LanceDBStore, uri: str) -> None:
    store.upsert(SPACE, records(document(updated_at="2026-03-02"), "old", "second"))
    table = lancedb.connect(uri).open_table(SPACE)
    newer = records(document(updated_at="2026-03-03"), "new", "second")
    table.add(rows_of_records(newer, table.schema))
    assert list(store.record_ids(SPACE)) == ["jira:1#0"] * 2 + ["jira:1#1"] * 2
    assert len(store.fetch(SPACE, ["jira:1#0"])) == 2
    store.drop_doubles(SPACE, ["jira:1#0", "jira:1#1"])
    held = store.metadata(SPACE, ["jira:1#0", "jira:1#1"])
    assert store.count(SPACE) == 2
    assert held["jira:1#0"]["text"] == "new"
    assert {fields["partition"] for fields in held.values()} == {"2026-03-03"}


def _with_field(n: int, name: str) -> list[Record]:
    return [
        replace(record, metadata={**record.metadata, name: name})
        for record in records(document(str(n)), "text")
    ]


def test_writers_that_bring_new_fields_at_once_all_keep_them(tmp_path: Path) -> None:
    stores = [LanceDBStore(str(tmp_path / "lancedb")) for _ in range(4)]
    for store in stores:
        store.open(SPACE, DIMENSIONS)
    for round_number in range(4):
        # Two writers bring the same field, and each pair another one.
        new = [
            _with_field(4 * round_number + at, f"field{round_number}_{at // 2}")
            for at in range(len(stores))
        ]
        with ThreadPoolExecutor(len(stores)) as pool:
            ends = [
                pool.submit(store.upsert, SPACE, of_writer)
                for store, of_writer in zip(stores, new, strict=True)
            ]
            for end in ends:
                end.result()
        for at, [record] in enumerate(new):
            name = f"field{round_number}_{at // 2}"
            assert stores[0].metadata(SPACE, [record.id])[record.id][name] == name
