"""Which days of a run are done, when that is committed, and the budget that may stop a run."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import NoReturn

from vector_assets.core.days import Days, start_of_day
from vector_assets.core.errors import BudgetSpentError
from vector_assets.core.meter import Meter
from vector_assets.pipeline.report import SyncReport

CHECKPOINT_SECONDS = 60.0
"""Between two commits: on Pinecone each waits until what was written can be read."""

OnCommit = Callable[[SyncReport, Sequence[date]], None]
"""Called with the report so far and all days that are finished, oldest first."""


class Budget:
    """What all sources of a run may spend together; safe between threads.

    Calls are compared with the limit before each document, dollars after each batch. What a run
    has read by then it still writes, so that nothing is paid for twice; by that much it goes over.

    Args:
        max_calls: Requests to vendors, embedder and index; None for no limit.
        max_dollars: For embedding; None for no limit.
        max_hours: From now on; None for no limit.
    """

    def __init__(
        self,
        *,
        max_calls: int | None = None,
        max_dollars: float | None = None,
        max_hours: float | None = None,
    ) -> None:
        self._max_calls = max_calls
        self._max_dollars = max_dollars
        self._max_hours = max_hours
        self._started_at = time.monotonic()
        self._lock = threading.Lock()
        self._meters: list[Meter] = []
        self._dollars: dict[str, float] = {}
        self._is_stopped = False

    def watch(self, meter: Meter) -> None:
        """Count the calls of this meter as well, as they are made."""
        with self._lock:
            self._meters.append(meter)

    def record_spend(self, report: SyncReport) -> None:
        """Record what a source has spent on embedding so far."""
        with self._lock:
            self._dollars[report.source] = report.total.dollars

    def stop(self) -> None:
        """Count the budget as spent: runs write what they have read, and end."""
        self._is_stopped = True

    @property
    def spent_in_words(self) -> str:
        """How much of which limit is spent; empty while no limit is reached."""
        if self._is_stopped:
            return "stopped by hand"
        with self._lock:
            calls = sum(meter.request_count for meter in self._meters)
            dollars = sum(self._dollars.values())
        if self._max_calls is not None and calls >= self._max_calls:
            return f"{calls:,} of {self._max_calls:,} calls"
        if self._max_dollars is not None and dollars >= self._max_dollars:
            return f"${dollars:,.4f} of ${self._max_dollars:,.4f}"
        hours = (time.monotonic() - self._started_at) / 3600
        if self._max_hours is not None and hours >= self._max_hours:
            return f"{hours:,.2g} of {self._max_hours:,.2g} hours"
        return ""


class Checkpointer:
    """Knows which days of one run are done, and commits them from time to time.

    A source yields the newest days first and says with a checkpoint since when its window is
    complete. A day is *written* when all its batches are, and *finished* when they have been read
    back as well. Only finished days are committed.
    """

    def __init__(
        self,
        report: SyncReport,
        days: Days,
        on_commit: OnCommit | None = None,
        budget: Budget | None = None,
        *,
        every_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        self._report = report
        self._days = days
        self._on_commit = on_commit
        self._budget = budget
        self._every_seconds = every_seconds
        self._written_since: datetime | None = None
        self._confirmed_since: datetime | None = None
        self._committed_at = time.monotonic()
        self._committed_count = 0

    @property
    def finished_days(self) -> list[date]:
        """The days that are written and read back, oldest first."""
        return self._days_since(self._confirmed_since)

    @property
    def written_days(self) -> list[date]:
        """The days that are written, oldest first, whether or not they are read back."""
        return self._days_since(self._written_since)

    def mark_written(self, since: datetime | None) -> None:
        """Record that all days from this instant on are written; None for no day."""
        self._written_since = since
        self._report.finished_days = len(self.written_days)

    def confirm(self) -> None:
        """Record that what is written has been read back."""
        self._confirmed_since = self._written_since

    def roll_back(self) -> None:
        """Go back to the confirmed days: what was written last could not be read back."""
        self.mark_written(self._confirmed_since)

    def invalidate(self) -> None:
        """Count no day as finished: something written is not in the index."""
        self._confirmed_since = None
        self.roll_back()

    def complete(self) -> None:
        """Record that the run is written to its end and read back: all its days are finished."""
        self.mark_written(datetime.min.replace(tzinfo=UTC))
        self.confirm()

    def record_spend(self) -> None:
        """Record what the run has spent so far."""
        if self._budget is not None:
            self._budget.record_spend(self._report)

    def is_budget_spent(self) -> bool:
        """Tell whether the budget is spent, so that nothing more is to be read."""
        return self._budget is not None and bool(self._budget.spent_in_words)

    def is_due(self) -> bool:
        """Tell whether it is time for a commit and there are days to commit."""
        has_more = self._on_commit is not None and len(self.written_days) > self._committed_count
        return has_more and time.monotonic() - self._committed_at >= self._every_seconds

    def commit(self) -> None:
        """Hand over the finished days, when there are more than at the last commit."""
        self._committed_at = time.monotonic()
        finished_days = self.finished_days
        if self._on_commit is not None and len(finished_days) > self._committed_count:
            self._committed_count = len(finished_days)
            self._on_commit(self._report, finished_days)

    def stop(self) -> NoReturn:
        """End a run whose budget is spent, once all that it has read is written."""
        self.commit()
        raise BudgetSpentError(self._budget.spent_in_words if self._budget else "")

    def _days_since(self, since: datetime | None) -> list[date]:
        return [] if since is None else [day for day in self._days if start_of_day(day) >= since]
