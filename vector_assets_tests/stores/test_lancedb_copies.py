"""Copies of tables in memory: the same answers as the table, and never an old version."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from vector_assets.core.documents import PUBLIC, RESTRICTED
from vector_assets.stores.base import Filter, Hit, Record
from vector_assets.stores.lancedb import copies
from vector_assets.stores.lancedb.copies import TableCopy
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.stores.conformance import DIMENSIONS, EMBEDDER, SPACE, records
from vector_assets_tests.support.tiny import document

ANN = "ann@example.com"
READERS: tuple[tuple[str, ...], ...] = (
    (PUBLIC,), (RESTRICTED, ANN), (RESTRICTED, "bo@example.com", ANN), (RESTRICTED,),
)  # fmt: skip
# 5 March 2026 at midnight, half a second later, and the evening of the 14th.
SINCE, UNTIL = (None, 1772668800.0, 1772668800.5), (None, 1773500000.0)
WORDS = ("label", "printer", "norway", "depot", "crane", "brake", "carrier")


def _records() -> Iterator[Record]:
    for number, access in product(range(24), READERS):
        extra = {"issue_key": f"HAR-{number}"} if number % 3 else {}
        doc = document(
            f"{number}-{len(access)}-{access[0]}", updated_at=f"2026-03-{1 + number:02d}",
            access=access, container=f"C{number % 3}", extra=extra,
        )  # fmt: skip
        texts = [
            " ".join(WORDS[(number + n + m) % len(WORDS)] for m in range(1 + (number + n) % 4))
            for n in range(1 + number % 3)
        ]
        yield from records(doc, *texts)


@pytest.fixture
def store(tmp_path: Path) -> LanceDBStore:
    store = LanceDBStore(str(tmp_path / "index"))
    store.open(SPACE, DIMENSIONS)
    store.keeps_copies = True
    return store


def _read(hits: list[Hit]) -> dict[str, tuple[float, dict[str, object]]]:
    return {hit.id: (pytest.approx(hit.score, abs=1e-4), dict(hit.metadata)) for hit in hits}


def test_a_copy_answers_as_its_table_does(store: LanceDBStore) -> None:
    store.upsert(SPACE, list(_records()))
    copy = store.for_question(SPACE)
    assert isinstance(copy, TableCopy)
    vector = EMBEDDER.embed_query("printer norway")
    for viewer, containers, since, until, key in product(
        ("", ANN, "eve@example.com"), ((), ("C0", "C2"), ("no",)), SINCE, UNTIL, ("", "HAR-4")
    ):
        where = Filter(containers, since, until, viewer, key)
        assert _read(copy.search_dense(SPACE, vector, where=where, limit=500)) == _read(
            store.search_dense(SPACE, vector, where=where, limit=500)
        )
        assert _read(copy.search_lexical(SPACE, "label crane", where=where, limit=500)) == _read(
            store.search_lexical(SPACE, "label crane", where=where, limit=500)
        )
        assert _read(copy.lookup(SPACE, where=where, limit=500)) == _read(
            store.lookup(SPACE, where=where, limit=500)
        )
    ids = [document_id for document_id, _ in store.documents(SPACE)]
    assert copy.heads(SPACE, [*ids, "jira:none"]) == store.heads(SPACE, ids)
    assert copy.watermark(SPACE) == store.watermark(SPACE)


def test_each_question_sees_what_another_process_has_just_written(
    store: LanceDBStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "COPYING_SHARE", 1.0)
    writer = LanceDBStore(str(tmp_path / "index"))
    vector = EMBEDDER.embed_query("label")
    for number in range(8):
        writer.upsert(SPACE, records(document(str(number)), f"label {number}"))
        hits = store.for_question(SPACE).search_dense(SPACE, vector, where=Filter(), limit=50)
        assert len(hits) == number + 1
        words = store.for_question(SPACE).search_lexical(
            SPACE, f"{number}", where=Filter(), limit=50
        )
        assert [hit.id for hit in words] == [f"jira:{number}#0"]
    writer.update_metadata(SPACE, {"jira:3#0": {"access": [RESTRICTED, ANN]}})
    writer.delete(SPACE, ["jira:4#0"])
    writer.maintain(SPACE)
    found = store.for_question(SPACE).search_lexical(SPACE, "label", where=Filter(), limit=50)
    assert {hit.id for hit in found} == {f"jira:{n}#0" for n in (0, 1, 2, 5, 6, 7)}


def test_a_table_that_changes_all_the_time_is_copied_for_a_share_of_the_time(
    store: LanceDBStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "COPYING_SHARE", 1e-9)
    store.upsert(SPACE, records(document("1"), "label"))
    copy = store.for_question(SPACE)
    store.upsert(SPACE, records(document("2"), "label"))
    assert store.for_question(SPACE) is copy
    monkeypatch.setattr(copies, "COPYING_SHARE", 1.0)
    other = LanceDBStore(str(tmp_path / "index"))
    other.keeps_copies = True
    vector = EMBEDDER.embed_query("label")
    for expected in (2, 3):
        hits = other.for_question(SPACE).search_dense(SPACE, vector, where=Filter(), limit=9)
        assert len(hits) == expected
        store.upsert(SPACE, records(document("3"), "label"))


def test_a_question_does_not_wait_while_another_copies_the_table(
    store: LanceDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "COPYING_SHARE", 1.0)
    store.upsert(SPACE, records(document("1"), "label"))
    copy = store.for_question(SPACE)
    store.upsert(SPACE, records(document("2"), "label"))
    is_copying, may_go_on = Event(), Event()
    make = copies.TableCopy.__init__

    def slow(self: TableCopy, *arguments: Any) -> None:
        is_copying.set()
        assert may_go_on.wait(60)
        make(self, *arguments)

    monkeypatch.setattr(copies.TableCopy, "__init__", slow)
    with ThreadPoolExecutor(1) as threads:
        newer = threads.submit(store.for_question, SPACE)
        assert is_copying.wait(60)
        assert store.for_question(SPACE) is copy
        may_go_on.set()
        assert newer.result() is store.for_question(SPACE) is not copy


def test_an_unchanged_table_is_copied_once(store: LanceDBStore) -> None:
    store.upsert(SPACE, records(document(), "label"))
    assert store.for_question(SPACE) is store.for_question(SPACE)
    assert LanceDBStore.keeps_copies is False


def test_a_table_that_is_too_large_is_asked_itself(
    store: LanceDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert(SPACE, records(document(), "label"))
    monkeypatch.setattr(copies, "ALL_COPIES_BYTES", 100)
    assert store.for_question(SPACE) is store


def test_a_vector_without_length_matches_nothing(store: LanceDBStore) -> None:
    store.upsert(SPACE, records(document(), "label"))
    zero = np.zeros(DIMENSIONS, np.float32)
    [hit] = store.for_question(SPACE).search_dense(SPACE, zero, where=Filter(), limit=5)
    assert hit.score == 0.0
