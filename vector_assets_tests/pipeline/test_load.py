"""Batches that are written in parallel, and which days are done when a run breaks off."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from random import Random

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import LostWriteError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.index.ledger import Ledger
from vector_assets.pipeline import extract, quarantine
from vector_assets.pipeline.checkpoint import Checkpointer
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources.items import Checkpoint, DocumentFailure, SourceItem
from vector_assets.stores.base import Head, Record
from vector_assets.stores.records import document_id_of
from vector_assets_tests.faults.memory_store import MemoryStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

NOW = utc("2026-03-10T06:00")
WEEK = Days(date(2026, 3, 1), date(2026, 3, 7))
PATIENCE_SECONDS = 30.0


class TwoAtOnce(MemoryStore):
    """A store that is written two batches at once, and notes what was in hand twice."""

    batches_in_flight = 2

    def __init__(self) -> None:
        super().__init__()
        self.most_at_once = 0
        self.written_twice: set[str] = set()
        self.meeting: threading.Barrier | None = None
        self._in_hand: list[set[str]] = []

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        if not records:
            return
        with self._in_hands({document_id_of(record.id) for record in records}):
            if self.meeting is not None:
                self.meeting.wait(PATIENCE_SECONDS)
            super().upsert(namespace, records)

    @contextmanager
    def _in_hands(self, ids: set[str]) -> Iterator[None]:
        with self._lock:
            self.written_twice |= ids & set().union(*self._in_hand)
            self._in_hand.append(ids)
            self.most_at_once = max(self.most_at_once, len(self._in_hand))
        yield
        with self._lock:
            self._in_hand.remove(ids)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "BATCH_DOCUMENTS", 2)


def finished_after(store: MemoryStore, *items: SourceItem | Exception, match: str) -> Checkpointer:
    """Return what a run knows of its days after it broke off."""
    stream = stream_of(store, *items)
    checkpointer = Checkpointer(stream.report, stream.days)
    with pytest.raises((UnavailableError, LostWriteError), match=match):
        write(stream, checkpointer=checkpointer)
    assert stream.report.finished_days == len(checkpointer.finished_days)
    return checkpointer


def stream_of(store: MemoryStore, *items: SourceItem | Exception) -> EmbeddedDocuments:
    pipeline = Pipeline(
        source=ListSource(items), target=target_of(store, TinyEmbedder()), meter=Meter()
    )
    return pipeline.embedded_documents(WEEK, now=NOW)


def test_two_batches_are_written_at_once() -> None:
    store = TwoAtOnce()
    store.meeting = threading.Barrier(2)
    items = [document(str(n), "text", updated_at="2026-03-05T10:00") for n in range(8)]
    # Each write waits for another one beside it.
    write(stream_of(store, *items))
    assert store.most_at_once == 2
    assert store.count("jira") == 8


@pytest.mark.parametrize("seed", range(20))
def test_no_document_is_written_by_two_at_once_and_its_last_version_stands(seed: int) -> None:
    random = Random(seed)
    items = [
        document(
            str(random.randrange(6)),
            f"version {n} " + "word " * random.randrange(120),
            updated_at=f"2026-03-0{5 + n // 30}T10:00",
        )
        for n in range(60)
    ]
    store = TwoAtOnce()
    write(stream_of(store, *items))
    assert store.written_twice == set()
    wanted = TwoAtOnce()
    last_versions = {item.id: item for item in items}
    write(stream_of(wanted, *last_versions.values()))
    assert {chunk_id: record.metadata for chunk_id, record in store.records.items()} == {
        chunk_id: record.metadata for chunk_id, record in wanted.records.items()
    }


ITEMS = [
    document("1", "one", updated_at="2026-03-07T10:00"),
    document("2", "two", updated_at="2026-03-06T10:00"),
    Checkpoint(utc("2026-03-06T00:00")),
    *[document(str(n), "x", updated_at="2026-03-05T10:00") for n in range(10, 15)],
    UnavailableError("jira", "HTTP 503"),
]


class Forgetful(MemoryStore):
    """A store that takes a document and does not keep it."""

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        kept = [record for record in records if document_id_of(record.id) != "jira:2"]
        super().upsert(namespace, kept)


def test_a_run_that_breaks_off_has_no_day_done_whose_document_the_index_lost() -> None:
    checkpointer = finished_after(Forgetful(), *ITEMS, match=r"HTTP 503|jira:2")
    assert checkpointer.finished_days == []


class Leaving(MemoryStore):
    """A store that answers no question any more once it was given a late document."""

    has_left = False

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        if self.has_left:
            raise UnavailableError("index", "connection reset")
        return super().heads(namespace, document_ids)

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        super().upsert(namespace, records)
        self.has_left = self.has_left or any(record.id.startswith("jira:14#") for record in records)


def test_what_was_written_and_cannot_be_read_back_is_not_done() -> None:
    store = Leaving()
    checkpointer = finished_after(store, *ITEMS, match=r"HTTP 503|connection reset")
    assert store.count("jira") == 7
    assert checkpointer.written_days == checkpointer.finished_days == []


class Refusing(TwoAtOnce):
    """A store of which some write is lost each time."""

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        if any(record.id.startswith("jira:12#") for record in records):
            raise LostWriteError("the index took 0 of 1")
        super().upsert(namespace, records)


def test_a_lost_write_counts_also_where_the_listing_has_broken_off_before() -> None:
    checkpointer = finished_after(Refusing(), *ITEMS, match=r"HTTP 503|took 0 of 1")
    assert checkpointer.finished_days == []


def test_what_was_written_and_is_read_back_is_done_though_the_listing_breaks_off() -> None:
    checkpointer = finished_after(TwoAtOnce(), *ITEMS, match="HTTP 503")
    assert checkpointer.finished_days == [date(2026, 3, 6), date(2026, 3, 7)]


def test_a_write_that_is_lost_ends_the_run_and_leaves_no_day_done() -> None:
    checkpointer = finished_after(Refusing(), *ITEMS[:-1], match="took 0 of 1")
    assert checkpointer.finished_days == []


class Interrupted(TwoAtOnce):
    """A store that takes no fact the first time."""

    is_interrupted = True

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        if namespace == "ledger" and self.is_interrupted:
            self.is_interrupted = False
            raise UnavailableError("index", "it takes no facts")
        super().upsert(namespace, records)


def test_each_failure_of_a_day_that_is_done_is_recorded_though_the_ledger_failed_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quarantine, "MAX_UNSAVED", 1)
    store = Interrupted()
    failures = [DocumentFailure(f"jira:{n}", "HTTP 500", date(2026, 3, 7)) for n in (1, 2)]
    later = [document(str(n), "x", updated_at="2026-03-06T10:00") for n in range(3, 8)]
    items = [*failures, Checkpoint(utc("2026-03-07T00:00")), *later]
    checkpointer = finished_after(store, *items, match="it takes no facts")
    assert checkpointer.finished_days == [date(2026, 3, 7)]
    recorded = quarantine.quarantined(Ledger(store, 64))
    assert {failed.document_id for failed in recorded} == {"jira:1", "jira:2"}
