"""The quarantine: which documents failed, why and since when, until they succeed or are gone.

It is kept in the index (`ledger.py`), an entry a document, so that every run and everyone who looks
at the index sees the same. All that failed is recorded; how much of it is retried a run and listed
is bounded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from vector_assets.core.days import Window
from vector_assets.index.ledger import Ledger
from vector_assets.sources.items import DocumentFailure, Quarantined

KIND = "quarantine"

MAX_RETRIED = 500
"""Documents that a run tries again, those first whose last attempt is the longest ago: thousands
that fail together are a source's problem, and must not eat up the night's requests."""

MAX_LISTED = 100
"""Documents of a source that the faces name; they count all."""

MAX_UNSAVED = 500
"""Failures that wait to be recorded; a run that is killed may forget so many, of days that do not
count as finished."""

_MAX_CAUSE_CHARACTERS = 1_000


def quarantined(ledger: Ledger) -> list[Quarantined]:
    """Return all that is in quarantine, of all sources, the oldest first."""
    found = [_read(key, entry) for key, entry in ledger.entries(KIND).items()]
    return sorted(found, key=lambda one: (one.first_seen_at, one.document_id))


class Quarantine:
    """One source's part of it, over one run.

    What succeeds leaves it when the run's writes have been confirmed, and not before. Two runs at
    once may both count an attempt as the same, and one that fails may put back what the other has
    just taken out: the next night tries that again, and it leaves by itself.

    Args:
        ledger: Of the index.
        source: Name.
        window: Of the run.
    """

    def __init__(self, ledger: Ledger, source: str, window: Window) -> None:
        self._ledger = ledger
        self._source = source
        self._window = window
        self._loaded: dict[str, Quarantined] | None = None
        self._unsaved: dict[str, Quarantined] = {}
        self._succeeded: set[str] = set()
        self._retried: frozenset[str] = frozenset()

    @property
    def held(self) -> Mapping[str, Quarantined]:
        """What is in quarantine as far as this run knows, by document id; asked for once."""
        if self._loaded is None:
            everything = quarantined(self._ledger)
            self._loaded = {one.document_id: one for one in everything if self._is_ours(one)}
        return self._loaded

    def due(self, seen: Iterable[str]) -> list[Quarantined]:
        """Return what this run tries again, the longest untried first.

        Args:
            seen: Ids of documents that the run has met anyway.
        """
        left = [self.held[one] for one in self.held.keys() - set(seen)]
        left.sort(key=lambda one: (one.last_seen_at, one.document_id))
        due = left[:MAX_RETRIED]
        self._retried = frozenset(one.document_id for one in due)
        return due

    def is_retried(self, document_id: str) -> bool:
        """Tell whether this run tries a document again that is none of its window."""
        return document_id in self._retried

    def note_failure(self, failure: DocumentFailure) -> None:
        """Note a document that failed in this run; recorded at once when many are waiting."""
        now = datetime.now(UTC)
        one = Quarantined(
            failure.document_id,
            failure.cause[:_MAX_CAUSE_CHARACTERS],
            failure.day,
            self._window,
            now,
            now,
        )
        if known := self.held.get(failure.document_id):
            one = replace(
                one,
                day=failure.day or known.day,
                window=known.window,
                first_seen_at=known.first_seen_at,
                attempts=known.attempts + 1,
            )
        self._unsaved[one.document_id] = one
        self._succeeded.discard(one.document_id)
        if len(self._unsaved) >= MAX_UNSAVED:
            self.save_failures()

    def note_success(self, document_id: str) -> None:
        """Note a document that is in the index as it is at its source, or is gone there."""
        self._unsaved.pop(document_id, None)
        if document_id in self.held:
            self._succeeded.add(document_id)

    def save_failures(self) -> None:
        """Record what failed so far.

        Raises:
            VectorAssetsError: As the index raises.
        """
        self._ledger.put(KIND, {one.document_id: _entry(one) for one in self._unsaved.values()})
        self._loaded = {**self.held, **self._unsaved}
        self._unsaved = {}

    def save(self) -> int:
        """Record what failed and release what succeeded; return how many were released.

        Raises:
            VectorAssetsError: As the index raises.
        """
        self.save_failures()
        released = self._succeeded & self.held.keys()
        self._ledger.remove(KIND, released)
        self._loaded = {key: one for key, one in self.held.items() if key not in released}
        self._succeeded = set()
        return len(released)

    def _is_ours(self, one: Quarantined) -> bool:
        return one.source == self._source


def _entry(one: Quarantined) -> dict[str, Any]:
    end = one.window.end
    return {
        "cause": one.cause,
        "day": one.day.isoformat() if one.day else None,
        "window": [one.window.start.isoformat(), end.isoformat() if end else None],
        "first_seen_at": one.first_seen_at.isoformat(),
        "last_seen_at": one.last_seen_at.isoformat(),
        "attempts": one.attempts,
    }


def _read(key: str, entry: Mapping[str, Any]) -> Quarantined:
    start, end = entry["window"]
    return Quarantined(
        key,
        str(entry["cause"]),
        date.fromisoformat(entry["day"]) if entry["day"] else None,
        Window(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None),
        datetime.fromisoformat(entry["first_seen_at"]),
        datetime.fromisoformat(entry["last_seen_at"]),
        int(entry["attempts"]),
    )
