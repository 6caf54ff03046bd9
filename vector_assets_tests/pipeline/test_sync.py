"""The pipeline over a real LanceDB: what is written, what is left alone, and in which order."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from vector_assets.core.days import Days
from vector_assets.core.documents import Document
from vector_assets.core.errors import UnavailableError, UsageError
from vector_assets.core.meter import Meter
from vector_assets.pipeline.checkpoint import Checkpointer
from vector_assets.pipeline.extract import BATCH_CHARACTERS, BATCH_DOCUMENTS, batched
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources.items import Checkpoint, DocumentFailure, Gap, SourceItem, Unchanged
from vector_assets.stores.base import Filter, Metadata, Record
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

NOW = utc("2026-03-10T06:00")
WEEK = Days(date(2026, 3, 1), date(2026, 3, 7))

FIVE_CHUNKS = tuple(f"section {n} " + "word " * 30 for n in range(5))
TWO_CHUNKS = FIVE_CHUNKS[:2]


class LoggedStore(LanceDBStore):
    """A real LanceDB that notes the order of the calls that change it, and can break.

    It promises of one record at a time that it is there whole, as Pinecone does.
    """

    atomic_records = 1

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.changes: list[tuple[str, list[str]]] = []
        self.breaks_at = ""
        self.passes = 0

    def _note(self, verb: str, ids: Sequence[str]) -> None:
        if ids:
            self.changes.append((verb, sorted(ids)))
        if ids and verb == self.breaks_at:
            self.passes -= 1
            if self.passes < 0:
                self.breaks_at = ""
                raise UnavailableError("lancedb", "it was pulled out")

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        self._note("upsert", [record.id for record in records])
        super().upsert(namespace, records)

    def update_metadata(self, namespace: str, metadata_by_id: dict[str, Metadata]) -> None:
        self._note("update", list(metadata_by_id))
        super().update_metadata(namespace, metadata_by_id)

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        self._note("delete", chunk_ids)
        super().delete(namespace, chunk_ids)

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        self._note("delete", list(until))
        super().delete_older(namespace, until)


@pytest.fixture
def store(tmp_path: Path) -> LoggedStore:
    return LoggedStore(str(tmp_path / "lancedb"))


def sync(
    store: LanceDBStore,
    *items: SourceItem | Exception,
    days: Days = WEEK,
    embedder: TinyEmbedder | None = None,
) -> SyncReport:
    source = ListSource(items)
    pipeline = Pipeline(
        source=source, target=target_of(store, embedder or TinyEmbedder()), meter=Meter()
    )
    return write(pipeline.embedded_documents(days, now=NOW))


def texts(store: LanceDBStore, document_id: str) -> list[str]:
    """Return the passages of a document as the index holds them, without their heads."""
    vector = TinyEmbedder().embed_query("word")
    hits = store.search_dense("jira", vector, where=Filter(), limit=1000)
    ours = [hit for hit in hits if hit.metadata["document_id"] == document_id]
    ours.sort(key=lambda hit: int(str(hit.metadata["chunk"])))
    return [" ".join(str(hit.metadata["text"]).split()) for hit in ours]


def holds(store: LanceDBStore, doc: Document) -> bool:
    """Tell whether the index holds exactly this version of a document."""
    head = store.heads("jira", [doc.id]).get(doc.id)
    stored_texts = texts(store, doc.id)
    whole = " ".join(stored_texts)
    return (
        head is not None
        and head.document_fingerprint != ""
        and head.chunk_count == len(stored_texts) == len(store.chunk_ids("jira", doc.id))
        and all(" ".join(section.text.split()) in whole for section in doc.sections)
    )


def test_a_day_lands_once_with_its_numbers(store: LoggedStore) -> None:
    report = sync(
        store,
        document("1", "hello", updated_at="2026-03-02T10:00"),
        document("2", *FIVE_CHUNKS, updated_at="2026-03-03T10:00"),
    )
    assert store.count("jira") == 6
    assert report.days[date(2026, 3, 2)].chunks == 1
    assert report.days[date(2026, 3, 3)].embedded_chunks == 5
    assert report.total.documents == 2
    assert report.total.tokens == report.days[date(2026, 3, 2)].tokens + (
        report.days[date(2026, 3, 3)].tokens
    )
    assert report.total.dollars == pytest.approx(report.total.tokens / 1e6)


def test_running_a_day_twice_embeds_nothing_and_writes_nothing(store: LoggedStore) -> None:
    documents = [document(str(n), *FIVE_CHUNKS) for n in range(200)]
    sync(store, *documents)
    store.changes.clear()
    embedder = TinyEmbedder()
    report = sync(store, *documents, embedder=embedder)
    assert (embedder.embedded_texts, store.changes) == ([], [])
    assert report.total.unchanged_documents == report.total.documents == 200


def test_an_edit_of_one_section_embeds_that_chunk_alone(store: LoggedStore) -> None:
    sync(store, document("1", *FIVE_CHUNKS))
    edited = (*FIVE_CHUNKS[:2], "entirely " + FIVE_CHUNKS[2], *FIVE_CHUNKS[3:])
    embedder = TinyEmbedder()
    report = sync(store, document("1", *edited), embedder=embedder)
    assert len(embedder.embedded_texts) == report.total.embedded_chunks == 1
    assert report.total.reused_chunks == 4
    assert holds(store, document("1", *edited))


def test_a_change_of_metadata_alone_embeds_nothing_and_updates_every_chunk(
    store: LoggedStore,
) -> None:
    sync(store, document("1", *FIVE_CHUNKS))
    store.changes.clear()
    embedder = TinyEmbedder()
    sync(
        store,
        document("1", *FIVE_CHUNKS, updated_at="2026-03-04T10:00", authors=("Ann", "Bo")),
        embedder=embedder,
    )
    assert embedder.embedded_texts == []
    assert {verb for verb, _ in store.changes} == {"update"}
    vector = TinyEmbedder().embed_query("word")
    hits = store.search_dense("jira", vector, where=Filter(), limit=10)
    assert [hit.metadata["authors"] for hit in hits] == [["Ann", "Bo"]] * 5
    assert {hit.metadata["partition"] for hit in hits} == {"2026-03-04"}


def test_a_document_that_shrinks_leaves_no_orphan_and_writes_before_it_deletes(
    store: LoggedStore,
) -> None:
    sync(store, document("1", *FIVE_CHUNKS))
    store.changes.clear()
    report = sync(store, document("1", *TWO_CHUNKS, updated_at="2026-03-03T10:00"))
    assert holds(store, document("1", *TWO_CHUNKS))
    assert report.total.deleted_chunks == 3
    verbs = [verb for verb, _ in store.changes]
    assert verbs.index("delete") > verbs.index("update")
    assert ("delete", ["jira:1#2", "jira:1#3", "jira:1#4"]) in store.changes


@pytest.mark.parametrize("verb", ["upsert", "update", "delete"])
def test_a_write_that_breaks_off_is_completed_by_the_next_run(
    store: LoggedStore, verb: str
) -> None:
    sync(store, document("1", *FIVE_CHUNKS))
    beginning = "new " + FIVE_CHUNKS[0]
    shrunk = document("1", beginning, FIVE_CHUNKS[1], updated_at="2026-03-03T10:00")
    # Its head and its second chunk: an upsert and an update.
    store.breaks_at = verb
    with pytest.raises(UnavailableError, match="it was pulled out"):
        sync(store, shrunk)
    assert texts(store, "jira:1") != []
    sync(store, shrunk)
    assert holds(store, shrunk)


def test_a_head_is_written_before_the_other_chunks_and_names_them_after(
    store: LoggedStore,
) -> None:
    sync(store, document("1", *FIVE_CHUNKS))
    upserts = [ids for verb, ids in store.changes if verb == "upsert"]
    assert upserts == [["jira:1#0"], [f"jira:1#{n}" for n in (1, 2, 3, 4)], ["jira:1#0"]]


def test_an_index_that_takes_a_document_at_once_takes_it_in_a_single_write(
    store: LoggedStore,
) -> None:
    store.atomic_records = LanceDBStore.atomic_records
    sync(store, document("1", *FIVE_CHUNKS), document("2", *TWO_CHUNKS))
    ids = [f"jira:1#{n}" for n in range(5)] + ["jira:2#0", "jira:2#1"]
    assert store.changes == [("upsert", ids)]
    store.changes.clear()
    sync(store, document("1", *TWO_CHUNKS, updated_at="2026-03-03T10:00"))
    assert [verb for verb, _ in store.changes][-2:] == ["delete", "update"]
    assert holds(store, document("1", *TWO_CHUNKS))


def test_more_than_an_index_takes_at_once_is_written_head_first(store: LoggedStore) -> None:
    store.atomic_records = 6
    sync(store, document("1", *FIVE_CHUNKS), document("2", *TWO_CHUNKS))
    marked, tails, named = [ids for _, ids in store.changes]
    assert marked == named == ["jira:1#0", "jira:2#0"]
    assert len(tails) == 5


def test_a_write_that_the_index_lost_is_mended_with_the_vectors_that_were_paid_for(
    tmp_path: Path,
) -> None:
    class Forgetful(LoggedStore):
        """Takes the first write of other chunks than heads, says so, and has nothing of it."""

        def upsert(self, namespace: str, records: Sequence[Record]) -> None:
            is_tail = bool(records) and not records[0].id.endswith("#0")
            if is_tail and not any(verb == "lost" for verb, _ in self.changes):
                self.changes.append(("lost", [record.id for record in records]))
                return
            super().upsert(namespace, records)

    store, embedder = Forgetful(str(tmp_path / "forgetful")), TinyEmbedder()
    long = document("1", *(f"Crane {n} stopped. " * 12 for n in range(6)))
    sync(store, long, embedder=embedder)
    assert any(verb == "lost" for verb, _ in store.changes)
    assert holds(store, long)
    assert len(embedder.embedded_texts) == len(set(embedder.embedded_texts))
    for text in embedder.embedded_texts:
        hits = store.search_dense("jira", embedder.embed_query(text), where=Filter(), limit=100)
        score_by_text = {hit.metadata["text"]: hit.score for hit in hits}
        assert score_by_text[text] == pytest.approx(1.0, abs=1e-5)


def test_what_a_broken_run_wrote_beyond_a_documents_end_is_not_left_behind(
    store: LoggedStore,
) -> None:
    sync(store, document("1", *TWO_CHUNKS))
    store.breaks_at, store.passes = "update", 1
    with pytest.raises(UnavailableError, match="it was pulled out"):
        sync(store, document("1", *FIVE_CHUNKS, updated_at="2026-03-03T10:00"))
    sync(store, document("1", *TWO_CHUNKS, updated_at="2026-03-03T10:05"))
    assert holds(store, document("1", *TWO_CHUNKS))


def test_an_older_version_never_overwrites_a_newer_one(store: LoggedStore) -> None:
    newer = document("1", "newer", updated_at="2026-03-05T10:00")
    sync(store, newer)
    store.changes.clear()
    report = sync(store, document("1", *FIVE_CHUNKS, updated_at="2026-03-02T10:00"))
    assert store.changes == []
    assert holds(store, newer)
    assert report.total.unchanged_documents == 1


def test_a_document_that_comes_twice_in_one_run_ends_as_its_newest_version(
    store: LoggedStore,
) -> None:
    first = document("1", *FIVE_CHUNKS, updated_at="2026-03-02T10:00")
    again = document("1", *TWO_CHUNKS, updated_at="2026-03-04T10:00")
    between = [document(f"{n}", "filler") for n in range(1000, 1000 + 2 * BATCH_DOCUMENTS)]
    sync(store, first, *between, again)
    assert holds(store, again)
    sync(store, document("2", *TWO_CHUNKS), document("2", "short", updated_at="2026-03-05"))
    assert holds(store, document("2", "short"))


def test_one_bad_document_costs_no_other_and_is_named(store: LoggedStore) -> None:
    old = document("2", "good before")
    sync(store, old)
    report = sync(
        store,
        document("1", "fine"),
        document("2", "now POISON", updated_at="2026-03-04T10:00"),
        document("é", "an id that no index takes"),
        DocumentFailure("jira:9", "its comments answer 500", date(2026, 3, 3)),
        document("3", "fine too"),
    )
    causes = {failure.document_id: failure.cause for failure in report.failures}
    assert causes == {
        "jira:2": "the embedder refused a passage: it holds POISON",
        "jira:é": "its record id is not ASCII of at most 512 bytes",
        "jira:9": "its comments answer 500",
    }
    assert report.total.failed_documents == 3
    assert report.days[date(2026, 3, 3)].failed_documents == 1
    assert holds(store, document("1", "fine"))
    assert holds(store, document("3", "fine too"))
    assert holds(store, old)


def test_a_listing_that_breaks_keeps_what_was_written_and_tells_which_days_are_whole(
    store: LoggedStore,
) -> None:
    pipeline = Pipeline(
        source=ListSource(
            [
                document("1", "one", updated_at="2026-03-07T10:00"),
                document("2", "two", updated_at="2026-03-06T10:00"),
                Checkpoint(utc("2026-03-06T00:00")),
                *[document(f"{n}", "x", updated_at="2026-03-05T10:00") for n in range(10, 80)],
                UnavailableError("jira", "HTTP 503"),
            ]
        ),
        target=target_of(store, TinyEmbedder()),
        meter=Meter(),
    )
    stream = pipeline.embedded_documents(WEEK, now=NOW)
    checkpointer = Checkpointer(stream.report, WEEK)
    with pytest.raises(UnavailableError, match="jira did not answer: HTTP 503"):
        write(stream, checkpointer=checkpointer)
    assert checkpointer.finished_days == [date(2026, 3, 6), date(2026, 3, 7)]
    assert store.count("jira") == 72


def test_all_days_are_finished_when_the_run_is(store: LoggedStore) -> None:
    pipeline = Pipeline(
        source=ListSource([]), target=target_of(store, TinyEmbedder()), meter=Meter()
    )
    stream = pipeline.embedded_documents(WEEK, now=NOW)
    checkpointer = Checkpointer(stream.report, WEEK)
    assert checkpointer.finished_days == []
    write(stream, checkpointer=checkpointer)
    assert checkpointer.finished_days == list(WEEK)


def test_the_window_has_the_sources_overlap_and_no_end_at_the_present(store: LoggedStore) -> None:
    source = ListSource([])
    pipeline = Pipeline(source=source, target=target_of(store, TinyEmbedder()), meter=Meter())
    write(pipeline.embedded_documents(Days(date(2026, 3, 9), date(2026, 3, 9)), now=NOW))
    [window] = source.windows
    assert window.start == utc("2026-03-09") - timedelta(hours=12)
    assert window.end is None


def test_batches_are_bounded_by_count_and_by_text() -> None:
    many = [document(str(n)) for n in range(2 * BATCH_DOCUMENTS + 1)]
    assert [len(batch) for batch in batched(many)] == [BATCH_DOCUMENTS, BATCH_DOCUMENTS, 1]
    long = [document(str(n), "x" * (BATCH_CHARACTERS * 3 // 5)) for n in range(5)]
    assert [len(batch) for batch in batched(long)] == [2, 2, 1]


def test_days_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(UsageError, match="first day 2026-03-02 is after the last day 2026-03-01"):
        Days(date(2026, 3, 2), date(2026, 3, 1))
    with pytest.raises(UsageError, match="the number of days is 0: it has to be at least 1"):
        Days.newest(0, NOW)


def known_after(store: LanceDBStore, *documents: Document, is_rescan: bool = False) -> ListSource:
    """Return a source as it knows the index once these documents are in it."""
    sync(store, *documents)
    source = ListSource([])
    pipeline = Pipeline(source=source, target=target_of(store, TinyEmbedder()), meter=Meter())
    pipeline.embedded_documents(WEEK, now=NOW, is_rescan=is_rescan)
    return source


def test_a_source_is_told_what_the_index_holds_with_the_same_stamp(store: LoggedStore) -> None:
    source = known_after(store, document("1", stamp="3 replies"), document("2"))
    asked = {"jira:1": "3 replies", "jira:2": "", "jira:3": "3 replies"}
    assert source.known.unchanged(asked) == {"jira:1"}
    assert source.known.unchanged({"jira:1": "4 replies"}) == frozenset()
    assert source.known.updated_at(["jira:1", "jira:3"]) == {"jira:1": utc("2026-03-02T10:00")}


def test_a_rescan_takes_nothing_for_unchanged(store: LoggedStore) -> None:
    source = known_after(store, document("1", stamp="3 replies"), is_rescan=True)
    assert source.known.unchanged({"jira:1": "3 replies"}) == frozenset()


def test_another_model_takes_nothing_for_unchanged(store: LoggedStore) -> None:
    source = known_after(store, document("1", stamp="3 replies"))
    other = TinyEmbedder(chunk_tokens=70)
    pipeline = Pipeline(source=source, target=target_of(store, other), meter=Meter())
    pipeline.embedded_documents(WEEK, now=NOW)
    assert source.known.unchanged({"jira:1": "3 replies"}) == frozenset()


def test_a_document_whose_write_is_not_finished_is_never_unchanged(store: LoggedStore) -> None:
    source = known_after(store, document("1", stamp="3 replies"))
    store.update_metadata("jira", {"jira:1#0": {"document_fingerprint": ""}})
    assert source.known.unchanged({"jira:1": "3 replies"}) == frozenset()


def test_a_stamp_alone_is_renewed_without_embedding(store: LoggedStore) -> None:
    sync(store, document("1", *TWO_CHUNKS, stamp="old"))
    embedder = TinyEmbedder()
    sync(store, document("1", *TWO_CHUNKS, stamp="new"), embedder=embedder)
    assert embedder.embedded_texts == []
    assert known_after(store).known.unchanged({"jira:1": "new"}) == {"jira:1"}


def test_what_is_unchanged_counts_and_what_is_not_read_is_reported(store: LoggedStore) -> None:
    gap = Gap("#plans", "the bot is not a member", "Invite it.")
    report = sync(store, Unchanged("jira:9", date(2026, 3, 2)), gap)
    day = report.days[date(2026, 3, 2)]
    assert (day.documents, day.unchanged_documents) == (1, 1)
    assert report.gaps == [gap]


def test_secrets_are_counted_by_day_and_causes_and_gaps_do_not_quote_them(
    store: LoggedStore,
) -> None:
    leaking = document("1", "password: hunter2", updated_at="2026-03-02T10:00")
    again = document("1", "password: hunter2 still", updated_at="2026-03-03T10:00")
    report = sync(
        store,
        leaking,
        *[document(str(n), "filler") for n in range(1000, 1000 + BATCH_DOCUMENTS)],
        again,
        DocumentFailure("jira:9", "the vendor answers: password=hunter2", date(2026, 3, 3)),
        Gap("#plans", "login with password=hunter2 failed"),
    )
    assert report.days[date(2026, 3, 2)].redacted_secrets == 1
    assert report.days[date(2026, 3, 3)].redacted_secrets == 1
    assert report.failures[0].cause == "the vendor answers: password=[redacted: password]"
    assert report.gaps[0].reason == "login with password=[redacted: password] failed"
    assert texts(store, "jira:1") == ["Title 1 jira, HAR password: [redacted: password] still"]
    assert sync(store, again).total.unchanged_documents == 1
