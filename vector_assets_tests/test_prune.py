"""The prune: real sources and stores over HTTP, then every reason to refuse, and every race."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from vector_assets.documents import Document, Window, start_of_day
from vector_assets.errors import UnavailableError
from vector_assets.meter import Meter
from vector_assets.prune import EVERYTHING, Prune, PruneReport
from vector_assets.sandbox.server import Sandbox
from vector_assets.settings import Settings
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.stores.base import VectorStore
from vector_assets.stores.lancedb import LanceDBStore
from vector_assets.sync import Days, Pipeline
from vector_assets_tests.fireflies_meetings import meeting
from vector_assets_tests.jira_issues import issue
from vector_assets_tests.notion_pages import page
from vector_assets_tests.sources import slack_team
from vector_assets_tests.stores import test_pinecone as pinecone
from vector_assets_tests.stores.conformance import records
from vector_assets_tests.tiny import ListSource, TinyEmbedder, document, utc

MARCH = Days(utc("2026-03-01").date(), utc("2026-03-31").date())
STORES = ("lancedb", "documents", "vectors")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> VectorStore:
    if request.param == "lancedb":
        return LanceDBStore(str(tmp_path / "lancedb"))
    if request.param == "vectors":
        pinecone.make_vector_index(sandbox)
    return pinecone.build(sandbox)


@pytest.fixture
def lance(tmp_path: Path) -> LanceDBStore:
    return LanceDBStore(str(tmp_path / "lancedb"))


def sync(source: Source, store: VectorStore, days: Days = MARCH) -> None:
    embedder = TinyEmbedder(64, chunk_tokens=20)
    Pipeline(source=source, embedder=embedder, store=store, meter=Meter()).run(days)


def prune(source: Source, store: VectorStore, max_share: float = 0.2, **kwargs: Any) -> PruneReport:
    window = kwargs.pop("window", EVERYTHING)
    return Prune(source, store, max_share=max_share).run(window, **kwargs)


def held(store: VectorStore, namespace: str = "jira") -> set[str]:
    return {one for chunk in (0, 1) for one, _ in store.documents(namespace, chunk=chunk)}


def real(sandbox: Sandbox, name: str) -> Source:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return build_source(name, Settings.model_validate(values), Meter())


def numbered(count: int, container: str = "HAR", first: int = 0) -> list[Document]:
    words = " ".join(f"word{n}" for n in range(60))
    return [document(str(n), words, container=container) for n in range(first, first + count)]


def populate(sandbox: Sandbox, name: str) -> None:
    """Four documents of a source."""
    workspace = sandbox.workspace
    if name == "jira":
        workspace.issues += [issue(n) for n in range(1, 5)]
    elif name == "fireflies":
        workspace.transcripts += [meeting(n) for n in range(1, 5)]
    elif name == "notion":
        workspace.pages += [
            page(f"Page {n}", edited=f"2026-03-0{n}T10:00:00.000Z") for n in range(1, 5)
        ]
    else:
        slack_team.populate(sandbox)
        for n in range(1, 5):
            parent = slack_team.say(sandbox, f"2026-03-0{n}T10:00", f"question {n}")
            slack_team.say(sandbox, f"2026-03-0{n}T11:00", f"answer {n}", thread=parent)


def delete_first(sandbox: Sandbox, name: str) -> None:
    """Delete one of them as a person would: an issue, a thread, a meeting; a page goes to trash."""
    workspace = sandbox.workspace
    if name == "jira":
        del workspace.issues[0]
    elif name == "fireflies":
        del workspace.transcripts[0]
    elif name == "notion":
        workspace.pages[0]["in_trash"] = workspace.pages[0]["archived"] = True
    else:
        del workspace.messages[slack_team.ENGINEERING][:2]


@pytest.mark.parametrize("name", ["jira", "slack", "notion", "fireflies"])
def test_what_is_deleted_at_a_source_goes_with_all_its_chunks_and_nothing_else(
    sandbox: Sandbox, store: VectorStore, name: str
) -> None:
    populate(sandbox, name)
    sync(real(sandbox, name), store)
    before = held(store, name)
    assert len(before) == 4
    delete_first(sandbox, name)

    looked = prune(real(sandbox, name), store, is_dry_run=True)
    assert (len(looked.missing), looked.deleted, looked.refusal) == (1, [], "")
    assert held(store, name) == before

    report = prune(real(sandbox, name), store)
    assert report.refusal == ""
    assert report.deleted == [one.document_id for one in looked.missing]
    assert held(store, name) == before - set(report.deleted)
    assert store.chunk_ids(name, report.deleted[0]) == []
    assert prune(real(sandbox, name), store).missing == []


def test_a_thread_that_lost_its_newest_reply_leaves_the_window_and_is_not_deleted(
    sandbox: Sandbox, lance: LanceDBStore
) -> None:
    slack_team.populate(sandbox)
    parent = slack_team.say(sandbox, "2026-03-01T10:00", "question")
    slack_team.say(sandbox, "2026-03-02T10:00", "answer", thread=parent)
    slack_team.say(sandbox, "2026-03-20T10:00", "a late word", thread=parent)
    slack_team.say(sandbox, "2026-03-21T10:00", "news")
    sync(real(sandbox, "slack"), lance)
    before = held(lance, "slack")
    del sandbox.workspace.messages[slack_team.ENGINEERING][2]

    report = prune(
        real(sandbox, "slack"), lance, window=Window(utc("2026-03-15"), utc("2026-03-25"))
    )
    assert (report.judged_documents, report.missing, report.refusal) == (2, [], "")
    assert held(lance, "slack") == before


def test_a_source_that_refuses_its_listing_half_way_loses_nothing(
    sandbox: Sandbox, store: VectorStore
) -> None:
    slack_team.populate(sandbox)
    for channel in (slack_team.ENGINEERING, slack_team.RANDOM):
        for n in range(1, 5):
            slack_team.say(sandbox, f"2026-03-0{n}T10:00", f"news {n}", channel=channel)
    sync(real(sandbox, "slack"), store)
    before = held(store, "slack")
    sandbox.conditions.fail(
        "/slack/api/conversations.history",
        contains=slack_team.RANDOM,
        status=200,
        body={"ok": False, "error": "not_in_channel"},
    )
    report = prune(real(sandbox, "slack"), store, max_share=0.9)
    assert "all that is held of " in report.refusal or "broke off" in report.refusal
    assert report.deleted == []
    assert held(store, "slack") == before


class Interrupted(ListSource):
    """Does something after so many ids: raises, or what else happens while a source is listed."""

    def __init__(self, items: Sequence[Document], after: int, act: Any) -> None:
        super().__init__(items)
        self.after, self.act = after, act

    def ids(self, window: Window) -> Iterator[str]:
        for n, one in enumerate(super().ids(window)):
            if n == self.after:
                self.act()
            yield one


def broken() -> None:
    raise UnavailableError("jira", "HTTP 503")


def test_a_listing_that_breaks_off_deletes_nothing_and_says_how_far_it_came(
    lance: LanceDBStore,
) -> None:
    sync(ListSource(numbered(9)), lance)
    report = prune(Interrupted(numbered(8), 5, broken), lance)
    assert "broke off after 5 documents" in report.refusal
    assert "HTTP 503" in report.refusal
    assert (report.deleted, len(held(lance))) == ([], 9)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        pytest.param([], "its listing is empty, and the index is not", id="nothing is listed"),
        pytest.param(numbered(12), "8 of 20 .* at most 4 may go", id="too much is missing"),
        pytest.param(
            [*numbered(17), *numbered(3, "OPS", first=17)][:17],
            "all that is held of OPS",
            id="a whole project is missing",
        ),
    ],
)
def test_what_looks_like_a_lost_permission_is_refused_until_a_person_says_otherwise(
    lance: LanceDBStore, listed: list[Document], reason: str
) -> None:
    given = [*numbered(17), *numbered(3, "OPS" if "OPS" in reason else "HAR", first=17)]
    sync(ListSource(given), lance)
    refused = prune(ListSource(listed), lance)
    assert refused.deleted == []
    assert len(held(lance)) == 20
    assert re.search(reason, refused.refusal)
    assert "--max-share 1" in refused.refusal

    assert prune(ListSource(listed), lance, max_share=1).refusal == ""
    assert held(lance) == {one.id for one in listed}


def test_one_of_three_documents_may_go_whatever_its_share(lance: LanceDBStore) -> None:
    sync(ListSource(numbered(3)), lance)
    assert prune(ListSource(numbered(2)), lance).deleted == ["jira:2"]


def test_what_is_newer_than_the_search_can_be_trusted_waits_for_the_next_prune(
    lance: LanceDBStore,
) -> None:
    sync(ListSource(numbered(3)), lance)
    written = utc("2026-03-02T10:00")
    for hours, deleted in ((11, []), (13, ["jira:2"])):
        now = written + timedelta(hours=hours)
        found = Prune(ListSource(numbered(2)), lance, max_share=0.5, now=now).run()
        assert found.deleted == deleted


def test_the_window_judges_by_the_last_activity_in_the_index_and_lists_to_the_present(
    lance: LanceDBStore,
) -> None:
    old, inside = document("old", "w", updated_at="2026-03-01T10:00"), document("in", "w")
    edited = document("edited", "w", updated_at="2026-03-02T11:00")
    stays = document("stays", "w", updated_at="2026-03-02T12:00")
    sync(ListSource([old, inside, edited, stays]), lance)
    moved_on = document("edited", "w", updated_at="2026-03-20T10:00")
    day = Window(start_of_day(inside.day), start_of_day(inside.day + timedelta(days=1)))
    source = ListSource([moved_on, stays])
    assert prune(source, lance, window=day).deleted == ["jira:in"]
    assert source.windows[-1].end is None
    assert held(lance) == {"jira:old", "jira:edited", "jira:stays"}


@pytest.mark.parametrize("text", ["as before", "edited and back"])
def test_a_document_that_a_sync_writes_while_the_source_is_listed_stays(
    store: VectorStore, text: str
) -> None:
    sync(ListSource(numbered(4)), store)
    new, back = document("new", text * 20), document("3", text * 20, updated_at="2026-03-05T10:00")
    lists = Interrupted(numbered(3), 1, lambda: sync(ListSource([new, back]), store))
    report = prune(lists, store)
    assert (report.deleted, report.kept_documents) == ([], 1)
    assert held(store) == {"jira:new", *(f"jira:{n}" for n in range(4))}


class Crashing:
    """A store whose process dies at the n-th write."""

    def __init__(self, store: VectorStore, writes: int) -> None:
        self._store, self._writes = store, writes

    def __getattr__(self, name: str) -> Any:
        if name in ("delete", "update_metadata"):
            if self._writes == 0:
                raise KeyboardInterrupt("the process died")
            self._writes -= 1
        return getattr(self._store, name)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_after_a_crash_at_any_write_the_next_prune_finishes(
    store: VectorStore, writes: int
) -> None:
    sync(ListSource(numbered(4)), store)
    crashing: Any = Crashing(store, writes)
    with pytest.raises(KeyboardInterrupt, match="the process died"):
        prune(ListSource(numbered(3)), crashing)
    assert prune(ListSource(numbered(3)), store).deleted == ["jira:3"]
    assert store.chunk_ids("jira", "jira:3") == []
    assert held(store) == {f"jira:{n}" for n in range(3)}


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_document_that_comes_back_after_a_crash_is_whole_again(
    store: VectorStore, writes: int
) -> None:
    sync(ListSource(numbered(4)), store)
    chunks = store.chunk_ids("jira", "jira:3")
    assert len(chunks) > 2
    crashing: Any = Crashing(store, writes)
    with pytest.raises(KeyboardInterrupt, match="the process died"):
        prune(ListSource(numbered(3)), crashing)
    sync(ListSource(numbered(4)), store)
    assert store.chunk_ids("jira", "jira:3") == chunks


def test_chunks_whose_head_was_never_written_are_found_and_deleted(store: VectorStore) -> None:
    sync(ListSource(numbered(4)), store)
    store.upsert("jira", records(document("lost"), "one", "two", "three")[:-1])
    assert prune(ListSource(numbered(4)), store).deleted == ["jira:lost"]
    assert store.chunk_ids("jira", "jira:lost") == []
    assert held(store) == {f"jira:{n}" for n in range(4)}
