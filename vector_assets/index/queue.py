"""The queue of changes: documents that events said have changed, until a run has read them.

It is kept in the ledger of the index, because the process that learns of a change and the one that
reads it share no disk. Nothing of a document's text is in it. An event is an entry of its own and
is never overwritten, so that a run removes only what it has read.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from vector_assets.index.ledger import Ledger

KIND = "changes"

MAX_ENTRIES = 5_000
"""So many entries of a source, and its documents are no longer named: the whole source is read
again from the oldest change on."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an event says: a document was changed, created or deleted.

    Attributes:
        document_id: `{source}:{native id}`; `{source}:` for any document of the source.
        said_at: When it was changed, by the event, UTC.
    """

    document_id: str
    said_at: datetime

    @property
    def source(self) -> str:
        """Name of the source."""
        return self.document_id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document that waits to be read, once, whatever number of events named it.

    Attributes:
        first_said_at: Time of the oldest of these changes, UTC.
        last_said_at: Time of the newest, UTC.
        queued_at: When the oldest of them was queued, UTC; vendors may deliver hours later.
        keys: Of their entries.
    """

    document_id: str
    first_said_at: datetime
    last_said_at: datetime
    queued_at: datetime
    keys: tuple[str, ...] = field(repr=False)

    @property
    def source(self) -> str:
        """Name of the source."""
        return self.document_id.partition(":")[0]

    @property
    def is_of_whole_source(self) -> bool:
        """Whether an event named no document."""
        return self.document_id.endswith(":")


class ChangeQueue:
    """The queue in a ledger; any number of processes may use one at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, changes: Iterable[Change]) -> None:
        """Add changes; when it returns, the index has them.

        Raises:
            VectorAssetsError: The index does not answer; nothing may be acknowledged.
        """
        newest = _oldest_and_newest(changes)
        queued_at = datetime.now(UTC).isoformat()
        self._ledger.append(
            KIND,
            {
                f"{document_id} {uuid.uuid4().hex}": {
                    "first": first.isoformat(),
                    "last": last.isoformat(),
                    "queued": queued_at,
                }
                for document_id, (first, last) in newest.items()
            },
        )

    def waiting(self) -> list[Waiting]:
        """Return what waits, of all sources, the longest waiting first."""
        return waiting_of(self._ledger.entries(KIND))

    def remove(self, waiting: Sequence[Waiting]) -> None:
        """Remove what has been read; what was added meanwhile stays."""
        self._ledger.remove(KIND, [key for entry in waiting for key in entry.keys])

    def compact(self) -> None:
        """Replace the documents of each source that has too many entries by the source itself."""
        by_source: dict[str, list[Waiting]] = {}
        for entry in self.waiting():
            by_source.setdefault(entry.source, []).append(entry)
        for source, waiting in by_source.items():
            if sum(len(entry.keys) for entry in waiting) < MAX_ENTRIES:
                continue
            self.add([Change(f"{source}:", min(entry.first_said_at for entry in waiting))])
            self.remove(waiting)


def waiting_of(entries: Mapping[str, Mapping[str, Any]]) -> list[Waiting]:
    """Return what entries of `KIND` in the ledger say, the longest waiting first."""
    by_document = groupby(sorted(entries.items()), key=lambda item: item[0].rpartition(" ")[0])
    waiting = []
    for document_id, group in by_document:
        items = dict(group)
        waiting.append(
            Waiting(
                document_id,
                min(datetime.fromisoformat(entry["first"]) for entry in items.values()),
                max(datetime.fromisoformat(entry["last"]) for entry in items.values()),
                min(datetime.fromisoformat(entry["queued"]) for entry in items.values()),
                tuple(items),
            )
        )
    return sorted(waiting, key=lambda entry: (entry.first_said_at, entry.document_id))


def _oldest_and_newest(changes: Iterable[Change]) -> dict[str, tuple[datetime, datetime]]:
    times: dict[str, tuple[datetime, datetime]] = {}
    for change in changes:
        first, last = times.get(change.document_id, (change.said_at, change.said_at))
        times[change.document_id] = (min(first, change.said_at), max(last, change.said_at))
    return times
