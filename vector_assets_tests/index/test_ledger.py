"""Facts kept in the index, on LanceDB and on both of Pinecone's APIs over HTTP."""

from pathlib import Path

import pytest

from vector_assets.core.errors import LostWriteError
from vector_assets.index.ledger import NAMESPACE, Ledger
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Filter, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.stores.conformance import DIMENSIONS, EMBEDDER, SPACE, records
from vector_assets_tests.stores.test_pinecone import build
from vector_assets_tests.support.processes import run_at_once
from vector_assets_tests.support.tiny import document


@pytest.fixture
def ledger(store: VectorStore) -> Ledger:
    return Ledger(store, DIMENSIONS)


def test_an_index_that_does_not_exist_yet_has_no_facts(ledger: Ledger) -> None:
    assert ledger.entries("quarantine") == {}
    ledger.remove("quarantine", ["jira:1"])
    assert ledger.entries("quarantine") == {}


def test_an_entry_comes_back_as_it_was_put_whatever_its_key_and_words(ledger: Ledger) -> None:
    given = {
        "jira:1": {"cause": "a quote \" and a ' and \ud800 and 日本", "attempts": 3, "day": None},
        "notes/ä#1" + "x" * 600: {"nested": {"of": ["any", 1.5, True]}},
    }
    ledger.put("quarantine", given)
    assert ledger.entries("quarantine") == given


def test_kinds_are_apart_even_when_one_begins_like_the_other(ledger: Ledger) -> None:
    ledger.put("served", {"jira": {"generation": 1}})
    ledger.put("served old", {"jira": {"generation": 2}})
    ledger.remove("served old", ["jira"])
    assert ledger.entries("served") == {"jira": {"generation": 1}}
    assert ledger.entries("served old") == {}


def test_the_last_put_wins_and_the_others_stay(ledger: Ledger) -> None:
    ledger.put("quarantine", {"jira:1": {"attempts": 1}, "jira:2": {"attempts": 1}})
    ledger.put("quarantine", {"jira:1": {"attempts": 2}})
    assert ledger.entries("quarantine") == {"jira:1": {"attempts": 2}, "jira:2": {"attempts": 1}}


def test_removing_takes_what_is_named_and_passes_over_what_is_not_there(ledger: Ledger) -> None:
    ledger.put("quarantine", {"jira:1": {}, "jira:2": {}})
    ledger.remove("quarantine", ["jira:2", "jira:3"])
    ledger.remove("quarantine", [])
    assert ledger.entries("quarantine") == {"jira:1": {}}


def test_all_entries_are_listed_beyond_any_page_or_limit(ledger: Ledger) -> None:
    given = {f"jira:{n}": {"n": n} for n in range(1_250)}
    ledger.put("quarantine", given)
    assert ledger.entries("quarantine") == given


def test_an_entry_that_no_record_could_hold_is_refused_by_name_and_writes_nothing(
    ledger: Ledger,
) -> None:
    with pytest.raises(ValueError, match=r"'jira:9' of kind 'quarantine' takes 4.,... bytes"):
        ledger.put("quarantine", {"jira:1": {}, "jira:9": {"cause": "x" * 45_000}})
    assert ledger.entries("quarantine") == {}


def test_no_search_finds_a_fact_and_no_source_counts_it(store: VectorStore) -> None:
    store.open(SPACE, DIMENSIONS)
    store.upsert(SPACE, records(document("1", updated_at="2026-03-02T10:15"), "carrots"))
    before = (store.count(SPACE), store.watermark(SPACE))
    Ledger(store, DIMENSIONS).put("quarantine", {"jira:2": {"cause": "carrots"}})
    assert (store.count(SPACE), store.watermark(SPACE)) == before
    vector = EMBEDDER.embed_query("carrots")
    for viewer in ("", "ann@example.com"):
        where = Filter(viewer=viewer)
        assert store.search_dense(NAMESPACE, vector, where=where, limit=5) == []
        assert store.search_lexical(NAMESPACE, "carrots", where=where, limit=5) == []
        assert store.lookup(NAMESPACE, where=where, limit=5) == []


def test_what_was_put_or_removed_is_seen_at_once_by_who_did_it_though_the_index_lags(
    sandbox: Sandbox,
) -> None:
    ledger = Ledger(build(sandbox), DIMENSIONS)
    ledger.put("quarantine", {"jira:1": {"attempts": 1}})
    sandbox.faults.index_lag_seconds = 0.5
    ledger.put("quarantine", {"jira:1": {"attempts": 2}, "jira:2": {"attempts": 1}})
    assert ledger.entries("quarantine")["jira:1"] == {"attempts": 2}
    ledger.remove("quarantine", ["jira:1"])
    assert ledger.entries("quarantine") == {"jira:2": {"attempts": 1}}


class _Forgetful(LanceDBStore):
    """An index that takes a write and does not have it."""

    def upsert(self, namespace: str, records: object) -> None:
        """Write nothing."""


def test_an_entry_that_is_not_there_after_its_write_is_an_error_and_no_silence(
    tmp_path: Path,
) -> None:
    ledger = Ledger(_Forgetful(str(tmp_path)), DIMENSIONS)
    with pytest.raises(LostWriteError, match="1 of 1 entries of kind 'quarantine'"):
        ledger.put("quarantine", {"jira:1": {}})


def _put_many(uri: str, name: str) -> None:
    ledger = Ledger(LanceDBStore(uri), DIMENSIONS)
    for n in range(10):
        ledger.put("quarantine", {f"{name}:{n}": {"of": name}, "shared": {"of": name}})


def test_processes_that_write_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    names = ["jira", "slack", "notion"]
    run_at_once(_put_many, [(str(tmp_path), name) for name in names])
    store = LanceDBStore(str(tmp_path))
    entries = Ledger(store, DIMENSIONS).entries("quarantine")
    assert entries.keys() == {f"{name}:{n}" for name in names for n in range(10)} | {"shared"}
    assert store.count(NAMESPACE) == 31
