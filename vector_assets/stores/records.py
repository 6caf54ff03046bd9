"""Chunk to record: the flat metadata of the index, and the fingerprints that tell what changed.

The layout here is the contract with everyone who reads the index; a change of it raises
`LAYOUT_VERSION`, which changes every fingerprint, so that the next run rewrites what it touches.
"""

import hashlib
from collections.abc import Iterable, Mapping

import orjson

from vector_assets.core.documents import Chunk, Document, Value
from vector_assets.core.errors import DocumentError

LAYOUT_VERSION = 4

MAX_METADATA_BYTES = 40_000
"""Pinecone refuses more than 40 KB a record (docs.pinecone.io, "Indexing limits", 2026-11)."""

MAX_ID_BYTES = 512
"""Pinecone's longest record id (docs.pinecone.io, "Indexing limits", 2026-11)."""

VECTOR_FINGERPRINT = "vector_fingerprint"
"""Field that is written with a vector and never without: which text and model it was made of."""

_MARKS = frozenset({"fingerprint", VECTOR_FINGERPRINT, "document_fingerprint", "stamp"})

# Bytes as JSON. With a text of `chunking.MAX_CHUNK_BYTES`, an id of `MAX_ID_BYTES` and fields of
# fixed length these stay below `MAX_METADATA_BYTES`. What does not fit is told in docs/texts.md.
_MAX_TITLE_BYTES = 1_000
_MAX_CONTAINER_BYTES = 500
_MAX_URL_BYTES = 2_000
_MAX_AUTHORS_BYTES = 3_000
_MAX_ACCESS_BYTES = 12_000
_MAX_EXTRA_BYTES = 4_000
_MAX_EXTRA_FIELD_BYTES = 1_000


def record_id(document_id: str, ordinal: int) -> str:
    """Return the id of a chunk's record: `{document id}#{ordinal}`."""
    return f"{document_id}#{ordinal}"


def head_id(document_id: str) -> str:
    """Return the id of the record that speaks for the whole document: its first chunk."""
    return record_id(document_id, 0)


def document_id_of(chunk_id: str) -> str:
    """Return the document that a record belongs to."""
    return chunk_id.rpartition("#")[0]


def ordinal_of(chunk_id: str) -> int:
    """Return a record's place in its document, from 0; -1 for an id that is none of ours."""
    last = chunk_id.rpartition("#")[2]
    return int(last) if last.isdecimal() else -1


def document_fingerprint(document: Document, vector_spec: str) -> str:
    """Return the hash of everything that decides a document's records.

    Args:
        document: As its source yielded it.
        vector_spec: Chunker version, model and dimensions in one word.
    """
    return _hash(
        LAYOUT_VERSION,
        vector_spec,
        document.title,
        document.url,
        [[one.heading, one.text, one.url, one.is_apart] for one in document.sections],
        _document_metadata(document),
        document.stamp,
    )


def stored_stamp(stamp: str, vector_spec: str) -> str:
    """Return a document's stamp as the index holds it: another kind of vector, another stamp."""
    return _hash(LAYOUT_VERSION, vector_spec, stamp) if stamp else ""


def chunk_fingerprint(text: str, metadata: Mapping[str, Value], vector_spec: str) -> str:
    """Return the fingerprint of a chunk: `{hash of its vector's causes}.{hash of the rest}`.

    Two halves, because a chunk whose first half stands still needs new metadata and no embedding.

    Args:
        text: Of the chunk.
        metadata: Without its marks.
        vector_spec: Chunker version, model and dimensions in one word.
    """
    return f"{_hash(vector_spec, text)}.{_hash(LAYOUT_VERSION, dict(metadata))}"


def restamped(metadata: Mapping[str, Value], vector_spec: str) -> dict[str, Value]:
    """Return a stored record's metadata as a record of another kind of vector, text and all.

    The head's `document_fingerprint` and `stamp` are left out: what they hash is not stored.
    """
    fields = without_marks(metadata)
    return {**fields, **_fingerprints(str(fields["text"]), fields, vector_spec)}


def without_marks(metadata: Mapping[str, Value]) -> dict[str, Value]:
    """Return a record's metadata without what is computed from it."""
    return {name: value for name, value in metadata.items() if name not in _MARKS}


def is_same_vector(one: str, other: str) -> bool:
    """Tell whether two chunk fingerprints stand for the same vector."""
    return vector_cause(one) == vector_cause(other)


def vector_cause(fingerprint: str) -> str:
    """Return the half of a chunk's fingerprint that stands for its vector."""
    return fingerprint.partition(".")[0]


def trusted_fingerprint(metadata: Mapping[str, Value]) -> str:
    """Return the fingerprint that a record bears; empty when its vector was made of something else.

    So it is where a record was relabelled while another run replaced its vector: neither store can
    make a write depend on what stands there.
    """
    fingerprint = str(metadata.get("fingerprint") or "")
    is_of_vector = metadata.get(VECTOR_FINGERPRINT) == vector_cause(fingerprint)
    return fingerprint if is_of_vector else ""


def without_vector_mark(metadata: Mapping[str, Value]) -> dict[str, Value]:
    """Return what may be written to a record whose vector stays as it is."""
    return {name: value for name, value in metadata.items() if name != VECTOR_FINGERPRINT}


def chunk_metadata(
    document: Document, chunk: Chunk, *, chunk_count: int, vector_spec: str
) -> dict[str, Value]:
    """Return the metadata of a chunk's record, its fingerprints included.

    The head (ordinal 0) carries `document_fingerprint` and `stamp` besides, which stand for the
    whole.

    Raises:
        DocumentError: It does not fit into `MAX_METADATA_BYTES`, or its id not into an index.
    """
    metadata: dict[str, Value] = {
        **_document_metadata(document),
        "text": chunk.text,
        "url": _fitting_url(chunk.url, document.url),
        "chunk": chunk.ordinal,
        "chunk_count": chunk_count,
    }
    metadata |= _fingerprints(chunk.text, metadata, vector_spec)
    if chunk.ordinal == 0:
        metadata["document_fingerprint"] = document_fingerprint(document, vector_spec)
        metadata["stamp"] = stored_stamp(document.stamp, vector_spec)
    _check_fits(document, chunk, metadata)
    return metadata


def _fingerprints(text: str, fields: Mapping[str, Value], vector_spec: str) -> dict[str, Value]:
    fingerprint = chunk_fingerprint(text, fields, vector_spec)
    return {"fingerprint": fingerprint, VECTOR_FINGERPRINT: vector_cause(fingerprint)}


def unlisted_readers(document: Document) -> int:
    """Return how many readers a record of a document has no room to name; they don't find it."""
    return len(document.access) - len(_fitting(document.access, _MAX_ACCESS_BYTES))


def metadata_bytes(metadata: Mapping[str, Value] | Value) -> int:
    """Return the size of metadata, or of one value, as the index counts it: bytes of its JSON."""
    return len(orjson.dumps(metadata))


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
    return {
        **_fitting_extra(document.extra),
        "document_id": document.id,
        "source": document.source,
        "title": _cut(document.title, _MAX_TITLE_BYTES),
        "container": _cut(document.container, _MAX_CONTAINER_BYTES),
        "authors": _fitting(document.authors, _MAX_AUTHORS_BYTES),
        "created_at": document.created_at.timestamp(),
        "updated_at": document.updated_at.timestamp(),
        "partition": document.day.isoformat(),
        "access": _fitting(document.access, _MAX_ACCESS_BYTES),
    }


def _fitting_url(*links: str) -> str:
    """Return the first link that fits, or none: a part of a link leads nowhere."""
    return next((link for link in links if metadata_bytes(link) <= _MAX_URL_BYTES), "")


def _fitting_extra(extra: Mapping[str, Value]) -> dict[str, Value]:
    """Return the source's own fields, each cut to its room and to what is left of all."""
    found: dict[str, Value] = {}
    left_bytes = _MAX_EXTRA_BYTES
    for name, value in extra.items():
        room_bytes = max(0, min(_MAX_EXTRA_FIELD_BYTES, left_bytes))
        if isinstance(value, str):
            value = _cut(value, room_bytes)
        elif isinstance(value, list):
            value = _fitting(value, room_bytes)
        found[name] = value
        left_bytes -= metadata_bytes(value)
    return found


def _cut(text: str, max_bytes: int) -> str:
    """Return the beginning of a text that takes so many bytes as JSON, its quotes not counted."""
    if metadata_bytes(text) - 2 <= max_bytes:
        return text
    # JSON escapes a quote or a line break with one byte more: half as many bytes always fit.
    short = text.encode()[:max_bytes].decode(errors="ignore")
    if metadata_bytes(short) - 2 <= max_bytes:
        return short
    return text.encode()[: max_bytes // 2].decode(errors="ignore")


def _fitting(words: Iterable[str], max_bytes: int) -> list[str]:
    """Return the first words that fit; a reader cut from `access` is refused, never let in."""
    kept: list[str] = []
    for word in words:
        max_bytes -= metadata_bytes(word) + 1
        if max_bytes < 0:
            break
        kept.append(word)
    return kept


def _hash(*parts: object) -> str:
    canonical = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=12).hexdigest()
