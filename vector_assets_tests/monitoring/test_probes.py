"""Probes keep within the vendors' rate limits, whatever vendors answer."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.settings import Settings
from vector_assets.index.generations import Index
from vector_assets.monitoring import probes as probes_module
from vector_assets.monitoring.probes import ERROR_SECONDS, Probes
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.fireflies.source import FirefliesSource
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.fireflies.meetings import FIRST, PATH, meeting

WATCHING_PROCESSES = 2
"""The watcher in `vector-assets serve`, and the sensor in Dagster's daemon."""

FREE_REQUESTS_A_DAY = 50
"""Of a Free or Pro plan (docs.fireflies.ai, "Limits", 2026-11)."""

DAY = timedelta(days=1)
UNAVAILABLE = {"status": 200, "body": {"errors": [{"code": "internal", "message": "no"}]}}
THROTTLED = {"status": 429}


class Day:
    """A day of checks, one per minute, each by a new process."""

    def __init__(self, sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        values = {name.lower(): value for name, value in sandbox.environment.items()}
        self._settings = Settings.model_validate(values)
        self._index = Index(LanceDBStore(str(folder)))
        self._sandbox = sandbox
        self._remembered = ""
        self._now = time.time()
        monkeypatch.setattr(probes_module.time, "time", lambda: self._now)

    def pass_by(self, span: timedelta = DAY) -> int:
        """Check each minute and return how many requests this took."""
        before = len(self._sandbox.faults.log)
        for _ in range(int(span / timedelta(minutes=1))):
            probes = Probes(
                self._settings, self._index, keeps_sources=True, remembered=self._remembered
            )
            self.seen = probes.probe("fireflies")
            self._remembered = probes.remembered
            self._now += 60
        return len(self._sandbox.faults.log) - before

    @property
    def remembered(self) -> dict[str, Any]:
        return json.loads(self._remembered)["fireflies"]


@pytest.fixture
def day(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Day:
    return Day(sandbox, tmp_path, monkeypatch)


def test_a_day_of_watching_costs_fireflies_twelve_requests_of_fifty(
    sandbox: Sandbox, day: Day
) -> None:
    sandbox.workspace.transcripts = [meeting(1)]
    assert WATCHING_PROCESSES * day.pass_by() == 12
    assert day.seen.newest_at_source == FIRST + timedelta(hours=1)
    assert WATCHING_PROCESSES * (DAY / FirefliesSource.newest_every) <= FREE_REQUESTS_A_DAY / 4


@pytest.mark.parametrize(
    "written",
    ["odd", "7", "[]", '{"fireflies": 7}', '{"fireflies": {}}',
     '{"fireflies": {"newest": "soon", "error": "", "until": 9e9}}',
     '{"fireflies": {"newest": "2026-03-02", "error": "", "until": 9e9}}',
     '{"fireflies": {"newest": null, "error": "", "until": "later"}}'],
)  # fmt: skip
def test_what_is_remembered_in_an_odd_way_is_asked_for_again(
    sandbox: Sandbox, day: Day, written: str
) -> None:
    sandbox.workspace.transcripts = [meeting(1)]
    day._remembered = written
    assert day.pass_by(timedelta(minutes=2)) == 1
    assert day.seen.newest_at_source == FIRST + timedelta(hours=1)


def test_a_day_of_errors_costs_no_more_than_half_of_them(sandbox: Sandbox, day: Day) -> None:
    sandbox.faults.fail(PATH, **UNAVAILABLE)
    assert WATCHING_PROCESSES * day.pass_by() <= FREE_REQUESTS_A_DAY / 2
    assert day.seen.source_error.startswith("fireflies did not answer: internal")


def test_a_vendor_that_throttles_is_not_asked_for_its_whole_interval(
    sandbox: Sandbox, day: Day
) -> None:
    sandbox.faults.fail(PATH, **THROTTLED)
    assert WATCHING_PROCESSES * day.pass_by() == 12


def test_a_temporary_error_is_forgotten_within_minutes(sandbox: Sandbox, day: Day) -> None:
    sandbox.workspace.transcripts = [meeting(1)]
    sandbox.faults.fail(PATH, **UNAVAILABLE, times=2)
    assert day.pass_by(timedelta(seconds=ERROR_SECONDS)) == 1
    assert day.pass_by(timedelta(seconds=2 * ERROR_SECONDS)) == 1
    assert day.remembered["errors_in_a_row"] == 2
    assert day.pass_by(timedelta(minutes=1)) == 1
    assert day.seen.source_error == ""
    assert day.remembered["errors_in_a_row"] == 0
