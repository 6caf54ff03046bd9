"""Whether the day of a document was read."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from vector_assets.core.days import Days, complete_days
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.monitoring.cron import overdue
from vector_assets.monitoring.dagster_state.state import AssetHistory, DagsterState
from vector_assets.monitoring.verdict import RUN_TAKES
from vector_assets.monitoring.why.answer import Cause, Finding
from vector_assets.pipeline.resume import loaded_days
from vector_assets.stores.base import VectorStore

EARLIER_DAYS = 366
"""How many days before a document's are looked at for anything in the index."""

Observe = Callable[[], DagsterState | None]
"""Returns Dagster's state, None where there is no Dagster."""


class DaysRead:
    """Which days of a source are in the index, by Dagster's records or else by the index."""

    def __init__(
        self, source: str, settings: Settings, store: VectorStore, ledger: Ledger, now: datetime
    ) -> None:
        self._source = source
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._now = now

    def lost(self, updated_at: datetime, state: DagsterState | None) -> Finding | None:
        """Return why a document of this last activity was not read; None when its day was."""
        day = updated_at.date()
        first_day = self._settings.first_day
        if day < first_day:
            return self._too_old(day, f"no day before {first_day} (PARTITIONS_START) is read")
        history = state.assets.get(self._source) if state else None
        if history and any(day in run.days for run in history.active_runs):
            return self._not_yet(updated_at, "a run that reads its day is under way")
        if history and history.days:
            return self._lost_by_records(updated_at, history)
        return self._lost_by_index(updated_at)

    def _lost_by_records(self, updated_at: datetime, history: AssetHistory) -> Finding | None:
        day = updated_at.date()
        last_run_at = max((record.recorded_at for record in history.recent), default=None)
        if last_run_at is not None and updated_at > last_run_at:
            return self._not_yet(updated_at, f"the last run ended {_at(last_run_at)}")
        if day in history.days:
            return None
        if day < min(history.days):
            return self._too_old(day, f"the first day ever read is {min(history.days)}")
        if not self._is_due(day):
            return self._not_yet(updated_at, "the nightly run of its day is not due yet")
        return self._day_missing(day, "is not done: its run failed, or was never started")

    def _lost_by_index(self, updated_at: datetime) -> Finding | None:
        """Judge by the documents in the index, where Dagster has no records of the source."""
        day = updated_at.date()
        watermark = self._store.watermark(self._source)
        if watermark is None:
            return self._day_missing(
                day, f"was not read: the index holds nothing of {self._source}"
            )
        loaded = loaded_days(self._ledger, self._source)
        if loaded and not any(span.first <= day <= span.last for span in loaded):
            return self._day_missing(day, "was not read: a load of many days is not finished")
        if updated_at > watermark:
            return self._not_yet(
                updated_at, f"the newest that the index knows of {self._source} is {_at(watermark)}"
            )
        if self._holds(Days(day, day)):
            return None
        if self._holds(Days(day - timedelta(days=EARLIER_DAYS), day)):
            return self._day_missing(day, "was not read: the index holds nothing of it")
        return self._too_old(day, f"the index holds nothing of {self._source} that is as old")

    def _holds(self, days: Days) -> bool:
        return next(iter(self._store.documents(self._source, list(days))), None) is not None

    def _is_due(self, day: date) -> bool:
        if day not in complete_days(self._now, 1) and day >= self._now.date():
            return False
        return day in overdue(self._settings.nightly_cron, [day], self._now, RUN_TAKES)

    def _not_yet(self, updated_at: datetime, reason: str) -> Finding:
        return Finding(
            Cause.NOT_YET_READ,
            f"It is newer than what was read: its last activity was {_at(updated_at)}, and "
            f"{reason}.",
            f"Wait for the next nightly run, or run `vector-assets sync {self._source}`.",
        )

    def _too_old(self, day: date, reason: str) -> Finding:
        return Finding(
            Cause.TOO_OLD,
            f"It is older than what was read: its last activity was on {day}, and {reason}.",
            f"Read its day: {self._sync(day)}. Set PARTITIONS_START to {day} or earlier if runs in "
            f"Dagster shall read days as old.",
        )

    def _day_missing(self, day: date, reason: str) -> Finding:
        return Finding(
            Cause.DAY_MISSING,
            f"The day of its last activity, {day}, {reason}.",
            f"Read it: {self._sync(day)}, or materialize that day in Dagster.",
        )

    def _sync(self, day: date) -> str:
        return f"`vector-assets sync {self._source} --from {day} --to {day}`"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
