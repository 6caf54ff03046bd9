"""The quarantine through the whole pipeline: what fails is kept, tried again, and released."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import ContractError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.index.rereads import KIND as REREAD_KIND
from vector_assets.index.rereads import Reread, request_rereads
from vector_assets.pipeline.checkpoint import Checkpointer
from vector_assets.pipeline.quarantine import MAX_LISTED, MAX_RETRIED, Quarantine, quarantined
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import days_as_windows
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    Quarantined,
    Resolved,
    SourceItem,
)
from vector_assets.stores.base import Record, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.api.test_app import READ, served
from vector_assets_tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.stores.conformance import DIMENSIONS
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.environment import use_environment
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

NOW = utc("2026-03-30T06:00")
NIGHT = Days(date(2026, 3, 29), date(2026, 3, 29))
MARCH_2 = Days(date(2026, 3, 2), date(2026, 3, 2))
WINDOW = Window(utc("2026-03-02"), utc("2026-03-03"))
OLD = "2026-03-02T10:00"


@pytest.fixture
def lancedb(tmp_path: Path) -> LanceDBStore:
    return LanceDBStore(str(tmp_path / "index"))


class IdSource(ListSource):
    """A source that can give a document by its id, and notes what it was asked for."""

    def __init__(self, items: Iterable[SourceItem | Exception]) -> None:
        super().__init__(items)
        self.retried: list[str] = []

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        self.retried += [due.document_id for due in failed]
        held = {item.id: item for item in self.items if isinstance(item, Document)}
        for due in failed:
            yield held.get(due.document_id) or Resolved(due.document_id)


def stream(
    store: VectorStore, *items: SourceItem | Exception, days: Days = NIGHT
) -> EmbeddedDocuments:
    source = items[0] if isinstance(items[0], ListSource) else IdSource(items)
    pipeline = Pipeline(source=source, target=target_of(store, TinyEmbedder()), meter=Meter())
    return pipeline.embedded_documents(days, now=NOW)


def sync(store: VectorStore, *items: SourceItem | Exception, days: Days = NIGHT) -> SyncReport:
    return write(stream(store, *items, days=days))


def sync_from(store: VectorStore, source: ListSource, days: Days = NIGHT) -> SyncReport:
    pipeline = Pipeline(source=source, target=target_of(store, TinyEmbedder()), meter=Meter())
    return write(pipeline.embedded_documents(days, now=NOW))


def held(store: VectorStore) -> dict[str, Quarantined]:
    return {document.document_id: document for document in quarantined(Ledger(store, DIMENSIONS))}


def indexed(store: VectorStore) -> set[str]:
    return {document_id for document_id, _ in store.documents("jira")}


# Every way to fail, on every store


def test_a_text_that_the_embedder_refuses_costs_its_document_alone_until_it_is_edited(
    store: VectorStore,
) -> None:
    good, bad = document("1", "fine", updated_at=OLD), document("2", "POISON", updated_at=OLD)
    sync(store, good, bad, days=MARCH_2)
    (failed,) = held(store).values()
    assert (failed.document_id, failed.day, failed.attempts) == ("jira:2", date(2026, 3, 2), 1)
    assert failed.cause == "the embedder refused a passage: it holds POISON"
    assert failed.window.end == utc("2026-03-03")
    assert indexed(store) == {"jira:1"}
    sync(store, good, document("2", "cured", updated_at=OLD))
    assert indexed(store) == {"jira:1", "jira:2"}
    assert held(store) == {}


def test_a_record_that_pinecone_refuses_costs_its_document_alone(sandbox: Sandbox) -> None:
    store = build(sandbox)
    store.open("jira", DIMENSIONS)
    body = {"error": {"code": "INVALID_ARGUMENT", "message": "token=sk-live-abc"}, "status": 400}
    for path in ("/pinecone/vector-assets/namespaces/jira/documents/upsert",):
        sandbox.faults.fail(path, contains="jira:7#0", status=400, body=body)
    documents = [document(str(n), "words " * 80, updated_at=OLD) for n in range(20)]
    report = sync(store, *documents, days=MARCH_2)
    assert indexed(store) == {f"jira:{n}" for n in range(20) if n != 7}
    (failed,) = held(store).values()
    assert failed.document_id == "jira:7"
    assert "the index refused it" in failed.cause
    assert (report.total.documents, report.total.failed_documents) == (19, 1)
    sandbox.faults.rules.clear()
    sync(store, *documents)
    assert indexed(store) == {f"jira:{n}" for n in range(20)}
    assert held(store) == {}


def test_a_record_that_a_vector_index_refuses_costs_its_document_alone(sandbox: Sandbox) -> None:
    make_vector_index(sandbox)
    store = build(sandbox)
    path = "/pinecone/vector-assets/vectors/upsert"
    body = {"code": 3, "message": "refused", "details": []}
    sandbox.faults.fail(path, contains="jira:7#0", status=400, body=body)
    documents = [document(str(n), "words", updated_at=OLD) for n in range(8)]
    sync(store, *documents, days=MARCH_2)
    assert indexed(store) == {f"jira:{n}" for n in range(7)}
    assert held(store).keys() == {"jira:7"}


def test_a_record_that_lancedb_refuses_costs_its_document_alone(lancedb: LanceDBStore) -> None:
    good = [document(str(n), "words", updated_at=OLD, extra={"points": n}) for n in range(8)]
    bad = document("bad", "words", updated_at=OLD, extra={"points": "three"})
    sync(lancedb, *good, days=MARCH_2)
    sync(lancedb, document("9", "words", updated_at=OLD), bad, days=MARCH_2)
    assert indexed(lancedb) == {document.id for document in good} | {"jira:9"}
    (failed,) = held(lancedb).values()
    assert "for the field 'points'" in failed.cause
    sync(lancedb, document("bad", "words", updated_at=OLD, extra={"points": 3}))
    assert "jira:bad" in indexed(lancedb)
    assert held(lancedb) == {}


def test_an_index_that_refuses_everything_fails_the_run_and_blames_no_document(
    sandbox: Sandbox,
) -> None:
    store = build(sandbox)
    store.open("jira", DIMENSIONS)
    path = "/pinecone/vector-assets/namespaces/jira/documents/upsert"
    body = {"error": {"code": "INVALID_ARGUMENT", "message": "no writes"}, "status": 400}
    sandbox.faults.fail(path, status=400, body=body)
    documents = [document(str(n), "words", updated_at=OLD) for n in range(20)]
    with pytest.raises(ContractError, match="no writes"):
        sync(store, *documents, days=MARCH_2)
    assert held(store) == {}


def test_a_document_of_a_rescan_that_fails_is_tried_by_the_night_and_found_gone(
    store: VectorStore,
) -> None:
    month = Days(date(2026, 3, 1), date(2026, 3, 28))
    sync(store, DocumentFailure("jira:9", "it has no body", date(2026, 3, 5)), days=month)
    assert held(store)["jira:9"].window.end == utc("2026-03-29")
    report = sync(store, document("1", "fine", updated_at="2026-03-29T10:00"))
    assert held(store) == {}
    assert (report.released_documents, indexed(store)) == (1, {"jira:1"})


# When it is tried again


def test_what_fails_again_keeps_its_beginning_and_counts_its_attempts(
    lancedb: LanceDBStore,
) -> None:
    bad = document("2", "POISON", updated_at=OLD)
    sync(lancedb, bad, days=MARCH_2)
    first = held(lancedb)["jira:2"]
    report = sync(lancedb, bad)
    again = held(lancedb)["jira:2"]
    assert (again.attempts, again.first_seen_at, again.window) == (
        2,
        first.first_seen_at,
        first.window,
    )
    assert again.last_seen_at > first.last_seen_at
    assert report.failed_again_documents == 1
    # A day is not asked for again because of what is tried by its id.
    assert report.total.failed_documents == 0


def test_a_run_for_an_old_day_tries_nothing_of_other_days(lancedb: LanceDBStore) -> None:
    sync(lancedb, document("2", "POISON", updated_at=OLD), days=MARCH_2)
    source = IdSource([document("3", "fine", updated_at="2026-03-05T10:00")])
    sync_from(lancedb, source, Days(date(2026, 3, 5), date(2026, 3, 5)))
    assert source.retried == []
    assert held(lancedb).keys() == {"jira:2"}


def test_what_the_window_holds_is_not_read_twice(lancedb: LanceDBStore) -> None:
    yesterday = "2026-03-29T10:00"
    sync(lancedb, document("2", "POISON", updated_at=yesterday))
    source = IdSource([document("2", "POISON", updated_at=yesterday)])
    sync_from(lancedb, source)
    assert source.retried == []
    assert held(lancedb)["jira:2"].attempts == 2


def test_a_source_that_knows_no_ids_reads_the_days_again(lancedb: LanceDBStore) -> None:
    failing = [document(str(n), "POISON", updated_at=f"2026-03-0{n}T10:00") for n in (2, 3, 7)]
    for edited in failing:
        sync_from(lancedb, ListSource([edited]), Days(edited.day, edited.day))
    lost = DocumentFailure("jira:lost", "it has no day")
    sync_from(lancedb, ListSource([lost]), MARCH_2)
    healed = [document(str(n), "cured", updated_at=f"2026-03-0{n}T10:00") for n in (2, 3)]
    bystander = document("5", "not asked for", updated_at="2026-03-02T11:00")
    source = ListSource([*healed, bystander])
    sync_from(lancedb, source)
    assert [(window.start, window.end) for window in source.windows[1:]] == [
        (utc("2026-03-02"), utc("2026-03-04")),
        (utc("2026-03-07"), utc("2026-03-08")),
    ]
    assert indexed(lancedb) == {"jira:2", "jira:3"}
    # The one without a day can be found in no window, and stays named.
    assert held(lancedb).keys() == {"jira:lost"}


def test_days_in_a_row_share_a_window() -> None:
    days = [date(2026, 3, n) for n in (9, 2, 1, 2, 5)]
    assert [
        (window.start.day, window.end.day) for window in days_as_windows(days) if window.end
    ] == [
        (1, 3),
        (5, 6),
        (9, 10),
    ]
    assert list(days_as_windows([])) == []


def test_a_source_that_cannot_give_an_old_document_costs_the_night_nothing(
    lancedb: LanceDBStore,
) -> None:
    class Broken(IdSource):
        def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
            raise UnavailableError("jira", "HTTP 503")

    sync(lancedb, document("2", "POISON", updated_at=OLD), days=MARCH_2)
    report = sync_from(lancedb, Broken([document("3", "new", updated_at="2026-03-29T10:00")]))
    assert indexed(lancedb) == {"jira:3"}
    failed = held(lancedb)["jira:2"]
    assert (failed.attempts, report.failed_again_documents) == (2, 1)
    assert "HTTP 503" in failed.cause


# Crashes and other runs


def test_what_failed_before_a_run_broke_off_is_recorded(lancedb: LanceDBStore) -> None:
    with pytest.raises(UnavailableError, match="HTTP 503"):
        sync(
            lancedb,
            document("1", "POISON", updated_at=OLD),
            UnavailableError("jira", "HTTP 503"),
            days=MARCH_2,
        )
    assert held(lancedb).keys() == {"jira:1"}


class NoLedger(LanceDBStore):
    """An index that takes no facts."""

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        if namespace == "ledger":
            raise UnavailableError("lancedb", "the disk is full")
        super().upsert(namespace, records)


@pytest.mark.parametrize("breaks", [False, True])
def test_a_day_whose_failures_could_not_be_recorded_is_not_finished(
    tmp_path: Path, breaks: bool
) -> None:
    items: list[SourceItem | Exception] = [
        document("1", "POISON", updated_at=OLD),
        Checkpoint(utc("2026-03-02")),
    ]
    ends: list[SourceItem | Exception] = [UnavailableError("jira", "HTTP 503")] if breaks else []
    store = NoLedger(str(tmp_path))
    running = stream(store, *items, *ends, days=MARCH_2)
    checkpointer = Checkpointer(running.report, MARCH_2)
    with pytest.raises(UnavailableError, match=r"HTTP 503|disk is full"):
        write(running, checkpointer=checkpointer)
    assert checkpointer.finished_days == []


def test_a_run_that_dies_before_it_releases_leaves_what_the_next_night_releases(
    lancedb: LanceDBStore,
) -> None:
    sync(lancedb, document("2", "POISON", updated_at=OLD), days=MARCH_2)
    cured = document("2", "cured", updated_at=OLD)
    running = stream(lancedb, cured)
    running.save_quarantine = lambda: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        write(running)
    assert (indexed(lancedb), held(lancedb).keys()) == ({"jira:2"}, {"jira:2"})
    report = sync(lancedb, cured)
    assert (report.total.embedded_chunks, report.total.unchanged_documents) == (0, 1)
    assert held(lancedb) == {}


def test_a_failure_that_another_run_has_made_good_meanwhile_is_released_by_the_next_night(
    store: VectorStore,
) -> None:
    cured = document("2", "cured", updated_at=OLD)
    slow = Quarantine(Ledger(store, DIMENSIONS), "jira", WINDOW)
    slow.note_failure(DocumentFailure("jira:2", "it timed out", date(2026, 3, 2)))
    sync(store, cured, days=MARCH_2)
    slow.save()
    assert held(store).keys() == {"jira:2"}
    sync(store, cured)
    assert held(store) == {}


def test_recording_twice_and_releasing_twice_changes_nothing(lancedb: LanceDBStore) -> None:
    for _ in range(2):
        run_ = Quarantine(Ledger(lancedb, DIMENSIONS), "jira", WINDOW)
        run_.note_failure(DocumentFailure("jira:2", "no body"))
        run_.save()
        run_.save()
    assert held(lancedb)["jira:2"].attempts == 2
    for _ in range(2):
        run_.note_success("jira:2")
        run_.save()
    assert held(lancedb) == {}


def test_what_changes_again_while_a_run_reads_it_is_read_again_by_the_next(
    store: VectorStore,
) -> None:
    ledger = Ledger(store, DIMENSIONS)

    def ask(at: datetime) -> None:
        request_rereads(ledger, [Reread("jira:1", "edited since", date(2026, 3, 29), at)])

    class Changing(IdSource):
        def documents(self, window: Window) -> Iterator[SourceItem]:
            yield from super().documents(window)
            ask(NOW + timedelta(minutes=5))

    read = document("1", "text", updated_at="2026-03-29T10:00")
    ask(NOW)
    sync_from(store, Changing([read]))
    assert ledger.entries(REREAD_KIND).keys() == {"jira:1"}
    sync(store, read)
    assert ledger.entries(REREAD_KIND) == {}


def test_one_source_never_touches_what_is_anothers(lancedb: LanceDBStore) -> None:
    ledger = Ledger(lancedb, DIMENSIONS)
    slack = Quarantine(ledger, "slack", WINDOW)
    slack.note_failure(DocumentFailure("slack:C1:1", "no words"))
    slack.save()
    jira = Quarantine(ledger, "jira", WINDOW)
    assert jira.due([]) == []
    jira.note_success("slack:C1:1")
    assert jira.save() == 0
    assert held(lancedb).keys() == {"slack:C1:1"}


# Many at once


def test_all_of_many_failures_are_recorded_and_each_gets_its_turn(lancedb: LanceDBStore) -> None:
    count = 2 * MAX_RETRIED + 100
    failing = [DocumentFailure(f"jira:{n}", "down", date(2026, 3, 2)) for n in range(count)]
    sync(lancedb, *failing, days=MARCH_2)
    assert len(held(lancedb)) == count
    tried: list[str] = []
    for _ in range(3):
        run_ = Quarantine(Ledger(lancedb, DIMENSIONS), "jira", WINDOW)
        due = run_.due([])
        assert len(due) <= MAX_RETRIED
        tried += [failed.document_id for failed in due]
        for failed in due:
            run_.note_failure(DocumentFailure(failed.document_id, "down", failed.day))
        run_.save()
    assert set(tried) == {failed.document_id for failed in failing}


def test_a_cause_of_any_length_is_kept_short(store: VectorStore) -> None:
    sync(store, DocumentFailure("jira:1", "語" * 50_000, date(2026, 3, 2)), days=MARCH_2)
    assert held(store)["jira:1"].cause == "語" * 1_000


# What people see


@pytest.fixture
def broken_jira(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    """A Jira with one good issue and two that cannot be read, as the environment's settings."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    broken = [issue(n, updated=yesterday) | {"key": ""} for n in (1, 2)]
    sandbox.workspace.issues = [*broken, issue(3, updated=yesterday)]
    use_environment(monkeypatch, sandbox, tmp_path, "JIRA", "OPENAI")
    return sandbox


@pytest.mark.usefixtures("broken_jira")
def test_sync_and_status_name_what_is_in_quarantine_and_why(run: Run) -> None:  # noqa: F811
    code, out, _ = run("sync", "--json")
    (report,) = json.loads(out)
    assert (code, report["quarantined_documents"]) == (1, 2)
    held = {document["document_id"] for document in report["quarantine"]}
    assert held == {"jira:10001", "jira:10002"}

    _, out, _ = run("status")
    assert "jira: 2 documents in quarantine" in out
    assert f"failed since {datetime.now(UTC):%Y-%m-%d}, 1x: jira:10001: 10001 cannot be read" in out

    _, out, _ = run("status", "--json")
    (source,) = json.loads(out)["sources"]
    assert source["failed_documents"] == 2
    assert source["quarantine"][0]["cause"].startswith("10002 cannot be read")


def test_a_healed_document_is_gone_from_status_after_the_night(
    run: Run,  # noqa: F811
    broken_jira: Sandbox,
) -> None:
    run("sync")
    broken_jira.workspace.issues = [issue(n) for n in (1, 2, 3)]
    code, out, _ = run("sync")
    assert (code, "quarantine" in out) == (0, False)
    _, out, _ = run("status", "--json")
    (source,) = json.loads(out)["sources"]
    assert (source["failed_documents"], source["quarantine"]) == (0, [])


@pytest.mark.usefixtures("broken_jira")
def test_http_names_what_is_in_quarantine(run: Run, tmp_path: Path) -> None:  # noqa: F811
    run("sync")
    with served(Settings(), tmp_path) as (url, watcher):
        watcher.check_once()
        answer = requests.get(f"{url}/api/sync-status", headers=READ, timeout=30).json()
    (source,) = answer["sources"]
    assert source["failed_documents"] == 2
    assert [
        (document["document_id"], document["attempts"]) for document in source["quarantine"]
    ] == [
        ("jira:10002", 1),
        ("jira:10001", 1),
    ]


def test_status_names_a_hundred_of_many_and_counts_all(
    run: Run,  # noqa: F811
    broken_jira: Sandbox,
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    broken_jira.workspace.issues = [issue(n, updated=yesterday) | {"key": ""} for n in range(130)]
    run("sync")
    _, out, _ = run("status", "--json")
    (source,) = json.loads(out)["sources"]
    assert (source["failed_documents"], len(source["quarantine"])) == (130, MAX_LISTED)
    _, out, _ = run("status")
    assert "and 120 more" in out
