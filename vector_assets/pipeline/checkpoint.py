"""What happens now and then in a long run: days are counted as done, and a budget may end it."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import NoReturn

from vector_assets.core.errors import BudgetSpentError
from vector_assets.core.meter import Meter
from vector_assets.pipeline.report import SyncReport

LANDING_SECONDS = 60.0
"""Between two landings: on Pinecone each waits until what was written is shown."""


class Budget:
    """Requests and dollars that all sources of a run may spend together; safe between threads.

    Calls are looked at with each document, dollars with each batch. What a run has taken in by
    then it still writes, so that nothing is paid for twice; by that much it goes over.

    Args:
        max_calls: Requests to vendors, embedder and index; None for as many as it takes.
        max_dollars: For embedding; None for as many as it takes.
    """

    def __init__(self, *, max_calls: int | None = None, max_dollars: float | None = None) -> None:
        self._max_calls = max_calls
        self._max_dollars = max_dollars
        self._lock = threading.Lock()
        self._meters: list[Meter] = []
        self._dollars: dict[str, float] = {}

    def watch(self, meter: Meter) -> None:
        """Count the calls of this one as well, as they are made."""
        with self._lock:
            self._meters.append(meter)

    def note(self, report: SyncReport) -> None:
        """Take in what a source has spent on embedding so far."""
        with self._lock:
            self._dollars[report.source] = report.total.dollars

    @property
    def spent_in_words(self) -> str:
        """What is spent of what, where it is spent; empty while there is something left."""
        with self._lock:
            calls = sum(meter.request_count for meter in self._meters)
            dollars = sum(self._dollars.values())
        if self._max_calls is not None and calls >= self._max_calls:
            return f"{calls:,} of {self._max_calls:,} calls"
        if self._max_dollars is not None and dollars >= self._max_dollars:
            return f"${dollars:,.4f} of ${self._max_dollars:,.4f}"
        return ""


class Landing:
    """Decides when a run lands, and tells who keeps it which days are done.

    Args:
        on_days_done: Called with the report and all days that are done so far, oldest first, each
            time that there are more of them.
        budget: Of the run; without a limit if None.
        every_seconds: See `LANDING_SECONDS`.
    """

    def __init__(
        self,
        on_days_done: Callable[[SyncReport, Sequence[date]], None] | None = None,
        budget: Budget | None = None,
        *,
        every_seconds: float = LANDING_SECONDS,
    ) -> None:
        self._on_days_done = on_days_done
        self._budget = budget
        self._every_seconds = every_seconds
        self._landed_at = time.monotonic()
        self._told = 0

    def note(self, report: SyncReport) -> None:
        """Take in what was spent so far."""
        if self._budget is not None:
            self._budget.note(report)

    def is_spent(self) -> bool:
        """Tell whether the budget is spent, so that nothing more is to be taken in."""
        return self._budget is not None and bool(self._budget.spent_in_words)

    def is_due(self, finished_days: Sequence[date]) -> bool:
        """Tell whether more days are done, and have been for some time."""
        has_more = self._on_days_done is not None and len(finished_days) > self._told
        return has_more and time.monotonic() - self._landed_at >= self._every_seconds

    def land(self, report: SyncReport, finished_days: Sequence[date]) -> None:
        """Tell which days are done; what was written of them has been read back."""
        self._landed_at = time.monotonic()
        if self._on_days_done is not None and len(finished_days) > self._told:
            self._told = len(finished_days)
            self._on_days_done(report, finished_days)

    def end(self, report: SyncReport, finished_days: Sequence[date]) -> NoReturn:
        """End a run that was cut short, once all that it had taken in is written.

        Raises:
            BudgetSpentError: Always.
        """
        self.land(report, finished_days)
        raise BudgetSpentError(self._budget.spent_in_words if self._budget else "")


NO_LANDING = Landing()
"""Of a run that nobody waits for: it never lands before its end."""
