"""The layout of metadata, and fingerprints that detect changes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vector_assets.core.documents import Chunk, Document, Section
from vector_assets.core.errors import DocumentError
from vector_assets.stores.records import (
    MAX_METADATA_BYTES,
    chunk_fingerprint,
    chunk_metadata,
    document_fingerprint,
    document_id_of,
    is_same_vector,
    metadata_bytes,
    record_id,
)
from vector_assets_tests.support.tiny import document, utc

CONTRACT_FIELDS = {
    "document_id", "source", "title", "text", "url", "container", "authors", "created_at",
    "updated_at", "partition", "chunk", "chunk_count", "fingerprint", "access",
}  # fmt: skip


def metadata(doc: Document, ordinal: int = 0, text: str = "text") -> dict[str, object]:
    chunk = Chunk(ordinal, text, doc.url)
    return dict(chunk_metadata(doc, chunk, chunk_count=3, vector_spec="kind"))


def test_every_field_of_the_contract_is_there_and_the_sources_own_beside_them() -> None:
    fields = metadata(document("7"), ordinal=1)
    assert set(fields) == CONTRACT_FIELDS | {"issue_key", "vector_fingerprint"}
    assert fields["document_id"] == "jira:7"
    assert fields["partition"] == "2026-03-02"
    assert fields["updated_at"] == utc("2026-03-02T10:00").timestamp()


def test_the_head_alone_speaks_for_the_whole_document() -> None:
    doc = document("7")
    assert metadata(doc)["document_fingerprint"] == document_fingerprint(doc, "kind")
    assert "document_fingerprint" not in metadata(doc, ordinal=1)


@pytest.mark.parametrize(
    "changed",
    [
        document("7", "other text"),
        document("7", "text", title="Other"),
        document("7", "text", url="https://example.com/moved"),
        document("7", "text", container="OPS"),
        document("7", "text", authors=("Ann", "Bo")),
        document("7", "text", updated_at="2026-03-02T10:01"),
        document("7", "text", access=("restricted", "ann@example.com")),
        document("7", "text", extra={"issue_key": "OPS-1"}),
        replace(document("7"), sections=(Section("text", is_apart=True),)),
    ],
)
def test_any_change_changes_the_fingerprint_of_the_document(changed: Document) -> None:
    assert document_fingerprint(changed, "k") != document_fingerprint(document("7", "text"), "k")


def test_another_model_or_chunker_changes_the_fingerprint_of_the_document() -> None:
    assert document_fingerprint(document(), "one") != document_fingerprint(document(), "other")


def test_a_change_of_metadata_alone_keeps_the_half_that_stands_for_the_vector() -> None:
    before = chunk_fingerprint("text", {"title": "a"}, "kind")
    after = chunk_fingerprint("text", {"title": "b"}, "kind")
    assert before != after
    assert is_same_vector(before, after)
    assert not is_same_vector(before, chunk_fingerprint("other", {"title": "a"}, "kind"))
    assert not is_same_vector("", before)


def test_a_whole_number_and_the_float_that_a_store_returns_for_it_have_one_fingerprint() -> None:
    written, returned = {"chunk": 1, "points": 3}, {"chunk": 1.0, "points": 3.0}
    assert chunk_fingerprint("text", written, "k") == chunk_fingerprint("text", returned, "k")
    assert chunk_fingerprint("text", {"n": True}, "k") != chunk_fingerprint("text", {"n": 1}, "k")
    as_integer, as_float = (document("7", extra={"points": value}) for value in (3, 3.0))
    assert document_fingerprint(as_integer, "k") == document_fingerprint(as_float, "k")


def test_ids_lead_back_to_their_document_even_when_one_is_a_prefix_of_another() -> None:
    assert document_id_of(record_id("jira:1", 10)) == "jira:1"
    assert (
        document_id_of(record_id("slack:C1:1690000000.000100", 0)) == "slack:C1:1690000000.000100"
    )


@given(
    st.text(max_size=3000), st.lists(st.text(max_size=200), max_size=300), st.text(max_size=4000)
)
def test_metadata_fits_whatever_the_document(title: str, people: list[str], text: str) -> None:
    doc = document(
        "7",
        title=title,
        authors=tuple(people),
        access=("restricted", *people),
        container=title,
        url="https://example.com/" + title,
    )
    assert metadata_bytes(chunk_metadata(doc, Chunk(0, text, doc.url), chunk_count=1,
                                         vector_spec="k")) <= MAX_METADATA_BYTES  # fmt: skip


def test_a_reader_that_does_not_fit_is_refused_and_never_let_in() -> None:
    readers = tuple(f"person-{n}@example.com" for n in range(5000))
    kept = metadata(document(access=("restricted", *readers)))["access"]
    assert isinstance(kept, list)
    assert kept[0] == "restricted"
    assert 100 < len(kept) < 5000
    assert "public" not in kept


def test_what_cannot_fit_is_a_failed_document_and_not_a_silent_loss() -> None:
    with pytest.raises(DocumentError, match=r"chunk 0 takes 50,\d+ bytes, at most 40,000"):
        metadata(document("7"), text="x" * 50_000)


def test_an_id_that_no_index_takes_is_a_failed_document() -> None:
    with pytest.raises(DocumentError, match="its record id is not ASCII of at most 512 bytes"):
        metadata(document("é"))
