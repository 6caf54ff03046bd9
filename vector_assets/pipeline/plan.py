"""Plans the writes that bring documents into the index: compares them with what it holds.

A plan is made from what the index already holds, asked in the fewest bytes: heads first, then the
fingerprints of changed documents alone. Secrets are redacted here, of what the index does not hold
as it is. Nothing is written here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from vector_assets.core.causes import without_quotations
from vector_assets.core.documents import Document, Value
from vector_assets.core.errors import DocumentError
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedder
from vector_assets.embedding.chunking import chunk_document
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.redaction.redact import has_marks, redact_document
from vector_assets.pipeline.redaction.version import redaction_version
from vector_assets.pipeline.report import DayStats
from vector_assets.sources.items import DocumentFailure, Gap
from vector_assets.stores.base import Head, Record, VectorStore
from vector_assets.stores.records import (
    chunk_metadata,
    document_fingerprint,
    head_id,
    is_same_vector,
    ordinal_of,
    record_id,
    unlisted_readers,
    vector_cause,
    without_vector_mark,
)


@dataclass(slots=True)
class DocumentPlan:
    """What to write for one document; nothing at all when the index holds it already.

    Attributes:
        metadata_updates: New fields, by id, of records whose vectors stand.
        surplus_ids: Records of a longer version before.
        stored_day: Of the newer version that the index holds instead of this one.
        is_doubted: Whether the index was seen to hold this version not as it was written, so that
            a head that names the version proves nothing.
    """

    document: Document
    document_fingerprint: str
    held: Head | None = None
    upserts: list[Record] = field(default_factory=list)
    metadata_updates: dict[str, dict[str, Value]] = field(default_factory=dict)
    surplus_ids: list[str] = field(default_factory=list)
    stats: DayStats = field(default_factory=lambda: DayStats(documents=1))
    stored_day: date | None = None
    is_doubted: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.upserts or self.metadata_updates or self.surplus_ids)

    @property
    def backdated(self) -> dict[str, dict[str, Value]]:
        """New fields, by id, of records that are dated later than this version."""
        updated_at = self.document.updated_at.timestamp()
        if self.held is None or self.held.updated_at <= updated_at:
            return {}
        held_ids = {record_id(self.document.id, n) for n in range(self.held.chunk_count)}
        unfinished: dict[str, Value] = {"document_fingerprint": "", "updated_at": updated_at}
        return {
            chunk_id: unfinished if chunk_id == self.head_id else {"updated_at": updated_at}
            for chunk_id in held_ids.union(self.surplus_ids)
        }

    @property
    def head_id(self) -> str:
        """Id of the document's first record."""
        return head_id(self.document.id)


class Planner:
    """Compares documents with the index, redacts and embeds what is new."""

    def __init__(self, store: VectorStore, namespace: str, embedder: Embedder) -> None:
        self._store = store
        self._namespace = namespace
        self._embedder = embedder
        self._vector_spec = IndexSpec.of(embedder).vector_spec

    def plan(
        self,
        documents: Sequence[Document],
        *,
        made: Mapping[str, Vectors] | None = None,
        doubted: Collection[str] = (),
    ) -> list[DocumentPlan | DocumentFailure]:
        """Return a plan, or a failure, for each document in the order given, each id at most once.

        A document is redacted unless the index holds it as it comes, looked through by the same
        redaction: that has found nothing then, for what it finds it marks.

        `made` holds vectors that are paid for already, by the cause in a chunk's fingerprint. Of
        `doubted` documents each record is compared, whatever version their head names.
        """
        heads = self._store.heads(self._namespace, [document.id for document in documents])
        outcomes: list[DocumentPlan | DocumentFailure] = []
        drafts: list[_Draft] = []
        for document in documents:
            head = heads.get(document.id)
            plan = DocumentPlan(
                document, self.fingerprint_of(document), head, is_doubted=document.id in doubted
            )
            if head is None or not _is_current(plan, head) or has_marks(document):
                plan = self._redacted(plan)
            outcomes.append(plan)
            if head is not None and _is_current(plan, head):
                plan.stats.unchanged_documents = plan.stats.stored_documents = 1
                plan.stats.stored_chunks = head.chunk_count
                plan.stored_day = datetime.fromtimestamp(head.updated_at, UTC).date()
                continue
            try:
                drafts.append(self._draft(plan, head))
            except DocumentError as error:
                outcomes[-1] = DocumentFailure(error.document_id, error.cause, document.day)
        failed = self._embed(drafts, made or {})
        for draft in drafts:
            # At most the head's stamp is written then.
            draft.plan.stats.unchanged_documents = int(draft.says_the_same)
        return [failed.get(_document_id(outcome), outcome) for outcome in outcomes]

    def _redacted(self, plan: DocumentPlan) -> DocumentPlan:
        document, secret_count = redact_document(plan.document)
        if secret_count:
            plan = DocumentPlan(
                document,
                self.fingerprint_of(document),
                plan.held,
                is_doubted=plan.is_doubted,
            )
            plan.stats.redacted_secrets = secret_count
        return plan

    def fingerprint_of(self, document: Document) -> str:
        """Return what the head of a document names when all of it is written."""
        return document_fingerprint(document, self._vector_spec, redaction_version())

    def metadata_of(self, document: Document) -> dict[str, dict[str, Value]]:
        """Return the metadata of all records of a document, by id; see `metadata_of_records`."""
        return metadata_of_records(document, self._embedder)

    def _draft(self, plan: DocumentPlan, head: Head | None) -> "_Draft":
        document = plan.document
        metadata = self.metadata_of(document)
        plan.stats.chunks = plan.stats.stored_chunks = 1 + max(map(ordinal_of, metadata))
        plan.stats.stored_documents = 1
        if head is not None:
            plan.surplus_ids = self._surplus(plan, head)
        return _Draft(plan, metadata, is_known=head is not None)

    def _surplus(self, plan: DocumentPlan, head: Head) -> list[str]:
        document_id, chunk_count = plan.document.id, plan.stats.chunks
        if head.document_fingerprint and not plan.is_doubted:
            return [record_id(document_id, n) for n in range(chunk_count, head.chunk_count)]
        # An unfinished write: the head's count may be that of the version that never got whole.
        kept = {record_id(document_id, n) for n in range(chunk_count)}
        return [
            chunk_id
            for chunk_id in self._store.chunk_ids(self._namespace, document_id)
            if chunk_id not in kept
        ]

    def _embed(
        self, drafts: "list[_Draft]", made: Mapping[str, Vectors]
    ) -> dict[str, DocumentFailure]:
        """Fill the drafts' plans; return the documents that the embedder refused, by id."""
        self._reuse(drafts, made)
        wanted = [(draft, chunk_id) for draft in drafts for chunk_id in draft.to_embed]
        if not wanted:
            return {}
        texts = [str(draft.metadata[chunk_id]["text"]) for draft, chunk_id in wanted]
        embedded = self._embedder.embed(texts)
        failed: dict[str, DocumentFailure] = {}
        for index, cause in embedded.failures.items():
            document = wanted[index][0].plan.document
            failed[document.id] = DocumentFailure(
                document.id,
                f"the embedder refused a passage: {without_quotations(cause)}",
                document.day,
            )
        share = embedded.token_count / max(1, sum(map(len, texts)))
        for (draft, chunk_id), text, vector in zip(wanted, texts, embedded.vectors, strict=True):
            draft.plan.upserts.append(Record(chunk_id, vector, draft.metadata[chunk_id]))
            draft.characters += len(text)
            draft.plan.stats.embedded_chunks += 1
        for draft in drafts:
            stats = draft.plan.stats
            stats.tokens = round(draft.characters * share)
            stats.dollars = stats.tokens * self._embedder.dollars_per_million_tokens / 1e6
        return failed

    def _reuse(self, drafts: "list[_Draft]", made: Mapping[str, Vectors]) -> None:
        """Sort each draft's chunks into those to embed, to write, to relabel, to leave alone."""
        asked = [chunk_id for draft in drafts if draft.is_known for chunk_id in draft.metadata]
        known = self._store.fingerprints(self._namespace, asked) if asked else {}
        for draft in drafts:
            for chunk_id, metadata in draft.metadata.items():
                fingerprint = str(metadata["fingerprint"])
                before = known.get(chunk_id, "")
                if not is_same_vector(before, fingerprint):
                    vector = made.get(vector_cause(fingerprint))
                    if vector is None:
                        draft.to_embed.append(chunk_id)
                    else:
                        draft.plan.upserts.append(Record(chunk_id, vector, metadata))
                    continue
                draft.plan.stats.reused_chunks += 1
                draft.standing_count += before == fingerprint
                # The head speaks for the whole document, so it is relabelled with any change.
                if before != fingerprint or chunk_id == draft.plan.head_id:
                    draft.plan.metadata_updates[chunk_id] = without_vector_mark(metadata)


def metadata_of_records(document: Document, embedder: Embedder) -> dict[str, dict[str, Value]]:
    """Chunk a redacted document for an embedder; return the metadata of each record, by its id.

    Raises:
        DocumentError: It cannot be laid out.
    """
    chunks = chunk_document(document, embedder.tokenizer, embedder.chunk_tokens)
    kind = IndexSpec.of(embedder).vector_spec
    return {
        record_id(document.id, chunk.ordinal): chunk_metadata(
            document,
            chunk,
            chunk_count=len(chunks),
            vector_spec=kind,
            redaction=redaction_version(),
        )
        for chunk in chunks
    }


def gaps_of_records(document: Document) -> list[Gap]:
    """Return what the records of a document cannot hold though somebody will miss it."""
    if not unlisted_readers(document):
        return []
    return [
        Gap(
            f"documents in {document.container or document.source} for some of their readers",
            "a record has room for some 400 e-mails; readers after those do not find the document",
            "Let everyone read them, or fewer people, or keep a copy where either may.",
            is_private=True,
        )
    ]


@dataclass(slots=True)
class _Draft:
    """A plan in the making: all chunks of the new version, before we know what is reused."""

    plan: DocumentPlan
    metadata: dict[str, dict[str, Value]]
    is_known: bool
    to_embed: list[str] = field(default_factory=list)
    characters: int = 0
    standing_count: int = 0

    @property
    def says_the_same(self) -> bool:
        """Whether the index holds all these records, no other, and counts them as complete."""
        held = self.plan.held
        is_whole = held is not None and bool(held.document_fingerprint)
        are_all_there = self.standing_count == len(self.metadata)
        return is_whole and are_all_there and not self.plan.surplus_ids


def _is_current(plan: DocumentPlan, head: Head) -> bool:
    """Tell whether the index holds this version, or a newer one that must not be undone."""
    is_same = head.document_fingerprint == plan.document_fingerprint
    return plan.document.is_overtaken_by(head.updated_at) or (is_same and not plan.is_doubted)


def _document_id(outcome: DocumentPlan | DocumentFailure) -> str:
    return outcome.document.id if isinstance(outcome, DocumentPlan) else outcome.document_id
