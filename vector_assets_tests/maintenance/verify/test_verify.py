"""Verify and repair over real stores: each kind of damage is named, nothing else is, and mended."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import lancedb
import pytest

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document, Section
from vector_assets.core.errors import UnavailableError
from vector_assets.maintenance.verify.findings import Defect, Wanted, Yardstick, examine
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import DocumentFailure, Quarantined, Resolved, SourceItem
from vector_assets.stores.base import Metadata, Record
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import document_id_of
from vector_assets_tests.maintenance.verify.damaged import (
    DAYS,
    DIMENSIONS,
    World,
    defects,
    into_lancedb,
    words,
)
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

STORES = ("lancedb", "documents", "vectors")


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A source and its index, in each store in turn."""
    return build_world(request, tmp_path, request.param)


@pytest.fixture
def lance(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The same in LanceDB alone."""
    return build_world(request, tmp_path, "lancedb")


def build_world(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> World:
    if name == "lancedb":
        uri = str(tmp_path / "index")
        made = World(LanceDBStore(uri), into_lancedb(uri), uri=uri)
    else:
        sandbox: Sandbox = request.getfixturevalue("sandbox")
        if name == "vectors":
            make_vector_index(sandbox, DIMENSIONS)
        store = build(sandbox)
        store.seen_within_seconds = 0.0
        made = World(store, lambda records: store.upsert("jira", records))
    made.sync()
    return made


def edited(world: World, **changes: Any) -> Document:
    """Give another version of the first document at the source."""
    old = world.items[0]
    assert isinstance(old, Document)
    world.items[0] = new = replace(old, **changes)
    return new


def delete(*chunk_ids: str) -> Callable[[World], None]:
    return lambda world: world.store.delete("jira", list(chunk_ids))


def alter(chunk_id: str, **fields: Any) -> Callable[[World], None]:
    return lambda world: world.alter(chunk_id, **fields)


def copy(chunk_id: str, to: str) -> Callable[[World], None]:
    return lambda world: world.copy(chunk_id, to)


def lengthen(world: World) -> None:
    world.alter("jira:1#1", vector=world.record("jira:1#1").vector * 3)


def age(world: World) -> None:
    sections = tuple(Section(words(name)) for name in "xyzuv")
    edited(world, sections=sections, updated_at=world.items[1].updated_at)  # type: ignore[union-attr]


def age_a_chunk(world: World) -> None:
    before = world.record("jira:1#1")
    age(world)
    world.sync()
    world.put([before])


def edit_in_silence(world: World) -> None:
    edited(world, title="Another title of the same moment")


DAMAGE: dict[str, tuple[Callable[[World], None], set[tuple[str, str]]]] = {
    "a chunk is gone": (delete("jira:1#1"), {("missing", "jira:1#1")}),
    "the last chunk is gone": (delete("jira:1#2"), {("missing", "jira:1#2")}),
    "a head is gone": (delete("jira:1#0"), {("missing", "jira:1#0")}),
    "a document is gone": (
        delete("jira:1#0", "jira:1#1", "jira:1#2"),
        {("missing", "jira:1")},
    ),
    "text is altered": (alter("jira:1#1", text="lies"), {("mismatched", "jira:1#1")}),
    "a title is altered": (alter("jira:1#0", title="lies"), {("mismatched", "jira:1#0")}),
    "readers are altered": (
        alter("jira:3#1", access=["restricted"]),
        {("mismatched", "jira:3#1")},
    ),
    "a count is altered": (alter("jira:1#0", chunk_count=9), {("mismatched", "jira:1#0")}),
    "a field is added": (alter("jira:1#2", stray="lies"), {("mismatched", "jira:1#2")}),
    "a chunk is dated ahead": (alter("jira:1#1", updated_at=9e9), {("mismatched", "jira:1#1")}),
    "a head is dated ahead": (alter("jira:1#0", updated_at=9e9), {("mismatched", "jira:1#0")}),
    "a head is dated back": (alter("jira:1#0", updated_at=1e9), {("mismatched", "jira:1#0")}),
    "an only chunk is dated ahead": (
        alter("jira:2#0", updated_at=9e9),
        {("mismatched", "jira:2#0")},
    ),
    "a version is misnamed": (
        alter("jira:1#0", document_fingerprint="lies"),
        {("mismatched", "jira:1")},
    ),
    "a chunk stands in place of another": (
        lambda world: world.alter("jira:1#1", **world.record("jira:1#2").metadata),
        {("mismatched", "jira:1#1")},
    ),
    "a fingerprint is altered": (
        alter("jira:1#1", fingerprint="lies"),
        {("mismatched", "jira:1#1")},
    ),
    "a vector is no unit": (lengthen, {("mismatched", "jira:1#1")}),
    "a chunk stands beyond the end": (
        copy("jira:1#1", "jira:1#3"),
        {("orphaned", "jira:1#3")},
    ),
    "a chunk has no document": (
        copy("jira:3#1", "jira:99#2"),
        {("orphaned", "jira:99#2")},
    ),
    "an older version stands": (age, {("stale", "jira:1")}),
    "a chunk is of an older version": (age_a_chunk, {("stale", "jira:1#1")}),
    "an edit left no new date": (edit_in_silence, {("mismatched", "jira:1")}),
    "a write never ended": (
        alter("jira:1#0", document_fingerprint=""),
        {("stale", "jira:1")},
    ),
}


def test_an_index_that_is_right_is_called_right(world: World) -> None:
    report = world.verify()
    assert defects(report) == set()
    assert report.is_right
    assert (report.documents, report.records) == (3, 6)
    assert world.verify(repair=True).is_right


def test_numbers_that_a_store_returns_as_floats_are_right_and_an_altered_one_is_not(
    world: World,
) -> None:
    numbers = {f"number{n}": n if n % 2 else float(n) for n in range(10)}
    edited(world, extra={"issue_key": "HAR-1", **numbers, "share": 0.5, "is_open": True})
    world.sync()
    assert defects(world.verify()) == set()
    world.alter("jira:1#1", number3=4.0)
    assert defects(world.verify()) == {("mismatched", "jira:1#1")}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_kind_of_damage_is_named_alone_and_mended(world: World, name: str) -> None:
    damage, wanted = DAMAGE[name]
    damage(world)
    report = world.verify()
    assert defects(report) == wanted
    assert not report.is_right
    mended = world.verify(repair=True)
    assert defects(mended) == set()
    assert mended.is_right
    assert mended.mended == report.counts
    world.assert_fresh()


@pytest.mark.parametrize("number", [0.0, float("inf")])
def test_a_vector_that_is_none_is_named_and_mended(lance: World, number: float) -> None:
    lance.alter("jira:1#1", vector=[number] * DIMENSIONS)
    assert defects(lance.verify()) == {("mismatched", "jira:1#1")}
    assert lance.verify(repair=True).is_right
    lance.assert_fresh()


@pytest.mark.parametrize("chunk_id", ["jira:1#0", "jira:1#1", "jira:2#0"])
def test_two_rows_of_one_id_are_named_and_become_one(lance: World, chunk_id: str) -> None:
    lance.double(chunk_id)
    assert defects(lance.verify()) == {("doubled", chunk_id)}
    assert lance.verify(repair=True).is_right
    lance.assert_fresh()


def test_of_two_rows_the_newer_is_kept_and_mended_if_it_lies(lance: World) -> None:
    lance.double("jira:1#1", text="lies", updated_at=9e9)
    assert defects(lance.verify()) == {("doubled", "jira:1#1"), ("mismatched", "jira:1#1")}
    assert lance.verify(repair=True).is_right
    lance.assert_fresh()


def test_a_document_that_the_source_lists_no_more_is_named_and_left_to_the_prune(
    world: World,
) -> None:
    gone = world.items.pop()
    assert defects(world.verify()) == {("orphaned", gone.id)}  # type: ignore[union-attr]
    before = world.contents()
    repaired = world.verify(repair=True)
    assert defects(repaired) == {("orphaned", gone.id)}  # type: ignore[union-attr]
    assert world.contents() == before


def test_a_passage_that_stands_in_two_documents_is_named(world: World) -> None:
    day = document("4", words("m"), words("n"), updated_at="2026-03-05")
    sections = [Section(words(name), url=f"https://example.com/{name}") for name in "mn"]
    world.items.append(replace(day, sections=tuple(sections)))
    world.sync()
    # A reply makes a thread of the second message, and the index does not hear of the first.
    world.items[-1] = replace(day, sections=tuple(sections[:1]), updated_at=day.updated_at)
    thread = document("5", "", updated_at="2026-03-06", url=sections[1].url)
    world.items.append(replace(thread, sections=(sections[1],)))
    world.sync([world.items[-1]])
    assert defects(world.verify()) == {("doubled", "jira:4#1")}
    assert world.verify(repair=True).is_right
    world.assert_fresh()


def test_a_verify_writes_nothing(world: World, request: pytest.FixtureRequest) -> None:
    for name in ("a chunk is gone", "a title is altered", "a chunk has no document"):
        DAMAGE[name][0](world)
    before = world.contents()
    sandbox = None if world.uri else request.getfixturevalue("sandbox")
    if sandbox:
        sandbox.faults.log.clear()
    version = _versions(world)
    assert len(defects(world.verify())) == 3
    assert world.contents() == before
    assert _versions(world) == version
    if sandbox:
        writes = ("upsert", "update", "delete")
        assert [path for _, path, _ in sandbox.faults.log if path.endswith(writes)] == []


def test_a_verify_of_an_index_that_does_not_exist_makes_none(tmp_path: Path) -> None:
    uri = str(tmp_path / "none")
    world = World(LanceDBStore(uri), into_lancedb(uri), uri=uri)
    assert defects(world.verify()) == {("missing", f"jira:{n}") for n in (1, 2, 3)}
    assert _versions(world) == {}
    assert world.verify(repair=True).is_right
    world.assert_fresh()


def _versions(world: World) -> dict[str, int]:
    if not world.uri:
        return {}
    connection = lancedb.connect(world.uri)
    return {name: connection.open_table(name).version for name in connection.list_tables().tables}


def test_what_changes_while_it_is_compared_is_not_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each document is compared as it comes, before the next one is listed.
    monkeypatch.setattr("vector_assets.pipeline.extract.BATCH_DOCUMENTS", 1)
    listings = 0

    class Meanwhile(ListSource):
        """What people and runs do after the first listing has been compared."""

        def documents(self, window: Window) -> Iterator[SourceItem]:
            nonlocal listings
            listings += 1
            self.items = world.items
            yield from super().documents(window)
            if listings == 1:
                # Into the index comes what the listing did not show; out of it, what it did.
                world.sync([document("new", words("n"), updated_at="2026-03-05")])
                world.items.append(document("new", words("n"), updated_at="2026-03-05"))

    new = edited(world, title="Edited", updated_at=document(updated_at="2026-03-06").updated_at)
    stale = world.verify()
    assert defects(stale) == {("stale", "jira:1")}

    class Synced(Meanwhile):
        def documents(self, window: Window) -> Iterator[SourceItem]:
            yield from super().documents(window)
            # The night's run writes the edit between the two looks.
            world.sync([new])

    report = world.verify(open_source=lambda: Synced([]))
    assert defects(report) == set()
    assert listings == 2
    world.assert_fresh()


def test_what_was_active_after_the_days_is_not_due(world: World) -> None:
    world.items.append(document("late", words("l"), updated_at="2026-03-08T01:00"))
    edited(world, updated_at=world.items[-1].updated_at)  # type: ignore[union-attr]
    report = world.verify()
    assert defects(report) == set()


def test_a_document_that_moved_to_later_days_is_no_orphan(world: World) -> None:
    edited(world, updated_at=document(updated_at="2026-05-01").updated_at)
    assert defects(world.verify()) == set()


def test_what_lies_outside_of_the_days_is_not_looked_at(world: World) -> None:
    world.store.delete("jira", ["jira:1#1"])
    assert defects(world.verify(Days(date(2026, 3, 4), date(2026, 3, 7)))) == set()
    assert defects(world.verify(Days(date(2026, 3, 2), date(2026, 3, 2)))) == {
        ("missing", "jira:1#1")
    }


def test_a_document_that_cannot_be_read_is_not_called_right(world: World) -> None:
    world.items.append(DocumentFailure("jira:3", "HTTP 500", DAYS.last))
    world.items.pop(2)
    report = world.verify()
    assert defects(report) == set()
    assert [failure.document_id for failure in report.unread] == ["jira:3"]
    assert not report.is_right


def test_whether_a_document_was_read_is_told_by_the_second_look(lance: World) -> None:
    failure = DocumentFailure("jira:1", "HTTP 500", DAYS.last)
    lance.alter("jira:1#1", text="lies")
    listings = [ListSource(lance.items), ListSource([failure, *lance.items[1:]])]
    looks = [listings[0], *listings]
    report = lance.verify(open_source=lambda: looks.pop(0))
    assert (defects(report), report.unread) == (set(), [failure])
    looks = [listings[0], *reversed(listings)]
    report = lance.verify(open_source=lambda: looks.pop(0))
    assert (defects(report), report.unread) == ({("mismatched", "jira:1#1")}, [])


def test_a_listing_that_breaks_off_concludes_nothing(world: World) -> None:
    broken = UnavailableError("jira", "HTTP 503")
    before = world.contents()
    with pytest.raises(UnavailableError, match="jira did not answer: HTTP 503"):
        world.verify(open_source=lambda: ListSource([world.items[0], broken]), repair=True)
    assert world.contents() == before


def test_a_repair_embeds_what_is_damaged_and_nothing_else(world: World) -> None:
    world.alter("jira:1#1", text="lies")
    before = len(world.embedder.embedded_texts)
    world.verify(repair=True)
    [embedded] = world.embedder.embedded_texts[before:]
    assert words("b") in embedded


class Breaking(LanceDBStore):
    """Breaks at one write, before or after it was done, and at none later."""

    writes_left = -1
    is_done_first = False

    def _write(self, write: Callable[[], None]) -> None:
        self.writes_left -= 1
        if self.writes_left == 0 and not self.is_done_first:
            raise UnavailableError("index", "power cut")
        write()
        if self.writes_left == 0:
            raise UnavailableError("index", "power cut")

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        if records:
            self._write(lambda: LanceDBStore.upsert(self, namespace, records))

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        if metadata_by_id:
            self._write(lambda: LanceDBStore.update_metadata(self, namespace, metadata_by_id))

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        if chunk_ids:
            self._write(lambda: LanceDBStore.delete(self, namespace, chunk_ids))

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        if until:
            self._write(lambda: LanceDBStore.delete_older(self, namespace, until))

    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        self._write(lambda: LanceDBStore.drop_doubles(self, namespace, chunk_ids))


@pytest.mark.parametrize("is_done_first", [False, True])
def test_a_repair_that_breaks_at_any_write_loses_nothing_and_the_next_one_ends_it(
    tmp_path: Path, is_done_first: bool
) -> None:
    uri = str(tmp_path / "right")
    World(LanceDBStore(uri), into_lancedb(uri), uri=uri).sync()
    broken = 0
    for n in range(1, 30):
        uri = shutil.copytree(tmp_path / "right", tmp_path / f"{n}").as_posix()
        world = World(Breaking(uri), into_lancedb(uri), uri=uri)
        world.alter("jira:1#1", text="lies")
        world.copy("jira:1#2", "jira:1#3")
        world.double("jira:2#0")
        world.store.delete("jira", ["jira:3#1"])
        assert isinstance(world.store, Breaking)
        world.store.writes_left, world.store.is_done_first = n, is_done_first
        try:
            world.verify(repair=True)
        except UnavailableError:
            broken += 1
        held = {document_id_of(chunk_id) for chunk_id in world.store.record_ids("jira")}
        assert held == {"jira:1", "jira:2", "jira:3"}
        if world.store.writes_left > 0:
            break
        assert world.verify(repair=True).is_right
        world.assert_fresh()
    assert broken == n - 1 > 5


def test_a_vector_of_another_length_is_named() -> None:
    embedder = TinyEmbedder(DIMENSIONS, chunk_tokens=40)
    doc = document("2", words("d"), updated_at="2026-03-03T10:00")
    assert isinstance(doc, Document)
    wanted = Wanted.of(doc, embedder, is_due=True)
    [(chunk_id, metadata)] = wanted.metadata.items()
    held = Record(chunk_id, TinyEmbedder(32).embed_query("short"), metadata)
    [finding] = examine(doc.id, wanted, [held], Yardstick.of(embedder))
    assert (finding.kind, finding.chunk_id) == (Defect.MISMATCHED, chunk_id)
    assert finding.detail == "its vector has 32 numbers, expected 64"


EARLIER = "2026-03-01T08:00"


@pytest.mark.parametrize("earlier", [EARLIER, "2026-02-01T08:00"])
def test_a_version_dated_before_that_of_the_index_is_found_and_repaired(
    world: World, earlier: str
) -> None:
    """The earlier date may lie outside the days; then the source is asked by id."""
    sections = (Section(words("x")),)
    edited(world, sections=sections, updated_at=utc(earlier))

    open_source = partial(ById, world.items)
    found = world.verify(open_source=open_source)
    assert [(finding.kind, finding.document_id) for finding in found.findings] == [
        ("stale", "jira:1")
    ]
    assert earlier.replace("T", " ") in found.findings[0].detail
    repaired = world.verify(open_source=open_source, repair=True)
    assert repaired.is_right
    assert repaired.mended == {Defect.STALE: 1}
    held = world.store.fetch("jira", world.store.chunk_ids("jira", "jira:1"))
    assert [record.metadata["updated_at"] for record in held] == [utc(earlier).timestamp()]


class ById(ListSource):
    """A list that gives documents by their ids, whatever their dates."""

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        by_id = {item.id: item for item in self.items if isinstance(item, Document)}
        for entry in failed:
            yield by_id.get(entry.document_id) or Resolved(entry.document_id)


def test_what_a_run_writes_between_the_two_looks_is_no_defect(lance: World) -> None:
    """The second listing may be older than what the index holds by then."""
    older = lance.items[0]
    assert isinstance(older, Document)
    hours = iter(range(11, 24))

    class Edited(ListSource):
        def documents(self, window: Window) -> Iterator[SourceItem]:
            yield from super().documents(window)
            hour = next(hours)
            updated_at = utc(f"2026-03-02T{hour}:00")
            lance.sync([replace(older, title=f"Edited at {hour}", updated_at=updated_at)])

    report = lance.verify(open_source=lambda: Edited(lance.items))
    assert not report.counts
