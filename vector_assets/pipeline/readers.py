"""Brings a change of readers to every document of a container, of whatever day.

A window holds the documents of some days; a channel that was made private holds those of years. So
a run compares the heads of all documents with who may read their containers now, and writes the
metadata of those that differ. No text is read again and nothing is embedded.

The head changes first, because it decides for all chunks, and says that the change has begun; it
says so until all chunks are written. So a run that dies half-way is finished by the next one.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vector_assets.core.documents import RESTRICTED
from vector_assets.core.errors import LostWriteError
from vector_assets.core.waiting import wait_until
from vector_assets.sources.base import Source
from vector_assets.sources.items import Gap
from vector_assets.stores.base import Head, Metadata, VectorStore
from vector_assets.stores.records import (
    changed_readers,
    changing_readers,
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
        gaps: Containers that are no longer seen, and readers who have no room in a record.
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

    @property
    def document_count(self) -> int:
        return sum(map(len, self.heads.values()))


def update_readers(source: Source, store: VectorStore) -> ReadersChange:
    """Give every document of a source the readers of its container; read all heads for that.

    Raises:
        LostWriteError: What was written is not in the index.
        VectorAssetsError: As `Source.readers` raises, and as the index does.
    """
    change = ReadersChange()
    if not source.has_readers:
        return change
    containers = _held(source, store)
    unseen: list[_Container] = []
    for readers in source.readers(containers) if containers else ():
        container = containers[readers.container]
        access = NOBODY if readers.access is None else stored_access(readers.access)
        if readers.access is None:
            unseen.append(container)
        elif len(access) < len(readers.access):
            change.gaps.append(_gap_of_room(container))
        differing = dict(_differing(container, access))
        for batch in _batches(differing):
            _write(store, source.name, batch, access)
        _confirm(store, source.name, list(differing), access)
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


def _differing(container: _Container, access: tuple[str, ...]) -> Iterator[tuple[str, Head]]:
    """Yield the documents that do not have these readers in all their records."""
    for held_access, heads in container.heads.items():
        for document_id, head in heads.items():
            if held_access != access or document_id in container.is_changing:
                yield document_id, head


def _write(
    store: VectorStore, namespace: str, heads: Mapping[str, Head], access: tuple[str, ...]
) -> None:
    """Write readers to all records of some documents."""
    begun: dict[str, Metadata] = {
        head_id(document_id): {
            "access": list(access),
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
        record.id: with_readers(record.metadata, access)
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
                "document_fingerprint": changed_readers(head, access)
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
    store: VectorStore, namespace: str, document_ids: Sequence[str], access: tuple[str, ...]
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
            if head.access != access or is_changing_readers(head)
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


def _gap_of_unseen(containers: Sequence[_Container]) -> Gap:
    return Gap(
        f"documents of {_names(containers)}",
        "the account no longer sees where they belong, so nobody is let in",
        "Give the account access again, or delete them with a prune.",
        sum(container.document_count for container in containers),
        is_private=True,
    )


def _gap_of_room(container: _Container) -> Gap:
    return Gap(
        f"documents in {_names([container])} for some of their readers",
        "a record has room for some 400 e-mails; readers after those do not find the document",
        "Let everyone read them, or fewer people, or keep a copy where either may.",
        container.document_count,
        is_private=True,
    )
