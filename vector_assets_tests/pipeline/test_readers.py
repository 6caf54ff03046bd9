"""Changes of readers reach every document in the index, whatever its day and the store."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.core.documents import Document
from vector_assets.core.errors import ContractError, LostWriteError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.index.spec import IndexSpec
from vector_assets.maintenance.verify.findings import is_intact
from vector_assets.pipeline import readers as readers_module
from vector_assets.pipeline.readers import update_readers
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources.items import Readers
from vector_assets.stores.base import Filter, Metadata, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

EMBEDDER = TinyEmbedder(chunk_tokens=20)
ANN, BEN = "ann@example.com", "ben@example.com"
LONG = " ".join(f"word{n}" for n in range(60))
DAY = Days(utc("2026-03-02").date(), utc("2026-03-02").date())
MORNING = utc("2026-03-03T06:00")


class ClubSource(ListSource):
    """Documents in containers whose readers the source tells; None for one that it cannot see."""

    has_readers = True

    def __init__(self, items: Sequence[Document], access: Mapping[str, Any]) -> None:
        super().__init__(items)
        self.access = dict(access)
        self.asked: list[list[str]] = []

    def readers(self, containers: Collection[str]) -> Iterator[Readers]:
        self.asked.append(sorted(containers))
        for container in sorted(containers):
            if container in self.access:
                yield Readers(container, self.access[container])


def club_documents(**fields: Any) -> list[Document]:
    """Return documents of two clubs: of several chunks, of one, and of a day years ago."""
    return [
        document("1", LONG, container="chess", **fields),
        document("2", "short", container="chess", updated_at="2019-05-05T10:00", **fields),
        document("3", LONG, container="golf", updated_at="2021-05-05T10:00", **fields),
    ]


def sync(source: ListSource, store: VectorStore, days: Days = DAY) -> Any:
    """Run a night, or a backfill of other days, and return its report."""
    pipeline = Pipeline(source=source, target=target_of(store, EMBEDDER), meter=Meter())
    stream = pipeline.embedded_documents(days, MORNING)
    return write(stream)


def loaded(store: VectorStore, **fields: Any) -> VectorStore:
    sync(ListSource(club_documents(**fields)), store, Days(utc("2019-01-01").date(), DAY.last))
    return store


def found_by(store: VectorStore, viewer: str = "") -> set[str]:
    """Return the ids of all records that somebody finds, by search or by lookup."""
    where = Filter(viewer=viewer)
    question = EMBEDDER.embed_query("word1 short")
    hits = [
        *store.search_dense("jira", question, where=where, limit=1_000),
        *store.search_lexical("jira", "word1 short", where=where, limit=1_000),
        *store.lookup("jira", where=where, limit=1_000),
    ]
    return {hit.id for hit in hits}


def records_of(store: VectorStore, *native_ids: str) -> set[str]:
    ids = {f"jira:{native_id}" for native_id in native_ids}
    return {each for each in store.record_ids("jira") if each.partition("#")[0] in ids}


def test_other_readers_reach_every_record_of_a_container_and_no_other(store: VectorStore) -> None:
    loaded(store)
    assert found_by(store) == records_of(store, "1", "2", "3")

    report = sync(ClubSource([], {"chess": ("restricted", ANN)}), store)
    assert report.documents_with_other_readers == 2
    assert report.total.embedded_chunks == 0
    assert found_by(store) == found_by(store, BEN) == records_of(store, "3")
    assert found_by(store, ANN) == records_of(store, "1", "2", "3")

    report = sync(ClubSource([], {"chess": ("restricted", BEN), "golf": ("public",)}), store)
    assert report.documents_with_other_readers == 2
    assert found_by(store, ANN) == records_of(store, "3")
    assert found_by(store, BEN) == records_of(store, "1", "2", "3")

    assert sync(ClubSource([], {"chess": ("public",)}), store).documents_with_other_readers == 2
    assert found_by(store) == records_of(store, "1", "2", "3")
    assert sync(ClubSource([], {"chess": ("public",)}), store).documents_with_other_readers == 0


def test_what_a_source_no_longer_sees_is_found_by_nobody_and_told_every_night(
    store: VectorStore,
) -> None:
    loaded(store)
    for changed in (2, 0):
        report = sync(ClubSource([], {"chess": None}), store)
        assert report.documents_with_other_readers == changed
        (gap,) = report.gaps
        assert (gap.count, gap.is_private) == (2, True)
        assert "chess" in gap.subject
        assert "chess" not in str(gap.for_readers())
        assert found_by(store) == found_by(store, ANN) == records_of(store, "3")
    assert sync(ClubSource([], {"chess": ("public",)}), store).gaps == []
    assert found_by(store) == records_of(store, "1", "2", "3")


def test_records_stay_intact_and_the_next_reading_of_a_document_embeds_nothing(
    store: VectorStore,
) -> None:
    loaded(store)
    access = ("restricted", ANN)
    sync(ClubSource([], {"chess": access, "golf": access}), store)
    spec = IndexSpec.of(EMBEDDER).vector_spec
    ids = list(store.record_ids("jira"))
    assert [each.id for each in store.fetch("jira", ids) if not is_intact(each, spec)] == []

    again = ListSource(club_documents(access=access))
    report = sync(again, store, Days(utc("2019-01-01").date(), DAY.last))
    assert (report.total.embedded_chunks, report.total.unchanged_documents) == (0, 3)
    report = sync(again, store, Days(utc("2019-01-01").date(), DAY.last))
    assert report.total.unchanged_documents == 3


def test_a_backfill_of_old_days_asks_nobody_about_readers(store: VectorStore) -> None:
    loaded(store)
    source = ClubSource([], {"chess": None})
    day = utc("2026-01-02").date()
    sync(source, store, Days(day, day))
    assert source.asked == []
    assert found_by(store) == records_of(store, "1", "2", "3")


def test_a_source_that_cannot_tell_the_readers_for_now_changes_nothing(store: VectorStore) -> None:
    class Silent(ClubSource):
        def readers(self, containers: Collection[str]) -> Iterator[Readers]:
            raise UnavailableError("club", "HTTP 503")

    loaded(store)
    with pytest.raises(UnavailableError, match="HTTP 503"):
        sync(Silent([], {}), store)
    assert found_by(store) == records_of(store, "1", "2", "3")


class FailingStore(LanceDBStore):
    """Fails at the nth update of metadata from now on, before or after it is made."""

    updates_left = -1
    fails_after = False

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        self.updates_left -= 1
        if self.updates_left == 0 and not self.fails_after:
            raise UnavailableError("store", "gone")
        super().update_metadata(namespace, metadata_by_id)
        if self.updates_left == 0:
            raise UnavailableError("store", "gone")


@pytest.mark.parametrize("fails_after", [False, True])
@pytest.mark.parametrize("updates", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("public",), None),
        (("public",), ("restricted", BEN)),
        (("restricted", ANN), ("public",)),
        (("restricted", ANN), ("restricted", BEN)),
    ],
)
def test_a_change_that_dies_half_way_is_finished_by_the_next_run(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, fails_after: bool, updates: int,
    before: tuple[str, ...], after: tuple[str, ...] | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(readers_module, "BATCH_DOCUMENTS", 1)
    store = FailingStore(str(tmp_path / "lancedb"))
    loaded(store, access=before)
    source = ClubSource([], {"chess": after})
    store.updates_left, store.fails_after = updates, fails_after
    with pytest.raises(UnavailableError, match="gone"):
        update_readers(source, store)
    # Of a document whose change has begun, the head has the new readers, and decides.
    update_readers(source, store)
    spec = IndexSpec.of(EMBEDDER).vector_spec
    records = store.fetch("jira", sorted(records_of(store, "1", "2")))
    assert {tuple(record.metadata["access"]) for record in records} == {after or ("restricted",)}
    assert all(is_intact(record, spec) for record in records)
    assert update_readers(source, store).documents == 0


def test_readers_that_the_index_does_not_keep_fail_the_run(tmp_path: Any) -> None:
    class Forgetful(LanceDBStore):
        def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
            """Forget it."""

    store = loaded(Forgetful(str(tmp_path / "lancedb")))
    with pytest.raises(LostWriteError, match="the readers of 2 documents"):
        update_readers(ClubSource([], {"chess": None}), store)


def test_an_unfinished_document_is_closed_and_stays_unfinished(store: VectorStore) -> None:
    loaded(store)
    store.update_metadata("jira", {"jira:1#0": {"document_fingerprint": ""}})
    sync(ClubSource([], {"chess": None}), store)
    assert store.heads("jira", ["jira:1"])["jira:1"].document_fingerprint == ""
    assert found_by(store) == records_of(store, "3")


def test_readers_beyond_the_room_of_a_record_are_told(tmp_path: Any) -> None:
    store = loaded(LanceDBStore(str(tmp_path / "lancedb")))
    many = ("restricted", *(f"person{n:04}@example.com" for n in range(1_000)))
    change = update_readers(ClubSource([], {"chess": many}), store)
    assert [gap.count for gap in change.gaps] == [2]
    assert update_readers(ClubSource([], {"chess": many}), store).documents == 0


def test_an_odd_error_of_the_source_is_none_of_the_readers(tmp_path: Any) -> None:
    class Odd(ClubSource):
        def readers(self, containers: Collection[str]) -> Iterator[Readers]:
            yield Readers("chess", ("restricted", ANN))
            raise ContractError("club", "an odd answer", "readers")

    store = loaded(LanceDBStore(str(tmp_path / "lancedb")))
    with pytest.raises(ContractError, match="an odd answer"):
        update_readers(Odd([], {}), store)
    assert found_by(store) == records_of(store, "3")
