"""Schedules of edits and faults against both of Pinecone's APIs, over HTTP through the real SDK."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Filter
from vector_assets.stores.pinecone.store import PineconeStore
from vector_assets_tests.faults.faulty import Faults, FaultyEmbedder, FaultySource
from vector_assets_tests.faults.test_schedules import DAYS, NOW
from vector_assets_tests.faults.world import World, expected
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.targets import target_of

SCHEDULES = 100
DATA = "/pinecone/vector-assets"

# The SDK repeats three times what is throttled or broken, so that a rule of one is survived and a
# rule of a hundred ends the run; 400 is not repeated.
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 429, "retry_after_seconds": 0, "times": 1},
    {"status": 400, "times": 1},
    {"status": 403, "times": 1},
    {"break_connection": "truncate", "times": 1},
    {"status": 400, "skip": 1, "times": 1},
    {"status": 400, "skip": 3, "times": 1},
    {"status": 200, "body": {"upserted_count": 0, "upsertedCount": 0}, "contains": "fingerprint",
     "times": 1},
)  # fmt: skip


def run_schedule(seed: int, store: PineconeStore, sandbox: Sandbox) -> Counter[str]:
    """Play one schedule in a namespace of its own and return the faults that were injected."""
    random = Random(seed)
    world, faults = World(random), Faults(random)
    embedder, source = FaultyEmbedder(faults), FaultySource(world, faults)
    source.name = f"schedule-{seed}"
    pipeline = Pipeline(source=source, target=target_of(store, embedder), meter=Meter())
    injected: Counter[str] = Counter()
    for _ in range(random.randint(1, 3)):
        world.change()
        faults.share = random.choice([0.0, 0.1])
        sandbox.faults.rules.clear()
        rule = dict(random.choice(FAULTS))
        rule["skip"] = rule.get("skip", 0) + random.randint(0, 3)
        added = sandbox.faults.fail(DATA, **rule)
        with suppress(VectorAssetsError):
            write(pipeline.embedded_documents(DAYS, now=NOW))
        if not added.times:
            injected[str(rule.get("status") or rule["break_connection"])] += 1
    faults.share = 0.0
    sandbox.faults.rules.clear()
    write(pipeline.embedded_documents(DAYS, now=NOW))
    assert_holds(store, source.name, world, embedder, seed)
    return injected + faults.injected


def assert_holds(
    store: PineconeStore, namespace: str, world: World, embedder: FaultyEmbedder, seed: int
) -> None:
    """Check that a namespace holds the model: ids, fingerprints, and text under its vector."""
    wanted = expected(world.documents, embedder)
    assert store.count(namespace) == len(wanted), f"seed {seed}"
    held = [
        chunk_id
        for document_id in world.documents
        for chunk_id in store.chunk_ids(namespace, document_id)
    ]
    assert sorted(held) == sorted(wanted), f"seed {seed}"
    fingerprints = store.fingerprints(namespace, sorted(wanted))
    assert fingerprints == {
        chunk_id: fields["fingerprint"] for chunk_id, (fields, _) in wanted.items()
    }
    heads = store.heads(namespace, sorted(world.documents))
    for document_id, head in heads.items():
        assert head.document_fingerprint == wanted[f"{document_id}#0"][0]["document_fingerprint"]
    for chunk_id, (fields, vector) in wanted.items():
        hits = store.search_dense(namespace, vector, where=Filter(), limit=len(wanted))
        [hit] = [hit for hit in hits if hit.id == chunk_id]
        assert hit.score == pytest.approx(1.0, abs=1e-4), f"seed {seed}: {chunk_id}"
        assert hit.metadata["text"] == fields["text"], f"seed {seed}: {chunk_id}"


@pytest.mark.parametrize("api", ["documents", pytest.param("vectors", marks=pytest.mark.slow)])
def test_after_faults_of_pinecone_one_run_makes_the_index_equal_the_model(
    sandbox: Sandbox, api: str, record_property: Callable[[str, object], None]
) -> None:
    if api == "vectors":
        make_vector_index(sandbox, 16)
    store = build(sandbox)
    store.open("any", 16)
    injected: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        injected += run_schedule(seed, store, sandbox)
    record_property("faults_injected", dict(injected))
    assert injected.total() > SCHEDULES
