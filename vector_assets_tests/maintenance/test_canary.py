"""The canary over real stores: found when all is well, and told when it is not."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import requests

from vector_assets.core.errors import CanaryError, LostWriteError, UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded
from vector_assets.index.generations import Index
from vector_assets.index.search import find
from vector_assets.maintenance.canary import CANARY, CANARY_ID, OLD_AFTER, last_found, try_canary
from vector_assets.monitoring.alerts.incidents import Incident
from vector_assets.monitoring.alerts.routing import canary_problem, for_sensors
from vector_assets.monitoring.dagster_state.state import AssetHistory, DagsterState, PartitionRecord
from vector_assets.monitoring.health import measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.verdict import Verdict
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import IndexStore, Record, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.api.test_app import READ, served
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.tiny import TinyEmbedder, utc

NIGHT = utc("2026-03-02T06:00")
NEXT = NIGHT + timedelta(days=1)
GAUGE = "vector_assets_canary_found_seconds "


@pytest.fixture(params=["lancedb", "documents", "vectors"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> VectorStore:
    if request.param == "lancedb":
        return LanceDBStore(str(tmp_path / "index"))
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    if request.param == "vectors":
        make_vector_index(sandbox, 64)
    store = build(sandbox)
    store.seen_within_seconds = 0.0
    return store


def test_each_night_the_canary_of_that_night_is_found(store: VectorStore) -> None:
    assert last_found(store) is None
    trial = try_canary(store, TinyEmbedder(), now=NIGHT)
    assert trial.score > 0.8
    assert last_found(store) == NIGHT
    size = store.count(CANARY)
    embedder = TinyEmbedder()
    try_canary(store, embedder, now=NEXT)
    assert last_found(store) == NEXT
    assert store.count(CANARY) == size
    # What stays the same is not embedded again.
    assert len(embedder.embedded_texts) == 1


def test_no_question_of_a_person_is_answered_by_the_canary(store: VectorStore) -> None:
    try_canary(store, TinyEmbedder(), now=NIGHT)
    store.open("jira", 64)
    answers = find(
        "a small yellow bird sings", settings=Settings(), store=store, embedder=TinyEmbedder()
    )
    assert answers.answers == ()
    assert CANARY not in answers.as_of


class Forgetful(LanceDBStore):
    """Says that it has taken what it throws away."""

    is_forgetting = True

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        if not self.is_forgetting:
            super().upsert(namespace, records)


def test_a_store_that_loses_writes_is_told_by_name(tmp_path: Path) -> None:
    store = Forgetful(str(tmp_path))
    store.is_forgetting = False
    try_canary(store, TinyEmbedder(), now=NIGHT)
    store.is_forgetting = True
    with pytest.raises(LostWriteError, match=f"{CANARY_ID}.*"):
        try_canary(store, TinyEmbedder(), now=NEXT)
    assert last_found(store) == NIGHT


def test_a_search_that_sees_nothing_is_told_by_name(tmp_path: Path) -> None:
    class Blind(LanceDBStore):
        """Holds everything, and finds nothing."""

        def search_dense(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
            return []

        search_lexical = search_dense  # type: ignore[assignment]

    with pytest.raises(CanaryError, match="a search for its own text finds nothing"):
        try_canary(Blind(str(tmp_path)), TinyEmbedder(), now=NIGHT)


class Random(TinyEmbedder):
    """Gives unit vectors that mean nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._random = np.random.default_rng(7)

    def embed_query(self, text: str) -> Vectors:
        vector = self._random.normal(size=self.dimensions)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class Constant(TinyEmbedder):
    """Gives the same vector for everything."""

    def embed_query(self, text: str) -> Vectors:
        return np.full(self.dimensions, self.dimensions**-0.5, np.float32)


class Shifted(TinyEmbedder):
    """Gives each text the vector of its neighbour."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        embedded = super().embed(texts)
        return Embedded(np.roll(embedded.vectors, 1, axis=0), embedded.token_count)


@pytest.mark.parametrize("embedder", [Random, Constant, Shifted])
def test_vectors_that_mean_nothing_are_told_by_name(
    store: VectorStore, embedder: type[TinyEmbedder]
) -> None:
    with pytest.raises(CanaryError, match=r"canary was written into the index, and .*"):
        try_canary(store, embedder(), now=NIGHT)
    assert last_found(store) is None


def test_an_index_that_shows_late_what_was_written_is_waited_for(sandbox: Sandbox) -> None:
    store = build(sandbox)
    store.open(CANARY, 64)
    sandbox.faults.index_lag_seconds = 0.7
    try_canary(store, TinyEmbedder(), now=NIGHT)
    sandbox.faults.index_lag_seconds = 0
    assert last_found(store) == NIGHT


def problems(store: IndexStore, state: DagsterState | None, hours: int) -> list[str]:
    """Return what is told of the canary so long after the night; the one source is empty."""
    now = NIGHT + timedelta(hours=hours)
    settings = Settings(files_path=".")
    health = measure(settings, Probes(settings, Index(store)), state, now=now)
    if CANARY in {problem.key for problem in health.problems}:
        assert health.verdict is not Verdict.FRESH
    return [problem.detail for problem in health.problems if problem.key == CANARY]


def test_a_canary_that_was_not_found_for_more_than_a_night_is_a_problem(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    nights = DagsterState(
        {"jira": AssetHistory(recent=(PartitionRecord(NIGHT.date(), NIGHT, 1, 0),))}
    )
    assert timedelta(hours=36) == OLD_AFTER
    assert problems(store, nights, 35) == []
    [never] = problems(store, nights, 37)
    assert "was never found, though runs are recorded since 2026-03-02 06:00" in never
    try_canary(store, TinyEmbedder(), now=NIGHT)
    assert problems(store, nights, 36) == []
    [old] = problems(store, nights, 37)
    assert "was last found at 2026-03-02 06:00 UTC" in old
    assert problems(store, None, 37) == []
    try_canary(store, TinyEmbedder(), now=NIGHT + timedelta(hours=37))
    assert problems(store, nights, 38) == []


def test_an_index_that_does_not_answer_is_no_second_problem(sandbox: Sandbox) -> None:
    store = build(sandbox, pinecone_controller_host="http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="pinecone did not answer"):
        last_found(store)
    assert problems(store, DagsterState(), 99) == []


def test_status_over_http_and_metrics_say_when_it_was_last_found(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"files_path": ".", "lancedb_uri": str(tmp_path / "index"), "read_api_key": "reading-key"}
    )
    try_canary(LanceDBStore(settings.lancedb_uri), TinyEmbedder(), now=NIGHT)
    with served(settings, tmp_path) as (url, _):
        status = requests.get(f"{url}/api/sync-status", headers=READ, timeout=60).json()
        assert status["canary_found_at"] == "2026-03-02T06:00:00Z"
        # It is long ago by the clock of today, and no Dagster has tried since.
        assert [problem for problem in status["problems"] if "found no canary" in problem]
        metrics = requests.get(f"{url}/metrics", headers=READ, timeout=60).text
        [line] = [candidate for candidate in metrics.splitlines() if candidate.startswith(GAUGE)]
        assert float(line.removeprefix(GAUGE)) == NIGHT.timestamp()
        assert 'vector_assets_problem{key="canary"} 1.0' in metrics


def test_the_alert_of_a_canary_is_over_once_it_is_found_again(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    settings = Settings(files_path=".")
    problem = canary_problem("it is not found", link="")
    incidents = {problem.key: Incident(problem, opened_at=NIGHT, seen_at=NIGHT)}

    def told() -> list[str]:
        health = measure(settings, Probes(settings, Index(store)), DagsterState(), now=NEXT)
        problems = for_sensors(health, DagsterState(), incidents, settings)
        return [problem.key for problem in problems if problem.key == "run:canary"]

    assert told() == ["run:canary"]
    try_canary(store, TinyEmbedder(), now=NIGHT - timedelta(hours=1))
    assert told() == ["run:canary"]
    try_canary(store, TinyEmbedder(), now=NIGHT + timedelta(hours=1))
    assert told() == []
