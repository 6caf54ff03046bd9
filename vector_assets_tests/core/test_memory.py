"""What a process does with its memory, seen in a process of its own."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vector_assets.core.memory import collecting_later
from vector_assets.sandbox.server import Sandbox

_RUN = """
import gc, json, weakref
from datetime import UTC, datetime

from vector_assets.core.days import Days
from vector_assets.core.settings import load_settings
from vector_assets.pipeline.sync import sync_source

class Thing:
    pass

thing = Thing()
seen = weakref.ref(thing)
report = sync_source("files", Days.newest(1, datetime.now(UTC)), load_settings())
searched = len(gc.get_objects())
del thing
print(json.dumps([report.total.documents, gc.get_freeze_count(), searched, seen() is None]))
"""


def test_a_run_searches_for_garbage_only_among_what_came_after_its_start(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "one.md").write_text("# One")
    environment = {
        **os.environ,
        **sandbox.environment,
        "FILES_PATH": str(tmp_path),
        "VECTOR_STORE": "lancedb",
        "EMBEDDING_PROVIDER": "openai",
        "LANCEDB_URI": str(tmp_path / "index"),
    }
    ran = subprocess.run(
        [sys.executable, "-c", _RUN], env=environment, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    documents, frozen, searched, is_freed = json.loads(ran.stdout.splitlines()[-1])
    assert documents == 1
    assert frozen > 4 * searched
    assert is_freed, "what nothing refers to any more has to be freed, though it was frozen"


@pytest.mark.parametrize("was_enabled", [True, False])
def test_collections_are_put_off_while_libraries_are_imported(was_enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if was_enabled else gc.disable)()
    try:
        with collecting_later():
            assert not gc.isenabled()
        assert gc.isenabled() == was_enabled
    finally:
        (gc.enable if before else gc.disable)()
