"""Counts the changes that events brought between nights: how many, how fast, how many lost.

It is kept in the ledger, an entry per source.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from vector_assets.core.documents import Document
from vector_assets.index.ledger import Ledger

KIND = "arrivals"

SETTLE = timedelta(minutes=15)
"""How long an event may take; what changed later than that before a night is not counted."""

LAG_BOUNDS_SECONDS = (5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 300, 900, 3600)
"""Upper bounds of the histogram of lags; what took longer is counted beyond the last."""


@dataclass(frozen=True, slots=True)
class Lags:
    """How long documents took from their change to being found.

    Attributes:
        counts: Of documents, by the bounds of `LAG_BOUNDS_SECONDS`, and one more beyond them.
        sum_seconds: Of all of them.
    """

    counts: tuple[int, ...] = (0,) * (len(LAG_BOUNDS_SECONDS) + 1)
    sum_seconds: float = 0.0

    def with_seconds(self, lags: Iterable[float]) -> "Lags":
        """Return them with some more."""
        counts, total = list(self.counts), self.sum_seconds
        for seconds in lags:
            counts[bisect_left(LAG_BOUNDS_SECONDS, seconds)] += 1
            total += seconds
        return Lags(tuple(counts), total)

    def at_most_seconds(self, share: float) -> float | None:
        """Return the bound that so large a share of the documents kept; None without any.

        Infinite when it is beyond the last bound.
        """
        needed, kept = share * sum(self.counts), 0
        if not needed:
            return None
        for bound, count in zip((*LAG_BOUNDS_SECONDS, float("inf")), self.counts, strict=True):
            kept += count
            if kept >= needed:
                return float(bound)
        return None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came by events.

    Attributes:
        since: When the first event of the source came, UTC: nothing older can be missed.
        brought_documents: Documents that runs between nights wrote since the last night.
        lags: Of a sample of all documents that such runs ever wrote.
    """

    since: datetime
    brought_documents: int = 0
    lags: Lags = Lags()


class EventAudit:
    """Counts, in one nightly run, the changed documents that events should have brought."""

    def __init__(self, ledger: Ledger, source: str, now: datetime) -> None:
        self._ledger = ledger
        self._source = source
        self._settled_at = now - SETTLE
        self._arrivals = arrivals_of(ledger.entries(KIND)).get(source)
        self.missed_documents = 0

    @property
    def brought_documents(self) -> int:
        """Documents that came by events since the last night."""
        return self._arrivals.brought_documents if self._arrivals else 0

    def note_changed(self, document: Document) -> None:
        """Count a document that the run found changed, if an event should have brought it."""
        if self._arrivals and self._arrivals.since < document.updated_at < self._settled_at:
            self.missed_documents += 1

    def close(self) -> None:
        """Begin to count anew: the night is over."""
        if self._arrivals:
            _put(self._ledger, self._source, replace(self._arrivals, brought_documents=0))


def add_brought(
    ledger: Ledger, source: str, documents: int, lags: Iterable[float], now: datetime
) -> None:
    """Count documents that a run between nights wrote, and the lags of some in seconds."""
    earlier = arrivals_of(ledger.entries(KIND)).get(source) or Arrivals(now)
    counted = Arrivals(
        earlier.since, earlier.brought_documents + documents, earlier.lags.with_seconds(lags)
    )
    _put(ledger, source, counted)


def arrivals_of(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Arrivals]:
    """Return what entries of `KIND` in the ledger say, by source."""
    return {
        source: Arrivals(
            datetime.fromisoformat(entry["since"]),
            int(entry["brought"]),
            Lags(tuple(map(int, entry["lags"])), float(entry["lag_sum_seconds"])),
        )
        for source, entry in entries.items()
    }


def _put(ledger: Ledger, source: str, counted: Arrivals) -> None:
    entry = {
        "since": counted.since.isoformat(),
        "brought": counted.brought_documents,
        "lags": list(counted.lags.counts),
        "lag_sum_seconds": counted.lags.sum_seconds,
    }
    ledger.put(KIND, {source: entry})
