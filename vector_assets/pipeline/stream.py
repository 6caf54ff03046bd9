"""The stream of one run: documents read, redacted, planned and embedded, and the report of it.

It says what is to be written, is told what has been, and knows of which days that is everything.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from vector_assets.core.concurrency import mapped_in_order
from vector_assets.core.days import Days, Window, start_of_day
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.index.targets import WriteTarget
from vector_assets.pipeline.extract import Intake, batched
from vector_assets.pipeline.plan import DocumentPlan, Planner, gaps_of_records
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.pipeline.redaction.redact import item_without_secrets, redact_document
from vector_assets.pipeline.report import DayStats, SyncReport
from vector_assets.sources.base import Source
from vector_assets.sources.items import (
    Checkpoint,
    Deferred,
    DocumentFailure,
    Gap,
    Settled,
    SourceItem,
    Unchanged,
)

BATCHES_IN_FLIGHT = 2
"""Batches that are planned and embedded while others are written."""

Outcome = DocumentPlan | DocumentFailure | Deferred | Unchanged | Settled | Checkpoint | Gap


class EmbeddedDocuments:
    """A lazy stream of batches of plans, ready to be written, and the report that grows with it.

    Iterate once, and say of each batch, in the stream's order, when it is written.

    Attributes:
        namespace: Where it belongs in the index.
        days: What was asked for.
        report: What has been done so far.
        target: Where it is written to, which is also what it is compared with: another connection
            might not see at once what this one has written.
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
        target: WriteTarget,
        planner: Planner,
        quarantine: Quarantine,
        meter: Meter,
    ) -> None:
        self.namespace = source.name
        self.days = days
        self.report = SyncReport(source.name, asked_days=len(days))
        self.target = target
        self.planner = planner
        self.quarantine = quarantine
        self.intake = Intake(source, window, quarantine)
        self._refused: dict[str, DocumentFailure] = {}
        self._meter = meter
        self._written_since: datetime | None = None
        self._believed_since: datetime | None = None
        self._started = time.monotonic()

    def __iter__(self) -> Iterator[list[Outcome]]:
        return mapped_in_order(self._plan, batched(self.intake), in_flight=BATCHES_IN_FLIGHT)

    @property
    def finished_days(self) -> list[date]:
        """The days of which all is written and has been read back, oldest first."""
        return self._days_since(self._believed_since)

    @property
    def written_days(self) -> list[date]:
        """The days of which all is written, oldest first, whether or not it was read back."""
        return self._days_since(self._written_since)

    def believe(self) -> None:
        """Say that all that counts as written has been read back."""
        self._believed_since = self._written_since
        self.report.finished_days = len(self.finished_days)

    def doubt(self) -> None:
        """Say that what was written last could not be read back; its days are not finished."""
        self._written_since = self._believed_since
        self.report.finished_days = len(self.finished_days)

    def distrust(self) -> None:
        """Say that something written is not in the index, so that no day is finished."""
        self._believed_since = None
        self.doubt()

    def finish(self) -> None:
        """Say that the stream has been written to its end, so that all its days are finished."""
        self._written_since = datetime.min.replace(tzinfo=UTC)
        self.believe()

    def planned_again(self, batch: list[Outcome], document_ids: set[str]) -> list[Outcome]:
        """Plan anew what was planned while an earlier version of it was still being written.

        A document that is edited while its source is being listed comes twice, and its second plan
        may rest on what the index held before the first.

        Args:
            batch: Of this stream.
            document_ids: Of documents that were written, or being written, since it was planned.

        Raises:
            VectorAssetsError: As `Planner.plan` raises.
        """
        return [
            self._planned([(outcome.document, outcome.stats.redacted_secrets)])[0]
            if isinstance(outcome, DocumentPlan) and outcome.document.id in document_ids
            else outcome
            for outcome in batch
        ]

    def note_written(self, batch: list[Outcome]) -> None:
        """Count a batch that has been written, after all those before it."""
        for outcome in batch:
            if isinstance(outcome, Checkpoint):
                self._written_since = outcome.since
                self.report.finished_days = len(self.written_days)
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

    def _days_since(self, since: datetime | None) -> list[date]:
        return [] if since is None else [day for day in self.days if start_of_day(day) >= since]

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
