"""Whether the index holds documents completely: a finished head, and exactly its chunks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vector_assets.core.concurrency import map_ordered
from vector_assets.stores.base import Head, VectorStore
from vector_assets.stores.records import record_id

_GROUP_IDS = 1000
"""Ids of one request: the most that Pinecone accepts."""

_GROUP_DAYS = 4
_GROUPS_IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How many documents the index holds of some days, and why some are incomplete, by id."""

    document_count: int
    broken: Mapping[str, str]


def read_back(store: VectorStore, namespace: str, days: Sequence[date]) -> ReadBack:
    """Check every document of some days from several threads; memory holds a few pages of them."""

    def read(group_days: Sequence[date]) -> ReadBack:
        count, broken = 0, dict[str, str]()
        for group in _grouped(store.documents(namespace, group_days)):
            count += len(group)
            broken |= _broken_in(store, namespace, group)
        return ReadBack(count, broken)

    groups = (days[at : at + _GROUP_DAYS] for at in range(0, len(days), _GROUP_DAYS))
    document_count, broken = 0, dict[str, str]()
    for part in map_ordered(read, groups, in_flight=_GROUPS_IN_FLIGHT):
        document_count += part.document_count
        broken |= part.broken
    return ReadBack(document_count, broken)


def broken_among(
    store: VectorStore, namespace: str, document_ids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield those of some documents that are incomplete or missing in the index, with the cause."""
    heads = store.heads(namespace, document_ids)
    for document_id in document_ids:
        if document_id not in heads:
            yield document_id, "it is not there"
    for group in _grouped(heads.items()):
        yield from _broken_in(store, namespace, group).items()


def _grouped(documents: Iterable[tuple[str, Head]]) -> Iterator[dict[str, Head]]:
    """Yield documents in groups of at most `_GROUP_IDS` ids; a larger document stands alone."""
    group: dict[str, Head] = {}
    id_count = 0
    for document_id, head in documents:
        document_id_count = len(_ordinals(head))
        if group and id_count + document_id_count > _GROUP_IDS:
            yield group
            group, id_count = {}, 0
        group[document_id] = head
        id_count += document_id_count
    if group:
        yield group


def _broken_in(store: VectorStore, namespace: str, group: Mapping[str, Head]) -> dict[str, str]:
    chunk_ids = [
        record_id(document_id, ordinal)
        for document_id, head in group.items()
        for ordinal in _ordinals(head)
    ]
    present = store.fingerprints(namespace, chunk_ids).keys()
    return {
        document_id: cause
        for document_id, head in group.items()
        if (cause := _cause(document_id, head, present))
    }


def _ordinals(head: Head) -> range:
    """Return the chunks to ask for: those that should be there, and one that should not."""
    return range(head.chunk_count + 1)


def _cause(document_id: str, head: Head, present: Iterable[str]) -> str:
    """Return why a document is incomplete; empty when it is complete."""
    missing = [n for n in range(head.chunk_count) if record_id(document_id, n) not in present]
    if missing:
        return f"{len(missing)} of its {head.chunk_count} chunks are missing"
    if record_id(document_id, head.chunk_count) in present:
        return f"there are chunks beyond its {head.chunk_count}"
    return "" if head.document_fingerprint else "a write of it did not finish"
