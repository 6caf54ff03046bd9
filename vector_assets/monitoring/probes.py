"""Asks the index and the vendors for their newest activity, within the vendors' rate limits.

The watcher checks every minute; vendors limit requests, some by the day, so answers are cached.
"""

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from vector_assets.core.deadline import BoundedCalls
from vector_assets.core.errors import RateLimitedError, UnavailableError, cause_of
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import Index, build_index
from vector_assets.index.hosts import HostNamespace
from vector_assets.index.targets import PendingReindex, pending_reindex
from vector_assets.maintenance.canary import last_found
from vector_assets.maintenance.quality.record import QUALITY, Quality, quality_of
from vector_assets.monitoring.changes import KINDS as CHANGES_KINDS
from vector_assets.monitoring.changes import Changes, changes_of
from vector_assets.pipeline.quarantine import KIND as QUARANTINE_KIND
from vector_assets.pipeline.quarantine import quarantined_of
from vector_assets.sources import build_source, source_class
from vector_assets.sources.items import Quarantined

ERROR_SECONDS = 300.0
"""How long a vendor is not asked after an error; doubles with each further error, up to its usual
interval, because failed requests may count against a daily limit too."""

ANSWER_SECONDS = 60.0
"""How long a check waits for a vendor, for the index, or for Dagster."""

LEDGER_SECONDS = 10.0
"""How long the ledger's listing is cached; one listing covers all sources."""

_KINDS = (QUARANTINE_KIND, QUALITY, *CHANGES_KINDS)


@dataclass(frozen=True, slots=True)
class SourceProbe:
    """What the index and the vendor said about one source.

    Attributes:
        watermark: Newest activity in the index, UTC; None when the index has no documents of it.
        newest_at_source: Newest activity at the vendor, UTC; None when it lists nothing.
        index_error: Why the index could not be read; empty when it could.
        source_error: Why the vendor could not be read; empty when it could.
        quarantine: Documents that failed and have not succeeded since; None when not read.
        changes: What came by events, and what waits of it.
    """

    source: str
    watermark: datetime | None = None
    vectors: int = 0
    newest_at_source: datetime | None = None
    index_error: str = ""
    source_error: str = ""
    quarantine: tuple[Quarantined, ...] | None = None
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the ledger says of all sources."""

    quarantine: tuple[Quarantined, ...] = ()
    quality: Quality | None = None
    changes: Mapping[str, Changes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Cached:
    """A vendor's cached answer.

    Attributes:
        until: When the answer expires, in epoch seconds.
    """

    newest: datetime | None
    error: str
    until: float
    errors_in_a_row: int = 0


class Probes:
    """Asks index and vendors and caches the vendors' answers; safe to use from several threads.

    With `keeps_sources` each vendor's answer is cached for its source's interval; `remembered` is
    that property of an earlier process. Each may take `answer_seconds` to answer, and all of them
    `total_seconds`, from now on.
    """

    def __init__(
        self,
        settings: Settings,
        index: Index | None = None,
        *,
        keeps_sources: bool = False,
        remembered: str = "",
        answer_seconds: float = ANSWER_SECONDS,
        total_seconds: float = math.inf,
    ) -> None:
        self._settings = settings
        self._index = index or build_index(settings, Meter())
        self._keeps_sources = keeps_sources
        self._calls = BoundedCalls(answer_seconds, total_seconds=total_seconds)
        self._lock = threading.Lock()
        self._facts_lock = threading.Lock()
        self._facts = _Facts()
        self._facts_until = 0.0
        self._cached = {
            name: cached for name, plain in _remembered(remembered) if (cached := _read(plain))
        }

    @property
    def remembered(self) -> str:
        """The cache as a text for the next process."""
        with self._lock:
            return json.dumps(
                {name: asdict(cached) for name, cached in self._cached.items()}, default=str
            )

    def probe(self, source: str) -> SourceProbe:
        """Return what index and vendor say about a source; errors become part of the answer."""
        cached = self._newest(source)
        newest, source_error = cached.newest, cached.error
        try:
            index = self._calls.call(f"index {source}", lambda: self._indexed(source))
        except Exception as error:  # noqa: BLE001 - the other sources are still checked
            return SourceProbe(source, None, 0, newest, cause_of(error), source_error)
        return replace(index, newest_at_source=newest, source_error=source_error)

    def probe_host(self, namespace: str) -> SourceProbe:
        """Return what the index says about a namespace that another project fills."""
        try:
            return self._calls.call(f"index {namespace}", lambda: self._indexed(namespace))
        except Exception as error:  # noqa: BLE001 - the sources are still checked
            return SourceProbe(namespace, index_error=cause_of(error))

    def hosts(self) -> Mapping[str, HostNamespace]:
        """Return the namespaces that other projects fill; none when the index cannot be read."""
        try:
            return self._calls.call("hosts", self._index.hosts)
        except Exception:  # noqa: BLE001 - `probe` and `canary_found_at` report it
            return {}

    def _indexed(self, source: str) -> SourceProbe:
        store = self._index.open()
        facts = self._read_facts()
        return SourceProbe(
            source,
            _instant(store.watermark(source)),
            store.count(source),
            quarantine=tuple(
                document for document in facts.quarantine if document.source == source
            ),
            changes=facts.changes.get(source, Changes()),
        )

    def _read_facts(self) -> _Facts:
        """Return what the ledger says of all sources, cached for a few seconds."""
        with self._facts_lock:
            if time.monotonic() >= self._facts_until:
                entries = self._index.ledger.entries_by_kind(_KINDS)
                self._facts = _Facts(
                    tuple(quarantined_of(entries[QUARANTINE_KIND])),
                    quality_of(entries[QUALITY]),
                    changes_of(entries),
                )
                self._facts_until = time.monotonic() + LEDGER_SECONDS
            return self._facts

    def canary_found_at(self) -> datetime | None:
        """Return when search last found the canary, UTC; None when it never did.

        Raises:
            UnavailableError: The index cannot be read.
        """
        try:
            return self._calls.call("canary", lambda: last_found(self._index.open()))
        except Exception as error:
            raise UnavailableError("the index", cause_of(error)) from error

    def quality(self) -> Quality | None:
        """Return what examinations say of the answers; None before the first, or if unread."""
        try:
            return self._calls.call("quality", lambda: self._read_facts().quality)
        except Exception:  # noqa: BLE001 - `probe` reports it
            return None

    def pending_reindex(self) -> PendingReindex | None:
        """Return how the live index differs from the settings; None if not, or unread."""
        try:
            return self._calls.call("pending", lambda: pending_reindex(self._index, self._settings))
        except Exception:  # noqa: BLE001 - `probe` reports it
            return None

    def _newest(self, source: str) -> _Cached:
        with self._lock:
            cached = self._cached.get(source)
        if cached is not None and time.time() < cached.until:
            return cached
        errors_before = cached.errors_in_a_row if cached is not None else 0
        try:
            return self._calls.call(source, lambda: self._ask(source, errors_before))
        except TimeoutError as error:
            # Its thread goes on, and keeps the answer for a later check.
            return _Cached(None, f"{source} gave {error}", until=0.0)
        except Exception as error:  # noqa: BLE001 - a source's code may raise anything
            return _Cached(None, cause_of(error), until=0.0)

    def _ask(self, source: str, errors_before: int) -> _Cached:
        answer = _ask(
            lambda: build_source(source, self._settings, Meter()).newest(),
            source_class(source).newest_every.total_seconds(),
            errors_before,
        )
        if self._keeps_sources:
            with self._lock:
                self._cached[source] = answer
        return answer


def _ask(ask: Callable[[], datetime | None], keep_seconds: float, errors_before: int) -> _Cached:
    try:
        newest = _instant(ask())
    except RateLimitedError as error:
        return _Cached(None, str(error), time.time() + keep_seconds, errors_before + 1)
    except Exception as error:  # noqa: BLE001 - one vendor's odd answer must not stop the check
        # Bound the exponent: errors may go on for ever.
        pause_seconds = min(keep_seconds, ERROR_SECONDS * 2 ** min(errors_before, 16))
        return _Cached(None, cause_of(error), time.time() + pause_seconds, errors_before + 1)
    return _Cached(newest, "", time.time() + keep_seconds)


def _instant(newest: object) -> datetime | None:
    """Check that what a source calls its newest activity can be compared with a watermark."""
    if newest is None or (isinstance(newest, datetime) and newest.tzinfo is not None):
        return newest
    raise TypeError(f"the newest activity is {newest!r}, not an instant with a time zone")


def _remembered(text: str) -> Iterable[tuple[str, Any]]:
    """Return what is remembered by source; nothing of a text that is not as it was written."""
    try:
        sources = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return ()
    return sources.items() if isinstance(sources, dict) else ()


def _read(plain: Any) -> _Cached | None:
    """Return a remembered answer; None where it is not as it was written: it is asked for again."""
    try:
        newest = plain["newest"]
        return _Cached(
            _instant(datetime.fromisoformat(newest) if newest else None),
            str(plain["error"]),
            float(plain["until"]),
            int(plain.get("errors_in_a_row", 0)),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
