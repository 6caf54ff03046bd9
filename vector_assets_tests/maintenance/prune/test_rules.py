"""The rules of the prune, whatever the source: refusals, races, crashes, what is not judged."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from vector_assets.core.days import Window, start_of_day
from vector_assets.core.documents import Document
from vector_assets.core.errors import UnavailableError
from vector_assets.sources.base import Missing, RemoteState, Unlisted
from vector_assets.sources.items import DocumentFailure, Gap
from vector_assets.stores.base import VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.prune.pruning import held, prune, sync
from vector_assets_tests.support.tiny import ListSource, document, utc


def numbered(count: int, container: str = "HAR", first: int = 0) -> list[Document]:
    words = " ".join(f"word{n}" for n in range(60))
    return [document(str(n), words, container=container) for n in range(first, first + count)]


class Listed(ListSource):
    """Lists ids only, may act after some of them, and reports the given remote states."""

    def __init__(
        self,
        items: Sequence[Document],
        *,
        after: int = -1,
        act: Callable[[], None] = lambda: None,
        unlisted: Sequence[Unlisted] = (),
        states: dict[str, RemoteState] | None = None,
    ) -> None:
        super().__init__(items)
        self.after, self.act, self.unlisted = after, act, unlisted
        self.states = states or {}
        self.asked: list[str] = []

    def ids(self, window: Window) -> Iterator[str | Unlisted]:
        yield from self.unlisted
        for n, item in enumerate(super().ids(window)):
            if n == self.after:
                self.act()
            yield item

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        for document_id in (candidate.document_id for candidate in missing):
            self.asked.append(document_id)
            yield document_id, self.states.get(document_id, RemoteState.NOT_SHOWN)


def broken() -> None:
    raise UnavailableError("jira", "HTTP 503")


def test_a_listing_that_breaks_off_deletes_nothing_whatever_share_may_go(
    store: VectorStore,
) -> None:
    sync(ListSource(numbered(9)), store)
    for share in (0.4, 1):
        report = prune(Listed(numbered(8), after=5, act=broken), store, share)
        (refusal,) = report.refusals
        assert "broke off after 5 documents" in refusal.reason
        assert "HTTP 503" in refusal.reason
        assert (report.deleted, len(held(store))) == ([], 9)


@pytest.mark.parametrize(
    ("listed", "subject", "reason"),
    [
        pytest.param([], "jira", "its listing is empty, and the index is not", id="empty"),
        pytest.param(numbered(12), "jira", "8 of 20 .* at most 4 may go", id="too much"),
        pytest.param(numbered(17), "OPS", "none of it is shown any more", id="a whole project"),
        pytest.param(numbered(18), "SOLO", "none of it is shown any more", id="a small project"),
    ],
)
def test_what_looks_like_a_lost_permission_is_refused_until_a_person_says_otherwise(
    lance: LanceDBStore, listed: list[Document], subject: str, reason: str
) -> None:
    given = {
        "OPS": [*numbered(17), *numbered(3, "OPS", first=17)],
        "SOLO": [*numbered(18), *numbered(2, "SOLO", first=18)],
    }.get(subject, numbered(20))
    sync(ListSource(given), lance)
    refused = prune(Listed(listed), lance, 0.2)
    assert (refused.deleted, len(held(lance))) == ([], 20)
    (refusal,) = refused.refusals
    assert refusal.subject == subject
    assert refusal.documents == 20 - len(listed)
    assert re.search(reason, refusal.reason)
    assert "--max-share 1" in refusal.advice

    assert prune(Listed(listed), lance, 1).refusals == []
    assert held(lance) == {each.id for each in listed}


def test_a_container_of_which_nothing_is_left_goes_when_the_vendor_says_that_it_was_deleted(
    lance: LanceDBStore,
) -> None:
    sync(ListSource([*numbered(17), *numbered(2, "OPS", first=17)]), lance)
    states = {"jira:17": RemoteState.DELETED, "jira:18": RemoteState.DELETED}
    report = prune(Listed(numbered(17), states=states), lance)
    assert (report.deleted, report.refusals) == (["jira:17", "jira:18"], [])


def test_what_only_a_vendor_could_tell_is_left_and_what_is_sure_goes(lance: LanceDBStore) -> None:
    sync(ListSource(numbered(10)), lance)
    report = prune(Listed(numbered(8), states={"jira:8": RemoteState.UNSURE}), lance)
    assert report.deleted == ["jira:9"]
    assert [(refusal.subject, refusal.documents) for refusal in report.refusals] == [("HAR", 1)]
    assert "jira:8" in report.refusals[0].reason
    assert "jira:8" in held(lance)


def test_nothing_is_concluded_of_a_part_that_could_not_be_listed(lance: LanceDBStore) -> None:
    given = [
        document(native_id, "w", container=native_id[:2])
        for native_id in ("C1", "C1:a", "C12:b", "C3:c")
    ]
    sync(ListSource([*given, *numbered(6)]), lance)
    part = Unlisted("jira:C1:", "#one", "it cannot be read", "Invite the bot.")
    listed = [given[3], *numbered(6)]
    report = prune(
        Listed(listed, unlisted=[part], states={"jira:C12:b": RemoteState.DELETED}), lance
    )
    (refusal,) = report.refusals
    assert (refusal.subject, refusal.documents) == ("#one", 2)
    assert refusal.advice.startswith("Invite the bot. ")
    assert report.deleted == ["jira:C12:b"]
    assert {"jira:C1", "jira:C1:a"} <= held(lance)


@pytest.mark.parametrize(
    ("item", "is_pruned"),
    [
        (Gap("#plans", "the bot is not in there"), False),
        (DocumentFailure("jira:plans", "rows of a data source"), False),
        (DocumentFailure("jira:1", "cannot be read", utc("2026-03-02").date()), True),
    ],
    ids=["a gap", "a failure of no day", "a failure of a document"],
)
def test_a_source_without_a_listing_of_its_own_concludes_nothing_from_what_it_could_not_read(
    lance: LanceDBStore, item: Gap | DocumentFailure, is_pruned: bool
) -> None:
    sync(ListSource(numbered(9)), lance)
    report = prune(ListSource([*numbered(8), item]), lance)
    assert report.deleted == (["jira:8"] if is_pruned else [])
    assert len(report.refusals) == (not is_pruned)


def test_a_secret_that_a_vendor_quotes_is_in_no_refusal(lance: LanceDBStore) -> None:
    def quoting() -> None:
        raise UnavailableError("jira", "refused ghp_16C7e42F292c6912E7710c838347Ae178B4a")

    sync(ListSource(numbered(4)), lance)
    report = prune(Listed(numbered(3), after=1, act=quoting), lance)
    assert "broke off after 1 documents" in report.refusals[0].reason
    assert "ghp_16C7e42F292c6912" not in report.refusals[0].reason


def test_one_of_three_documents_may_go_whatever_its_share(lance: LanceDBStore) -> None:
    sync(ListSource(numbered(3)), lance)
    assert prune(Listed(numbered(2)), lance, 0.2).deleted == ["jira:2"]


def test_what_is_newer_than_the_search_can_be_trusted_waits_for_the_next_prune(
    lance: LanceDBStore,
) -> None:
    sync(ListSource(numbered(3)), lance)
    written = utc("2026-03-02T10:00")
    for hours, deleted in ((11, []), (13, ["jira:2"])):
        report = prune(Listed(numbered(2)), lance, now=written + timedelta(hours=hours))
        assert report.deleted == deleted


def test_a_document_whose_activity_moved_out_of_the_window_is_in_the_listing_and_stays(
    lance: LanceDBStore,
) -> None:
    old, inside = document("old", "w", updated_at="2026-03-01T10:00"), document("in", "w")
    edited = document("edited", "w", updated_at="2026-03-02T11:00")
    stays = document("stays", "w", updated_at="2026-03-02T12:00")
    sync(ListSource([old, inside, edited, stays]), lance)
    moved_on = document("edited", "w", updated_at="2026-03-20T10:00")
    day = Window(start_of_day(inside.day), start_of_day(inside.day + timedelta(days=1)))
    source = Listed([moved_on, stays])
    assert prune(source, lance, window=day).deleted == ["jira:in"]
    assert source.windows[-1].end is None
    assert source.asked == ["jira:in"]
    assert held(lance) == {"jira:old", "jira:edited", "jira:stays"}


def test_a_document_whose_activity_moved_before_the_window_is_asked_for_and_stays(
    lance: LanceDBStore,
) -> None:
    sync(ListSource(numbered(9)), lance)
    moved_back = document("8", "w", updated_at="2026-02-01T10:00")
    source = Listed([*numbered(8), moved_back], states={"jira:8": RemoteState.THERE})
    report = prune(source, lance)
    assert (report.moved_documents, report.deleted, report.refusals) == (1, [], [])
    assert len(held(lance)) == 9


def test_what_only_moved_does_not_count_towards_the_share(lance: LanceDBStore) -> None:
    sync(ListSource(numbered(20)), lance)
    there = {f"jira:{n}": RemoteState.THERE for n in range(10, 19)}
    report = prune(Listed(numbered(10), states=there), lance, 0.2)
    assert (report.deleted, report.refusals) == (["jira:19"], [])


@pytest.mark.parametrize("text", ["as before", "edited and back"])
def test_a_document_that_a_sync_writes_while_the_source_is_listed_stays(
    store: VectorStore, text: str
) -> None:
    sync(ListSource(numbered(4)), store)
    new, back = document("new", text * 20), document("3", text * 20, updated_at="2026-03-05T10:00")
    lists = Listed(numbered(3), after=1, act=lambda: sync(ListSource([new, back]), store))
    report = prune(lists, store)
    assert (report.deleted, report.kept_documents) == ([], 1)
    assert held(store) == {"jira:new", *(f"jira:{n}" for n in range(4))}


class Watched:
    """A store that does something before its n-th write."""

    def __init__(self, store: VectorStore, writes: int, act: Callable[[], None]) -> None:
        self._store, self._writes, self._act = store, writes, act

    def __getattr__(self, name: str) -> Any:
        if name in ("delete", "delete_older", "update_metadata"):
            if self._writes == 0:
                self._act()
            self._writes -= 1
        return getattr(self._store, name)


def die() -> None:
    raise KeyboardInterrupt("the process died")


def test_a_document_that_is_written_while_it_is_deleted_is_whole_after_the_next_sync(
    lance: LanceDBStore,
) -> None:
    sync(ListSource(numbered(4)), lance)
    back = document("3", "other words " * 30, updated_at="2026-03-05T10:00")
    watched: Any = Watched(lance, 1, lambda: sync(ListSource([back]), lance))
    report = prune(Listed(numbered(3)), watched)
    assert (report.deleted, report.kept_documents) == ([], 1)
    assert lance.heads("jira", ["jira:3"])["jira:3"].document_fingerprint == ""
    sync(ListSource([back]), lance)
    head = lance.heads("jira", ["jira:3"])["jira:3"]
    assert head.document_fingerprint
    assert len(lance.chunk_ids("jira", "jira:3")) == head.chunk_count


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_after_a_crash_at_any_write_no_half_document_is_trusted_and_the_next_prune_finishes(
    store: VectorStore, writes: int
) -> None:
    sync(ListSource(numbered(4)), store)
    whole = len(store.chunk_ids("jira", "jira:3"))
    crashing: Any = Watched(store, writes, die)
    with pytest.raises(KeyboardInterrupt, match="the process died"):
        prune(Listed(numbered(3)), crashing)
    head = store.heads("jira", ["jira:3"])["jira:3"]
    is_whole = len(store.chunk_ids("jira", "jira:3")) == whole
    assert is_whole or not head.document_fingerprint
    assert prune(Listed(numbered(3)), store).deleted == ["jira:3"]
    assert store.chunk_ids("jira", "jira:3") == []
    assert held(store) == {f"jira:{n}" for n in range(3)}


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_document_that_comes_back_after_a_crash_is_whole_again(
    store: VectorStore, writes: int
) -> None:
    sync(ListSource(numbered(4)), store)
    chunks = store.chunk_ids("jira", "jira:3")
    assert len(chunks) > 2
    crashing: Any = Watched(store, writes, die)
    with pytest.raises(KeyboardInterrupt, match="the process died"):
        prune(Listed(numbered(3)), crashing)
    sync(ListSource(numbered(4)), store)
    assert store.chunk_ids("jira", "jira:3") == chunks
    assert store.heads("jira", ["jira:3"])["jira:3"].document_fingerprint
