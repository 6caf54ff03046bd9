"""Dagster instances with databases, as a new `DAGSTER_HOME` has them.

To create the three databases takes half a second of a core; they are created once for a process and
copied.
"""

import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import dagster as dg


@cache
def _created() -> str:
    """Return a folder with empty databases, which is deleted when the process ends."""
    folder = mkdtemp(prefix="dagster-home-")
    atexit.register(shutil.rmtree, folder)
    with dg.instance_for_test(temp_dir=folder):
        pass
    return folder


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """Open `dg.instance_for_test` in a new folder, which is `DAGSTER_HOME` meanwhile."""
    with TemporaryDirectory() as folder:
        home = shutil.copytree(_created(), Path(folder) / "home")
        with dg.instance_for_test(temp_dir=str(home)) as instance:
            yield instance
