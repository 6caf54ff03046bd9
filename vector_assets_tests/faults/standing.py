"""Code of a process that stands still at the n-th write to LanceDB, which no gate can stop."""

import subprocess
from pathlib import Path
from typing import Any

from vector_assets_tests.support.patience import first_answer

STAND = """
import os, time
from pathlib import Path

from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.faults.seams import Seam


def stand():
    Path("stands").touch()
    time.sleep(3600)


def standing(store):
    nth, moment = int(os.environ["STANDS_AT_WRITE"]), os.environ["STANDS"]
    return Seam(store, nth, moment, stand, is_of_writes=True)
"""


def stands(process: "subprocess.Popen[Any]", folder: Path) -> bool:
    """Return whether a process has come to its write, once it has or has ended without.

    Args:
        process: Runs the code above in a folder.
        folder: This one.
    """
    mark = folder / "stands"
    was_there = first_answer(mark.exists, pause_seconds=0.01, process=process)
    mark.unlink(missing_ok=True)
    return bool(was_there)
