"""Chunk to record: the flat metadata of the index, and the fingerprints that tell what changed.

The layout here is the contract with everyone who reads the index; a change of it raises
`LAYOUT_VERSION`, which changes every fingerprint, so that the next run rewrites what it touches.
Keep out: how text is cut (`chunking.py`) and how a store spells a field (`stores/`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from vector_assets.documents import Chunk, Document, Value
from vector_assets.errors import DocumentError

LAYOUT_VERSION = 2

MAX_METADATA_BYTES = 40_000
"""Pinecone refuses more than 40 KB a record (docs.pinecone.io, "Indexing limits", 2026-11)."""

MAX_ID_BYTES = 512
"""Pinecone's longest record id (docs.pinecone.io, "Indexing limits", 2026-11)."""

# Room for the text of a chunk is what these leave; `chunking.MAX_CHUNK_BYTES` keeps within it.
_MAX_BYTES_BY_FIELD = {"title": 1_000, "url": 2_000, "container": 500}
_MAX_LIST_BYTES = 6_000
_MAX_EXTRA_BYTES = 1_000


def record_id(document_id: str, ordinal: int) -> str:
    """Return the id of a chunk's record: `{document id}#{ordinal}`."""
    return f"{document_id}#{ordinal}"


def head_id(document_id: str) -> str:
    """Return the id of the record that speaks for the whole document: its first chunk."""
    return record_id(document_id, 0)


def document_id_of(chunk_id: str) -> str:
    """Return the document that a record belongs to."""
    return chunk_id.rpartition("#")[0]


def document_fingerprint(document: Document, vector_kind: str) -> str:
    """Return the hash of everything that decides a document's records.

    Args:
        document: As its source yielded it.
        vector_kind: Chunker version, model and dimensions in one word.
    """
    return _hash(
        LAYOUT_VERSION,
        vector_kind,
        document.title,
        document.url,
        [[one.heading, one.text, one.url, one.is_apart] for one in document.sections],
        _document_metadata(document),
        document.stamp,
    )


def stored_stamp(stamp: str, vector_kind: str) -> str:
    """Return a document's stamp as the index holds it: another kind of vector, another stamp."""
    return _hash(LAYOUT_VERSION, vector_kind, stamp) if stamp else ""


def chunk_fingerprint(text: str, metadata: Mapping[str, Value], vector_kind: str) -> str:
    """Return the fingerprint of a chunk: `{hash of its vector's causes}.{hash of the rest}`.

    Two halves, because a chunk whose first half stands still needs new metadata and no embedding.
    """
    return f"{_hash(vector_kind, text)}.{_hash(LAYOUT_VERSION, dict(metadata))}"


def is_same_vector(one: str, other: str) -> bool:
    """Tell whether two chunk fingerprints stand for the same vector."""
    return one.partition(".")[0] == other.partition(".")[0]


def chunk_metadata(
    document: Document, chunk: Chunk, *, chunk_count: int, vector_kind: str
) -> dict[str, Value]:
    """Return the metadata of a chunk's record, its fingerprint included.

    The head (ordinal 0) carries `document_fingerprint` and `stamp` besides, which stand for the
    whole.

    Raises:
        DocumentError: It does not fit into `MAX_METADATA_BYTES`, or its id not into an index.
    """
    metadata: dict[str, Value] = {
        **_document_metadata(document),
        "text": chunk.text,
        "url": _cut(chunk.url, _MAX_BYTES_BY_FIELD["url"]),
        "chunk": chunk.ordinal,
        "chunk_count": chunk_count,
    }
    metadata["fingerprint"] = chunk_fingerprint(chunk.text, metadata, vector_kind)
    if chunk.ordinal == 0:
        metadata["document_fingerprint"] = document_fingerprint(document, vector_kind)
        metadata["stamp"] = stored_stamp(document.stamp, vector_kind)
    _check_fits(document, chunk, metadata)
    return metadata


def metadata_bytes(metadata: Mapping[str, Value]) -> int:
    """Return the size of metadata as the index counts it: bytes of its JSON."""
    return len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())


def _check_fits(document: Document, chunk: Chunk, metadata: Mapping[str, Value]) -> None:
    size_bytes = metadata_bytes(metadata)
    if size_bytes > MAX_METADATA_BYTES:
        raise DocumentError(
            document.id,
            f"the metadata of chunk {chunk.ordinal} takes {size_bytes:,} bytes, at most "
            f"{MAX_METADATA_BYTES:,} are allowed",
        )
    identity = record_id(document.id, chunk.ordinal)
    if not identity.isascii() or len(identity) > MAX_ID_BYTES:
        raise DocumentError(
            document.id, f"its record id is not ASCII of at most {MAX_ID_BYTES} bytes"
        )


def _document_metadata(document: Document) -> dict[str, Value]:
    """Return the fields that all chunks of a document share."""
    extra = {
        name: _cut(value, _MAX_EXTRA_BYTES) if isinstance(value, str) else value
        for name, value in document.extra.items()
    }
    return {
        **extra,
        "document_id": document.id,
        "source": document.source,
        "title": _cut(document.title, _MAX_BYTES_BY_FIELD["title"]),
        "container": _cut(document.container, _MAX_BYTES_BY_FIELD["container"]),
        "authors": _fitting(document.authors, _MAX_LIST_BYTES),
        "created_at": document.created_at.timestamp(),
        "updated_at": document.updated_at.timestamp(),
        "partition": document.day.isoformat(),
        "access": _fitting(document.access, _MAX_LIST_BYTES),
    }


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore")


def _fitting(words: Iterable[str], max_bytes: int) -> list[str]:
    """Return the first words that fit; a reader cut from `access` is refused, never let in."""
    kept: list[str] = []
    for word in words:
        max_bytes -= len(word.encode()) + 3
        if max_bytes < 0:
            break
        kept.append(word)
    return kept


def _hash(*parts: object) -> str:
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=12).hexdigest()
