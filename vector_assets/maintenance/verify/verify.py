"""Walks source and index for some days and finds what is wrong in the index; writes nothing.

What seems wrong is looked at a second time, in source and index, before it counts: documents change
while they are being compared, and Pinecone shows late what was written.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby, islice

from vector_assets.core.days import Days, Window, start_of_day
from vector_assets.core.documents import Document
from vector_assets.core.errors import DocumentError
from vector_assets.embedding.base import Embedder
from vector_assets.index.spec import IndexSpec
from vector_assets.maintenance.verify.findings import Finding, Kind, Wanted, Yardstick, examine
from vector_assets.pipeline.extract import batched
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.redaction.redact import redact_document, words_without_secrets
from vector_assets.sources.base import Source
from vector_assets.sources.items import (
    Deferred,
    DocumentFailure,
    SourceItem,
    Unchanged,
    document_id_of_item,
)
from vector_assets.stores.base import Record, VectorStore
from vector_assets.stores.records import document_id_of, head_id, ordinal_of, record_id

MAX_FINDINGS = 10_000
"""How many findings a report names; all are counted."""

_BATCH_IDS = 1_000


@dataclass(frozen=True, slots=True)
class Case:
    """A document with something wrong, seen twice.

    Attributes:
        document_id: Which.
        wanted: What the source gives; None when it lists no such document in these days.
        records: What the index holds of it.
        findings: What is wrong, at least one thing.
    """

    document_id: str
    wanted: Wanted | None
    records: Sequence[Record]
    findings: Sequence[Finding]


@dataclass(slots=True)
class VerifyReport:
    """What was seen of one source.

    Attributes:
        source: Which.
        days: That were asked for.
        stage: What is being done at the moment, in words.
        documents: Of the source that were compared.
        records: Of the index whose ids were walked.
        record_count: How many the index says it has.
        findings: What is wrong, the first `MAX_FINDINGS`.
        counts: Of all findings, by kind.
        unread: Documents that the source could not give; they are not verified.
        mended: Findings that a repair has mended, by kind.
    """

    source: str
    days: Days
    stage: str = ""
    documents: int = 0
    records: int = 0
    record_count: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    unread: list[DocumentFailure] = field(default_factory=list)
    mended: Counter[Kind] = field(default_factory=Counter)

    @property
    def is_right(self) -> bool:
        """Whether every document was compared and nothing is wrong."""
        return not self.counts and not self.unread

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings, and name them while there is room."""
        for finding in findings:
            self.counts[finding.kind] += 1
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(finding)


OnVerified = Callable[[VerifyReport], None]


class Verifier:
    """Compares one source with its namespace, once.

    Memory grows with the ids and links of the documents of these days, not with their texts.

    Args:
        open_source: Returns the source, without anything remembered from before.
        embedder: The configured one: decides what every record has to be.
        store: The index; only read.
        days: To look at, with the overlap of a sync. What was active after them is not due yet.
        now: The present.
        on_progress: Called with the report as it grows.
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
        self.report = VerifyReport(source.name, days)

    def verify(self) -> VerifyReport:
        """Look at everything and return what is wrong.

        Raises:
            VectorAssetsError: What source, embedder or index raise; then nothing may be concluded.
        """
        for _ in self.cases():
            pass
        return self.report

    def cases(self) -> Iterator[list[Case]]:
        """Yield what is wrong in batches, each document once; the report grows with them."""
        suspects = self._suspects_of_source() | self._suspects_of_index()
        if not suspects:
            return
        self._say("waiting until the index shows what was written last")
        time.sleep(self._store.seen_within_seconds)
        self._say("looking again at what seems wrong")
        for batch in self._seen_again(suspects):
            cases = [case for case in batch if case.findings]
            self.report.add(finding for case in cases for finding in case.findings)
            self._on_progress(self.report)
            if cases:
                yield cases

    def _suspects_of_source(self) -> set[str]:
        """Compare each document that the source gives with the index; return those that differ."""
        self._say("comparing what the source gives")
        suspects: set[str] = set()
        for batch in batched(self._source().documents(self._window)):
            wanted = self._wanted(batch, self.report.unread)
            for one in wanted.values():
                for url in filter(None, one.urls):
                    self._owners.setdefault(hash(url), one.document.id)
            held = self._held(wanted)
            suspects |= {one for one in wanted if self._examined(one, wanted[one], held[one])}
            self.report.documents += len(wanted)
            self._on_progress(self.report)
        return suspects

    def _wanted(
        self, items: Sequence[SourceItem], unread: list[DocumentFailure]
    ) -> dict[str, Wanted]:
        """Return what the index has to hold; of a document that is there twice, the newer."""
        newest: dict[str, Document] = {}
        for item in items:
            if isinstance(item, DocumentFailure):
                unread.append(replace(item, cause=words_without_secrets(item.cause)))
            if isinstance(item, DocumentFailure | Deferred | Unchanged):
                self._covered.setdefault(item.document_id, 0)
            if isinstance(item, Document):
                known = newest.get(item.id)
                if known is None or item.updated_at >= known.updated_at:
                    newest[item.id] = item
        found: dict[str, Wanted] = {}
        for one, document in newest.items():
            is_due = document.updated_at.timestamp() < self._due_before
            try:
                clean, _ = redact_document(document)
                found[one] = Wanted.of(clean, self._embedder, is_due=is_due)
            except DocumentError as error:
                self._covered.setdefault(one, 0)
                unread.append(DocumentFailure(one, error.cause, document.day))
        return found

    def _wanted_again(self, items: Sequence[SourceItem]) -> dict[str, Wanted]:
        """Return the same at the second look; whether a document was read is told by the last."""
        failures: list[DocumentFailure] = []
        wanted = self._wanted(items, failures)
        told = wanted.keys() | {one.document_id for one in failures}
        self.report.unread = [
            *(one for one in self.report.unread if one.document_id not in told),
            *failures,
        ]
        return wanted

    def _held(self, wanted: dict[str, Wanted]) -> dict[str, list[Record]]:
        """Return what the index holds of documents: as far as they go, there and at the source."""
        heads = self._store.heads(self._namespace, list(wanted)) if wanted else {}
        ids: list[str] = []
        for one, each in wanted.items():
            count = max(len(each.metadata), heads[one].chunk_count if one in heads else 0)
            self._covered[one] = count
            ids += (record_id(one, n) for n in range(count))
        return self._fetched(ids, wanted)

    def _fetched(
        self, chunk_ids: Sequence[str], document_ids: Iterable[str]
    ) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {one: [] for one in document_ids}
        for at in range(0, len(chunk_ids), _BATCH_IDS):
            for record in self._store.fetch(self._namespace, chunk_ids[at : at + _BATCH_IDS]):
                found[document_id_of(record.id)].append(record)
        return found

    def _suspects_of_index(self) -> set[str]:
        """Walk the ids of the index; return what goes beyond what was compared, or is unlisted."""
        self._say("walking the index")
        self.report.record_count = self._store.count(self._namespace)
        suspects: set[str] = set()
        documents = groupby(self._store.record_ids(self._namespace), document_id_of)
        while batch := [(one, list(ids)) for one, ids in islice(documents, _BATCH_IDS)]:
            unseen = {one: ids for one, ids in batch if one not in self._covered}
            suspects |= {
                one
                for one, ids in batch
                if one in self._covered and not _is_covered(ids, self._covered[one])
            }
            suspects |= self._of_these_days(unseen)
            self.report.records += sum(len(ids) for _, ids in batch)
            self._on_progress(self.report)
        return suspects

    def _of_these_days(self, ids_by_document: dict[str, list[str]]) -> set[str]:
        """Return those of some documents whose last activity, by the index, is in the window."""
        with_head = [one for one, ids in ids_by_document.items() if head_id(one) in ids]
        heads = self._store.heads(self._namespace, with_head) if with_head else {}
        found = {one for one, head in heads.items() if self._is_in_window(head.updated_at)}
        rest = [one for one in ids_by_document if one not in heads]
        chunk_ids = [chunk_id for one in rest for chunk_id in ids_by_document[one]]
        for one, records in self._fetched(chunk_ids, rest).items():
            dates = [record.metadata.get("updated_at") for record in records]
            if any(isinstance(date, float) and self._is_in_window(date) for date in dates):
                found.add(one)
        return found

    def _is_in_window(self, date: float) -> bool:
        end = self._window.end
        return self._window.start.timestamp() <= date and (end is None or date < end.timestamp())

    def _seen_again(self, suspects: set[str]) -> Iterator[list[Case]]:
        """Read suspects anew from source and index, and yield what is still wrong with them."""
        left = set(suspects)
        listed: set[str] = set()
        for batch in batched(self._source().documents(self._window)):
            wanted = self._wanted_again(
                [item for item in batch if document_id_of_item(item) in left]
            )
            listed.update(one for one in map(document_id_of_item, batch) if one in suspects)
            left -= wanted.keys()
            if wanted:
                yield self._cases(list(wanted), wanted)
        unlisted = sorted(suspects - listed)
        moved = self._moved_later(set(unlisted))
        for at in range(0, len(unlisted), _BATCH_IDS):
            cases = self._cases(unlisted[at : at + _BATCH_IDS], {})
            yield [_without_orphans(case) if case.document_id in moved else case for case in cases]

    def _cases(self, document_ids: Sequence[str], wanted: dict[str, Wanted]) -> list[Case]:
        ids = [
            chunk_id
            for one in document_ids
            for chunk_id in dict.fromkeys(self._store.record_ids(self._namespace, one))
        ]
        held = self._fetched(ids, document_ids)
        return [
            Case(one, wanted.get(one), held[one], self._examined(one, wanted.get(one), held[one]))
            for one in document_ids
        ]

    def _moved_later(self, document_ids: set[str]) -> set[str]:
        """Return those that the source dates after these days: those days' verify is about them."""
        if not document_ids or self._window.end is None:
            return set()
        later = Window(self._window.end, None)
        return {one for one in self._source().ids(later) if one in document_ids}

    def _examined(
        self, document_id: str, wanted: Wanted | None, records: Sequence[Record]
    ) -> list[Finding]:
        return examine(
            document_id, wanted, records, self._yardstick, lambda url: self._owners.get(hash(url))
        )

    def _source(self) -> Source:
        """Return the source, to be read whole whether or not it seems unchanged."""
        source = self._open_source()
        spec = IndexSpec.of(self._embedder)
        source.known = HeldVersions(self._store, self._namespace, spec.vector_spec, is_rescan=True)
        return source

    def _say(self, stage: str) -> None:
        self.report.stage = stage
        self._on_progress(self.report)


def _is_covered(ids: Sequence[str], count: int) -> bool:
    """Tell whether these ids, in order, are all different and of the first so many chunks."""
    return len(set(ids)) == len(ids) and all(0 <= ordinal_of(one) < count for one in ids)


def _without_orphans(case: Case) -> Case:
    kept = [one for one in case.findings if one.kind is not Kind.ORPHANED]
    return Case(case.document_id, case.wanted, case.records, kept)
