"""Whether the index holds documents whole: a head that names a version, and all its chunks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vector_assets.core.concurrency import mapped_in_order
from vector_assets.stores.base import Head, VectorStore
from vector_assets.stores.records import record_id

_GROUP_IDS = 1000
"""Ids that are asked for together: what Pinecone takes in one request."""

_GROUP_DAYS = 4
_GROUPS_IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the index holds of some days.

    Attributes:
        document_count: Of those days.
        broken: What is wrong with those of them that are not whole, by document id.
    """

    document_count: int
    broken: Mapping[str, str]


def read_back(store: VectorStore, namespace: str, days: Sequence[date]) -> ReadBack:
    """Look at every document of some days, in the memory that a few pages of them take.

    Args:
        store: The index; asked from several threads.
        namespace: Of a source.
        days: Partitions.
    """

    def read(some: Sequence[date]) -> ReadBack:
        count, broken = 0, dict[str, str]()
        for group in _grouped(store.documents(namespace, some)):
            count += len(group)
            broken |= _broken_in(store, namespace, group)
        return ReadBack(count, broken)

    groups = (days[at : at + _GROUP_DAYS] for at in range(0, len(days), _GROUP_DAYS))
    found = list(mapped_in_order(read, groups, in_flight=_GROUPS_IN_FLIGHT))
    return ReadBack(
        sum(one.document_count for one in found),
        {document_id: cause for one in found for document_id, cause in one.broken.items()},
    )


def broken_among(
    store: VectorStore, namespace: str, document_ids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield those of some documents that the index does not hold whole, or not at all."""
    heads = store.heads(namespace, document_ids)
    for document_id in document_ids:
        if document_id not in heads:
            yield document_id, "it is not there"
    for group in _grouped(heads.items()):
        yield from _broken_in(store, namespace, group).items()


def _grouped(documents: Iterable[tuple[str, Head]]) -> Iterator[dict[str, Head]]:
    """Yield documents in groups of so many ids, and one by itself where it has more."""
    group: dict[str, Head] = {}
    count = 0
    for document_id, head in documents:
        wanted = len(_ordinals(head))
        if group and count + wanted > _GROUP_IDS:
            yield group
            group, count = {}, 0
        group[document_id] = head
        count += wanted
    if group:
        yield group


def _broken_in(store: VectorStore, namespace: str, group: Mapping[str, Head]) -> dict[str, str]:
    """Return what is wrong with those documents of a group that are not whole, by id."""
    asked = [record_id(one, n) for one, head in group.items() for n in _ordinals(head)]
    present = store.fingerprints(namespace, asked).keys()
    causes = {one: _cause(one, head, present) for one, head in group.items()}
    return {one: cause for one, cause in causes.items() if cause}


def _ordinals(head: Head) -> range:
    """Return the chunks to ask for: those that are there, and one that must not be."""
    return range(head.chunk_count + 1)


def _cause(document_id: str, head: Head, present: Iterable[str]) -> str:
    """Return what is wrong with a document; empty when nothing is."""
    missing = [n for n in range(head.chunk_count) if record_id(document_id, n) not in present]
    if missing:
        return f"{len(missing)} of its {head.chunk_count} chunks are missing"
    if record_id(document_id, head.chunk_count) in present:
        return f"chunks stand beyond its {head.chunk_count}"
    return "" if head.document_fingerprint else "a write of it was begun and not ended"
