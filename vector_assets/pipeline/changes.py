"""Reads single documents that events said have changed, and brings them into the index.

It goes the way of a nightly run: the same reader, planner, writer, redaction and quarantine. It
completes no day: what an event named may not be all that happened, and the night finds the rest.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from vector_assets.core.days import Days, Window
from vector_assets.core.meter import Meter
from vector_assets.index.queue import Waiting
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import WriteTarget
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.plan import Planner
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import write
from vector_assets.sources.base import Source
from vector_assets.sources.items import Quarantined, Resolved, SourceItem

MAX_DOCUMENTS = 500
"""Documents of a run; the rest waits for the next, which begins as soon as this one is over."""


@dataclass(slots=True)
class ChangesReport:
    """What a run of changes did.

    Attributes:
        taken: What it read, to be removed from the queue.
        gone: Ids that the vendor no longer shows.
        lag_seconds: Of each document that was written, from its change to being found.
        sync: The numbers of the run as of any other.
    """

    taken: Sequence[Waiting]
    sync: SyncReport
    gone: list[str] = field(default_factory=list)
    lag_seconds: list[float] = field(default_factory=list)

    @property
    def changed_documents(self) -> int:
        """How many documents were written, or were there no more."""
        total = self.sync.total
        return total.documents - total.unchanged_documents + len(self.gone)


class ChangesRun:
    """One run over what waits of one source.

    Args:
        source: Read by id.
        target: Where it writes.
        meter: Counts the requests of both.
    """

    def __init__(self, source: Source, target: WriteTarget, meter: Meter) -> None:
        self._source = source
        self._target = target
        self._meter = meter
        self._gone: list[str] = []

    def run(self, waiting: Sequence[Waiting], now: datetime | None = None) -> ChangesReport:
        """Read and write what waits, the longest waiting first, at most `MAX_DOCUMENTS`.

        What cannot be read goes into quarantine, as in any run.

        Raises:
            VectorAssetsError: Source, embedder or index do not answer. Nothing may be removed from
                the queue; what was written stays written.
        """
        now = now or datetime.now(UTC)
        taken = list(waiting[:MAX_DOCUMENTS])
        stream = self._stream(taken, now)
        report = write(stream)
        found_at = time.time()
        said_at = {each.document_id: each.first_said_at for each in taken}
        lags = [
            max(0.0, found_at - said_at[document_id].timestamp())
            for document_id in report.written_ids
            if document_id in said_at
        ]
        return ChangesReport(taken, report, self._gone, lags)

    def _stream(self, taken: Sequence[Waiting], now: datetime) -> EmbeddedDocuments:
        store, embedder = self._target.store, self._target.embedder
        name = self._source.name
        store.open(name, embedder.dimensions)
        held = self._held(is_rescan=False)
        # An end keeps the run from what a night does besides: readers, and all of the quarantine.
        window = Window(now - timedelta(days=1), now)
        return EmbeddedDocuments(
            source=self._source,
            days=Days(now.date(), now.date()),
            window=window,
            target=self._target,
            planner=Planner(store, name, embedder),
            quarantine=Quarantine(self._target.ledger, name, window),
            meter=self._meter,
            held=held,
            items=self._items(taken, held, now),
        )

    def _held(self, *, is_rescan: bool) -> HeldVersions:
        spec = IndexSpec.of(self._target.embedder).vector_spec
        return HeldVersions(self._target.store, self._source.name, spec, is_rescan=is_rescan)

    def _items(
        self, taken: Sequence[Waiting], held: HeldVersions, now: datetime
    ) -> Iterator[SourceItem]:
        """Yield what was named, and everything since the oldest event that named no document."""
        whole = [each for each in taken if each.document_id.endswith(":")]
        named = [_as_failed(each, now) for each in taken if not each.document_id.endswith(":")]
        if whole:
            self._source.known = held
            since = min(each.first_said_at for each in whole) - self._source.overlap
            yield from self._source.documents(Window(since, None))
        if named:
            # An event says that these changed, so that they are read even where they seem not to.
            self._source.known = self._held(is_rescan=True)
            for item in self._source.retry(named):
                if isinstance(item, Resolved):
                    self._gone.append(item.document_id)
                yield item


def _as_failed(waiting: Waiting, now: datetime) -> Quarantined:
    """Return a changed document as what `Source.retry` takes."""
    return Quarantined(
        waiting.document_id,
        "it was said to have changed",
        _day_of(waiting),
        Window(waiting.first_said_at, None),
        waiting.first_said_at,
        now,
    )


def _day_of(waiting: Waiting) -> date:
    return waiting.last_said_at.astimezone(UTC).date()
