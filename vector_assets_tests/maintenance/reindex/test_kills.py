"""A real reindex that is killed at random moments, again and again: it goes on where it stopped."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from vector_assets.sandbox.server import running_sandbox
from vector_assets.stores.base import IndexStore
from vector_assets_tests.faults.processes import kill_one
from vector_assets_tests.maintenance.reindex.places import contents
from vector_assets_tests.maintenance.reindex.test_processes import (
    IN_FLIGHT_CHUNKS,
    ISSUES,
    Machine,
    embedded,
    workspace,
)

__all__ = ["embedded"]

KILLS = 15

KILLS_OF_ONE = 3
"""Before a reindex is let go on to its end; the next one goes to another length of vectors."""

LENGTHS = (32, 64)


@pytest.fixture(params=["lancedb", "pinecone"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """One without a check of contracts: what a killed process has half sent fits none."""
    with running_sandbox(workspace(ISSUES)) as served:
        yield Machine(served, tmp_path, request.param)


def records(store: IndexStore) -> dict[str, Any]:
    """Return each record of an index with its vector."""
    metadata_by_id = contents(store)
    held = {record.id: record.vector for record in store.fetch("jira", list(metadata_by_id))}
    assert held.keys() == metadata_by_id.keys()
    return {chunk_id: (metadata, held[chunk_id]) for chunk_id, metadata in metadata_by_id.items()}


def assert_same(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    assert actual.keys() == expected.keys()
    for identity, (metadata, vector) in actual.items():
        assert metadata == expected[identity][0]
        np.testing.assert_array_equal(vector, expected[identity][1])


@pytest.mark.slow
def test_a_reindex_that_is_killed_at_any_moment_leaves_the_live_index_and_goes_on(
    machine: Machine, embedded: list[int], record_property: Callable[[str, object], None]
) -> None:
    random = Random(KILLS)
    assert machine.run("sync", "jira")[0] == 0
    figures = {"killed": 0, "switched_before": 0, "embedded": 0, "chunks": 0}
    log = machine.served.faults.log
    before = len(log)
    assert machine.run("reindex", EMBEDDING_DIMENSIONS="48")[0] == 0
    requests = len(log) - before
    campaign = 0
    while figures["killed"] < KILLS:
        wanted = {"EMBEDDING_DIMENSIONS": str(LENGTHS[campaign % 2])}
        campaign += 1
        old, name = records(machine.place().served()), machine.place().live().name
        embedded.clear()
        kills = 0
        while kills < KILLS_OF_ONE:
            if not kill_one(log, lambda: machine.start("reindex", **wanted), random, requests):  # noqa: B023
                break
            kills += 1
            if machine.place().live().name != name:
                figures["switched_before"] += 1
                break
            assert_same(records(machine.place().served()), old)
        code, _, err = machine.run("reindex", **wanted)
        assert code == 0, err
        live = machine.place().live()
        assert live.spec.dimensions == int(wanted["EMBEDDING_DIMENSIONS"])
        new = machine.place().assert_unmixed(machine.place().served(), live.spec)
        assert new.keys() == old.keys()
        of_documents = [length for length in embedded if length == live.spec.dimensions]
        assert len(of_documents) <= len(new) + (kills + 1) * IN_FLIGHT_CHUNKS
        assert machine.run("reindex", "--drop-old", **wanted)[0] == 0
        assert len(contents(machine.place().served())) == len(new)
        figures["killed"] += kills
        figures["embedded"] += len(of_documents)
        figures["chunks"] += len(new)
    record_property("figures", figures)
