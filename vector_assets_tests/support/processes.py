"""Functions that run at the same moment, each in a process of its own."""

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any

from vector_assets_tests.support.patience import PATIENCE_SECONDS

CONTEXT = multiprocessing.get_context("spawn")
"""New interpreters: threads of libraries do not survive a fork."""


def run_at_once(function: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> None:
    """Call a function in as many processes as there are arguments, and fail unless all end well."""
    # Not a pool: when it ends, it may start a worker anew that nobody stops.
    processes = [
        CONTEXT.Process(target=function, args=process_arguments) for process_arguments in arguments
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_SECONDS)
    assert [process.exitcode for process in processes] == [0] * len(processes)
