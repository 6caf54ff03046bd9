"""Documents that the next nightly run reads again by id, because their vendor showed a change.

They are kept in the ledger, an entry each, beside the quarantine: nothing has failed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from vector_assets.index.ledger import Ledger

KIND = "reread"

MAX_REREAD = 500
"""Documents that a run reads again, the longest waiting first."""


@dataclass(frozen=True, slots=True)
class Reread:
    """A document to be read again.

    Attributes:
        document_id: `{source}:{native id}`.
        reason: What the vendor said of it, in words.
        day: UTC day of its last activity, as the index has it.
        noted_at: When the vendor said so last, UTC.
    """

    document_id: str
    reason: str
    day: date
    noted_at: datetime


def request_rereads(ledger: Ledger, rereads: Iterable[Reread]) -> None:
    """Record documents to be read again; raises as `Ledger.put` does."""
    entries = {
        reread.document_id: {
            "reason": reread.reason,
            "day": reread.day.isoformat(),
            "noted_at": reread.noted_at.isoformat(),
        }
        for reread in rereads
    }
    ledger.put(KIND, entries)


def rereads_of(entries: Mapping[str, Mapping[str, Any]], source: str) -> dict[str, Reread]:
    """Return the documents of a source to be read again, by id, the longest waiting first.

    Args:
        entries: Of the ledger, of `KIND`.
        source: Its name.
    """
    rereads = [
        Reread(
            document_id,
            str(entry["reason"]),
            date.fromisoformat(entry["day"]),
            datetime.fromisoformat(entry["noted_at"]).astimezone(UTC),
        )
        for document_id, entry in entries.items()
        if document_id.partition(":")[0] == source
    ]
    rereads.sort(key=lambda reread: (reread.noted_at, reread.document_id))
    return {reread.document_id: reread for reread in rereads}


def forget_rereads(ledger: Ledger, rereads: Iterable[Reread]) -> None:
    """Remove documents that have been read, but for those that changed again meanwhile."""
    read = {reread.document_id: reread.noted_at for reread in rereads}
    if not read:
        return
    present = ledger.entries(KIND)
    ledger.remove(
        KIND,
        [
            document_id
            for document_id, noted_at in read.items()
            if document_id in present
            and datetime.fromisoformat(present[document_id]["noted_at"]) <= noted_at
        ],
    )
