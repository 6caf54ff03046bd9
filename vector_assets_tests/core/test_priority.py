"""Bulk work gives way to searches on the same machine: what it starts, and what it is."""

import os
import subprocess
import sys

import pytest

from vector_assets.core.priority import BULK_NICENESS, give_way

pytestmark = pytest.mark.skipif(not hasattr(os, "setpriority"), reason="needs priorities")

ENTRY = """
import os, sys
from vector_assets.cli import main
main.app.main = lambda **_: print(os.getpriority(os.PRIO_PROCESS, 0))
main.main()
"""


def _niceness_of(*command: str) -> int:
    """Return the niceness that a command of ours runs with."""
    return int(subprocess.check_output([sys.executable, "-c", ENTRY, *command], text=True))


@pytest.mark.parametrize("command", ["sync", "reindex"])
def test_a_bulk_command_gives_way(command: str) -> None:
    assert _niceness_of(command, "--help") == max(BULK_NICENESS, _own())


@pytest.mark.parametrize("command", [("find", "sync"), ("serve",), ("status",)])
def test_others_keep_their_priority(command: tuple[str, ...]) -> None:
    assert _niceness_of(*command) == _own()


def test_a_process_that_has_ended_is_passed_over() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    give_way(process.pid)
    assert process.returncode == 0


def _own() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)
