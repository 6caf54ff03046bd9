"""Completeness of documents in the index: each defect is found, however documents are grouped."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from vector_assets.maintenance.verify import completeness
from vector_assets.maintenance.verify.completeness import ReadBack, broken_among, read_back
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, records
from vector_assets_tests.support.tiny import document

TEXTS = ("one", "two", "three")


@pytest.fixture
def store(tmp_path: Path) -> LanceDBStore:
    store = LanceDBStore(str(tmp_path))
    store.open(SPACE, DIMENSIONS)
    return store


def broken(store: LanceDBStore) -> dict[str, str]:
    """Return what is wrong with the documents, which are all of one day."""
    return dict(read_back(store, SPACE, [document("a").day]).broken)


def test_a_document_with_all_its_chunks_is_complete(store: LanceDBStore) -> None:
    for native_id in "abc":
        store.upsert(SPACE, records(document(native_id), *TEXTS))
    assert broken(store) == {}
    assert dict(broken_among(store, SPACE, ["jira:a", "jira:c"])) == {}


def test_a_missing_chunk_is_reported(store: LanceDBStore) -> None:
    store.upsert(SPACE, records(document("a"), *TEXTS))
    store.upsert(SPACE, records(document("b"), *TEXTS))
    store.delete(SPACE, ["jira:b#1"])
    assert broken(store) == {"jira:b": "1 of its 3 chunks are missing"}


def test_a_chunk_beyond_the_end_is_reported(store: LanceDBStore) -> None:
    longer = records(document("a"), *TEXTS, "four")
    store.upsert(SPACE, [record for record in longer if record.id == "jira:a#3"])
    store.upsert(SPACE, records(document("a"), *TEXTS))
    assert broken(store) == {"jira:a": "there are chunks beyond its 3"}


def test_an_unfinished_write_is_reported(store: LanceDBStore) -> None:
    *tail, head = records(document("a"), *TEXTS)
    begun = replace(head, metadata={**head.metadata, "document_fingerprint": ""})
    store.upsert(SPACE, [*tail, begun])
    assert broken(store) == {"jira:a": "a write of it did not finish"}


def test_a_document_that_is_not_there_is_reported(store: LanceDBStore) -> None:
    store.upsert(SPACE, records(document("a"), *TEXTS))
    assert dict(broken_among(store, SPACE, ["jira:a", "jira:b"])) == {"jira:b": "it is not there"}


@pytest.mark.parametrize("group_ids", [1, 4, 5, 9, 1000])
def test_documents_are_asked_for_in_groups_and_none_is_left_out(
    store: LanceDBStore, monkeypatch: pytest.MonkeyPatch, group_ids: int
) -> None:
    monkeypatch.setattr(completeness, "_GROUP_IDS", group_ids)
    store.upsert(
        SPACE,
        [each for n in range(20) for each in records(document(str(n)), *TEXTS[: 1 + n % 3])],
    )
    damaged = {f"jira:{n}" for n in (0, 7, 19)}
    store.delete(SPACE, ["jira:0#0", "jira:7#1", "jira:19#1"])
    # Without its head only a caller who knows its id can miss it.
    assert broken(store).keys() == damaged - {"jira:0"}
    document_ids = [f"jira:{n}" for n in range(20)]
    assert dict(broken_among(store, SPACE, document_ids)).keys() == damaged


@pytest.mark.parametrize("day_count", [0, 1, 4, 9, 30])
def test_each_document_of_the_days_is_checked_and_no_other(
    store: LanceDBStore, day_count: int
) -> None:
    asked = [date(2025, 3, 1) + timedelta(n) for n in range(day_count)]
    for n in range(32):
        day = date(2025, 2, 28) + timedelta(n)
        store.upsert(SPACE, records(document(str(n), updated_at=f"{day}T12:00"), *TEXTS))
    store.delete(SPACE, [f"jira:{n}#2" for n in (0, 5, 31)])
    broken = {"jira:5": "1 of its 3 chunks are missing"} if day_count > 4 else {}
    assert read_back(store, SPACE, asked) == ReadBack(day_count, broken)
