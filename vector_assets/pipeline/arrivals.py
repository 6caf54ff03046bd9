"""Counts what events brought between nights, so that a night can tell how much they lost.

It is kept in the ledger, an entry per source.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from vector_assets.core.documents import Document
from vector_assets.index.ledger import Ledger

KIND = "arrivals"

SETTLE = timedelta(minutes=15)
"""How long an event may take; what changed later than that before a night is not counted."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came by events since the last night.

    Attributes:
        since: When the first event of the source came, UTC: nothing older can be missed.
        brought_documents: Documents that runs between nights wrote.
    """

    since: datetime
    brought_documents: int


class EventAudit:
    """Counts, in one nightly run, the changed documents that events should have brought."""

    def __init__(self, ledger: Ledger, source: str, now: datetime) -> None:
        self._ledger = ledger
        self._source = source
        self._settled_at = now - SETTLE
        self._arrivals = arrivals(ledger, source)
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
            _put(self._ledger, self._source, Arrivals(self._arrivals.since, 0))


def arrivals(ledger: Ledger, source: str) -> Arrivals | None:
    """Return what came of a source since the last night; None before its first event."""
    entry = ledger.entries(KIND).get(source)
    if entry is None:
        return None
    return Arrivals(datetime.fromisoformat(entry["since"]), int(entry["brought"]))


def add_brought(ledger: Ledger, source: str, documents: int, now: datetime) -> None:
    """Count documents that a run between nights wrote."""
    earlier = arrivals(ledger, source) or Arrivals(now, 0)
    _put(ledger, source, Arrivals(earlier.since, earlier.brought_documents + documents))


def _put(ledger: Ledger, source: str, counted: Arrivals) -> None:
    entry = {"since": counted.since.isoformat(), "brought": counted.brought_documents}
    ledger.put(KIND, {source: entry})
