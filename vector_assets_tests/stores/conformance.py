"""The suite that every store passes; a store's tests subclass it and provide a fixture `store`.

Eventually consistent stores are tested without lag here; their own tests cover it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import pytest

from vector_assets.core.documents import Chunk, Document
from vector_assets.core.errors import IndexMismatchError
from vector_assets.stores.base import Filter, Record, VectorStore
from vector_assets.stores.records import chunk_metadata, document_fingerprint, without_vector_mark
from vector_assets_tests.support.tiny import TinyEmbedder, document, utc

DIMENSIONS = 64
KIND = "kind"
EMBEDDER = TinyEmbedder(DIMENSIONS)
SPACE = "jira"


def records(doc: Document, *texts: str) -> list[Record]:
    """Return a document's records, one per text, the head last."""
    head, *others = [
        Record(
            f"{doc.id}#{n}",
            EMBEDDER.embed_query(text),
            chunk_metadata(doc, Chunk(n, text, doc.url), chunk_count=len(texts), vector_spec=KIND),
        )
        for n, text in enumerate(texts)
    ]
    return [*others, head]


def many_records(numbers: Iterable[int], *texts: str) -> list[Record]:
    """Return the records of documents with these numbers as ids."""
    return [record for n in numbers for record in records(document(str(n)), *texts)]


NOT_ON_THE_LIST = (
    "", " ", "eve@example.com", "restricted", "public", "RESTRICTED", "ann", "ann@", "@example.com",
    "ann@example.com.evil.com", "bann@example.com", "ann@example.co", "ann@example.com,x@y.z",
    '["ann@example.com"]', "*", "%@%", "*@*", "?nn@example.com", "_nn@example.com",
    "a%@example.com",
    "x@y.z', 'restricted", "x@y.z', 'ann@example.com", "x@y.z']) OR true --", "x@y.z' OR '1'='1",
    "x@y.z\\' OR true --", '"} , {"$exists": true}@', "{'$ne': 'x@y.z'}", "ann@example.com\u0301",
    "ann@example\u00adcom", "restricted@", "null", "ann@example.com OR 1=1", "\U0001f986@x",
)  # fmt: skip
"""What a person may send who is not `ann@example.com` and wants to be."""

FORGED = ("x') OR (1=1) --", "HAR' OR '1'='1", "HAR') UNION SELECT", "%", "*", '{"$ne": ""}')


class StoreConformance:
    """The suite.

    Attributes:
        many: Commits of a test that is about many of them.
    """

    many = 250

    @pytest.fixture
    def opened(self, store: VectorStore) -> VectorStore:
        store.open(SPACE, DIMENSIONS)
        return store

    def dense(self, store: VectorStore, text: str, **where: Any) -> list[str]:
        vector = EMBEDDER.embed_query(text)
        return [h.id for h in store.search_dense(SPACE, vector, where=Filter(**where), limit=10)]

    def test_a_namespace_that_does_not_exist_reads_as_empty(self, store: VectorStore) -> None:
        assert store.count("nowhere") == 0
        assert store.watermark("nowhere") is None
        assert store.heads("nowhere", ["jira:1"]) == {}
        assert store.fingerprints("nowhere", ["jira:1#0"]) == {}
        assert store.chunk_ids("nowhere", "jira:1") == []
        assert list(store.documents("nowhere")) == []
        vector = EMBEDDER.embed_query("x")
        assert store.search_dense("nowhere", vector, where=Filter(), limit=5) == []
        assert store.search_lexical("nowhere", "x", where=Filter(), limit=5) == []
        assert store.lookup("nowhere", where=Filter(), limit=5) == []

    def test_opening_twice_is_fine_and_loses_nothing(self, opened: VectorStore) -> None:
        opened.upsert(SPACE, records(document(), "text"))
        opened.open(SPACE, DIMENSIONS)
        assert opened.count(SPACE) == 1

    def test_vectors_of_another_length_are_refused_with_both_lengths(
        self, opened: VectorStore
    ) -> None:
        opened.upsert(SPACE, records(document(), "text"))
        with pytest.raises(IndexMismatchError, match=r"64 .*embedder makes 32"):
            opened.open(SPACE, 32)

    def test_a_head_tells_about_the_whole_document(self, opened: VectorStore) -> None:
        doc = document("1", updated_at="2026-03-02T10:15")
        opened.upsert(SPACE, records(doc, "one", "two", "three"))
        [(found_id, head)] = opened.heads(SPACE, [doc.id, "jira:unknown"]).items()
        assert found_id == doc.id
        assert head.document_fingerprint == document_fingerprint(doc, KIND)
        assert head.updated_at == utc("2026-03-02T10:15").timestamp()
        assert head.chunk_count == 3
        assert head.access == ("public",)

    def test_fingerprints_come_for_the_chunks_that_exist(self, opened: VectorStore) -> None:
        given = records(document(), "one", "two")
        opened.upsert(SPACE, given)
        held = opened.fingerprints(SPACE, ["jira:1#0", "jira:1#1", "jira:1#2"])
        assert held == {record.id: record.metadata["fingerprint"] for record in given}

    def test_writing_again_replaces(self, opened: VectorStore) -> None:
        opened.upsert(SPACE, records(document(), "before"))
        opened.upsert(SPACE, records(document(title="After"), "after"))
        assert opened.count(SPACE) == 1
        [hit] = opened.lookup(SPACE, where=Filter(), limit=5)
        assert (hit.metadata["title"], hit.metadata["text"]) == ("After", "after")

    def test_all_chunks_of_a_document_are_listed_and_none_of_its_longer_namesake(
        self, opened: VectorStore
    ) -> None:
        opened.upsert(SPACE, records(document("1"), "one", "two"))
        opened.upsert(SPACE, records(document("10"), "ten"))
        opened.upsert(SPACE, records(document("1:2"), "one, two"))
        opened.upsert(SPACE, records(document("1#2"), "one, anchored"))
        assert sorted(opened.chunk_ids(SPACE, "jira:1")) == ["jira:1#0", "jira:1#1"]
        assert list(opened.record_ids(SPACE, "jira:1")) == ["jira:1#0", "jira:1#1"]

    def test_all_ids_are_walked_in_order_a_document_at_a_time(self, opened: VectorStore) -> None:
        for n in range(120):
            opened.upsert(SPACE, records(document(str(n)), "one", "two"))
        opened.upsert(SPACE, [Record("jira:1!x#0", EMBEDDER.embed_query("x"), {"chunk": 0})])
        chunk_ids = list(opened.record_ids(SPACE))
        assert chunk_ids == sorted(chunk_ids)
        assert len(chunk_ids) == 241
        assert list(opened.record_ids(SPACE, "jira:1")) == ["jira:1#0", "jira:1#1"]
        assert list(opened.record_ids(SPACE, "jira:404")) == []

    def test_records_are_fetched_whole_with_the_vectors_that_were_written(
        self, opened: VectorStore
    ) -> None:
        doc = document(extra={"labels": ["a", "b"], "points": 3.5, "is_open": True})
        given = records(doc, "blank labels", "to norway")
        opened.upsert(SPACE, given)
        fetched = opened.fetch(SPACE, ["jira:1#0", "jira:1#1", "jira:1#2"])
        held = {record.id: record for record in fetched}
        assert held.keys() == {"jira:1#0", "jira:1#1"}
        for record in given:
            assert dict(held[record.id].metadata) == dict(record.metadata)
            np.testing.assert_allclose(held[record.id].vector, record.vector, atol=1e-6)
        assert opened.fetch("nowhere", ["jira:1#0"]) == []
        assert list(opened.record_ids("nowhere")) == []

    def test_more_records_than_an_answer_may_hold_are_fetched(self, opened: VectorStore) -> None:
        given = many_records(range(300), "text")
        opened.upsert(SPACE, given)
        chunk_ids = {record.id for record in given}
        assert {record.id for record in opened.fetch(SPACE, sorted(chunk_ids))} == chunk_ids

    def test_dropping_doubles_leaves_what_is_there_once(self, opened: VectorStore) -> None:
        opened.upsert(SPACE, records(document(), "one", "two"))
        opened.drop_doubles(SPACE, ["jira:1#0", "jira:1#1", "jira:1#9"])
        assert opened.count(SPACE) == 2

    def test_deleting_takes_what_is_named_and_passes_over_what_is_not_there(
        self, opened: VectorStore
    ) -> None:
        opened.upsert(SPACE, records(document("1"), "one", "two"))
        opened.upsert(SPACE, records(document("10"), "ten"))
        opened.delete(SPACE, ["jira:1#1", "jira:1#7", "jira:99#0"])
        assert opened.count(SPACE) == 2
        assert opened.chunk_ids(SPACE, "jira:1") == ["jira:1#0"]
        assert opened.chunk_ids(SPACE, "jira:10") == ["jira:10#0"]

    def test_a_fingerprint_that_came_without_its_vector_is_not_trusted(
        self, opened: VectorStore
    ) -> None:
        given = records(document("1"), "one", "two")
        opened.upsert(SPACE, given)
        other, _ = records(document("1"), "one", "another two")
        opened.update_metadata(SPACE, {other.id: without_vector_mark(other.metadata)})
        held = opened.fingerprints(SPACE, ["jira:1#0", "jira:1#1"])
        assert held == {"jira:1#0": given[1].metadata["fingerprint"], "jira:1#1": ""}
        assert opened.metadata(SPACE, [other.id])[other.id]["text"] == "another two"

    def test_new_metadata_leaves_vector_and_other_fields_as_they_are(
        self, opened: VectorStore
    ) -> None:
        opened.upsert(SPACE, records(document(), "carrots grow", "labels print"))
        opened.update_metadata(
            SPACE,
            {
                "jira:1#1": {"title": "New", "authors": ["Bo", "Cy"]},
                "jira:1#0": {"document_fingerprint": ""},
                "jira:404#0": {"title": "nobody"},
            },
        )
        assert opened.count(SPACE) == 2
        assert opened.heads(SPACE, ["jira:1"])["jira:1"].document_fingerprint == ""
        vector = EMBEDDER.embed_query("labels print")
        best = opened.search_dense(SPACE, vector, where=Filter(), limit=1)[0]
        assert best.id == "jira:1#1"
        assert best.score == pytest.approx(1.0, abs=1e-3)
        assert best.metadata["title"] == "New"
        assert best.metadata["authors"] == ["Bo", "Cy"]
        assert best.metadata["text"] == "labels print"

    def test_records_can_be_dated_back_and_replaced_by_an_older_version(
        self, opened: VectorStore
    ) -> None:
        opened.upsert(SPACE, records(document(updated_at="2026-03-05"), "carrots grow"))
        older = records(document(updated_at="2026-03-01"), "labels print")
        earlier = older[0].metadata["updated_at"]
        opened.backdate(SPACE, {"jira:1#0": {"updated_at": earlier, "document_fingerprint": ""}})
        assert opened.heads(SPACE, ["jira:1"])["jira:1"].updated_at == earlier
        opened.upsert(SPACE, older)
        assert opened.metadata(SPACE, ["jira:1#0"])["jira:1#0"]["text"] == "labels print"

    def test_metadata_comes_back_as_it_was_written(self, opened: VectorStore) -> None:
        doc = document(
            title="Ωμέγα 🚀 עברית 'quoted' \"doubly\" \\ back",
            authors=("Ann", "Bo, Jr."),
            container="C'est ça",
            extra={"issue_key": "HAR-1", "labels": ["a", "b"], "points": 3.5, "is_open": True},
        )
        [given] = records(doc, "text\nwith lines\tand tabs")
        opened.upsert(SPACE, [given])
        [hit] = opened.lookup(SPACE, where=Filter(), limit=5)
        wanted = {n: v for n, v in given.metadata.items() if n in hit.metadata}
        assert dict(hit.metadata) == wanted
        assert {"title", "text", "url", "authors", "container", "access", "chunk"} <= set(wanted)

    def test_the_watermark_is_the_newest_activity(self, opened: VectorStore) -> None:
        for n, day in enumerate(("2024-02-29", "2026-03-02T10:15", "2025-12-31T23:59")):
            opened.upsert(SPACE, records(document(str(n), updated_at=day), "text", "more"))
        assert opened.watermark(SPACE) == datetime(2026, 3, 2, 10, 15, tzinfo=UTC)

    def test_the_watermark_is_exact_within_a_second(self, opened: VectorStore) -> None:
        for number in range(1, 8):
            at = f"2026-03-02T10:15:00.{number}00010"
            opened.upsert(SPACE, records(document(f"9{number}", updated_at=at), "text"))
        newest = opened.watermark(SPACE)
        assert newest == datetime(2026, 3, 2, 10, 15, 0, 700010, tzinfo=UTC)

    def test_all_documents_are_listed_with_their_heads(self, opened: VectorStore) -> None:
        for n in range(self.many):
            opened.upsert(SPACE, records(document(str(n)), "text", "more"))
        heads = dict(opened.documents(SPACE))
        assert set(heads) == {f"jira:{n}" for n in range(self.many)}
        assert {head.chunk_count for head in heads.values()} == {2}

    def test_thousands_of_records_go_in_at_once(self, opened: VectorStore) -> None:
        given = many_records(range(2500), "text")
        opened.upsert(SPACE, given)
        assert opened.count(SPACE) == 2500
        ids = [f"jira:{n}" for n in range(2500)]
        assert len(opened.heads(SPACE, ids)) == 2500
        assert sorted(dict(opened.documents(SPACE))) == sorted(ids)
        opened.delete(SPACE, [record.id for record in given])
        assert opened.count(SPACE) == 0

    def test_the_nearest_come_first_with_cosines(self, opened: VectorStore) -> None:
        opened.upsert(SPACE, records(document("1"), "blank labels to norway"))
        opened.upsert(SPACE, records(document("2"), "rotate the carrier keys"))
        vector = EMBEDDER.embed_query("labels to norway")
        hits = opened.search_dense(SPACE, vector, where=Filter(), limit=5)
        assert [hit.id for hit in hits] == ["jira:1#0", "jira:2#0"]
        wanted = float(np.dot(vector, EMBEDDER.embed_query("blank labels to norway")))
        assert hits[0].score == pytest.approx(wanted, abs=1e-3)
        assert all(-1.001 <= hit.score <= 1.001 for hit in hits)
        assert len(opened.search_dense(SPACE, vector, where=Filter(), limit=1)) == 1

    def test_words_are_found_where_the_store_has_full_text(self, opened: VectorStore) -> None:
        opened.upsert(SPACE, records(document("1"), "blank labels to norway"))
        opened.upsert(SPACE, records(document("2"), "rotate the carrier keys"))
        hits = opened.search_lexical(SPACE, "carrier", where=Filter(), limit=5)
        assert [hit.id for hit in hits] == (["jira:2#0"] if opened.has_lexical_search else [])

    def test_keeping_pace_changes_nothing_that_is_held(self, opened: VectorStore) -> None:
        given = records(document("1"), "blank labels", "to norway")
        opened.keep_pace(SPACE)
        opened.upsert(SPACE, given)
        opened.keep_pace(SPACE)
        ids = [record.id for record in given]
        assert sorted(record.id for record in opened.fetch(SPACE, ids)) == sorted(ids)
        assert opened.count(SPACE) == 2

    def test_words_written_after_an_index_was_built_are_found_too(
        self, opened: VectorStore
    ) -> None:
        opened.upsert(SPACE, records(document("1"), "blank labels"))
        opened.maintain(SPACE)
        opened.upsert(SPACE, records(document("2"), "fresh carrots"))
        hits = opened.search_lexical(SPACE, "carrots", where=Filter(), limit=5)
        assert [hit.id for hit in hits] == (["jira:2#0"] if opened.has_lexical_search else [])

    @pytest.mark.parametrize(
        "question",
        [
            "", "   ", "?", "'", '"', "it's \"quoted", "a AND OR NOT b", "labels:*",
            "field:value^2", "(unbalanced", "'; DROP TABLE jira; --", "🚀", "עברית", "\\", "~",
            "x" * 5000,
        ],
    )  # fmt: skip
    def test_any_text_is_a_valid_question(self, opened: VectorStore, question: str) -> None:
        opened.upsert(SPACE, records(document("1"), "blank labels"))
        hits = opened.search_lexical(SPACE, question, where=Filter(), limit=5)
        assert {hit.id for hit in hits} <= {"jira:1#0"}

    @pytest.mark.parametrize("viewer", [*NOT_ON_THE_LIST])
    def test_who_is_not_on_the_list_sees_what_is_public_and_nothing_else(
        self, opened: VectorStore, viewer: str
    ) -> None:
        secret = document("2", access=("restricted", "ann@example.com"))
        opened.upsert(SPACE, records(document("1"), "public plan"))
        opened.upsert(SPACE, records(secret, "secret plan"))
        assert self.dense(opened, "plan", viewer=viewer) == ["jira:1#0"]
        where = Filter(viewer=viewer)
        assert len(opened.lookup(SPACE, where=where, limit=5)) == 1
        lexical = opened.search_lexical(SPACE, "plan", where=where, limit=5)
        assert {hit.id for hit in lexical} <= {"jira:1#0"}

    def test_no_other_filter_opens_what_the_viewer_may_not_read(self, opened: VectorStore) -> None:
        secret = document("2", access=("restricted", "ann@example.com"))
        opened.upsert(SPACE, records(secret, "secret plan"))
        opened.upsert(SPACE, records(document("1"), "public plan"))
        for word in FORGED:
            for where in (Filter(containers=(word,)), Filter(issue_key=word)):
                assert opened.lookup(SPACE, where=where, limit=5) == []
                vector = EMBEDDER.embed_query("plan")
                assert opened.search_dense(SPACE, vector, where=where, limit=5) == []
                assert opened.search_lexical(SPACE, "plan", where=where, limit=5) == []
        where = Filter(containers=("HAR",), issue_key="HAR-2", since=0.0, until=9e9)
        assert opened.lookup(SPACE, where=where, limit=5) == []

    def test_what_may_be_read_is_found_behind_a_hundred_nearer_that_may_not(
        self, opened: VectorStore
    ) -> None:
        for n in range(100):
            secret = document(f"2{n}", access=("restricted", "ann@example.com"))
            opened.upsert(SPACE, records(secret, "carrier key"))
        far = document("1")
        opened.upsert(SPACE, records(far, "the carrier of another harbour sails in march"))
        vector = EMBEDDER.embed_query("carrier key")
        [hit] = opened.search_dense(SPACE, vector, where=Filter(), limit=1)
        assert hit.id == "jira:1#0"
        if opened.has_lexical_search:
            [hit] = opened.search_lexical(SPACE, "carrier key", where=Filter(), limit=1)
            assert hit.id == "jira:1#0"
        [hit] = opened.lookup(SPACE, where=Filter(), limit=1)
        assert hit.id == "jira:1#0"

    def test_who_is_on_the_list_sees_it(self, opened: VectorStore) -> None:
        secret = document("2", access=("restricted", "ann@example.com", "o'neil@example.com"))
        opened.upsert(SPACE, records(secret, "secret plan"))
        assert self.dense(opened, "plan", viewer="ann@example.com") == ["jira:2#0"]
        assert self.dense(opened, "plan", viewer="o'neil@example.com") == ["jira:2#0"]
        assert self.dense(opened, "plan", viewer=" Ann@Example.COM\n") == ["jira:2#0"]

    def test_filters_limit_by_container_date_and_key(self, opened: VectorStore) -> None:
        first = document("1", container="C'est", updated_at="2026-03-01")
        second = document("2", container="OPS", updated_at="2026-03-05")
        opened.upsert(SPACE, records(first, "plan"))
        opened.upsert(SPACE, records(second, "plan"))
        since, until = utc("2026-03-05").timestamp(), utc("2026-03-05").timestamp()
        assert self.dense(opened, "plan", containers=("C'est",)) == ["jira:1#0"]
        assert set(self.dense(opened, "plan", containers=("C'est", "OPS"))) == {
            "jira:1#0", "jira:2#0",
        }  # fmt: skip
        assert self.dense(opened, "plan", since=since) == ["jira:2#0"]
        assert self.dense(opened, "plan", until=until) == ["jira:1#0"]
        assert self.dense(opened, "plan", issue_key="HAR-2") == ["jira:2#0"]
        assert self.dense(opened, "plan", containers=("OPS",), until=until) == []

    def test_a_span_of_time_is_cut_to_the_instant(self, opened: VectorStore) -> None:
        hours = ("2026-03-01T00:00", "2026-03-01T11:59", "2026-03-01T23:59", "2026-03-02T00:00",
                 "2026-03-02T12:00", "2026-03-04T00:00", "2026-03-04T08:30")  # fmt: skip
        instants = {f"jira:{n}": utc(hour).timestamp() for n, hour in enumerate(hours)}
        for n, hour in enumerate(hours):
            opened.upsert(SPACE, records(document(str(n), updated_at=hour), "plan"))
        bounds = [None, *instants.values(), utc("2026-03-02T12:01").timestamp()]
        for since, until in product(bounds, bounds):
            where = Filter(since=since, until=until)
            hits = opened.lookup(SPACE, where=where, limit=9)
            assert {hit.metadata["document_id"] for hit in hits} == {
                document_id
                for document_id, instant in instants.items()
                if (since is None or since <= instant) and (until is None or instant < until)
            }, (since, until)

    def test_a_lookup_gives_first_chunks_alone(self, opened: VectorStore) -> None:
        opened.upsert(SPACE, records(document("1"), "one", "two"))
        [hit] = opened.lookup(SPACE, where=Filter(issue_key="HAR-1"), limit=5)
        assert hit.id == "jira:1#0"

    def test_namespaces_do_not_see_each_other(self, opened: VectorStore) -> None:
        opened.open("slack", DIMENSIONS)
        opened.upsert(SPACE, records(document("1"), "plan"))
        opened.upsert("slack", records(document("2", source="slack"), "plan"))
        assert (opened.count(SPACE), opened.count("slack")) == (1, 1)
        assert self.dense(opened, "plan") == ["jira:1#0"]

    def test_check_says_in_one_line_what_it_is(self, opened: VectorStore) -> None:
        line = opened.check()
        assert "\n" not in line
        assert len(line) > 10
