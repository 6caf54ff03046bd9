"""What came of a source by events, what waits of it, and whether it waits too long."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from vector_assets.index.queue import KIND as QUEUE_KIND
from vector_assets.index.queue import waiting_of
from vector_assets.index.rereads import KIND as REREAD_KIND
from vector_assets.index.rereads import Reread, rereads_of
from vector_assets.pipeline.arrivals import KIND as ARRIVALS_KIND
from vector_assets.pipeline.arrivals import Lags, arrivals_of

KINDS = (QUEUE_KIND, ARRIVALS_KIND, REREAD_KIND)
"""Of the ledger's entries that `changes_of` reads."""

LATE_AFTER = timedelta(minutes=15)
"""How long a change may wait that was said to be there."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of one source.

    Attributes:
        waiting_count: Documents that wait to be read.
        waiting_since: When the longest waiting was queued, UTC; None when nothing waits.
        lags: From a change to being found; None before the first event.
        rereads: Documents that the next nightly run reads again, because a confirmed answer showed
            them changed; the longest waiting first.
    """

    waiting_count: int = 0
    waiting_since: datetime | None = None
    lags: Lags | None = None
    rereads: tuple[Reread, ...] = ()

    @property
    def reread_counts(self) -> dict[str, int]:
        """How many documents are read again, by what their source says of them."""
        return dict(Counter(reread.reason.partition(",")[0] for reread in self.rereads))

    def late_reason(self, now: datetime) -> str:
        """Return why the source is late, in words; empty when it is not."""
        if self.waiting_since is None or now - self.waiting_since <= LATE_AFTER:
            return ""
        return (
            f"{self.waiting_count:,} changes wait since {self.waiting_since:%Y-%m-%d %H:%M} UTC to "
            f"be read: look at the newest run of changes_ingestion"
        )

    def __str__(self) -> str:
        """Say what waits and how fast the rest came; empty when nothing ever came."""
        parts = []
        if self.waiting_since is not None:
            since = f"{self.waiting_since:%Y-%m-%d %H:%M} UTC"
            parts.append(f"{self.waiting_count:,} changes wait, the first since {since}")
        if self.lags and (median := self.lags.at_most_seconds(0.5)) is not None:
            high = self.lags.at_most_seconds(0.95) or median
            parts.append(
                f"changes are found within {_words(median)} (half of them), {_words(high)} (95 %)"
            )
        if self.rereads:
            counts = ", ".join(
                f"{count:,} {reason}" for reason, count in self.reread_counts.items()
            )
            parts.append(f"read again in the next night, as confirmed answers showed: {counts}")
        return "; ".join(parts)


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if isfinite(seconds) else "more than an hour"


def changes_of(entries: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Changes]:
    """Return the changes of each source that the ledger knows any of.

    Args:
        entries: Of `KINDS`, by kind and key.
    """
    arrivals = arrivals_of(entries[ARRIVALS_KIND])
    waiting = waiting_of(entries[QUEUE_KIND])
    rereads = entries[REREAD_KIND]
    reread_sources = {document_id.partition(":")[0] for document_id in rereads}
    changes = {}
    for source in {entry.source for entry in waiting} | arrivals.keys() | reread_sources:
        queued_at = [entry.queued_at for entry in waiting if entry.source == source]
        lags = arrivals[source].lags if source in arrivals else None
        again = tuple(rereads_of(rereads, source).values())
        changes[source] = Changes(len(queued_at), min(queued_at, default=None), lags, again)
    return changes
