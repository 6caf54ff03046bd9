"""Reads single documents that events said have changed, and brings them into the index.

It goes the way of a nightly run: the same reader, planner, writer, redaction and quarantine. It
completes no day: what an event named may not be all that happened, and the night finds the rest.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from vector_assets.core.days import Days, Window
from vector_assets.index.queue import Waiting
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.plan import Planner
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources.estimate import as_if_failed
from vector_assets.sources.items import Resolved, SourceItem

MAX_DOCUMENTS = 500
"""Documents of a run; the rest waits for the next, which begins as soon as this one is over."""


@dataclass(slots=True)
class ChangesReport:
    """What a run of changes did.

    Attributes:
        processed: What it read, to be removed from the queue.
        sync: The numbers of the run as of any other.
        gone: Ids that the vendor no longer shows.
        lag_seconds: Of a sample of the documents that were written, from change to being found.
    """

    processed: Sequence[Waiting]
    sync: SyncReport
    gone: list[str] = field(default_factory=list)
    lag_seconds: list[float] = field(default_factory=list)

    @property
    def changed_documents(self) -> int:
        """How many documents were written, or were there no more."""
        total = self.sync.total
        return total.documents - total.unchanged_documents + len(self.gone)


def run_changes(
    pipeline: Pipeline, waiting: Sequence[Waiting], now: datetime | None = None
) -> ChangesReport:
    """Read and write what waits, the longest waiting first, at most `MAX_DOCUMENTS`.

    What cannot be read goes into quarantine, as in any run.

    Args:
        pipeline: Of the source.
        waiting: Of the same source.
        now: Current time, UTC.

    Raises:
        VectorAssetsError: Source, embedder or index do not answer. Nothing may be removed from the
            queue; what was written stays written.
    """
    entries = list(waiting[:MAX_DOCUMENTS])
    run = _ChangesRun(pipeline, entries, now or datetime.now(UTC))
    report = write(run.stream())
    findable_at = time.time()
    changed_at = {entry.document_id: entry.first_said_at.timestamp() for entry in entries}
    lag_seconds = [
        max(0.0, findable_at - changed_at[document_id])
        for document_id in report.written_ids
        if document_id in changed_at
    ]
    return ChangesReport(entries, report, run.gone, lag_seconds)


class _ChangesRun:
    """The stream of a run of changes."""

    def __init__(self, pipeline: Pipeline, entries: Sequence[Waiting], now: datetime) -> None:
        self._source = pipeline.source
        self._pipeline = pipeline
        self._entries = entries
        self._now = now
        self.gone: list[str] = []

    def stream(self) -> EmbeddedDocuments:
        """Return the stream; nothing is read until it is iterated."""
        target, name = self._pipeline.target, self._source.name
        target.store.open(name, target.embedder.dimensions)
        held = self._held(is_rescan=False)
        # An end keeps the run from what a night does besides: readers, and all of the quarantine.
        window = Window(self._now - timedelta(days=1), self._now)
        return EmbeddedDocuments(
            source=self._source,
            days=Days(self._now.date(), self._now.date()),
            window=window,
            target=target,
            planner=Planner(target.store, name, target.embedder),
            quarantine=Quarantine(target.ledger, name, window, releases=target.is_served),
            meter=self._pipeline.meter,
            held=held,
            items=self._items(held),
        )

    def _held(self, *, is_rescan: bool) -> HeldVersions:
        target = self._pipeline.target
        spec = IndexSpec.of(target.embedder).vector_spec
        return HeldVersions(target.store, self._source.name, spec, is_rescan=is_rescan)

    def _items(self, held: HeldVersions) -> Iterator[SourceItem]:
        """Yield what was named, and everything since the oldest event that named no document."""
        since = [entry.first_said_at for entry in self._entries if entry.is_of_whole_source]
        if since:
            self._source.known = held
            yield from self._source.documents(Window(min(since) - self._source.overlap, None))
        named = [
            failed
            for entry in self._entries
            if not entry.is_of_whole_source
            for failed in as_if_failed(
                [entry.document_id],
                Window(entry.first_said_at, None),
                entry.last_said_at.astimezone(UTC).date(),
            )
        ]
        if named:
            # An event says that these changed, so that they are read even where they seem not to.
            self._source.known = self._held(is_rescan=True)
            for item in self._source.retry(named):
                if isinstance(item, Resolved):
                    self.gone.append(item.document_id)
                yield item
