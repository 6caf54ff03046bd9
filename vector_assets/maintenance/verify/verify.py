"""Compare source and index for some days and report what is wrong in the index; write nothing.

Each suspect is read a second time, from source and index, before it counts: documents change while
they are compared, and Pinecone shows writes with a delay.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby, islice

from vector_assets.core.days import Days, Window, start_of_day
from vector_assets.core.errors import DocumentError
from vector_assets.embedding.base import Embedder
from vector_assets.index.spec import IndexSpec
from vector_assets.maintenance.verify.findings import (
    Defect,
    Finding,
    Wanted,
    Yardstick,
    examine,
    version_of,
)
from vector_assets.pipeline.extract import batched, newest_documents
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.redaction.redact import redact_document, words_without_secrets
from vector_assets.sources.base import Source
from vector_assets.sources.items import (
    Deferred,
    DocumentFailure,
    Quarantined,
    Resolved,
    SourceItem,
    Unchanged,
    document_id_of_item,
)
from vector_assets.stores.base import Record, VectorStore
from vector_assets.stores.records import document_id_of, head_id, ordinal_of, record_id

MAX_FINDINGS = 10_000
MAX_ASKED_BY_ID = 1_000
"""How many documents that a listing lacks are asked for by their ids; each may cost a request."""

_BATCH_IDS = 1_000


@dataclass(frozen=True, slots=True)
class Case:
    """A document with defects that were seen twice; none when the second look found nothing."""

    document_id: str
    wanted: Wanted | None
    records: Sequence[Record]
    findings: Sequence[Finding]


@dataclass(slots=True)
class VerifyReport:
    """What was seen of one source; all findings are counted, the first `MAX_FINDINGS` kept.

    Unread documents are those that the source could not give; they are not verified.
    """

    source: str
    days: Days
    stage: str = ""
    documents: int = 0
    records: int = 0
    record_count: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Defect] = field(default_factory=Counter)
    unread: list[DocumentFailure] = field(default_factory=list)
    mended: Counter[Defect] = field(default_factory=Counter)

    @property
    def is_right(self) -> bool:
        """Whether every document was compared and nothing is wrong."""
        return not self.counts and not self.unread

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings, and keep the first `MAX_FINDINGS`."""
        for finding in findings:
            self.counts[finding.kind] += 1
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(finding)


OnVerified = Callable[[VerifyReport], None]


class Verifier:
    """Compares one source with its namespace, once; the index is only read.

    Memory grows with the ids and links of these days' documents, not with their texts. Activity
    after these days is not due yet. `open_source` returns a new source, without cached state.
    """

    def __init__(
        self,
        *,
        open_source: Callable[[], Source],
        embedder: Embedder,
        store: VectorStore,
        days: Days,
        now: datetime | None = None,
        on_progress: OnVerified = lambda report: None,
    ) -> None:
        self._open_source = open_source
        self._embedder = embedder
        self._store = store
        self._now = now or datetime.now(UTC)
        self._on_progress = on_progress
        source = open_source()
        self._namespace = source.name
        self._window = Window.of_days(days.first, days.last, overlap=source.overlap, now=self._now)
        self._due_before = start_of_day(days.last).timestamp() + 86_400
        self._yardstick = Yardstick.of(embedder)
        self._covered: dict[str, int] = {}
        self._owners: dict[int, str] = {}
        self._seen_heads: dict[str, tuple[float, str]] = {}
        self.report = VerifyReport(source.name, days)

    def verify(self) -> VerifyReport:
        """Compare everything and return the report; after an error the result is unknown."""
        for _ in self.cases():
            pass
        return self.report

    def cases(self) -> Iterator[list[Case]]:
        """Yield defective documents in batches, each once; the report grows with them."""
        suspects = self._suspects_of_source() | self._suspects_of_index()
        if not suspects:
            return
        self._set_stage("waiting until the index shows the latest writes")
        time.sleep(self._store.seen_within_seconds)
        self._set_stage("looking again at what seems wrong")
        for batch in self._second_look(suspects):
            cases = [case for case in batch if case.findings]
            self.report.add(finding for case in cases for finding in case.findings)
            self._on_progress(self.report)
            if cases:
                yield cases

    def _suspects_of_source(self) -> set[str]:
        """Compare each document that the source gives with the index; return those that differ."""
        self._set_stage("comparing what the source gives")
        suspects: set[str] = set()
        for batch in batched(self._source().documents(self._window)):
            wanted = self._wanted(batch, self.report.unread)
            for document_id, expected in wanted.items():
                for url in filter(None, expected.urls):
                    self._owners.setdefault(hash(url), document_id)
            held = self._held(wanted)
            for document_id, expected in wanted.items():
                head = version_of(document_id, held[document_id])
                if self._examined(document_id, expected.replacing(head), held[document_id]):
                    suspects.add(document_id)
                    if head is not None:
                        self._seen_heads[document_id] = head
            self.report.documents += len(wanted)
            self._on_progress(self.report)
        return suspects

    def _wanted(
        self, items: Sequence[SourceItem], unread: list[DocumentFailure]
    ) -> dict[str, Wanted]:
        """Return what the index should hold; of a document that is listed twice, the newer."""
        for item in items:
            if isinstance(item, DocumentFailure):
                unread.append(replace(item, cause=words_without_secrets(item.cause)))
            if isinstance(item, DocumentFailure | Deferred | Unchanged):
                self._covered.setdefault(item.document_id, 0)
        wanted: dict[str, Wanted] = {}
        for document_id, document in newest_documents(items).items():
            is_due = document.updated_at.timestamp() < self._due_before
            try:
                clean, _ = redact_document(document)
                wanted[document_id] = Wanted.of(clean, self._embedder, is_due=is_due)
            except DocumentError as error:
                self._covered.setdefault(document_id, 0)
                unread.append(DocumentFailure(document_id, error.cause, document.day))
        return wanted

    def _wanted_again(self, items: Sequence[SourceItem]) -> dict[str, Wanted]:
        """Return the same at the second look, which also decides whether a document was read."""
        failures: list[DocumentFailure] = []
        wanted = self._wanted(items, failures)
        read_again = wanted.keys() | {failure.document_id for failure in failures}
        earlier = [
            failure for failure in self.report.unread if failure.document_id not in read_again
        ]
        self.report.unread = [*earlier, *failures]
        return wanted

    def _held(self, wanted: dict[str, Wanted]) -> dict[str, list[Record]]:
        """Return the records of documents, up to the longer of their lengths here and there."""
        heads = self._store.heads(self._namespace, list(wanted)) if wanted else {}
        chunk_ids: list[str] = []
        for document_id, expected in wanted.items():
            head = heads.get(document_id)
            count = max(len(expected.metadata), head.chunk_count if head else 0)
            self._covered[document_id] = count
            chunk_ids += (record_id(document_id, ordinal) for ordinal in range(count))
        return self._fetched(chunk_ids, wanted)

    def _fetched(
        self, chunk_ids: Sequence[str], document_ids: Iterable[str]
    ) -> dict[str, list[Record]]:
        held: dict[str, list[Record]] = {document_id: [] for document_id in document_ids}
        for at in range(0, len(chunk_ids), _BATCH_IDS):
            for record in self._store.fetch(self._namespace, chunk_ids[at : at + _BATCH_IDS]):
                held[document_id_of(record.id)].append(record)
        return held

    def _suspects_of_index(self) -> set[str]:
        """Walk all ids of the index; return documents with other ids than were compared."""
        self._set_stage("walking the index")
        self.report.record_count = self._store.count(self._namespace)
        suspects: set[str] = set()
        documents = groupby(self._store.record_ids(self._namespace), document_id_of)
        while batch := {
            document_id: list(chunk_ids) for document_id, chunk_ids in islice(documents, _BATCH_IDS)
        }:
            unlisted: dict[str, list[str]] = {}
            for document_id, chunk_ids in batch.items():
                if document_id not in self._covered:
                    unlisted[document_id] = chunk_ids
                elif not _is_covered(chunk_ids, self._covered[document_id]):
                    suspects.add(document_id)
            suspects |= self._of_these_days(unlisted)
            self.report.records += sum(map(len, batch.values()))
            self._on_progress(self.report)
        return suspects

    def _of_these_days(self, chunk_ids_by_document: dict[str, list[str]]) -> set[str]:
        """Return those of some documents whose last activity, by the index, is in the window."""
        with_head = [
            document_id
            for document_id, chunk_ids in chunk_ids_by_document.items()
            if head_id(document_id) in chunk_ids
        ]
        heads = self._store.heads(self._namespace, with_head) if with_head else {}
        seen_heads = {
            document_id: (head.updated_at, head.document_fingerprint)
            for document_id, head in heads.items()
            if self._is_in_window(head.updated_at)
        }
        self._seen_heads |= seen_heads
        inside = set(seen_heads)
        headless = [
            document_id for document_id in chunk_ids_by_document if document_id not in heads
        ]
        chunk_ids = [
            chunk_id for document_id in headless for chunk_id in chunk_ids_by_document[document_id]
        ]
        for document_id, records in self._fetched(chunk_ids, headless).items():
            dates = [record.metadata.get("updated_at") for record in records]
            if any(isinstance(date, float) and self._is_in_window(date) for date in dates):
                inside.add(document_id)
        return inside

    def _is_in_window(self, date: float) -> bool:
        end = self._window.end
        return self._window.start.timestamp() <= date and (end is None or date < end.timestamp())

    def _second_look(self, suspects: set[str]) -> Iterator[list[Case]]:
        """Read suspects again from source and index, and yield them with what is still wrong."""
        left = set(suspects)
        listed: set[str] = set()
        for batch in batched(self._source().documents(self._window)):
            wanted = self._wanted_again(
                [item for item in batch if document_id_of_item(item) in left]
            )
            listed.update(suspects.intersection(map(document_id_of_item, batch)))
            left -= wanted.keys()
            if wanted:
                yield self._cases(list(wanted), wanted)
        unlisted = sorted(suspects - listed)
        moved = self._moved_later(set(unlisted))
        for batch in batched(
            self._by_id([document_id for document_id in unlisted if document_id not in moved])
        ):
            wanted = self._wanted_again(batch)
            listed.update(map(document_id_of_item, batch))
            if wanted:
                yield self._cases(list(wanted), wanted)
        unlisted = sorted(suspects - listed)
        for at in range(0, len(unlisted), _BATCH_IDS):
            cases = self._cases(unlisted[at : at + _BATCH_IDS], {})
            yield [_without_orphans(case) if case.document_id in moved else case for case in cases]

    def _cases(self, document_ids: Sequence[str], wanted: dict[str, Wanted]) -> list[Case]:
        chunk_ids = [
            chunk_id
            for document_id in document_ids
            for chunk_id in dict.fromkeys(self._store.record_ids(self._namespace, document_id))
        ]
        cases = []
        for document_id, records in self._fetched(chunk_ids, document_ids).items():
            expected = wanted.get(document_id)
            head = version_of(document_id, records)
            # This version was read after the one that the index held then and holds still.
            if expected is not None and head == self._seen_heads.get(document_id):
                expected = expected.replacing(head)
            findings = self._examined(document_id, expected, records)
            cases.append(Case(document_id, expected, records, findings))
        return cases

    def _by_id(self, document_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Yield what the source gives for documents that it does not list in these days.

        A document may have gone back in time: a file that was replaced by an older one, or a
        message that was deleted after others.
        """
        asked: list[Quarantined] = []
        for document_id in document_ids[:MAX_ASKED_BY_ID]:
            if head := self._seen_heads.get(document_id):
                day = datetime.fromtimestamp(head[0], UTC).date()
                asked.append(Quarantined(document_id, "", day, self._window, self._now, self._now))
        if not asked:
            return
        wanted = {document.document_id for document in asked}
        for item in self._source().retry(asked):
            if document_id_of_item(item) in wanted and not isinstance(item, Resolved):
                yield item

    def _moved_later(self, document_ids: set[str]) -> set[str]:
        """Return those that the source dates after these days, which a later verify covers."""
        if not document_ids or self._window.end is None:
            return set()
        later = Window(self._window.end, None)
        return {
            document_id for document_id in self._source().ids(later) if document_id in document_ids
        }

    def _examined(
        self, document_id: str, wanted: Wanted | None, records: Sequence[Record]
    ) -> list[Finding]:
        return examine(
            document_id, wanted, records, self._yardstick, lambda url: self._owners.get(hash(url))
        )

    def _source(self) -> Source:
        source = self._open_source()
        spec = IndexSpec.of(self._embedder)
        source.known = HeldVersions(self._store, self._namespace, spec.vector_spec, is_rescan=True)
        return source

    def _set_stage(self, stage: str) -> None:
        self.report.stage = stage
        self._on_progress(self.report)


def _is_covered(chunk_ids: Sequence[str], count: int) -> bool:
    """Tell whether these ids are distinct and belong to the first `count` chunks."""
    return len(set(chunk_ids)) == len(chunk_ids) and all(
        0 <= ordinal_of(chunk_id) < count for chunk_id in chunk_ids
    )


def _without_orphans(case: Case) -> Case:
    kept = [finding for finding in case.findings if finding.kind is not Defect.ORPHANED]
    return replace(case, findings=kept)
