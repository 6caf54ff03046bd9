"""The pipeline: fetch, chunk, embed and write one source, all at the same time, in bounded memory.

Schedule, UI, command line and HTTP all run this code: `Pipeline.embedded_documents` is the half
that reads and embeds, `write` the half that an IO manager drains into the index.
Keep out: what changes for a document (`planning.py`), the order of writes (`writing.py`), and
everything of Dagster.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime

from vector_assets.concurrency import mapped_in_order, side_by_side
from vector_assets.days import Days as Days
from vector_assets.documents import (
    Checkpoint,
    Deferred,
    Document,
    DocumentFailure,
    Gap,
    Settled,
    SourceItem,
    Unchanged,
    Window,
    start_of_day,
)
from vector_assets.embedding.base import Embedder
from vector_assets.errors import (
    LostWriteError,
    SwitchedIndexError,
    VectorAssetsError,
)
from vector_assets.intake import Intake, batched
from vector_assets.landing import NO_LANDING, Landing
from vector_assets.ledger import Ledger
from vector_assets.meter import Meter
from vector_assets.planning import (
    DocumentPlan,
    HeldVersions,
    Planner,
    gaps_of_records,
    vector_kind_of,
)
from vector_assets.quarantine import Quarantine
from vector_assets.redaction import item_without_secrets, redact_document
from vector_assets.report import DayStats, SyncReport
from vector_assets.serving import Opening, Target
from vector_assets.settings import Settings
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.stores.base import VectorStore
from vector_assets.writing import Writer

BATCHES_IN_FLIGHT = 2

MAINTAINED_BATCHES = 50
"""Written batches after which an index is maintained: its small files make each question slower."""

Outcome = DocumentPlan | DocumentFailure | Deferred | Unchanged | Settled | Checkpoint | Gap


class EmbeddedDocuments:
    """A lazy stream of batches of plans, ready to be written, and the report that grows with it.

    Iterate once. A batch counts as written when the next one is asked for.

    Attributes:
        namespace: Where it belongs in the index.
        days: What was asked for.
        report: What has been done so far.
        planner: Of this run; plans anew what has to be written again.
        quarantine: What of the source failed, before and in this run.
        intake: What it takes in; may be stopped.
    """

    def __init__(
        self,
        *,
        source: Source,
        days: Days,
        window: Window,
        planner: Planner,
        quarantine: Quarantine,
        meter: Meter,
    ) -> None:
        self.namespace = source.name
        self.days = days
        self.report = SyncReport(source.name, asked_days=len(days))
        self.planner = planner
        self.quarantine = quarantine
        self.intake = Intake(source, window, quarantine)
        self._refused: dict[str, DocumentFailure] = {}
        self._meter = meter
        self._written_since: datetime | None = None
        self._started = time.monotonic()

    def __iter__(self) -> Iterator[list[Outcome]]:
        batches = batched(self.intake)
        recent: deque[set[str]] = deque(maxlen=BATCHES_IN_FLIGHT + 3)
        for planned in mapped_in_order(self._plan, batches, in_flight=BATCHES_IN_FLIGHT):
            batch = self._planned_again(planned, set().union(*recent))
            yield batch
            recent.append({o.document.id for o in batch if isinstance(o, DocumentPlan)})
            self._note(batch)

    @property
    def finished_days(self) -> list[date]:
        """The days of which every document has been written, oldest first."""
        since = self._written_since
        if since is None:
            return []
        return [day for day in self.days if start_of_day(day) >= since]

    def finish(self) -> None:
        """Say that the stream has been written to its end, so that all its days are finished."""
        self._written_since = datetime.min.replace(tzinfo=UTC)
        self.report.finished_days = self.report.asked_days

    def distrust(self) -> None:
        """Say that something written is not in the index, so that no day is finished."""
        self._written_since = None

    def refuse(self, failures: Iterable[DocumentFailure]) -> None:
        """Say that the index does not hold these, though they were asked for to be written."""
        for failure in failures:
            self._refused[failure.document_id] = item_without_secrets(failure)

    def settle(self) -> None:
        """Record what failed, and release from quarantine what has been written or is gone.

        Raises:
            VectorAssetsError: As the index raises.
        """
        self.record_failures()
        self.report.released_documents = self.quarantine.save()
        self.report.quarantine = list(self.quarantine.held.values())

    def record_failures(self) -> None:
        """Record what failed so far; a day whose failures nobody knows is not done.

        Raises:
            VectorAssetsError: As the index raises.
        """
        for failure in self._refused.values():
            self._note_failure(failure)
        self._refused.clear()
        self.quarantine.save_failures()

    def _plan(self, batch: list[SourceItem]) -> list[Outcome]:
        """Redact and plan a batch; of a document that is in it twice, the newer version."""
        newest: dict[str, Document] = {}
        for item in batch:
            if isinstance(item, Document):
                known = newest.get(item.id)
                if known is None or item.updated_at >= known.updated_at:
                    newest[item.id] = item
        others: list[Outcome] = [item for item in batch if not isinstance(item, Document)]
        outcomes = self._planned([redact_document(one) for one in newest.values()]) + others
        return [item_without_secrets(outcome) for outcome in outcomes]

    def _planned(self, documents: list[tuple[Document, int]]) -> list[Outcome]:
        """Plan documents, each with the number of secrets that it had."""
        if not documents:
            return []
        outcomes: list[Outcome] = [*self.planner.plan([one for one, _ in documents])]
        for outcome, (_, secret_count) in zip(outcomes, documents, strict=True):
            if isinstance(outcome, DocumentPlan):
                outcome.stats.redacted_secrets = secret_count
        return outcomes + [gap for one, _ in documents for gap in gaps_of_records(one)]

    def _planned_again(self, batch: list[Outcome], recent_ids: set[str]) -> list[Outcome]:
        """Plan anew what was planned while an earlier version of it was still being written.

        A document that is edited while its source is being listed comes twice, and its second plan
        may rest on what the index held before the first.
        """
        return [
            self._planned([(outcome.document, outcome.stats.redacted_secrets)])[0]
            if isinstance(outcome, DocumentPlan) and outcome.document.id in recent_ids
            else outcome
            for outcome in batch
        ]

    def _note(self, batch: list[Outcome]) -> None:
        """Count a batch that has been written."""
        for outcome in batch:
            if isinstance(outcome, Checkpoint):
                self._written_since = outcome.since
                self.report.finished_days = len(self.finished_days)
            elif isinstance(outcome, Gap):
                self.report.add_gap(outcome)
            elif isinstance(outcome, DocumentFailure):
                self._note_failure(outcome)
            elif isinstance(outcome, DocumentPlan) and outcome.document.id in self._refused:
                self._note_failure(self._refused.pop(outcome.document.id))
            else:
                self._note_success(outcome)
        self.report.requests = self._meter.requests
        self.report.throttled_seconds = self._meter.throttled_seconds
        self.report.seconds = time.monotonic() - self._started

    def _note_failure(self, failure: DocumentFailure) -> None:
        self.quarantine.note_failure(failure)
        if self.quarantine.is_retried(failure.document_id):
            self.report.failed_again_documents += 1
        else:
            self.report.add_failure(failure)

    def _note_success(self, outcome: DocumentPlan | Deferred | Unchanged | Settled) -> None:
        if isinstance(outcome, DocumentPlan):
            self.quarantine.note_success(outcome.document.id)
            self.report.add(outcome.document.day, outcome.stats)
            if not outcome.is_empty:
                self.report.add_sample(outcome.document, outcome.stats.chunks)
            return
        self.quarantine.note_success(outcome.document_id)
        if isinstance(outcome, Deferred):
            self.report.add(outcome.day, DayStats(deferred_documents=1))
        elif isinstance(outcome, Unchanged):
            self.report.add(outcome.day, DayStats(documents=1, unchanged_documents=1))


class Pipeline:
    """One run of one source into one index.

    Args:
        source: Where documents come from.
        embedder: What makes vectors of them.
        store: Asked what the index already holds.
        meter: The one that the other three count on.
    """

    def __init__(
        self, *, source: Source, embedder: Embedder, store: VectorStore, meter: Meter
    ) -> None:
        self._source = source
        self._embedder = embedder
        self._store = store
        self.meter = meter

    def embedded_documents(
        self, days: Days, now: datetime | None = None, *, is_rescan: bool = False
    ) -> EmbeddedDocuments:
        """Return the stream for some days; nothing is fetched until it is iterated.

        Args:
            days: What is wanted.
            now: The present; for tests.
            is_rescan: Whether also that is read again which seems unchanged: edits and deletions
                that a vendor's listing does not show.

        Raises:
            IndexMismatchError: The index holds vectors of another length.
        """
        self._store.open(self._source.name, self._embedder.dimensions)
        self._source.known = HeldVersions(
            self._store,
            self._source.name,
            vector_kind_of(self._embedder),
            is_rescan=is_rescan,
        )
        window = Window.of_days(
            days.first, days.last, overlap=self._source.overlap, now=now or datetime.now(UTC)
        )
        ledger = Ledger(self._store, self._embedder.dimensions)
        return EmbeddedDocuments(
            source=self._source,
            days=days,
            window=window,
            planner=Planner(self._store, self._source.name, self._embedder),
            quarantine=Quarantine(ledger, self._source.name, window),
            meter=self.meter,
        )

    def run(
        self, days: Days, *, on_progress: Callable[[SyncReport], None] = lambda report: None
    ) -> SyncReport:
        """Sync some days and return what was done; both halves in one call."""
        return write(self.embedded_documents(days), self._store, on_progress=on_progress)


def write(
    stream: EmbeddedDocuments,
    store: VectorStore,
    *,
    on_progress: Callable[[SyncReport], None] = lambda report: None,
    landing: Landing = NO_LANDING,
) -> SyncReport:
    """Drain a stream into the index and return what was done.

    Args:
        stream: From `Pipeline.embedded_documents`.
        store: The index.
        on_progress: Called after each batch with the report so far.
        landing: Told now and then which days are done, and may end the run.

    Raises:
        LostWriteError: The index took less than it was given.
        SwitchedIndexError: The index was switched to another generation meanwhile.
        BudgetSpentError: The landing's budget is; `stream.finished_days` are complete.
        RetryableError: Source, embedder or index do not answer; what was written stays written,
            and `stream.finished_days` are complete.
    """
    try:
        _drain(stream, store, on_progress, landing)
        _require_served(store)
        if stream.intake.is_cut:
            stream.record_failures()
            landing.end(stream.report, stream.finished_days)
        stream.settle()
    except VectorAssetsError as error:
        if isinstance(error, LostWriteError | SwitchedIndexError) or not _is_recorded(stream):
            stream.distrust()
        raise
    stream.finish()
    store.maintain(stream.namespace)
    on_progress(stream.report)
    return stream.report


def _require_served(store: VectorStore) -> None:
    """Check that what a run wrote is what a search reads."""
    instead = store.served_instead()
    if instead:
        raise SwitchedIndexError(
            f"the index was switched during this run, and {instead} is served now. What this run "
            f"wrote last may not be in it: run the same days again"
        )


def _drain(
    stream: EmbeddedDocuments,
    store: VectorStore,
    on_progress: Callable[[SyncReport], None],
    landing: Landing,
) -> None:
    writer = Writer(store, stream.namespace, stream.planner)
    written_batches = 0
    stream.intake.is_stopped = landing.is_spent
    for batch in stream:
        landing.note(stream.report)
        if landing.is_due(stream.finished_days):
            # What was written before this batch is believed once it has been read back.
            writer.finish()
            stream.refuse(writer.taken_failures())
            stream.record_failures()
            _require_served(store)
            landing.land(stream.report, stream.finished_days)
        plans = [o for o in batch if isinstance(o, DocumentPlan) and not o.is_empty]
        writer.write(plans)
        stream.refuse(writer.taken_failures())
        written_batches += bool(plans)
        if plans and written_batches % MAINTAINED_BATCHES == 0:
            store.maintain(stream.namespace)
        on_progress(stream.report)
    writer.finish()
    stream.refuse(writer.failures)


def _is_recorded(stream: EmbeddedDocuments) -> bool:
    """Record what failed before a run broke off; a day whose failures nobody knows is not done."""
    try:
        stream.record_failures()
    except VectorAssetsError:
        return False
    return True


def build_pipeline(
    name: str, settings: Settings, opening: Opening | None = None
) -> tuple[Pipeline, Target]:
    """Return the pipeline of a source as the settings say, and where it writes.

    Args:
        name: Of the source.
        settings: Of source, embedder and index.
        opening: Shared by sources that are synced side by side.

    Raises:
        SettingsError: A setting that it needs is missing.
        IndexMismatchError: The index is of another kind than this can write.
        VectorAssetsError: What source and index raise.
    """
    meter = Meter()
    source = build_source(name, settings, meter)
    opening = opening or Opening(settings)
    target, _ = side_by_side(lambda: opening.target(meter), source.prepare)
    embedder, store = target.embedder, target.store
    return Pipeline(source=source, embedder=embedder, store=store, meter=meter), target


def sync_source(name: str, days: Days, settings: Settings) -> SyncReport:
    """Sync some days of one source as the settings say, from source to index.

    Raises:
        VectorAssetsError: As `build_pipeline` and `write` raise.
    """
    return build_pipeline(name, settings)[0].run(days)
