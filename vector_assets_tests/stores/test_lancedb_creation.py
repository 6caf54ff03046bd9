"""Processes that create one table of LanceDB at the same moment, as sources of a new index do."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from vector_assets.core.errors import VectorAssetsError
from vector_assets.stores.lancedb.store import LanceDBStore

PROCESSES, TABLES = 4, 60
"""Of 60 tables some four failed before creations were repeated."""


def test_a_table_can_be_created_by_several_processes_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    folders = [str(tmp_path / str(number)) for number in range(TABLES)]
    barrier, errors = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=create, args=(folders, barrier, errors)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    ends = [errors.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(60)
    assert [error for each in ends for error in each] == []
    assert [process.exitcode for process in processes] == [0] * PROCESSES


def create(folders: Sequence[str], barrier: Barrier, errors: "Queue[list[str]]") -> None:
    """Create a table in each folder at the moment when the others do; report what failed."""
    failed = []
    for folder in folders:
        store = LanceDBStore(folder)
        barrier.wait(60)
        try:
            store.open("ledger", 2)
        except VectorAssetsError as error:
            failed.append(repr(error))
    errors.put(failed)
