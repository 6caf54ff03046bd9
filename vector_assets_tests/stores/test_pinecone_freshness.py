"""Pinecone's log positions, responses of bounded size, and batches that it takes partially."""

from typing import Any

import pytest
from pinecone import Pinecone

from vector_assets.core.errors import LostWriteError
from vector_assets.core.meter import Meter
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.pinecone.store import PineconeStore
from vector_assets_tests.faults.test_schedules import DAYS, NOW
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, many_records, records
from vector_assets_tests.stores.test_pinecone import APIS, build, make_vector_index
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document

DATA = "/pinecone/vector-assets"
HOUR = 3_600.0
LAG_SECONDS = 0.5
PARTS = tuple(f"part {n} " + "word " * 30 for n in range(3))


@pytest.fixture(params=APIS)
def store(request: pytest.FixtureRequest, sandbox: Sandbox) -> PineconeStore:
    if request.param == "vectors":
        make_vector_index(sandbox)
    store = build(sandbox)
    store.open(SPACE, DIMENSIONS)
    return store


def sync(store: PineconeStore, *parts: str) -> TinyEmbedder:
    embedder = TinyEmbedder(DIMENSIONS, 40)
    source = ListSource([document("1", *parts), document("2", "short")])
    pipeline = Pipeline(source=source, target=target_of(store, embedder), meter=Meter())
    write(pipeline.embedded_documents(DAYS, now=NOW))
    return embedder


def test_the_log_positions_tell_when_a_search_sees_what_was_written(
    store: PineconeStore, sandbox: Sandbox
) -> None:
    assert not store.shows_written(SPACE)
    store.upsert(SPACE, records(document(), "x"))
    assert store.shows_written(SPACE)
    sandbox.faults.index_lag_seconds = HOUR
    store.update_metadata(SPACE, {"jira:1#0": {"title": "another"}})
    assert not store.shows_written(SPACE)
    # A namespace has a log of its own.
    sandbox.faults.index_lag_seconds = 0.0
    store.upsert("slack", records(document(), "x"))
    assert store.shows_written("slack")
    assert not store.shows_written(SPACE)


def test_writes_and_searches_tell_their_position_and_fetches_tell_none(
    store: PineconeStore, sandbox: Sandbox
) -> None:
    store.upsert(SPACE, records(document(), "x"))
    index: Any = Pinecone(api_key="sandbox-pinecone-key").Index(host=f"{sandbox.url}{DATA}")
    vector = [1.0] + [0.0] * (DIMENSIONS - 1)
    if store.has_lexical_search:
        fetched = index.documents.fetch(namespace=SPACE, ids=["jira:1#0"])
        clause = {"type": "dense_vector", "field": "vector", "values": vector}
        searched = index.documents.search(namespace=SPACE, score_by=[clause], top_k=1)
    else:
        fetched = index.fetch(namespace=SPACE, ids=["jira:1#0"])
        searched = index.query(namespace=SPACE, vector=vector, top_k=1)
    assert fetched.response_info.lsn_reconciled is fetched.response_info.lsn_committed is None
    assert searched.response_info.lsn_committed is None
    assert searched.response_info.lsn_reconciled == 1


@pytest.mark.parametrize("skip", range(4))
def test_a_write_that_was_acknowledged_and_lost_is_written_again_at_once_and_paid_for_once(
    store: PineconeStore, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, skip: int
) -> None:
    # With patience alone this would take an hour.
    monkeypatch.setattr(PineconeStore, "seen_within_seconds", HOUR)
    writes = (
        "vectors/upsert" if not store.has_lexical_search else "namespaces/jira/documents/upsert"
    )
    lost = sandbox.faults.fail(f"{DATA}/{writes}", twist="lose", skip=skip, times=1)
    embedder = sync(store, *PARTS)
    assert lost.times == 0 or skip == 3
    assert len(set(embedder.embedded_texts)) == len(embedder.embedded_texts) == 4
    assert store.count(SPACE) == 4
    heads = store.heads(SPACE, ["jira:1", "jira:2"])
    assert all(head.document_fingerprint for head in heads.values())
    assert sync(store, *PARTS).embedded_texts == []


def test_what_is_lost_for_good_is_named_and_no_day_counts(
    store: PineconeStore, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PineconeStore, "seen_within_seconds", 0.1)
    sandbox.faults.fail(DATA, contains="fingerprint", twist="lose")
    with pytest.raises(LostWriteError, match=r"not there as they were written: jira:1, jira:2\."):
        sync(store, *PARTS)
    sandbox.faults.clear()
    sync(store, *PARTS)
    assert store.count(SPACE) == 4


@pytest.mark.parametrize("times", [1, 2])
def test_a_batch_of_which_a_part_was_taken_is_sent_again(
    store: PineconeStore, sandbox: Sandbox, times: int
) -> None:
    sandbox.faults.fail(DATA, contains="fingerprint", twist="miscount", times=times)
    embedder = sync(store, *PARTS)
    assert len(embedder.embedded_texts) == 4
    assert store.count(SPACE) == 4


def test_what_is_asked_of_long_records_fits_an_answer(store: PineconeStore) -> None:
    # 300 records of 27 KB: 8 MB, twice what a query may answer.
    given = many_records(range(300), "naïve 🚀 " * 2000)
    store.upsert(SPACE, given)
    assert len(store.heads(SPACE, [f"jira:{n}" for n in range(300)])) == 300
    assert len(store.fingerprints(SPACE, [record.id for record in given])) == len(given)


@pytest.mark.parametrize("skip", range(3))
def test_a_write_that_was_lost_is_written_again_also_where_the_index_lags(
    store: PineconeStore, sandbox: Sandbox, skip: int
) -> None:
    sandbox.faults.index_lag_seconds = LAG_SECONDS
    writes = (
        "vectors/upsert" if not store.has_lexical_search else "namespaces/jira/documents/upsert"
    )
    lost = sandbox.faults.fail(f"{DATA}/{writes}", twist="lose", skip=skip, times=1)
    embedder = sync(store, *PARTS)
    assert lost.times == 0
    assert len(set(embedder.embedded_texts)) == len(embedder.embedded_texts) == 4
    assert store.count(SPACE) == 4
    heads = store.heads(SPACE, ["jira:1", "jira:2"])
    assert all(head.document_fingerprint for head in heads.values())
    assert sync(store, *PARTS).embedded_texts == []
