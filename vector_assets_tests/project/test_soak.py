"""Memory stays flat however long a source is: a hundred thousand documents in one run."""

import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

DOCUMENTS = 100_000

MAX_GROWTH_MIB = 25
"""What the last half may add while the index is not maintained, for all of it together: 0.5 KiB a
document, less than the text of one."""

MAX_INDEX_MIB = 200
"""What it may add in all. Maintaining builds the indexes of the whole table in memory, which grows
with the table and not with the run: 1.2 MiB for each thousand of these documents, when measured."""


@pytest.mark.slow
@pytest.mark.timeout(3_000)
def test_the_second_fifty_thousand_documents_take_no_more_memory_than_the_first(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vector_assets_tests.support.soak", str(tmp_path), str(DOCUMENTS)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert steps[-1][0] >= DOCUMENTS
    middle = next(n for n, step in enumerate(steps) if step[0] > DOCUMENTS // 2)
    assert middle >= 40
    first, last = steps[:middle], steps[middle - 1 :]
    assert max(step[1] for step in last) - max(step[1] for step in first) <= MAX_INDEX_MIB
    assert idle_growth_mib(last) <= MAX_GROWTH_MIB, steps


def idle_growth_mib(steps: list[list[float]]) -> float:
    """Return what was added between one maintenance and the next, from a step after it on.

    Args:
        steps: Documents, MiB and maintenances so far.
    """
    spans = [[step[1] for step in span] for _, span in groupby(steps, key=lambda step: step[2])]
    # The step of the maintenance itself still holds what it is about to give back.
    return sum(max(0.0, span[-1] - span[1]) for span in spans if len(span) > 1)
