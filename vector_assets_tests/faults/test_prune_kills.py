"""A real prune that is killed at each of its steps; a sync and another prune make the index right.

Nothing is deleted, at any moment, but what is gone at the source.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.maintenance.prune.prune import prune_source
from vector_assets.pipeline.sync import sync_source
from vector_assets_tests.faults.dagster_runs import ended
from vector_assets_tests.faults.gates import Gate, Moment, writes_jira
from vector_assets_tests.faults.processes import Runs, Team, kill_one, running_runs
from vector_assets_tests.faults.seams import Moment as SeamMoment
from vector_assets_tests.faults.standing import STAND, stands
from vector_assets_tests.faults.versions import assert_only_gone_are_touched, by_document, whole

ISSUES = 120
GONE_SHARE = 0.3

SOAK_ISSUES = 400
"""Of which more than a batch of a prune is gone."""

SOAK_KILLS = {"lancedb": 20, "documents": 15, "vectors": 15}

PRUNE = ("prune", "jira", "--max-share", "0.9")

CODE = "from vector_assets.cli.main import main; main()"

STANDING_CODE = (
    STAND
    + """
from vector_assets.maintenance.prune import prune
from vector_assets.index.generations import Index

prune.build_index = lambda settings, meter: Index(standing(LanceDBStore(settings.lancedb_uri)))
"""
    + CODE
)


@dataclass(frozen=True, slots=True)
class Left:
    """What there is at some moment of the documents that are gone at the source.

    Attributes:
        documents: How many have a record yet.
        named: How many name a version yet.
        chunks: How many records there are that are no heads.
    """

    documents: int
    named: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a prune stands when it is killed.

    Attributes:
        verb: Of the write.
        moment: Before the vendor has seen it, or after it has done it.
        skip: So many writes of this verb come by before.
        is_there: What has to be so then, by what was there before.
    """

    verb: str
    moment: Moment
    skip: int
    is_there: Callable[[Left, Left], bool]


PLACES = {
    "before a head loses its name": Place("update", "before", 0, lambda now, old: now == old),
    "after heads lost their names": Place(
        "update", "after", 0, lambda now, old: now.named < old.named and now.chunks == old.chunks
    ),
    "before the chunks are deleted": Place(
        "delete", "before", 0, lambda now, old: now.named == 0 and now.chunks == old.chunks
    ),
    "after the chunks are deleted": Place(
        "delete", "after", 0, lambda now, old: now == Left(old.documents, 0, 0)
    ),
    "before the heads are deleted": Place(
        "delete", "before", 1, lambda now, old: now == Left(old.documents, 0, 0)
    ),
    "after the heads are deleted": Place(
        "delete", "after", 1, lambda now, old: now == Left(0, 0, 0)
    ),
}


class Prunes:
    """One team's index, from which people delete, and prunes of it that are killed."""

    def __init__(self, runs: Runs, team: Team, issues: int) -> None:
        self.runs, self.team, self._issues = runs, team, issues
        self.figures = {"killed": 0, "gone": 0, "touched": 0, "came_back": 0}
        self._fill()

    def start(self, code: str = CODE, **environment: str) -> Any:
        return self.runs.start_code(code, *PRUNE, **environment)

    def delete(self) -> None:
        """Have people delete a part of what the index holds."""
        self._gone = self.team.delete_issues(GONE_SHARE)
        self._gone_ids = {f"jira:{issue['id']}" for issue in self._gone}

    def left(self) -> Left:
        """Count what there is of what is gone, and check that nothing else was touched."""
        held = self.runs.contents()
        assert_only_gone_are_touched(held, self.old, self._gone_ids)
        gone = {
            document_id: records
            for document_id, records in by_document(held).items()
            if document_id in self._gone_ids
        }
        records = sum(map(len, gone.values()))
        return Left(len(gone), len(gone.keys() & whole(held)), records - len(gone))

    def mend(self, *, was_killed: bool = True) -> None:
        """Let some come back, sync, prune, and check all of it."""
        left = self.left()
        back = [issue for issue in self._gone if self.team.random.random() < 0.5]
        self.team.workspace.issues += back
        self._sync()
        held, wanted = self.runs.contents(), by_document(self.runs.wanted(self.team))
        assert wanted.keys() <= whole(held), "what came back is whole after one sync"
        self._prune()
        self.runs.assert_right(self.team)
        self.figures["killed"] += was_killed
        self.figures["gone"] += len(self._gone)
        self.figures["touched"] += len(self._gone) - left.named
        self.figures["came_back"] += len(back)
        self._fill()

    def _fill(self) -> None:
        self.team.write_issues(self._issues - len(self.team.workspace.issues))
        self._sync()
        self.old = self.runs.assert_right(self.team)

    def _sync(self) -> None:
        sync_source("jira", Days(self.team.first, self.team.last), self.runs.settings)

    def _prune(self) -> None:
        assert prune_source("jira", self.runs.settings, max_share=0.9).refusals == []


@contextmanager
def running_prunes(
    folder: Path, store: str, gate: Gate | None = None, issues: int = ISSUES
) -> Iterator[Prunes]:
    """Yield prunes of one index, whose next one is to find something gone."""
    team = Team(Random(5))
    with running_runs(team, folder, store, wrap=(gate or Gate()).around) as runs:
        yield Prunes(runs, team, issues)


def kill_at(prunes: Prunes, gate: Gate, place: Place) -> None:
    prunes.delete()
    before = prunes.left()
    gate.shut(lambda asked: writes_jira(asked, place.verb), place.moment, skip=place.skip)
    process = prunes.start()
    gate.wait(process)
    ended(process)
    gate.open()
    assert place.is_there(prunes.left(), before)
    prunes.mend()


@pytest.mark.parametrize("store", ["documents", pytest.param("vectors", marks=pytest.mark.slow)])
def test_a_prune_that_is_killed_at_any_step_in_pinecone_is_completed(
    tmp_path: Path, store: str, record_property: Callable[[str, object], None]
) -> None:
    gate = Gate()
    with running_prunes(tmp_path, store, gate) as prunes:
        for place in PLACES.values():
            kill_at(prunes, gate, place)
        record_property("figures", prunes.figures)


WRITES: list[tuple[int, SeamMoment]] = [
    (0, "within"),
    (1, "before"),
    (1, "within"),
    (2, "before"),
    (2, "within"),
]
"""Of a prune's writes to LanceDB: the first takes the names, the third deletes the heads."""


def test_a_prune_that_is_killed_at_any_write_to_lancedb_is_completed(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with running_prunes(tmp_path, "lancedb") as prunes:
        for nth, moment in WRITES:
            prunes.delete()
            process = prunes.start(STANDING_CODE, STANDS_AT_WRITE=str(nth), STANDS=moment)
            assert stands(process, tmp_path)
            ended(process)
            prunes.mend()
        record_property("figures", prunes.figures)


@pytest.mark.slow
@pytest.mark.parametrize("store", SOAK_KILLS)
def test_after_fifty_kills_of_a_prune_at_any_moment_the_index_is_completed(
    tmp_path: Path, store: str, record_property: Callable[[str, object], None]
) -> None:
    random = Random(SOAK_KILLS[store])
    with running_prunes(tmp_path, store, issues=SOAK_ISSUES) as prunes:
        prunes.delete()
        before = len(prunes.runs.log)
        process = prunes.start()
        assert process.wait(240) == 0
        requests = len(prunes.runs.log) - before
        prunes.mend(was_killed=False)
        while prunes.figures["killed"] < SOAK_KILLS[store]:
            prunes.delete()
            was_killed = kill_one(prunes.runs.log, prunes.start, random, requests)
            prunes.mend(was_killed=was_killed)
        record_property("figures", prunes.figures)
