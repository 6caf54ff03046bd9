"""Nights of Fireflies through its asset: what is asked, what a run says, and what comes late."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.days import Days, start_of_day
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.orchestration.schedules import days_due
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.orchestration.parts import Location, check_of, failure_text, plain
from vector_assets_tests.sources.fireflies.meetings import PATH, epoch_ms, meeting, sentence

KEY = asset_key("fireflies")
DAY = timedelta(days=1)


class Nights:
    """Runs of the asset over a sandbox, an index, and what Dagster has recorded."""

    def __init__(self, sandbox: Sandbox, folder: Path, instance: dg.DagsterInstance) -> None:
        values = {name.lower(): value for name, value in sandbox.environment.items()}
        self._settings = Settings.model_validate(values)
        self._location = Location(folder, instance)
        self._instance = instance
        self.today = start_of_day(datetime.now(UTC).date())

    @property
    def yesterday(self) -> date:
        return self.today.date() - DAY

    def run(self, first: date, last: date | None = None) -> dg.ExecuteInProcessResult:
        days = Days(first, last or first)
        return self._location.run_with(days, self._settings, selection=[KEY])

    def recorded(self) -> dict[str, Mapping[str, Any]]:
        """Return the newest metadata of each day."""
        events = self._instance.fetch_materializations(KEY, limit=1000, ascending=True).records
        return {
            str(done.partition): {name: plain(value) for name, value in done.metadata.items()}
            for event in events
            if (done := event.asset_materialization) is not None
        }

    def due_tomorrow(self) -> list[date]:
        """Return the days that the next night will ask for, of the last two weeks and today."""
        today = self.today.date()
        done = sorted(date.fromisoformat(day) for day in self.recorded())
        return days_due(
            self._instance, KEY, [day for day in [*done, today] if day > today - 14 * DAY]
        )

    def indexed(self) -> set[str]:
        return {name for name, _ in LanceDBStore(self._location.uri).documents("fireflies")}

    def found_by(self, viewer: str) -> set[str]:
        """Return the documents of all records that a reader may find."""
        store = LanceDBStore(self._location.uri)
        hits = store.lookup("fireflies", where=Filter(viewer=viewer), limit=10_000)
        return {str(hit.metadata["document_id"]) for hit in hits}


@pytest.fixture
def nights(sandbox: Sandbox, tmp_path: Path) -> Iterator[Nights]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Nights(sandbox, tmp_path, instance)


def test_a_night_says_how_many_requests_it_used_and_a_free_plan_has_enough(
    sandbox: Sandbox, nights: Nights
) -> None:
    began = nights.today - DAY
    sandbox.workspace.transcripts = [
        meeting(n, date=epoch_ms(began + n * timedelta(minutes=10))) for n in range(120)
    ]
    assert nights.run(nights.yesterday).success
    said = nights.recorded()[str(nights.yesterday)]
    assert said["run_requests_by_endpoint"] == {"fireflies transcripts": 3}
    assert said["run_requests"] == sandbox.faults.requests()[f"POST {PATH}"] == 3
    assert said["documents"] == 120


def test_a_meeting_that_is_no_longer_shared_leaves_its_old_readers_the_next_night(
    sandbox: Sandbox, nights: Nights
) -> None:
    old = nights.today - 60 * DAY
    sandbox.workspace.transcripts = [
        meeting(n, date=epoch_ms(old + n * timedelta(minutes=10)), privacy="teammates")
        for n in range(60)
    ]
    assert nights.run(old.date(), nights.yesterday).success
    assert len(nights.found_by("")) == 60
    shared = sandbox.workspace.transcripts[7]
    shared |= {"privacy": "participants", "participants": ["ann@example.com", "bo@example.com"]}
    sandbox.faults.clear()
    assert nights.run(nights.yesterday).success
    name = f"fireflies:{shared['id']}"
    assert nights.found_by("") == nights.indexed() - {name}
    assert name in nights.found_by("bo@example.com")
    # The night's own, the older ones by 49, and the page of the one that changed.
    assert sandbox.faults.requests()[f"POST {PATH}"] == 1 + 2 + 1

    shared["participants"] = ["ann@example.com"]
    assert nights.run(nights.yesterday).success
    assert name not in nights.found_by("bo@example.com")
    assert name in nights.found_by("ann@example.com")
    sandbox.faults.clear()
    assert nights.run(nights.yesterday).success
    assert sandbox.faults.requests()[f"POST {PATH}"] == 1 + 2


def test_a_day_without_requests_left_says_that_older_readers_were_not_compared(
    sandbox: Sandbox, nights: Nights
) -> None:
    old = nights.today - 60 * DAY
    sandbox.workspace.transcripts = [meeting(1, date=epoch_ms(old))]
    assert nights.run(old.date()).success
    spent = {"data": None, "errors": [{"code": "too_many_requests", "message": "tomorrow"}]}
    sandbox.faults.fail(PATH, contains="query Readers", status=200, body=spent)
    assert nights.run(nights.yesterday).success
    said = str(nights.recorded()[str(nights.yesterday)])
    assert "changes of who may read older meetings" in said


def test_a_transcript_that_never_came_in_time_is_asked_for_until_it_is_there(
    sandbox: Sandbox, nights: Nights
) -> None:
    # In the window of yesterday's night, and not in that of the next.
    late = meeting(1, date=epoch_ms(nights.today - timedelta(hours=60)), sentences=None)
    sandbox.workspace.transcripts = [late]
    result = nights.run(nights.yesterday)
    assert result.success
    check = check_of(result)
    assert not check.passed
    [row] = plain(check.metadata["failures"])
    assert row["document"] == "fireflies:meeting-1"
    assert nights.indexed() == set()
    assert nights.due_tomorrow() == [nights.yesterday, nights.today.date()]

    late["sentences"] = [sentence(0, "Better late than never.")]
    assert check_of(nights.run(nights.yesterday)).passed
    assert nights.indexed() == {"fireflies:meeting-1"}
    assert nights.due_tomorrow() == [nights.today.date()]


def test_what_waits_is_counted_under_its_day_and_fails_nothing(
    sandbox: Sandbox, nights: Nights
) -> None:
    waiting = meeting(1, date=epoch_ms(nights.today - timedelta(hours=2)), sentences=None)
    sandbox.workspace.transcripts = [waiting]
    result = nights.run(nights.yesterday)
    assert check_of(result).passed
    said = nights.recorded()[str(nights.yesterday)]
    assert (said["documents"], said["deferred_documents"]) == (0, 1)


def test_a_backfill_beyond_the_days_requests_goes_on_from_there_the_next_time(
    sandbox: Sandbox, nights: Nights
) -> None:
    first = nights.today - 90 * DAY
    sandbox.workspace.transcripts = [
        meeting(n, date=epoch_ms(first + n * DAY), sentences=[]) for n in range(90)
    ]
    spent = {"data": None, "errors": [{"code": "too_many_requests", "message": "tomorrow"}]}
    sandbox.faults.fail(PATH, status=200, body=spent, skip=2)
    result = nights.run(first.date(), nights.yesterday)
    assert failure_text(result).startswith("fireflies is rate limited")
    done = sorted(nights.recorded())
    assert done[-1] == str(nights.yesterday)
    assert 57 <= len(done) <= 60, "two slices of thirty days, from this moment back"

    sandbox.faults.clear()
    rest = date.fromisoformat(done[0]) - DAY
    assert nights.run(first.date(), rest).success
    assert len(nights.recorded()) == 90
    assert len(nights.indexed()) == 90
