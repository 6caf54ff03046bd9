"""A whole document from each store: pages of any size, damage, and changes while it is read."""

from collections.abc import Sequence

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import RetryableError, UsageError
from vector_assets.core.meter import Meter
from vector_assets.index.document import Page, read_page
from vector_assets.pipeline.sync import Pipeline
from vector_assets.stores.base import Filter, Record, VectorStore
from vector_assets.stores.records import record_id
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

DAY = utc("2026-03-02").date()
READER = "ann@example.com"
WORDS = [f"word{number}" for number in range(2_000)]


def write(store: VectorStore, *texts: str, access: tuple[str, ...] = ("public",)) -> None:
    lister = ListSource([document("1", *texts, access=access)])
    target = target_of(store, TinyEmbedder())
    Pipeline(source=lister, target=target, meter=Meter()).run(Days(DAY, DAY))


def read(store: VectorStore, characters: int = 50_000, cursor: str = "", viewer: str = "") -> Page:
    where = Filter(viewer=viewer)
    page = read_page("jira:1", store, where=where, characters=characters, cursor=cursor)
    assert page is not None
    return page


@pytest.mark.parametrize("characters", [200, 777, 5_000, 50_000])
def test_pages_of_any_size_make_the_whole_text(store: VectorStore, characters: int) -> None:
    write(store, " ".join(WORDS), "", "# Heading\n\nThe end.")
    page, parts = read(store, characters), []
    while True:
        parts.append(page.text)
        assert len(page.text.replace("\n\n", "")) <= characters
        if not page.next_cursor:
            break
        page = read(store, characters, page.next_cursor)
    assert "".join("".join(parts).split()) == "".join([*WORDS, "#", "Heading", "The", "end."])
    assert (page.title, page.url, page.container) == ("Title 1", "https://example.com/1", "HAR")
    assert page.updated_at == utc("2026-03-02T10:00")
    assert page.created_at == utc("2026-01-01")
    assert (page.missing_chunks, page.is_whole_version) == (0, True)


def test_a_document_of_a_title_alone_is_an_empty_page(store: VectorStore) -> None:
    write(store)
    page = read(store)
    assert (page.title, page.text, page.next_cursor) == ("Title 1", "", "")


def test_a_chunk_that_the_index_has_lost_is_counted(store: VectorStore) -> None:
    write(store, " ".join(WORDS))
    store.delete("jira", [record_id("jira:1", 1)])
    page = read(store)
    assert page.missing_chunks == 1
    assert "word1999" in page.text


def test_a_cursor_is_of_one_version(store: VectorStore) -> None:
    write(store, " ".join(WORDS))
    cursor = read(store, 500).next_cursor
    write(store, " ".join(reversed(WORDS)))
    with pytest.raises(UsageError, match="has changed since the page before: open it again"):
        read(store, 500, cursor)
    for wrong in ("1", "-1.0." + cursor[-16:], cursor + "\n", " " + cursor, "0.0.é"):
        with pytest.raises(UsageError, match="the cursor is none of ours"):
            read(store, 500, wrong)
    beyond = f"999999999.999999999.{read(store, 500).next_cursor[-16:]}"
    page = read(store, 500, beyond)
    assert (page.text, page.next_cursor) == ("", "")


@pytest.mark.parametrize("access", [("restricted", READER), ("restricted",)])
def test_a_document_that_is_closed_while_it_is_read_is_not_shown(
    store: VectorStore, access: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, " ".join(WORDS))
    close_after_fetch(store, access, monkeypatch)
    assert read_page("jira:1", store, where=Filter(), characters=500) is None


def test_a_document_that_changes_while_it_is_read_is_not_mixed(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, " ".join(WORDS))
    close_after_fetch(store, ("restricted", READER), monkeypatch)
    with pytest.raises(RetryableError, match="is being written: open it again in a few seconds"):
        read(store, 500, viewer=READER)


def close_after_fetch(
    store: VectorStore, access: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write the document anew, for other readers, after its chunks were fetched once."""
    fetch = store.fetch

    def fetched(namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        records = fetch(namespace, chunk_ids)
        monkeypatch.undo()
        write(store, " ".join(reversed(WORDS)), access=access)
        return records

    monkeypatch.setattr(store, "fetch", fetched)


def test_a_document_of_another_project_is_read_where_its_namespace_is_known(
    store: VectorStore,
) -> None:
    lister = ListSource([document("42", "The alarm rings.", source="notes", extra={})])
    lister.name = "notes"  # type: ignore[misc]  # one class for all names
    target = target_of(store, TinyEmbedder())
    Pipeline(source=lister, target=target, meter=Meter()).run(Days(DAY, DAY))
    where = Filter()
    page = read_page("notes:42", store, where=where, characters=500, hosts=("notes",))
    assert page is not None
    assert (page.source, page.title, page.text) == ("notes", "Title 42", "The alarm rings.")
    for unknown in ((), ("wiki",)):
        assert read_page("notes:42", store, where=where, characters=500, hosts=unknown) is None
