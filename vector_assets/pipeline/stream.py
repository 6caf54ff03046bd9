"""The stream of one run: documents read, redacted, planned and embedded, and the run's report."""

import time
from collections.abc import Iterable, Iterator

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.index.targets import WriteTarget
from vector_assets.pipeline.arrivals import EventAudit
from vector_assets.pipeline.extract import Extraction, batched, extract, newest_documents
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.plan import DocumentPlan, Planner, gaps_of_records
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.pipeline.readers import update_readers
from vector_assets.pipeline.redaction.redact import item_without_secrets
from vector_assets.pipeline.report import DayStats, SyncReport
from vector_assets.sources.base import Source
from vector_assets.sources.items import (
    Checkpoint,
    Deferred,
    DocumentFailure,
    Gap,
    Resolved,
    SourceItem,
    Unchanged,
)

BATCHES_IN_FLIGHT = 2
"""Batches that are planned and embedded while others are written."""

Outcome = DocumentPlan | DocumentFailure | Deferred | Unchanged | Resolved | Checkpoint | Gap


class EmbeddedDocuments:
    """A lazy stream of batches of plans, ready to be written, and the report that grows with it.

    Iterate once, and count each batch, in the stream's order, when it is written.

    Attributes:
        target: Where it is written to, and what it is compared with: another connection might not
            see at once what this one has written.
    """

    def __init__(
        self,
        *,
        source: Source,
        days: Days,
        window: Window,
        target: WriteTarget,
        planner: Planner,
        quarantine: Quarantine,
        meter: Meter,
        held: HeldVersions | None = None,
        items: Iterable[SourceItem] | None = None,
        audit: EventAudit | None = None,
    ) -> None:
        self.namespace = source.name
        self.days = days
        self.report = SyncReport(source.name, asked_days=len(days))
        self.target = target
        self.planner = planner
        self.quarantine = quarantine
        self.extraction = Extraction(
            extract(source, window, quarantine) if items is None else items
        )
        self._source = source
        self._held = held
        self._audit = audit
        self._reaches_present = window.end is None
        self._rejected: dict[str, DocumentFailure] = {}
        self._meter = meter
        self._started = time.monotonic()

    def __iter__(self) -> Iterator[list[Outcome]]:
        return map_ordered(self._plan, batched(self.extraction), in_flight=BATCHES_IN_FLIGHT)

    def update_readers(self) -> None:
        """Bring changes of readers to documents of any day, when the run reaches the present.

        Raises:
            LostWriteError: What was written is not in the index.
            VectorAssetsError: What source and index raise.
        """
        if not self._reaches_present:
            return
        change = update_readers(self._source, self.target.store)
        self.report.documents_with_other_readers += change.documents
        for gap in change.gaps:
            self.report.add_gap(gap)

    def replan(self, batch: list[Outcome], document_ids: set[str]) -> list[Outcome]:
        """Plan documents again that were planned while an earlier version was being written.

        A document that is edited while its source is being listed is read twice, and its second
        plan may be based on what the index held before the first.
        """
        return [
            self._planned_again(outcome)
            if isinstance(outcome, DocumentPlan) and outcome.document.id in document_ids
            else outcome
            for outcome in batch
        ]

    def _planned_again(self, plan: DocumentPlan) -> Outcome:
        again = self._planned([plan.document])[0]
        if isinstance(again, DocumentPlan):
            # They may be redacted already.
            again.stats.redacted_secrets = max(
                again.stats.redacted_secrets, plan.stats.redacted_secrets
            )
        return again

    def count_written(self, batch: list[Outcome]) -> None:
        """Count a batch that has been written, after all those before it."""
        for outcome in batch:
            if isinstance(outcome, Checkpoint):
                continue
            if isinstance(outcome, Gap):
                self.report.add_gap(outcome)
            elif isinstance(outcome, DocumentFailure):
                self._count_failure(outcome)
            elif isinstance(outcome, DocumentPlan) and outcome.document.id in self._rejected:
                self._count_failure(self._rejected.pop(outcome.document.id))
            else:
                self._count_success(outcome)
        self.report.requests = self._meter.requests
        self.report.throttled_seconds = self._meter.throttled_seconds
        self.report.seconds = time.monotonic() - self._started
        # Only now, for the index may refuse: what a batch holds counts as a whole.
        self.quarantine.save_many_failures()

    def reject(self, failures: Iterable[DocumentFailure]) -> None:
        """Record documents that were to be written and are not in the index."""
        for failure in failures:
            self._rejected[failure.document_id] = item_without_secrets(failure)

    def save_quarantine(self) -> None:
        """Record what failed, and release from quarantine what has been written or is gone."""
        self.record_failures()
        self.report.released_documents = self.quarantine.save()
        if self._audit:
            self.report.brought_by_events = self._audit.brought_documents
            self.report.missed_by_events = self._audit.missed_documents
            self._audit.close()
        self.report.quarantine = list(self.quarantine.held.values())

    def record_failures(self) -> None:
        """Record what failed so far."""
        for failure in self._rejected.values():
            self._count_failure(failure)
        self._rejected.clear()
        self.quarantine.save_failures()

    def _plan(self, batch: list[SourceItem]) -> list[Outcome]:
        """Plan a batch; of a document that it holds twice, the newer version."""
        others: list[Outcome] = [item for item in batch if not isinstance(item, Document)]
        outcomes = self._planned([*newest_documents(batch).values()]) + others
        return [item_without_secrets(outcome) for outcome in outcomes]

    def _planned(self, documents: list[Document]) -> list[Outcome]:
        if not documents:
            return []
        outcomes: list[Outcome] = [*self.planner.plan(documents)]
        return outcomes + [gap for document in documents for gap in gaps_of_records(document)]

    def _count_failure(self, failure: DocumentFailure) -> None:
        self.quarantine.note_failure(failure)
        if self.quarantine.is_retried(failure.document_id):
            self.report.failed_again_documents += 1
        else:
            self.report.add_failure(failure)

    def _count_success(self, outcome: DocumentPlan | Deferred | Unchanged | Resolved) -> None:
        if isinstance(outcome, DocumentPlan):
            self.quarantine.note_success(outcome.document.id)
            if self._audit and not outcome.stats.unchanged_documents:
                self._audit.note_changed(outcome.document)
            self.report.add(outcome.document.day, outcome.stats, stored_day=outcome.stored_day)
            if not outcome.is_empty:
                self.report.add_sample(outcome.document, outcome.stats.chunks)
            return
        if not isinstance(outcome, Unchanged):
            self.quarantine.note_success(outcome.document_id)
        if isinstance(outcome, Deferred):
            self.report.add(outcome.day, DayStats(deferred_documents=1))
        elif isinstance(outcome, Unchanged):
            chunk_count = self._held.take_chunk_count(outcome.document_id) if self._held else 0
            self.report.add(
                outcome.day,
                DayStats(
                    documents=1,
                    unchanged_documents=1,
                    stored_documents=1,
                    stored_chunks=chunk_count,
                ),
            )
