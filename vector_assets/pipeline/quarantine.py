"""The quarantine: which documents failed, why and since when, until they succeed or are gone.

It is kept in the ledger of the index, an entry per document, so that every run and every reader of
the index sees the same. All failures are recorded; how many a run retries and lists is bounded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from vector_assets.core.days import Window
from vector_assets.index.ledger import Ledger
from vector_assets.index.rereads import KIND as REREAD_KIND
from vector_assets.index.rereads import MAX_REREAD, Reread, forget_rereads, rereads_of
from vector_assets.sources.items import DocumentFailure, Quarantined

KIND = "quarantine"

MAX_RETRIED = 500
"""Documents that a run tries again, the longest untried first. Thousands that fail together are a
problem of the source, and must not use up the night's requests."""

MAX_LISTED = 100
"""Documents of a source that command line, HTTP and UI list; they count all."""

MAX_UNSAVED = 500
"""Failures that wait to be recorded, beside those of a batch. A run that is killed may lose them,
all of days that do not count as finished."""

_MAX_CAUSE_CHARACTERS = 1_000

_FORM = 2
"""Of an entry. The cause in one without it may hold a title, and is not shown."""

_NOT_TOLD = "an earlier release recorded why; the next nightly run tries it again and says so"


def quarantined(ledger: Ledger) -> list[Quarantined]:
    """Return all documents in quarantine, of all sources, the oldest first."""
    return quarantined_of(ledger.entries(KIND))


def quarantined_of(entries: Mapping[str, Mapping[str, Any]]) -> list[Quarantined]:
    """Return what entries of `KIND` in the ledger say, the oldest first."""
    documents = [_read(key, entry) for key, entry in entries.items()]
    return sorted(documents, key=lambda failed: (failed.first_seen_at, failed.document_id))


class Quarantine:
    """The quarantine of one source, as one run sees it.

    A document leaves it once the run's writes are confirmed. Of two runs at once, one may put back
    a document that the other has just released: the next night tries it again and releases it.

    Beside what failed it reads again what a vendor showed changed (`index/rereads.py`); that counts
    as failed only when this fails.

    Args:
        releases: Whether what succeeds leaves it; not what is read into an index that no search
            reads yet.
    """

    def __init__(
        self, ledger: Ledger, source: str, window: Window, *, releases: bool = True
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._window = window
        self._releases = releases
        self._loaded: dict[str, Quarantined] | None = None
        self._unsaved: dict[str, Quarantined] = {}
        self._succeeded: set[str] = set()
        self._retried: frozenset[str] = frozenset()
        self._rereads: Mapping[str, Reread] = {}
        self._reread: set[str] = set()

    @property
    def held(self) -> Mapping[str, Quarantined]:
        """The documents in quarantine as far as this run knows, by id; read once."""
        self._load()
        return self._loaded or {}

    @property
    def rereads(self) -> Mapping[str, Reread]:
        """The documents that a vendor showed changed, by id; read once."""
        self._load()
        return self._rereads

    def _load(self) -> None:
        if self._loaded is not None:
            return
        entries = self._ledger.entries_by_kind((KIND, REREAD_KIND))
        self._loaded = {
            failed.document_id: failed
            for failed in quarantined_of(entries[KIND])
            if failed.source == self._source
        }
        self._rereads = rereads_of(entries[REREAD_KIND], self._source)

    def rereads_due(self, seen: Iterable[str]) -> list[Quarantined]:
        """Return what this run reads again beside what failed, without what it has seen."""
        without = {*seen, *self._retried}
        waiting = (reread for reread in self.rereads.values() if reread.document_id not in without)
        return [
            Quarantined(
                reread.document_id,
                reread.reason,
                reread.day,
                self._window,
                reread.noted_at,
                reread.noted_at,
                attempts=0,
            )
            for reread in islice(waiting, MAX_REREAD)
        ]

    def due(self, seen: Iterable[str]) -> list[Quarantined]:
        """Return what this run tries again, the longest untried first, without what it has seen."""
        unseen = [self.held[document_id] for document_id in self.held.keys() - set(seen)]
        unseen.sort(key=lambda failed: (failed.last_seen_at, failed.document_id))
        due = unseen[:MAX_RETRIED]
        self._retried = frozenset(failed.document_id for failed in due)
        return due

    def is_retried(self, document_id: str) -> bool:
        """Tell whether this run tries a document again that is not in its window."""
        return document_id in self._retried

    def note_failure(self, failure: DocumentFailure) -> None:
        """Note a document that failed in this run."""
        now = datetime.now(UTC)
        failed = Quarantined(
            failure.document_id,
            failure.cause[:_MAX_CAUSE_CHARACTERS],
            failure.day,
            self._window,
            now,
            now,
        )
        if earlier := self.held.get(failure.document_id):
            failed = replace(
                failed,
                day=failure.day or earlier.day,
                window=earlier.window,
                first_seen_at=earlier.first_seen_at,
                attempts=earlier.attempts + 1,
            )
        self._unsaved[failed.document_id] = failed
        self._succeeded.discard(failed.document_id)
        if failed.document_id in self.rereads:
            # From now on it is tried again because it failed.
            self._reread.add(failed.document_id)

    def note_success(self, document_id: str) -> None:
        """Note a document that was read and is in the index so, or is gone at its source."""
        self._unsaved.pop(document_id, None)
        if document_id in self.rereads:
            self._reread.add(document_id)
        if document_id in self.held:
            self._succeeded.add(document_id)

    def save_many_failures(self) -> None:
        """Record what failed so far if many are waiting."""
        if len(self._unsaved) >= MAX_UNSAVED:
            self.save_failures()

    def save_failures(self) -> None:
        """Record what failed so far."""
        self._ledger.put(
            KIND, {document_id: _entry(failed) for document_id, failed in self._unsaved.items()}
        )
        self._loaded = {**self.held, **self._unsaved}
        self._unsaved = {}

    def save(self) -> int:
        """Record what failed and release what succeeded; return how many were released."""
        self.save_failures()
        if not self._releases:
            return 0
        released = self._succeeded & self.held.keys()
        self._ledger.remove(KIND, released)
        forget_rereads(self._ledger, [self.rereads[document_id] for document_id in self._reread])
        self._rereads = {
            document_id: reread
            for document_id, reread in self.rereads.items()
            if document_id not in self._reread
        }
        self._loaded = {
            document_id: failed
            for document_id, failed in self.held.items()
            if document_id not in released
        }
        self._succeeded = set()
        self._reread = set()
        return len(released)


def _entry(failed: Quarantined) -> dict[str, Any]:
    end = failed.window.end
    return {
        "cause": failed.cause,
        "day": failed.day.isoformat() if failed.day else None,
        "window": [failed.window.start.isoformat(), end.isoformat() if end else None],
        "first_seen_at": failed.first_seen_at.isoformat(),
        "last_seen_at": failed.last_seen_at.isoformat(),
        "attempts": failed.attempts,
        "form": _FORM,
    }


def _read(key: str, entry: Mapping[str, Any]) -> Quarantined:
    start, end = entry["window"]
    is_plain = entry.get("form") == _FORM
    return Quarantined(
        key,
        str(entry["cause"]) if is_plain else _NOT_TOLD,
        date.fromisoformat(entry["day"]) if entry["day"] else None,
        Window(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None),
        datetime.fromisoformat(entry["first_seen_at"]),
        datetime.fromisoformat(entry["last_seen_at"]),
        int(entry["attempts"]),
    )
