"""Pinecone through its SDK and both of its APIs, against the sandbox."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pinecone import Pinecone

from vector_assets.core.errors import (
    CredentialsError,
    IndexMismatchError,
    LostWriteError,
    SettingsError,
    UnavailableError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Filter, Record
from vector_assets.stores.pinecone.api import MAX_REQUEST_BYTES, groups_by_bytes
from vector_assets.stores.pinecone.store import DEPLOYMENT, PineconeStore
from vector_assets_tests.stores.conformance import (
    DIMENSIONS,
    EMBEDDER,
    SPACE,
    StoreConformance,
    many_records,
    records,
)
from vector_assets_tests.support.tiny import document

APIS = ("documents", "vectors")


def build(sandbox: Sandbox, meter: Meter | None = None, **settings: str) -> PineconeStore:
    given = {
        "pinecone_api_key": "sandbox-pinecone-key",
        "pinecone_controller_host": sandbox.environment["PINECONE_CONTROLLER_HOST"],
        **settings,
    }
    return PineconeStore.from_settings(Settings.model_validate(given), meter or Meter())


def make_vector_index(
    sandbox: Sandbox, dimensions: int = DIMENSIONS, name: str = "vector-assets"
) -> None:
    """Make an index of vectors, as somebody did years ago."""
    client = Pinecone(
        api_key="sandbox-pinecone-key", host=sandbox.environment["PINECONE_CONTROLLER_HOST"]
    )
    field = {"type": "dense_vector", "dimension": dimensions, "metric": "cosine"}
    client.indexes.create(name=name, schema={"fields": {"_values": field}}, deployment=DEPLOYMENT)


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    """Each of the two APIs in turn; the index of vectors exists before."""
    if request.param == "vectors":
        make_vector_index(sandbox)
    return str(request.param)


class TestConformance(StoreConformance):
    @pytest.fixture
    def store(self, sandbox: Sandbox, api: str) -> PineconeStore:
        return build(sandbox)


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def store(sandbox: Sandbox, api: str, meter: Meter) -> PineconeStore:
    store = build(sandbox, meter)
    store.open(SPACE, DIMENSIONS)
    return store


def test_an_index_that_we_make_has_full_text_and_one_of_vectors_has_not(
    store: PineconeStore, api: str
) -> None:
    assert store.has_lexical_search is (api == "documents")
    assert f"of {api}" in store.check()


def test_what_exists_is_asked_without_its_vectors(
    store: PineconeStore, sandbox: Sandbox, meter: Meter, api: str
) -> None:
    given = many_records(range(20), "one", "two")
    store.upsert(SPACE, given)
    sandbox.faults.log.clear()
    assert len(store.heads(SPACE, [f"jira:{n}" for n in range(20)])) == 20
    assert len(store.fingerprints(SPACE, [record.id for record in given])) == 40
    paths = {path.removeprefix("/pinecone/vector-assets") for _, path, _ in sandbox.faults.log}
    assert paths == {"/query"} if api == "vectors" else {"/namespaces/jira/documents/fetch"}


def test_a_thousand_and_one_records_go_out_as_two_requests(
    store: PineconeStore, meter: Meter
) -> None:
    store.upsert(SPACE, many_records(range(1001), "x"))
    assert sum(count for name, count in meter.requests.items() if "upsert" in name) == 2


def test_requests_are_bounded_by_bytes_whatever_the_records(
    store: PineconeStore, meter: Meter
) -> None:
    store.upsert(SPACE, many_records(range(150), "naïve 🚀 " * 2000))
    assert store.count(SPACE) == 150
    assert sum(count for name, count in meter.requests.items() if "upsert" in name) == 2
    sizes = [sum(len(str(item)) for item in group) for group in
             groups_by_bytes({"text": "x" * 900_000} for _ in range(5))]  # fmt: skip
    assert len(sizes) == 3
    assert max(sizes) <= MAX_REQUEST_BYTES


def test_a_count_that_does_not_add_up_is_a_lost_write(
    store: PineconeStore, sandbox: Sandbox, api: str
) -> None:
    name = "upserted_count" if api == "documents" else "upsertedCount"
    sandbox.faults.fail("/pinecone/vector-assets", contains="HAR-1", status=200, body={name: 1})
    given = many_records((1, 2), "x")
    sandbox.faults.log.clear()
    named = r"took 1 of 2 records into 'jira', sent 3 times: jira:1#0, jira:2#0\. Run the same days"
    with pytest.raises(LostWriteError, match=named):
        store.upsert(SPACE, given)
    assert sum("upsert" in path for _, path, _ in sandbox.faults.log) == 3


def test_an_index_of_another_length_is_named_with_what_to_do(sandbox: Sandbox, api: str) -> None:
    build(sandbox).open(SPACE, DIMENSIONS)
    with pytest.raises(IndexMismatchError, match="'vector-assets' holds vectors of 64 dimensions"):
        build(sandbox).open(SPACE, 1536)


def test_runs_that_start_at_once_make_one_index_and_all_wait_for_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.stores.pinecone.store.READY_POLL_SECONDS", 0.05)
    sandbox.faults.index_ready_seconds = 0.5
    sandbox.faults.latency_seconds = 0.05
    stores = [build(sandbox) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda store: store.open(SPACE, DIMENSIONS), stores))
    statuses = [status for method, path, status in sandbox.faults.log
                if (method, path) == ("POST", "/pinecone/indexes")]  # fmt: skip
    assert statuses.count(201) == 1
    assert 409 in statuses
    for store in stores:
        store.upsert(SPACE, records(document(), "text"))
    assert stores[0].count(SPACE) == 1


def test_an_index_that_is_never_ready_is_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.stores.pinecone.store.READY_POLL_SECONDS", 0.05)
    monkeypatch.setattr("vector_assets.stores.pinecone.store.READY_SECONDS", 0.2)
    sandbox.faults.index_ready_seconds = 600
    with pytest.raises(UnavailableError, match=r"Pinecone index 'vector-assets'.*Initializing"):
        build(sandbox).open(SPACE, DIMENSIONS)


def test_a_host_that_is_set_is_used(sandbox: Sandbox, api: str) -> None:
    build(sandbox).open(SPACE, DIMENSIONS)
    host = f"{sandbox.url}/pinecone/vector-assets"
    store = build(sandbox, pinecone_host=host)
    store.open(SPACE, DIMENSIONS)
    store.upsert(SPACE, records(document(), "x"))
    assert store.count(SPACE) == 1


def test_a_write_that_is_not_visible_yet_is_not_an_error(
    store: PineconeStore, sandbox: Sandbox
) -> None:
    sandbox.faults.index_lag_seconds = 3600
    store.upsert(SPACE, records(document(), "x"))
    assert store.heads(SPACE, ["jira:1"]) == {}
    store.delete(SPACE, ["jira:1#0"])
    store.update_metadata(SPACE, {"jira:1#0": {"title": "x"}})


def test_vectors_survive_as_float32(store: PineconeStore) -> None:
    vector = EMBEDDER.embed_query("some words that make several places")
    [record] = records(document(), "x")
    store.upsert(SPACE, [Record(record.id, vector, record.metadata)])
    [hit] = store.search_dense(SPACE, vector, where=Filter(), limit=1)
    assert hit.score == pytest.approx(1.0, abs=1e-6)


def test_a_wrong_key_is_named_and_never_shown(sandbox: Sandbox) -> None:
    store = build(sandbox, pinecone_api_key="pc-very-secret")
    with pytest.raises(CredentialsError, match=r"HTTP 401\. Check PINECONE_API_KEY") as caught:
        store.check()
    assert "very-secret" not in str(caught.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SettingsError, match="PINECONE_API_KEY is not set: set it, or set"):
        PineconeStore.from_settings(Settings(), Meter())


def test_a_server_that_does_not_answer_is_named(sandbox: Sandbox) -> None:
    store = build(sandbox, pinecone_controller_host="http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="pinecone did not answer"):
        store.check()


def test_a_server_that_throttles_in_passing_is_asked_again(
    store: PineconeStore, sandbox: Sandbox
) -> None:
    sandbox.faults.fail("/pinecone/vector-assets", status=429, retry_after_seconds=0, times=2)
    store.upsert(SPACE, records(document(), "x"))
    assert store.count(SPACE) == 1
