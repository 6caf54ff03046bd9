"""An index that was filled before kinds were recorded: what it is made of is proved, or said."""

import pytest

from vector_assets.core.documents import RESTRICTED
from vector_assets.core.errors import IndexMismatchError
from vector_assets.core.meter import Meter
from vector_assets.embedding import chunking
from vector_assets.index.recognition import UNKNOWN_LAYOUT, recognised
from vector_assets.index.spec import IndexKind, kind_of
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.stores.base import IndexStore
from vector_assets_tests.maintenance.reindex.places import DAYS, Place, contents, tiny
from vector_assets_tests.support.tiny import TinyEmbedder, document


def fill_as_before(place: Place, embedder: TinyEmbedder) -> None:
    """Fill it as versions did that recorded no kind: the store knows of no generations."""
    place.put(
        document("1", "the carrier keys rotate monthly"),
        document("2", "a private matter", access=(RESTRICTED, "ann@example.com")),
    )
    pipeline = Pipeline(source=place.source(), embedder=embedder, store=place.base, meter=Meter())
    write(pipeline.embedded_documents(DAYS), place.base)


def test_an_empty_index_is_empty(place: Place) -> None:
    assert recognised(place.base).is_empty


def test_a_kind_is_proved_by_the_fingerprints_and_recorded_by_the_next_run(place: Place) -> None:
    fill_as_before(place, tiny())
    found = recognised(place.base, kind_of(tiny()))
    assert (found.kind, found.is_empty) == (kind_of(tiny()), False)
    assert place.sync(tiny()).total.unchanged_documents == 2
    live = place.live().live()
    assert (live.is_recorded, live.kind) == (True, kind_of(tiny()))


def test_a_known_model_is_found_though_the_settings_name_another(place: Place) -> None:
    small = tiny("text-embedding-3-small", 64, 512)
    small.provider = "openai"
    fill_as_before(place, small)
    other = tiny("text-embedding-3-large", 64, 512)
    other.provider = "openai"
    assert recognised(place.base, kind_of(other)).kind == kind_of(small)
    place.put(document("3", "a night later"))
    place.sync(other, small)
    assert "jira:3#0" in place.assert_unmixed(place.base, kind_of(small))
    report = place.reindexing(other).run()
    assert report.way == "stored text"
    place.assert_unmixed(place.served(), kind_of(other))


def test_an_older_chunker_is_found_and_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_as_before(place, tiny())
    monkeypatch.setattr(chunking, "CHUNKER_VERSION", chunking.CHUNKER_VERSION + 1)
    with pytest.raises(IndexMismatchError, match=r"chunker \d, now \d"):
        place.sync(tiny())


def test_an_index_whose_kind_is_not_known_is_named_searched_and_reindexed_from_the_sources(
    place: Place,
) -> None:
    fill_as_before(place, tiny("forgotten"))
    assert recognised(place.base, kind_of(tiny())).kind is None
    before = contents(place.base)
    with pytest.raises(IndexMismatchError, match="before kinds were recorded"):
        place.sync(tiny())
    assert contents(place.base) == before
    report = place.reindexing(tiny()).run()
    assert (report.way, report.is_switched) == ("sources", True)
    place.assert_unmixed(place.served(), kind_of(tiny()))


def test_records_of_two_kinds_in_one_index_prove_none(place: Place) -> None:
    fill_as_before(place, tiny())
    put_one_of(place.base, place, tiny("two"))
    assert recognised(place.base, kind_of(tiny())).kind is None


def put_one_of(store: IndexStore, place: Place, embedder: TinyEmbedder) -> None:
    place.documents.clear()
    place.put(document("9", "of another kind"))
    pipeline = Pipeline(source=place.source(), embedder=embedder, store=store, meter=Meter())
    write(pipeline.embedded_documents(DAYS), store)


def test_a_layout_that_cannot_be_told_is_not_taken_for_ours(place: Place) -> None:
    fill_as_before(place, tiny())
    place.base.update_metadata("jira", {"jira:1#0": {"title": "changed by hand"}})
    place.base.update_metadata("jira", {"jira:2#0": {"title": "changed by hand"}})
    found = recognised(place.base, kind_of(tiny())).kind
    assert isinstance(found, IndexKind)
    assert found.layout == UNKNOWN_LAYOUT
