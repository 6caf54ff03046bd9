"""Memory stays flat however long a source is: a hundred thousand documents in one run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENTS = 100_000

MAX_GROWTH_MIB = 100
"""What the caches of the index may still take after its first half filled them."""


@pytest.mark.slow
@pytest.mark.timeout(3_000)
def test_the_last_fifty_thousand_documents_need_no_more_memory_than_the_first(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vector_assets_tests.soak", str(tmp_path), str(DOCUMENTS)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    half = [mib for documents, mib in steps if documents <= DOCUMENTS // 2]
    rest = [mib for documents, mib in steps if documents > DOCUMENTS // 2]
    assert steps[-1][0] >= DOCUMENTS
    assert len(half) >= 8
    assert max(rest) - max(half) <= MAX_GROWTH_MIB, steps
