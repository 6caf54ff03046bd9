"""Schedules of edits, runs and faults by seed; when the faults end, the index equals the model.

The seed of a schedule that fails is in the message: `run_schedule(seed)` repeats it, of an even
seed exactly; of an odd one, small batches are written two at once, in whatever order comes.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random

import numpy as np
import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.pipeline import extract
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets_tests.faults.faulty import Faults, FaultyEmbedder, FaultySource, FaultyStore
from vector_assets_tests.faults.world import START, Contents, World, expected
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import utc

SCHEDULES = 1_000
SOAK_SCHEDULES = 30_000
BLOCK = 100
SMALL_BATCH_DOCUMENTS = 2

NOW = utc("2026-03-10T06:00")
DAYS = Days(START.date(), NOW.date())


def run_schedule(seed: int) -> Counter[str]:
    """Play one schedule and return the faults that were injected."""
    with pytest.MonkeyPatch.context() as patch:
        if seed % 2:
            patch.setattr(extract, "BATCH_DOCUMENTS", SMALL_BATCH_DOCUMENTS)
        return _played(seed)


def _played(seed: int) -> Counter[str]:
    random = Random(seed)
    world, faults = World(random), Faults(random)
    embedder, store = FaultyEmbedder(faults), FaultyStore(faults)
    store.batches_in_flight = 1 + seed % 2
    source = FaultySource(world, faults)
    pipeline = Pipeline(source=source, target=target_of(store, embedder), meter=Meter())
    for _ in range(random.randint(1, 5)):
        world.change()
        faults.share = random.choice([0.0, 0.05, 0.2, 0.4])
        with suppress(VectorAssetsError):
            write(pipeline.embedded_documents(DAYS, now=NOW))
    faults.share = 0.0
    report = write(pipeline.embedded_documents(DAYS, now=NOW))
    assert report.failures == [], f"seed {seed}"
    contents = {record.id: (record.metadata, record.vector) for record in store.records.values()}
    assert_equal(contents, expected(world.documents, embedder), f"seed {seed}")
    embedder.embedded_texts.clear()
    write(pipeline.embedded_documents(DAYS, now=NOW))
    assert embedder.embedded_texts == [], f"seed {seed}"
    return faults.injected


def assert_equal(contents: Contents, wanted: Contents, label: str) -> None:
    """Check every record: no orphan, none lost, text and metadata as wanted, the right vector."""
    assert sorted(contents) == sorted(wanted), label
    for identity, (metadata, vector) in wanted.items():
        assert dict(contents[identity][0]) == dict(metadata), f"{label}: {identity}"
        np.testing.assert_allclose(
            contents[identity][1], vector, atol=1e-6, err_msg=f"{label}: {identity}"
        )


@pytest.mark.parametrize("first", range(0, SCHEDULES, BLOCK))
def test_after_faults_of_any_kind_one_run_makes_the_index_equal_the_model(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    injected: Counter[str] = Counter()
    for seed in range(first, first + BLOCK):
        injected += run_schedule(seed)
    record_property("faults_injected", injected.total())
    assert injected.total() > BLOCK
    assert {"upsert", "update", "heads", "embed", "listing breaks off"} <= injected.keys()


@pytest.mark.slow
def test_thousands_of_schedules_end_the_same(
    record_property: Callable[[str, object], None],
) -> None:
    injected: Counter[str] = Counter()
    for seed in range(SCHEDULES, SCHEDULES + SOAK_SCHEDULES):
        injected += run_schedule(seed)
    record_property("faults_injected", injected.total())
    assert injected.total() > SOAK_SCHEDULES
