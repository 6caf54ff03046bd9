"""Four processes that sync overlapping days at once: after each round the index is right.

No further run mends anything: what all four leave together has to be right by itself.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from vector_assets_tests.faults.processes import DAYS, Team, running_runs

ISSUES = 60
ROUNDS = 2
SOAK_ROUNDS = 10

RANGES = ((0, DAYS - 1), (0, DAYS // 2), (DAYS // 2 - 2, DAYS - 1), (1, DAYS - 2))
"""First and last day of each process; all days are among them, most in all four."""


def play(folder: Path, store: str, rounds: int) -> dict[str, int]:
    """Let four processes run at once after edits, so many times; return what was counted."""
    team = Team(Random(rounds))
    team.write_issues(ISSUES)
    figures = {"rounds": 0, "chunks": 0, "lost": 0, "doubled": 0, "orphaned": 0}
    with running_runs(team, folder, store) as runs:
        for _ in range(rounds):
            processes = [
                runs.start(team.first + timedelta(days=a), team.first + timedelta(days=b))
                for a, b in RANGES
            ]
            ends = [
                (process.communicate(timeout=240)[1][-900:], process.returncode)
                for process in processes
            ]
            assert [code for _, code in ends] == [0] * len(RANGES), ends
            figures["rounds"] += 1
            figures["chunks"] += len(runs.assert_right(team))
            team.write_issues(5)
            team.edit_issues(0.5)
    return figures


def test_four_processes_at_once_leave_the_index_right(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("figures", play(tmp_path, "lancedb", ROUNDS))


@pytest.mark.slow
@pytest.mark.parametrize("store", ["lancedb", "documents", "vectors"])
def test_four_processes_at_once_leave_the_index_right_ten_times(
    tmp_path: Path, store: str, record_property: Callable[[str, object], None]
) -> None:
    record_property("figures", play(tmp_path, store, SOAK_ROUNDS))
