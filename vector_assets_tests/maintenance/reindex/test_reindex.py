"""Another model, length, chunker or layout: found, named, and carried out beside the live index."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from vector_assets.core.documents import RESTRICTED
from vector_assets.core.errors import FatalError, IndexMismatchError, SwitchedIndexError
from vector_assets.core.meter import Meter
from vector_assets.embedding import chunking
from vector_assets.index.generations import Generation
from vector_assets.index.ledger import Ledger
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import write_target
from vector_assets.pipeline.checkpoint import Checkpointer
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.stores import records
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb import indexes as lancedb_indexes
from vector_assets_tests.maintenance.reindex.places import DAYS, Place, contents, tiny
from vector_assets_tests.stores.test_lancedb import unindexed_ids
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import document

ANN = "ann@example.com"
LONG = " ".join(f"word{n}" for n in range(120))


def fill(place: Place) -> None:
    place.put(
        document("1", "the carrier keys rotate monthly"),
        document("2", LONG, updated_at="2026-03-03T10:00"),
        document("3", "a private matter", access=(RESTRICTED, ANN)),
    )
    place.sync(tiny())


def found(place: Place, text: str, viewer: str = "") -> list[str]:
    """Ask the live index with the model that it was filled with."""
    spec = place.live().spec
    embedder = tiny(spec.model, spec.dimensions)
    hits = place.served().search_dense(
        "jira", embedder.embed_query(text), where=Filter(viewer=viewer), limit=10
    )
    return [hit.id for hit in hits]


@pytest.mark.parametrize("wanted", [("two", 64), ("one", 32)], ids=["model", "dimensions"])
def test_another_model_or_length_is_named_and_the_night_goes_on_in_the_old_spec(
    place: Place, wanted: tuple[str, int]
) -> None:
    fill(place)
    place.put(document("4", "written by the next night", updated_at="2026-03-04T10:00"))
    new = tiny(*wanted)
    target = write_target(place.index(), new, lambda spec: tiny(spec.model, spec.dimensions))
    assert target.pending is not None
    assert re.search(r"model tiny/one, now tiny/two|dimensions 64, now 32", str(target.pending))
    place.sync(new, tiny())
    held = place.assert_unmixed(place.base, IndexSpec.of(tiny()))
    assert "jira:4#0" in held


@pytest.mark.parametrize("version", ["chunker", "layout"])
def test_another_chunker_or_layout_is_named_and_nothing_is_written_in_either_kind(
    place: Place, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    fill(place)
    before = contents(place.base)
    raise_version(monkeypatch, version)
    place.put(document("4", "written by the next night"))
    with pytest.raises(IndexMismatchError, match=rf"{version} \d, now \d.*vector-assets reindex"):
        place.sync(tiny())
    assert contents(place.base) == before


def test_an_index_of_layout_4_is_searched_named_and_reindexed_from_the_sources(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(records, "LAYOUT_VERSION", 4)
        # Layout 4 hashed numbers as they came, 1 and 1.0 differently.
        before.setattr(records, "_as_stored", dict)
        fill(place)
    held = contents(place.base)
    with pytest.raises(IndexMismatchError, match=r"layout 4, now 6.*vector-assets reindex"):
        place.sync(tiny())
    assert contents(place.base) == held
    assert found(place, "carrier keys")[0] == "jira:1#0"
    report = place.reindexing(tiny()).run()
    assert (report.way, report.is_switched) == ("sources", True)
    assert place.assert_unmixed(place.served(), IndexSpec.of(tiny())).keys() == held.keys()


def raise_version(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    if version == "chunker":
        monkeypatch.setattr(chunking, "CHUNKER_VERSION", chunking.CHUNKER_VERSION + 1)
    else:
        monkeypatch.setattr(records, "LAYOUT_VERSION", records.LAYOUT_VERSION + 1)


@pytest.mark.parametrize("change", ["model", "dimensions", "chunker", "layout"])
def test_search_answers_from_the_old_until_the_switch_and_from_the_new_after_and_none_is_mixed(
    place: Place, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    fill(place)
    old_spec = IndexSpec.of(tiny())
    if change in {"chunker", "layout"}:
        raise_version(monkeypatch, change)
    new = tiny(*{"model": ("two", 64), "dimensions": ("one", 32)}.get(change, ("one", 64)))
    seen = []

    def watch(*_: object) -> None:
        """Look at both, in the middle of it."""
        live = place.live()
        seen.append(live.name)
        assert found(place, "carrier keys")[0] == "jira:1#0"
        assert_spec(place, "", old_spec)
        assert_spec(place, IndexSpec.of(new).name, IndexSpec.of(new))

    report = place.reindexing(new, on_progress=watch).run()
    assert report.is_switched
    assert change.replace("layout", "layout") in report.difference
    assert "" in seen
    live = place.live()
    assert live.spec == IndexSpec.of(new)
    assert live.name
    held = place.assert_unmixed(place.served(), IndexSpec.of(new))
    assert {chunk_id.rpartition("#")[0] for chunk_id in held} == {"jira:1", "jira:2", "jira:3"}
    assert found(place, "carrier keys")[0] == "jira:1#0"
    assert "jira:3#0" not in found(place, "a private matter")
    assert found(place, "a private matter", ANN)[0] == "jira:3#0"
    assert held["jira:3#0"]["access"] == [RESTRICTED, ANN]
    assert place.sync(new).total.embedded_chunks == 0


def assert_spec(place: Place, name: str, spec: IndexSpec) -> None:
    """Check each record's own fingerprint, under the layout that its spec says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LAYOUT_VERSION", spec.layout)
        place.assert_unmixed(place.generation(name), spec)


def test_a_copy_is_what_a_sync_would_have_made(place: Place) -> None:
    fill(place)
    new = tiny("two", 32)
    place.reindexing(new).run()
    copied = contents(place.served())
    report = place.sync(new)
    assert report.total.embedded_chunks == 0
    marks = {"document_fingerprint", "stamp"}
    for chunk_id, metadata in contents(place.served()).items():
        assert {n: v for n, v in metadata.items() if n not in marks} == {
            n: v for n, v in copied[chunk_id].items() if n not in marks
        }
    assert place.sync(new).total.unchanged_documents == 3


def test_no_vendor_is_asked_when_only_the_model_changes(place: Place) -> None:
    fill(place)
    place.documents.clear()
    report = place.reindexing(tiny("two")).run()
    assert report.way == "stored text"
    assert len(contents(place.served())) == len(contents(place.base)) > 3


def test_what_a_night_writes_edits_and_deletes_meanwhile_is_in_the_new_index(place: Place) -> None:
    fill(place)
    done = []

    def meanwhile(*_: object) -> None:
        if done:
            return
        done.append(True)
        place.put(
            document("1", "edited while it was copied", updated_at="2026-03-20T10:00"),
            document("5", "new while it was copied", updated_at="2026-03-20T11:00"),
        )
        place.sync(tiny("two"), tiny())
        place.base.delete("jira", place.base.chunk_ids("jira", "jira:3"))

    place.reindexing(tiny("two"), on_progress=meanwhile).run()
    held = place.assert_unmixed(place.served(), IndexSpec.of(tiny("two")))
    assert "edited" in str(held["jira:1#0"]["text"])
    assert "jira:5#0" in held
    assert "jira:3#0" not in held


def test_a_run_that_wrote_to_the_old_index_across_the_switch_fails_by_name_and_loses_nothing(
    place: Place,
) -> None:
    fill(place)
    place.put(document("6", "late", updated_at="2026-03-21T10:00"))
    target = write_target(place.index(), tiny(), lambda spec: tiny())
    pipeline = Pipeline(source=place.source(), target=target, meter=Meter())
    stream = pipeline.embedded_documents(DAYS)
    place.reindexing(tiny("two")).run()
    checkpointer = Checkpointer(stream.report, DAYS)
    with pytest.raises(SwitchedIndexError, match=r"tiny/two.*run the same days again"):
        write(stream, checkpointer=checkpointer)
    assert checkpointer.finished_days == []
    place.sync(tiny("two"))
    assert "jira:6#0" in place.assert_unmixed(place.served(), IndexSpec.of(tiny("two")))


def test_what_ended_on_the_old_index_just_before_the_switch_is_brought_over(place: Place) -> None:
    fill(place)
    reindexing = place.reindexing(tiny("two"))
    switch = reindexing._switch

    def late(target: Generation) -> None:
        place.put(document("7", "a moment before", updated_at="2026-03-22T10:00"))
        place.sync(tiny("two"), tiny())
        switch(target)

    reindexing._switch = late  # type: ignore[method-assign]
    reindexing.run()
    assert "jira:7#0" in place.assert_unmixed(place.served(), IndexSpec.of(tiny("two")))


@pytest.mark.parametrize("change", ["model", "chunker"])
def test_a_reindex_that_broke_off_goes_on_without_paying_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    place.put(*(document(str(n), f"{n} {LONG}") for n in range(1, 200)))
    place.sync(tiny())
    if change == "chunker":
        raise_version(monkeypatch, change)
    new = tiny("two" if change == "model" else "one")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt("stopped here")

    with pytest.raises(KeyboardInterrupt, match="stopped here"):
        place.reindexing(new, on_progress=stop).run()
    assert place.live().name == ""
    place.reindexing(new).run()
    held = place.assert_unmixed(place.served(), IndexSpec.of(new))
    texts = [str(metadata["text"]) for metadata in held.values()]
    assert len(texts) > 199
    assert len(new.embedded_texts) <= len(texts) + 3 * 64 * 4
    embedded = len(new.embedded_texts)
    assert place.reindexing(new).run().difference == ""
    assert len(new.embedded_texts) == embedded


@pytest.mark.parametrize("sort", ["lancedb"], indirect=True)
def test_a_long_copy_asks_the_new_index_by_ids_that_are_indexed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put(*(document(str(n), f"{n} carriers") for n in range(400)))
    place.sync(tiny())
    monkeypatch.setattr(lancedb_indexes, "WAITING_IDS", 100)
    waiting = []

    def note(*_: object) -> None:
        [folder] = (tmp_path / "index").glob("generation-*")
        waiting.append(unindexed_ids(str(folder), "jira"))

    place.reindexing(tiny("two"), on_progress=note).run()
    # Batches of 64; none was maintained before the end, which leaves nothing waiting.
    assert waiting[:6] == [64, 0, 64, 0, 64, 0]
    assert len(contents(place.served())) == 400


def test_a_document_that_the_new_model_refuses_stops_the_switch_by_name(place: Place) -> None:
    fill(place)
    place.put(document("8", "fine"))
    place.sync(tiny())
    new = tiny("two")
    refuse(new, "fine")
    with pytest.raises(FatalError, match=r"1 documents .*jira:8.*--accept-missing"):
        place.reindexing(new).run()
    assert place.live().name == ""
    report = place.reindexing(new, accepts_missing=True).run()
    assert [failure.document_id for failure in report.failures] == ["jira:8"]
    assert "jira:8#0" not in contents(place.served())


def refuse(embedder: object, word: str) -> None:
    embed: Callable[..., object] = embedder.embed  # type: ignore[attr-defined]
    embedder.embed = lambda texts: embed(  # type: ignore[attr-defined]
        [f"{text} POISON" if word in text else text for text in texts]
    )


def test_a_source_that_shows_next_to_nothing_stops_the_switch_by_name(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place)
    raise_version(monkeypatch, "layout")
    del place.documents["jira:1"], place.documents["jira:2"]
    with pytest.raises(FatalError, match=r"2 of 3 documents of jira.*jira:1, jira:2"):
        place.reindexing(tiny()).run()
    assert place.live().name == ""
    report = place.reindexing(tiny(), accepts_missing=True).run()
    assert report.gone == ["jira:1", "jira:2"]


def test_the_old_index_is_deleted_when_it_is_asked_for_and_the_way_back_is_a_reindex_too(
    place: Place,
) -> None:
    fill(place)
    place.reindexing(tiny("two")).run()
    assert contents(place.base)
    assert place.reindexing(tiny("two")).drop_old() == [str(IndexSpec.of(tiny()))]
    assert contents(place.base) == {}
    assert "jira:1#0" in contents(place.served())
    place.reindexing(tiny("three")).run()
    with pytest.raises(FatalError, match="--drop-old"):
        place.reindexing(tiny("two")).run()
    place.reindexing(tiny("three")).drop_old()
    assert contents(place.generation(IndexSpec.of(tiny("two")).name)) == {}
    place.reindexing(tiny("two")).run()
    assert found(place, "carrier keys")[0] == "jira:1#0"


def fill_without_record(place: Place) -> None:
    """Write to the index as a program does that knows of no generations."""
    place.put(document("1", "the carrier keys rotate monthly"))
    pipeline = Pipeline(source=place.source(), target=target_of(place.base, tiny()), meter=Meter())
    write(pipeline.embedded_documents(DAYS))


def test_an_index_that_does_not_say_what_its_records_were_made_with_is_refused_by_name(
    place: Place,
) -> None:
    fill_without_record(place)
    before = contents(place.base)
    refusal = r"holds records of jira .*another program's.* new one in (PINECONE_INDEX|LANCEDB_URI)"
    for use in (
        lambda: place.sync(tiny()),
        lambda: place.reindexing(tiny("two")).run(),
        lambda: place.index().open(),
    ):
        with pytest.raises(IndexMismatchError, match=refusal):
            use()
    assert contents(place.base) == before


@pytest.mark.parametrize("layout", [records.LAYOUT_VERSION, records.LAYOUT_VERSION - 1])
def test_an_index_of_an_earlier_version_says_in_the_ledger_what_it_is_made_of(
    place: Place, layout: int
) -> None:
    """The words that stand in the ledgers of teams: a version that reads others loses an index."""
    fill_without_record(place)
    model = {"provider": "tiny", "model": "one", "dimensions": 64, "chunk_tokens": 50}
    versions = {"chunker": chunking.CHUNKER_VERSION, "layout": layout}
    entry = {"since": "2026-01-01", "name": "", "kind": model | versions}
    Ledger(place.base, 64).put("generation", {"live": entry})
    if layout == records.LAYOUT_VERSION:
        assert place.sync(tiny()).total.unchanged_documents == 1
        return
    with pytest.raises(IndexMismatchError, match=rf"layout {layout}, now.*vector-assets reindex"):
        place.sync(tiny())
    assert place.reindexing(tiny()).run().is_switched
    assert place.sync(tiny()).total.unchanged_documents == 1
    assert "jira:1#0" in place.assert_unmixed(place.served(), IndexSpec.of(tiny()))


def test_an_estimate_writes_nothing(place: Place) -> None:
    fill(place)
    estimate = place.reindexing(tiny("two")).estimate()
    assert (estimate.documents, estimate.way) == (3, "stored text")
    assert estimate.chunks == len(contents(place.base))
    assert estimate.tokens > estimate.chunks
    assert contents(place.generation(IndexSpec.of(tiny("two")).name)) == {}
    assert place.reindexing(tiny()).estimate().difference == ""
