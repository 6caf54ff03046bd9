"""A run that stands still in the middle of a batch while a newer one begins and ends.

No order of writes keeps Pinecone from taking what the older one writes then. What stands afterwards
is a whole version of each document, and whichever run lists the document next brings the newer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from vector_assets.core.days import Days
from vector_assets.pipeline.sync import sync_source
from vector_assets_tests.faults.gates import Gate, writes_jira
from vector_assets_tests.faults.processes import Team, running_runs
from vector_assets_tests.faults.versions import assert_each_is_old_or_new, by_document, whole
from vector_assets_tests.support.patience import PATIENCE_SECONDS

ISSUES = 40
"""Less than a batch."""


@dataclass(frozen=True, slots=True)
class Place:
    """A write before which the older run stands: the n-th of a verb."""

    verb: str
    nth: int


PLACES = {
    "before it takes names": Place("upsert", 0),
    "before it writes chunks": Place("upsert", 1),
    "before it deletes the surplus": Place("delete", 0),
    "before it gives names": Place("upsert", 2),
}


@pytest.mark.parametrize("store", ["documents", pytest.param("vectors", marks=pytest.mark.slow)])
def test_what_a_run_overwrites_that_was_held_in_a_batch_is_whole_and_the_next_run_mends_it(
    tmp_path: Path, store: str, record_property: Callable[[str, object], None]
) -> None:
    team, gate = Team(Random(4)), Gate()
    team.write_issues(ISSUES)
    figures = {"held": 0, "documents": 0, "left_old": 0}
    with running_runs(team, tmp_path, store, wrap=gate.around) as runs:
        days = Days(team.first, team.last)
        sync_source("jira", days, runs.settings)
        for place in PLACES.values():
            team.edit_issues(0.9)
            older = runs.wanted(team)
            gate.shut(lambda asked: writes_jira(asked, place.verb), skip=place.nth)  # noqa: B023
            process = runs.start(team.first, team.last)
            gate.wait(process)
            gate.let_others_pass()
            team.edit_issues(0.9)
            sync_source("jira", days, runs.settings)
            newer = runs.assert_right(team)

            gate.open(goes_on=True)
            _, said = process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 0, said
            held = runs.contents()
            assert_each_is_old_or_new(held, older, newer)
            assert whole(held) == by_document(newer).keys()

            sync_source("jira", days, runs.settings)
            runs.assert_right(team)
            figures["held"] += 1
            figures["documents"] += ISSUES
            figures["left_old"] += sum(
                held[f"{document_id}#0"][0] != newer[f"{document_id}#0"][0]
                for document_id in by_document(newer)
            )
        assert figures["left_old"], "nothing is left old: docs/consistency.md may promise more"
        record_property("figures", figures)
