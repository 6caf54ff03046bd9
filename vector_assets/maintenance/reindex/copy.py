"""Copies records to a generation with the same chunks and another model: embeds their texts.

No vendor is asked, so what a vendor no longer shows, or shows to few, is kept. A copied head names
what it was copied from, for what it hashes of the whole document is not stored.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.documents import Document, Value
from vector_assets.embedding.base import Embedder
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.pipeline.report import DayStats
from vector_assets.pipeline.writer import Writer
from vector_assets.sources.items import DocumentFailure
from vector_assets.stores.base import Head, IndexStore, Metadata, VectorStore
from vector_assets.stores.records import head_id, record_id, restamped

BATCH_DOCUMENTS = 64
BATCH_CHUNKS = 1_000
BATCHES_IN_FLIGHT = 3

_COPIED = "copied "


@dataclass(slots=True)
class Copied:
    """What one pass over a namespace did.

    Attributes:
        damaged: Documents of which chunks were missing; a run that reads them anew mends them.
        passed_over: Documents that were being rewritten while they were read; the next pass.
    """

    stats: DayStats = field(default_factory=DayStats)
    failures: list[DocumentFailure] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    deleted: int = 0
    passed_over: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.stats.documents or self.failures or self.deleted or self.passed_over)


class CopyPlanner(Planner):
    """Plans documents as they stand in an old generation, in place of what a source says."""

    def __init__(
        self, old: IndexStore, store: VectorStore, namespace: str, embedder: Embedder
    ) -> None:
        super().__init__(store, namespace, embedder)
        self._old = old
        self._space = namespace
        self._spec = IndexSpec.of(embedder)
        self._heads: dict[str, Head] = {}
        self._held: dict[str, dict[str, Metadata]] = {}
        self.damaged: list[str] = []

    def name_of(self, head: Head) -> str:
        """Return what the copy of a head names; nothing when the original is unfinished."""
        origin = head.document_fingerprint
        return f"{_COPIED}{self._spec.name} {origin}" if origin else ""

    def planned(self, heads: Mapping[str, Head]) -> list[DocumentPlan | DocumentFailure]:
        """Read some documents and plan them; one that changes meanwhile is left out."""
        held = self._read(heads)
        now = self._old.heads(self._space, list(heads))
        documents = []
        for document_id, metadata in held.items():
            if now.get(document_id) != heads[document_id]:
                continue
            if (
                heads[document_id].document_fingerprint
                and len(metadata) < heads[document_id].chunk_count
            ):
                self.damaged.append(document_id)
            self._heads[document_id], self._held[document_id] = heads[document_id], metadata
            documents.append(_stub(document_id, self._space, heads[document_id]))
        try:
            return self.plan(documents) if documents else []
        finally:
            for document in documents:
                self._held.pop(document.id, None)

    def fingerprint_of(self, document: Document) -> str:
        """Return what the copied head is to name."""
        document_id = document.id
        return "" if document_id in self.damaged else self.name_of(self._heads[document_id])

    def metadata_of(self, document: Document) -> dict[str, dict[str, Value]]:
        """Return the stored metadata, with the fingerprints of the new kind."""
        document_id = document.id
        held = (
            self._held.get(document_id)
            or self._read({document_id: self._heads[document_id]})[document_id]
        )
        metadata = {
            chunk_id: restamped(metadata, self._spec.vector_spec)
            for chunk_id, metadata in held.items()
        }
        metadata[head_id(document_id)] |= {
            "document_fingerprint": self.fingerprint_of(document),
            "stamp": "",
        }
        return metadata

    def _read(self, heads: Mapping[str, Head]) -> dict[str, dict[str, Metadata]]:
        ids = {
            document_id: [record_id(document_id, n) for n in range(head.chunk_count)]
            if head.document_fingerprint
            else self._old.chunk_ids(self._space, document_id)
            for document_id, head in heads.items()
        }
        metadata = self._old.metadata(
            self._space, [chunk_id for some in ids.values() for chunk_id in some]
        )
        return {
            document_id: {chunk_id: metadata[chunk_id] for chunk_id in some if chunk_id in metadata}
            for document_id, some in ids.items()
            if head_id(document_id) in metadata
        }


def copy_namespace(
    old: IndexStore,
    new: VectorStore,
    namespace: str,
    embedder: Embedder,
    *,
    is_served: bool,
    without: frozenset[str] = frozenset(),
) -> Iterator[Copied]:
    """Bring a namespace of the new generation up to that of the old, newest documents first.

    Yields what was done so far after each batch; the last one is the whole pass.

    With `is_served` the new one is live and written by others: nothing is deleted, and what others
    wrote stays. Documents of `without` have failed or were damaged in an earlier pass.
    """
    new.open(namespace, embedder.dimensions)
    planner = CopyPlanner(old, new, namespace, embedder)
    done = Copied()
    theirs = dict(old.documents(namespace))
    ours = dict(new.documents(namespace))
    if not is_served:
        done.deleted = _deleted(new, namespace, ours.keys() - theirs.keys())
    wanted = {
        document_id: head
        for document_id, head in theirs.items()
        if document_id not in without
        and _is_behind(ours.get(document_id), head, planner.name_of(head))
        # Whoever writes this document now sees the switch when it ends, and runs again.
        and not (is_served and document_id in ours and not head.document_fingerprint)
    }
    writer = Writer(new, namespace, planner)
    batches = _batches(sorted(wanted.items(), key=lambda item: -item[1].updated_at))
    for outcomes in map_ordered(
        lambda batch: (len(batch), planner.planned(batch)), batches, in_flight=BATCHES_IN_FLIGHT
    ):
        _write(outcomes, writer, done)
        new.keep_pace(namespace)
        yield done
    writer.finish()
    new.maintain(namespace)
    done.damaged = list(planner.damaged)
    yield done


def _deleted(store: VectorStore, namespace: str, document_ids: Set[str]) -> int:
    for document_id in sorted(document_ids):
        store.delete(namespace, store.chunk_ids(namespace, document_id))
    return len(document_ids)


def _write(
    outcomes: tuple[int, Sequence[DocumentPlan | DocumentFailure]], writer: Writer, done: Copied
) -> None:
    asked, planned = outcomes
    done.passed_over += asked - len(planned)
    done.failures += [outcome for outcome in planned if isinstance(outcome, DocumentFailure)]
    plans = [outcome for outcome in planned if isinstance(outcome, DocumentPlan)]
    writer.write([plan for plan in plans if not plan.is_empty])
    for plan in plans:
        done.stats.add(plan.stats)


def _is_behind(ours: Head | None, theirs: Head, name: str) -> bool:
    if ours is None:
        return True
    if ours.document_fingerprint and not ours.document_fingerprint.startswith(_COPIED):
        # Another run has read it anew from its source.
        return ours.updated_at < theirs.updated_at
    if ours.updated_at > theirs.updated_at:
        return False
    return ours.document_fingerprint != name or ours.updated_at < theirs.updated_at


def outdated_ids(theirs: Mapping[str, Head], ours: Mapping[str, Head]) -> set[str]:
    """Return the documents that are not here, or only in an earlier version."""
    return {
        document_id
        for document_id, head in theirs.items()
        if document_id not in ours or ours[document_id].updated_at < head.updated_at
    }


def _batches(heads: Sequence[tuple[str, Head]]) -> Iterator[dict[str, Head]]:
    batch: dict[str, Head] = {}
    chunks = 0
    for document_id, head in heads:
        if batch and (len(batch) >= BATCH_DOCUMENTS or chunks + head.chunk_count > BATCH_CHUNKS):
            yield batch
            batch, chunks = {}, 0
        batch[document_id] = head
        chunks += head.chunk_count
    if batch:
        yield batch


def _stub(document_id: str, source: str, head: Head) -> Document:
    instant = datetime.fromtimestamp(head.updated_at, UTC)
    return Document(
        source=source,
        native_id=document_id.partition(":")[2],
        title="",
        sections=(),
        url="",
        container="",
        authors=(),
        created_at=instant,
        updated_at=instant,
    )
