"""Asks the index and the vendors how new they are, not more often than is good for them.

A watcher wants to know every minute; a vendor counts requests, some by the day.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from vector_assets.core.errors import RateLimitedError, VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import Index, build_index
from vector_assets.index.targets import PendingReindex, pending_reindex
from vector_assets.maintenance.canary import last_found
from vector_assets.pipeline.quarantine import quarantined
from vector_assets.sources import build_source, source_class
from vector_assets.sources.items import Quarantined

ERROR_SECONDS = 300.0
"""How long a vendor that could not be asked is left alone; twice as long after each further error,
up to its usual span: an answer that is an error may count against a day's requests all the same."""


QUARANTINE_SECONDS = 10.0
"""How long the answer for one source serves the others: one listing holds them all."""


@dataclass(frozen=True, slots=True)
class SourceProbe:
    """What was seen of one source.

    Attributes:
        source: Which.
        watermark: Newest activity in the index, UTC; None when the index holds nothing of it.
        vectors: Records in the index.
        newest_at_source: Newest activity at the vendor, UTC; None when it shows nothing.
        index_error: Why the index could not be asked; empty when it could.
        source_error: Why the vendor could not be asked; empty when it could.
        quarantine: All that failed and has not succeeded since; None when the index was not asked.
    """

    source: str
    watermark: datetime | None = None
    vectors: int = 0
    newest_at_source: datetime | None = None
    index_error: str = ""
    source_error: str = ""
    quarantine: tuple[Quarantined, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, good until an epoch second.

    Attributes:
        newest: What was asked for.
        error: Why there is no answer; empty when there is.
        until: Epoch seconds.
        errors_in_a_row: This one included.
    """

    newest: datetime | None
    error: str
    until: float
    errors_in_a_row: int = 0


class Probes:
    """Remembers for a while what vendors answered; safe to use from several threads.

    Args:
        settings: Say where to ask.
        index: The one that the settings name if None.
        keeps_sources: Whether answers of vendors are kept, each as long as its source says.
        remembered: What `remembered` was in an earlier process, or nothing.
    """

    def __init__(
        self,
        settings: Settings,
        index: Index | None = None,
        *,
        keeps_sources: bool = False,
        remembered: str = "",
    ) -> None:
        self._settings = settings
        self._index = index or build_index(settings, Meter())
        self._keeps_sources = keeps_sources
        self._lock = threading.Lock()
        self._quarantine_lock = threading.Lock()
        self._quarantine: list[Quarantined] = []
        self._quarantine_until = 0.0
        self._kept = {name: _read(one) for name, one in json.loads(remembered or "{}").items()}

    @property
    def remembered(self) -> str:
        """What is kept, as a text for the next process."""
        with self._lock:
            return json.dumps(
                {name: asdict(kept) for name, kept in self._kept.items()}, default=str
            )

    def probe(self, source: str) -> SourceProbe:
        """Return what is known of a source; ask where that is too old. Raises nothing of ours."""
        newest = self._newest(source)
        try:
            store = self._index.open()
            watermark, vectors = store.watermark(source), store.count(source)
            held = tuple(one for one in self._quarantined() if one.source == source)
        except VectorAssetsError as error:
            return SourceProbe(source, None, 0, newest.newest, str(error), newest.error)
        return SourceProbe(source, watermark, vectors, newest.newest, "", newest.error, held)

    def _quarantined(self) -> list[Quarantined]:
        """Return what is in quarantine, of all sources: they are asked for one after the other."""
        with self._quarantine_lock:
            if time.monotonic() >= self._quarantine_until:
                self._quarantine = quarantined(self._index.ledger)
                self._quarantine_until = time.monotonic() + QUARANTINE_SECONDS
            return self._quarantine

    def canary_found_at(self) -> datetime | None:
        """Return when the canary was last found, UTC; None when it never was.

        Raises:
            VectorAssetsError: The index cannot be asked.
        """
        return last_found(self._index.open())

    def pending_reindex(self) -> PendingReindex | None:
        """Return how the live index differs from what the settings want.

        None when it does not, or cannot be asked: `probe` says so already. Raises nothing of ours.
        """
        try:
            return pending_reindex(self._index, self._settings)
        except VectorAssetsError:
            return None

    def _newest(self, source: str) -> _Kept:
        with self._lock:
            kept = self._kept.get(source)
        if kept is not None and time.time() < kept.until:
            return kept
        keep_seconds = source_class(source).newest_every.total_seconds()
        errors_before = kept.errors_in_a_row if kept is not None else 0
        kept = _asked(
            lambda: build_source(source, self._settings, Meter()).newest(),
            keep_seconds,
            errors_before,
        )
        if self._keeps_sources:
            with self._lock:
                self._kept[source] = kept
        return kept


def _asked(ask: Callable[[], datetime | None], keep_seconds: float, errors_before: int) -> _Kept:
    try:
        newest = ask()
    except RateLimitedError as error:
        return _Kept(None, str(error), time.time() + keep_seconds, errors_before + 1)
    except VectorAssetsError as error:
        # The exponent is bounded, for the row of errors is not.
        pause_seconds = min(keep_seconds, ERROR_SECONDS * 2 ** min(errors_before, 16))
        return _Kept(None, str(error), time.time() + pause_seconds, errors_before + 1)
    return _Kept(newest, "", time.time() + keep_seconds)


def _read(plain: dict[str, Any]) -> _Kept:
    newest = plain["newest"]
    return _Kept(
        datetime.fromisoformat(newest) if newest else None,
        plain["error"],
        float(plain["until"]),
        int(plain.get("errors_in_a_row", 0)),
    )
