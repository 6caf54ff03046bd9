"""Brings a change of readers to every document of a container, of whatever day.

A window holds the documents of some days; a channel that was made private holds those of years. So
a run compares the heads of all documents with who may read them now, and writes the metadata of
those that differ. No text is read again and nothing is embedded.

The head changes first, because it decides for all chunks, and says that the change has begun; it
says so until all chunks are written. So a run that dies half-way is finished by the next one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vector_assets.core.documents import RESTRICTED
from vector_assets.core.errors import LostWriteError
from vector_assets.core.waiting import wait_until
from vector_assets.sources.base import Source
from vector_assets.sources.items import Gap, Readers
from vector_assets.stores.base import Head, Metadata, VectorStore
from vector_assets.stores.records import (
    changed_readers,
    changing_readers,
    document_id_of,
    head_id,
    is_changing_readers,
    record_id,
    stored_access,
    with_readers,
)

BATCH_DOCUMENTS = 64
BATCH_CHUNKS = 1_000
"""Documents and chunks whose metadata are held at once."""

NOBODY = (RESTRICTED,)
"""The access of what a source no longer sees: nobody is known to be allowed to read it."""

_PAUSE_SECONDS = 0.5
_MAX_NAMES = 50
_NAMED = 5


@dataclass(slots=True)
class ReadersChange:
    """What an update of readers did.

    Attributes:
        documents: How many have other readers now.
        gaps: What is no longer seen, and readers who have no room in a record.
    """

    documents: int = 0
    gaps: list[Gap] = field(default_factory=list)


@dataclass(slots=True)
class _Container:
    """What the index holds of a container: its names, and its documents by their readers."""

    names: set[str] = field(default_factory=set)
    heads: defaultdict[tuple[str, ...], dict[str, Head]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    is_changing: set[str] = field(default_factory=set)

    def readers(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each document with its readers; see `HeldDocuments`."""
        for access, heads in self.heads.items():
            for document_id in heads:
                yield document_id, access

    def stored(self, access: Iterable[str]) -> tuple[str, ...]:
        """Return the readers that fit into a record; see `HeldDocuments`."""
        return stored_access(access)


@dataclass(slots=True)
class _Wanted:
    """Who may read the documents of a container, as a record stores it.

    Attributes:
        unseen: How many documents the source no longer sees.
        cut: How many documents have readers without room in a record.
    """

    access: tuple[str, ...]
    by_document: Mapping[str, tuple[str, ...]]
    unseen: int = 0
    cut: int = 0

    def of(self, document_id: str) -> tuple[str, ...]:
        return self.by_document.get(document_id, self.access)


def update_readers(source: Source, store: VectorStore) -> ReadersChange:
    """Give every document of a source the readers that it has now; read all heads for that.

    Raises:
        LostWriteError: What was written is not in the index.
        VectorAssetsError: As `Source.readers` raises, and as the index does.
    """
    change = ReadersChange()
    if not source.has_readers:
        return change
    containers = _held(source, store)
    unseen: list[tuple[_Container, int]] = []
    for readers in source.readers(containers) if containers else ():
        container = containers[readers.container]
        wanted = _wanted(container, readers)
        if wanted.unseen:
            unseen.append((container, wanted.unseen))
        if wanted.cut:
            change.gaps.append(_gap_of_room(container, wanted.cut))
        differing = dict(_differing(container, wanted))
        for batch in _batches(differing):
            _write(store, source.name, batch, wanted)
        _confirm(store, source.name, list(differing), wanted)
        change.documents += len(differing)
    if unseen:
        change.gaps.append(_gap_of_unseen(unseen))
    return change


def _held(source: Source, store: VectorStore) -> dict[str, _Container]:
    containers: dict[str, _Container] = {}
    for document_id, head in store.documents(source.name):
        key = source.container_of(document_id, head.container)
        container = containers.setdefault(key, _Container())
        container.names.add(head.container)
        # The readers of each are held once, for there may be hundreds.
        container.heads[head.access][document_id] = replace(head, access=())
        if is_changing_readers(head):
            container.is_changing.add(document_id)
    return containers


def _wanted(container: _Container, readers: Readers) -> _Wanted:
    distinct: dict[tuple[str, ...] | None, tuple[str, ...]] = {None: NOBODY}

    def stored(access: tuple[str, ...] | None) -> tuple[str, ...]:
        if access is not None and access not in distinct:
            distinct[access] = stored_access(access)
        return distinct[access]

    by_document = {key: stored(access) for key, access in readers.by_document.items()}
    wanted = _Wanted(stored(readers.access), by_document)
    for document_id, _ in container.readers():
        access = readers.by_document.get(document_id, readers.access)
        wanted.unseen += access is None
        wanted.cut += access is not None and len(wanted.of(document_id)) < len(access)
    return wanted


def _differing(container: _Container, wanted: _Wanted) -> Iterator[tuple[str, Head]]:
    """Yield the documents that do not have their readers in all their records."""
    for held_access, heads in container.heads.items():
        for document_id, head in heads.items():
            if held_access != wanted.of(document_id) or document_id in container.is_changing:
                yield document_id, head


def _write(store: VectorStore, namespace: str, heads: Mapping[str, Head], wanted: _Wanted) -> None:
    """Write readers to all records of some documents."""
    begun: dict[str, Metadata] = {
        head_id(document_id): {
            "access": list(wanted.of(document_id)),
            "document_fingerprint": changing_readers(head),
        }
        for document_id, head in heads.items()
    }
    store.update_metadata(namespace, begun)
    chunk_ids = [
        chunk_id
        for document_id, head in heads.items()
        for chunk_id in _chunk_ids(store, namespace, document_id, head)
    ]
    finished: dict[str, Metadata] = {
        record.id: with_readers(record.metadata, wanted.of(document_id_of(record.id)))
        for record in store.fetch(namespace, chunk_ids)
    }
    tails = {chunk_id: fields for chunk_id, fields in finished.items() if chunk_id not in begun}
    store.update_metadata(namespace, tails)
    # What another run has begun to write meanwhile is for that run to finish.
    present = store.heads(namespace, list(heads))
    store.update_metadata(
        namespace,
        {
            chunk_id: {
                **finished[chunk_id],
                "document_fingerprint": changed_readers(head, wanted.of(document_id))
                if present.get(document_id, head).document_fingerprint
                else "",
            }
            for document_id, head in heads.items()
            if (chunk_id := head_id(document_id)) in finished
        },
    )


def _chunk_ids(store: VectorStore, namespace: str, document_id: str, head: Head) -> list[str]:
    """Return the ids of all records of a document."""
    if head.document_fingerprint:
        return [record_id(document_id, ordinal) for ordinal in range(head.chunk_count)]
    # An unfinished write: the head's count may be that of the version that never got whole.
    return store.chunk_ids(namespace, document_id)


def _confirm(
    store: VectorStore, namespace: str, document_ids: Sequence[str], wanted: _Wanted
) -> None:
    """Read heads back until the index shows their readers; those deleted meanwhile do not count.

    Raises:
        LostWriteError: They are not in the index as they were written.
    """
    wrong = list(document_ids)

    def is_confirmed() -> bool:
        nonlocal wrong
        present = store.heads(namespace, wrong) if wrong else {}
        wrong = [
            document_id
            for document_id, head in present.items()
            if head.access != wanted.of(document_id) or is_changing_readers(head)
        ]
        return not wrong

    wait_until(is_confirmed, seconds=store.seen_within_seconds, pause_seconds=_PAUSE_SECONDS)
    if wrong:
        raise LostWriteError(
            f"the readers of {len(wrong)} documents were written to {namespace!r} and are not "
            f"there: {', '.join(sorted(wrong)[:_NAMED])}. Run the same days again, one run at a "
            f"time"
        )


def _batches(heads: Mapping[str, Head]) -> Iterator[dict[str, Head]]:
    batch: dict[str, Head] = {}
    chunk_count = 0
    for document_id, head in heads.items():
        if batch and (len(batch) >= BATCH_DOCUMENTS or chunk_count >= BATCH_CHUNKS):
            yield batch
            batch, chunk_count = {}, 0
        batch[document_id] = head
        chunk_count += head.chunk_count
    if batch:
        yield batch


def _names(containers: Sequence[_Container]) -> str:
    names = sorted({name for container in containers for name in container.names if name})
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more


def _gap_of_unseen(unseen: Sequence[tuple[_Container, int]]) -> Gap:
    return Gap(
        f"documents of {_names([container for container, _ in unseen])}",
        "the account no longer sees them, or where they belong, so nobody is let in",
        "Give the account access again, or delete them with a prune.",
        sum(count for _, count in unseen),
        is_private=True,
    )


def _gap_of_room(container: _Container, count: int) -> Gap:
    return Gap(
        f"documents in {_names([container])} for some of their readers",
        "a record has room for some 400 e-mails; readers after those do not find the document",
        "Let everyone read them, or fewer people, or keep a copy where either may.",
        count,
        is_private=True,
    )
