"""Whether the index holds documents whole: a head that names a version, each chunk, nothing beyond.

Keep out: whether that version is the newest one (its source alone knows), and mending.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from vector_assets.records import record_id
from vector_assets.stores.base import Head, VectorStore

_GROUP_DOCUMENTS = 200


def broken_documents(
    store: VectorStore, namespace: str, documents: Iterable[tuple[str, Head]]
) -> Iterator[tuple[str, str]]:
    """Yield the documents that the index does not hold whole, each with what is wrong.

    Args:
        store: The index.
        namespace: Of a source.
        documents: With their heads, as the index has them; read as a stream.
    """
    stream = iter(documents)
    while group := list(islice(stream, _GROUP_DOCUMENTS)):
        asked = [
            record_id(document_id, n)
            for document_id, head in group
            for n in range(head.chunk_count + 1)
        ]
        present = store.fingerprints(namespace, asked).keys()
        for document_id, head in group:
            cause = _cause(document_id, head, present)
            if cause:
                yield document_id, cause


def broken_among(
    store: VectorStore, namespace: str, document_ids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield those of some documents that the index does not hold whole, or not at all."""
    heads = store.heads(namespace, document_ids)
    for document_id in document_ids:
        if document_id not in heads:
            yield document_id, "it is not there"
    yield from broken_documents(store, namespace, heads.items())


def _cause(document_id: str, head: Head, present: Iterable[str]) -> str:
    """Return what is wrong with a document; empty when nothing is."""
    missing = [n for n in range(head.chunk_count) if record_id(document_id, n) not in present]
    if missing:
        return f"{len(missing)} of its {head.chunk_count} chunks are missing"
    if record_id(document_id, head.chunk_count) in present:
        return f"chunks stand beyond its {head.chunk_count}"
    return "" if head.document_fingerprint else "a write of it was begun and not ended"
