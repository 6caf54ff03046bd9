"""A real sync process that is killed at random moments; the next run makes the index whole."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from vector_assets.pipeline.extract import BATCH_DOCUMENTS
from vector_assets.pipeline.stream import BATCHES_IN_FLIGHT
from vector_assets.stores.pinecone.store import PineconeStore
from vector_assets_tests.faults.processes import (
    PARAGRAPHS,
    Runs,
    Team,
    embedded,
    kill_one,
    running_runs,
)

__all__ = ["embedded"]

ISSUES = 160
KILLS = {"lancedb": 3}
SOAK_KILLS = {"lancedb": 30, "documents": 12, "vectors": 8}

IN_FLIGHT_BATCHES = BATCHES_IN_FLIGHT + 1 + PineconeStore.batches_in_flight
IN_FLIGHT_CHUNKS = IN_FLIGHT_BATCHES * BATCH_DOCUMENTS * max(PARAGRAPHS)
"""Most chunks that are embedded and not written: batches that wait, one that is handed over, and
those that are being written."""


def kill_and_repair(
    runs: Runs, team: Team, kills: int, random: Random, embedded: list[str]
) -> dict[str, int]:
    """Kill runs, each after edits; after each kill one run must make the index right.

    Of what the index held when the process died, nothing may be embedded again.
    """
    team.write_issues(ISSUES)
    code, said = runs.run(team.first, team.last)
    assert code == 0, said
    requests = len(runs.log)
    figures = {"killed": 0, "chunks": 0, "paid_twice": 0}
    while figures["killed"] < kills:
        team.edit_issues(0.5)
        embedded.clear()
        has_died = kill_one(runs.log, lambda: runs.start(team.first, team.last), random, requests)
        held = {str(metadata["text"]) for metadata, _ in runs.contents().values()}
        first = list(embedded)
        code, said = runs.run(team.first, team.last)
        assert code == 0, said
        runs.assert_right(team)
        again = embedded[len(first) :]
        assert not held & set(again), "what the index held was paid for again"
        assert len(set(first)) == len(first)
        assert len(set(again)) == len(again)
        twice = len(set(first) & set(again))
        assert twice <= IN_FLIGHT_CHUNKS
        figures["killed"] += has_died
        figures["chunks"] += len(set(embedded))
        figures["paid_twice"] += twice
    return figures


def play(folder: Path, store: str, kills: int, embedded: list[str]) -> dict[str, int]:
    random = Random(kills)
    team = Team(random)
    with running_runs(team, folder, store) as runs:
        return kill_and_repair(runs, team, kills, random, embedded)


@pytest.mark.parametrize("store", KILLS)
def test_after_a_kill_at_any_moment_one_run_makes_the_index_right(
    tmp_path: Path,
    embedded: list[str],
    store: str,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("kills", play(tmp_path, store, KILLS[store], embedded))


@pytest.mark.slow
@pytest.mark.parametrize("store", SOAK_KILLS)
def test_after_fifty_kills_at_any_moment_one_run_makes_the_index_right(
    tmp_path: Path,
    embedded: list[str],
    store: str,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("kills", play(tmp_path, store, SOAK_KILLS[store], embedded))
