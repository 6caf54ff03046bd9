"""A real run of Dagster that is killed at each step of its work; one more run completes it.

At no moment does a day count as materialized whose documents are not all there.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from vector_assets.stores.records import ordinal_of
from vector_assets_tests.faults.dagster_runs import DagsterRuns, ended
from vector_assets_tests.faults.gates import PATIENCE_SECONDS, Asked, Gate, Moment, writes_jira
from vector_assets_tests.faults.processes import Runs, Team, embedded, running_runs
from vector_assets_tests.faults.standing import STAND, stands
from vector_assets_tests.faults.versions import (
    assert_days_are_whole,
    assert_each_is_old_or_new,
    by_document,
    unfinished,
    whole,
)
from vector_assets_tests.faults.world import Contents
from vector_assets_tests.support.patience import first_answer

__all__ = ["embedded"]

ISSUES = 130
"""More than two batches."""

Fits = Callable[[Asked], bool]


def begins_batch(asked: Asked) -> bool:
    """Tell whether a request writes heads that name no version yet."""
    return writes_jira(asked, "upsert") and '"document_fingerprint":""' in asked.text


def after_writes(fits: Fits) -> Fits:
    """Return what fits once documents were written."""
    has_written = False

    def is_match(asked: Asked) -> bool:
        nonlocal has_written
        has_written = has_written or writes_jira(asked)
        return has_written and fits(asked)

    return is_match


def reads_days_back(asked: Asked) -> bool:
    """Tell whether a request lists what the index holds of some days, as the check does."""
    return '"partition":{"$in"' in asked.text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands when it is killed.

    Attributes:
        fits: Makes what says of a request whether it is this place.
        is_there: What has to be so of the index then: what it holds, held before, is to hold.
        moment: Before the vendor has seen the request, or after it has done it.
        skip: So many requests that fit come by before.
        has_recorded: Whether Dagster knows of the days by then.
    """

    fits: Callable[[], Fits]
    is_there: Callable[[Contents, Contents, Contents], bool]
    moment: Moment = "before"
    skip: int = 0
    has_recorded: bool = False


def is_untouched(held: Contents, old: Contents, new: Contents) -> bool:
    return whole(held) == whole(old) and held.keys() == old.keys()


def is_in_part(held: Contents, old: Contents, new: Contents) -> bool:
    """Tell whether some documents are new and others have not been begun."""
    names = [
        {
            record[0]["document_fingerprint"]
            for id_, record in contents.items()
            if not ordinal_of(id_)
        }
        for contents in (held, old, new)
    ]
    return bool(names[0] & (names[2] - names[1])) and bool(names[0] & (names[1] - names[2]))


def surplus(held: Contents, new: Contents) -> int:
    """Return how many records are left of longer versions of documents that are being written."""
    after = by_document(new)
    return sum(
        len(records.keys() - after[document_id].keys())
        for document_id, records in by_document(held).items()
        if document_id in unfinished(held)
    )


def has_cut(held: Contents, old: Contents, new: Contents) -> bool:
    """Tell whether a longer version's surplus is gone of a document that is being written."""
    before, now, after = by_document(old), by_document(held), by_document(new)
    return any(
        before[document_id].keys() - after[document_id].keys()
        and not now[document_id].keys() - after[document_id].keys()
        for document_id in unfinished(held) & before.keys()
    )


def is_done(held: Contents, old: Contents, new: Contents) -> bool:
    return held.keys() == new.keys() and whole(held) == whole(new)


PLACES = {
    "before the first read": Place(
        lambda: lambda asked: asked.path.startswith("/jira/rest/api/3/search"), is_untouched
    ),
    "after embedding, before the first write": Place(lambda: writes_jira, is_untouched),
    "after the chunks, before the surplus is deleted": Place(
        lambda: lambda asked: writes_jira(asked, "delete"),
        lambda held, old, new: surplus(held, new) > 0,
    ),
    "after the surplus is deleted, before heads are named": Place(
        lambda: lambda asked: writes_jira(asked, "delete"),
        has_cut,
        "after",
    ),
    "between two batches": Place(lambda: begins_batch, is_in_part, skip=2),
    "after the last write, before the day is recorded": Place(
        lambda: after_writes(lambda asked: "ledger" in asked.path + asked.text), is_done, "after"
    ),
    "after the day is recorded, before it is checked": Place(
        lambda: after_writes(reads_days_back),
        is_done,
        has_recorded=True,
    ),
}  # fmt: skip

FAST = (
    "after the surplus is deleted, before heads are named",
    "between two batches",
    "after the last write, before the day is recorded",
    "after the day is recorded, before it is checked",
)


class Nights:
    """One team's index and its nights, each of which is killed once and then run to its end."""

    def __init__(self, runs: Runs, team: Team, gate: Gate, location: Path | None = None) -> None:
        self.runs, self.team, self.gate = runs, team, gate
        self.dagster = DagsterRuns(runs, location)
        self.figures = {"killed": 0, "paid_twice": 0}
        team.write_issues(ISSUES)
        self.dagster.complete(team)
        self.old = runs.assert_right(team)

    def edit(self) -> None:
        self.team.write_issues(3)
        self.team.edit_issues(0.7)

    def kill_at(self, place: Place) -> None:
        """Edit, start a night, kill it at a place, and have the next one complete it."""
        self.edit()
        self.gate.shut(place.fits(), place.moment, skip=place.skip)
        run_id, process = self.dagster.start(self.team)
        self.gate.wait(process)
        ended(process)
        self.gate.open()
        held, new = self.assert_safe(run_id)
        assert place.is_there(held, self.old, new)
        assert len(self.dagster.days_of(run_id)) == (self._days if place.has_recorded else 0)

    def assert_safe(self, run_id: str) -> tuple[Contents, Contents]:
        """Check what a killed run has left; return what the index holds, and what it is to hold."""
        held, new = self.runs.contents(), self.runs.wanted(self.team)
        assert_each_is_old_or_new(held, self.old, new)
        assert_days_are_whole(self.dagster.days_of(run_id), held, new)
        return held, new

    def complete(self, embedded: Sequence[str]) -> dict[str, int]:
        """Run a night to its end and check all of it; return what was counted so far."""
        first = set(embedded)
        held = {str(metadata["text"]) for metadata, _ in self.runs.contents().values()}
        before = len(embedded)
        run_id = self.dagster.complete(self.team)
        self.old = self.runs.assert_right(self.team)
        assert len(self.dagster.days_of(run_id)) == self._days
        again = set(embedded[before:])
        assert not held & again, "what the index held was paid for again"
        self.figures["killed"] += 1
        self.figures["paid_twice"] += len(first & again)
        return self.figures

    @property
    def _days(self) -> int:
        return (self.team.last - self.team.first).days + 1


@contextmanager
def running_nights(folder: Path, store: str) -> Iterator[Nights]:
    """Yield nights into an index of Pinecone, by one of its APIs."""
    team, gate = Team(Random(11)), Gate()
    with running_runs(team, folder, store, wrap=gate.around) as runs:
        yield Nights(runs, team, gate)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Nights into one index of documents; each test leaves it right."""
    with running_nights(tmp_path_factory.mktemp("nights"), "documents") as running:
        yield running


@pytest.mark.parametrize(
    "place",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in PLACES],
)
def test_a_night_that_is_killed_at_a_step_is_completed_by_the_next(
    nights: Nights, place: str, embedded: list[str],
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    nights.kill_at(PLACES[place])
    record_property("figures", nights.complete(embedded))


@pytest.mark.slow
def test_a_night_that_is_killed_at_any_step_in_an_index_of_vectors_is_completed_by_the_next(
    tmp_path: Path, embedded: list[str], record_property: Callable[[str, object], None]
) -> None:
    with running_nights(tmp_path, "vectors") as nights:
        for place in PLACES.values():
            embedded.clear()
            nights.kill_at(place)
            nights.complete(embedded)
        record_property("figures", nights.figures)


def test_a_night_that_is_killed_while_its_days_are_recorded_is_completed_by_the_next(
    nights: Nights, embedded: list[str], record_property: Callable[[str, object], None]
) -> None:
    """Dagster writes an event to the log of the run, then to what it knows of the asset."""
    nights.edit()
    nights.gate.shut(writes_jira)
    run_id, process = nights.dagster.start(nights.team)
    nights.gate.wait(process)
    with nights.dagster.assets_locked():
        nights.gate.open(goes_on=True)
        assert first_answer(
            lambda: nights.dagster.has_logged_materialization(run_id),
            patience_seconds=PATIENCE_SECONDS,
            pause_seconds=0.01,
            process=process,
        )
        ended(process)
    held, new = nights.assert_safe(run_id)
    assert is_done(held, nights.old, new)
    assert nights.dagster.days_of(run_id) == []
    record_property("figures", nights.complete(embedded))


LOCATION = (
    STAND
    + """
from vector_assets.definitions import build_defs
from vector_assets.index.generations import Index
from vector_assets.orchestration.io_managers import LanceDBIOManager


class Standing(LanceDBIOManager):
    def build_index(self, meter):
        return Index(standing(LanceDBStore(self.uri)))


defs = build_defs(resource_overrides={"vector_index": Standing(uri=os.environ["LANCEDB_URI"])})
"""
)


@pytest.mark.slow
def test_a_night_that_is_killed_at_any_write_to_lancedb_is_completed_by_the_next(
    tmp_path: Path, embedded: list[str], record_property: Callable[[str, object], None]
) -> None:
    """It stands at its first write, then at its second, and so on: inside, before or after it."""
    (tmp_path / "location.py").write_text(LOCATION)
    team = Team(Random(11))
    with running_runs(team, tmp_path, "lancedb") as runs:
        nights = Nights(runs, team, Gate(), tmp_path / "location.py")
        for nth in itertools.count():
            nights.edit()
            embedded.clear()
            run_id, process = nights.dagster.start(
                team, STANDS_AT_WRITE=str(nth), STANDS=("before", "within", "after")[nth % 3]
            )
            if not stands(process, tmp_path):
                break
            ended(process)
            nights.assert_safe(run_id)
            nights.complete(embedded)
    assert nights.figures["killed"] > 8
    record_property("figures", nights.figures)
