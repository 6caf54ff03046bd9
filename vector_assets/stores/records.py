"""Chunk to record: the flat metadata of the index, and fingerprints that detect changes.

This layout is the contract with everyone who reads the index. Changing it raises `LAYOUT_VERSION`,
which changes every fingerprint: an index of an older layout then needs `vector-assets reindex`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from vector_assets.core.documents import Chunk, Document, Value
from vector_assets.core.errors import DocumentError
from vector_assets.stores.base import Head

LAYOUT_VERSION = 6

MAX_METADATA_BYTES = 40_000
"""Pinecone refuses more than 40 KB a record (docs.pinecone.io, "Indexing limits", 2026-11)."""

MAX_ID_BYTES = 512
"""Pinecone's longest record id (docs.pinecone.io, "Indexing limits", 2026-11)."""

VECTOR_FINGERPRINT = "vector_fingerprint"
"""Field that is only written together with a vector: the hash of its text and model."""

HEAD_FIELDS = [
    "document_id", "document_fingerprint", "updated_at", "chunk_count", "stamp", "container",
    "access",
]  # fmt: skip
"""Fields of a document's first record that `head_of` reads, and the id to return it under."""

_MARKS = frozenset({"fingerprint", VECTOR_FINGERPRINT, "document_fingerprint", "stamp"})

# Bytes as JSON. With a text of `chunking.MAX_CHUNK_BYTES`, an id of `MAX_ID_BYTES` and fields of
# fixed length these stay below `MAX_METADATA_BYTES`. docs/texts.md says what happens to the rest.
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
    """Return the id of a document's head: the record of its first chunk."""
    return record_id(document_id, 0)


def head_of(fields: Mapping[str, Any]) -> Head:
    """Return the head that the fields of a document's first record describe."""
    return Head(
        str(fields.get("document_fingerprint") or ""),
        float(fields["updated_at"]),
        int(fields["chunk_count"]),
        str(fields.get("stamp") or ""),
        str(fields.get("container") or ""),
        tuple(fields.get("access") or ()),
    )


def document_id_of(chunk_id: str) -> str:
    """Return the document that a record belongs to."""
    return chunk_id.rpartition("#")[0]


def chunks_of(document_id: str, chunk_ids: Iterable[str]) -> Iterator[str]:
    """Yield those ids that are of a document's chunks; all when it is empty.

    A prefix alone does not tell: the id of another document may go on with a `#` of its own.
    """
    return (key for key in chunk_ids if not document_id or document_id_of(key) == document_id)


def ordinal_of(chunk_id: str) -> int:
    """Return a record's position in its document, from 0; -1 for an id of another form."""
    last = chunk_id.rpartition("#")[2]
    return int(last) if last.isdecimal() else -1


def document_fingerprint(document: Document, vector_spec: str, redaction: str = "") -> str:
    """Return the hash of everything that determines a document's records.

    Behind a point follows the version of the redaction that looked through it, where one has.
    """
    digest = _hash(
        LAYOUT_VERSION,
        vector_spec,
        document.title,
        document.url,
        [
            [section.heading, section.text, section.url, section.is_apart]
            for section in document.sections
        ],
        _as_stored(_document_metadata(document)),
        document.stamp,
    )
    return f"{digest}.{redaction}" if redaction else digest


def is_same_version(fingerprint: str, other: str) -> bool:
    """Tell whether two document fingerprints name one version, whatever redaction it went through.

    The text is redacted before it is hashed, so what redaction changes changes the first half.
    """
    return fingerprint.partition(".")[0] == other.partition(".")[0]


def stored_stamp(stamp: str, vector_spec: str) -> str:
    """Return the hash of a document's stamp and vector kind, as the index holds it."""
    return _hash(LAYOUT_VERSION, vector_spec, stamp) if stamp else ""


def chunk_fingerprint(
    text: str, metadata: Mapping[str, Value], vector_spec: str, *, layout: int | None = None
) -> str:
    """Return the fingerprint of a chunk: `{hash of text and vector kind}.{hash of metadata}`.

    When only the second half changes, the chunk needs new metadata and no embedding.

    `metadata` is without what is computed from it (`without_marks`); `vector_spec` is the chunker's
    version, model and dimensions in one word; `layout` is that of this code by default.
    """
    return f"{_hash(vector_spec, text)}.{_hash(layout or LAYOUT_VERSION, _as_stored(metadata))}"


def restamped(metadata: Mapping[str, Value], vector_spec: str) -> dict[str, Value]:
    """Return a stored record's metadata with fingerprints for another vector kind.

    The head's `document_fingerprint` and `stamp` are left out: what they hash is not stored.
    """
    fields = without_marks(metadata)
    return {**fields, **_fingerprints(str(fields["text"]), fields, vector_spec)}


def without_marks(metadata: Mapping[str, Value]) -> dict[str, Value]:
    """Return a record's metadata without what is computed from it."""
    return {name: value for name, value in metadata.items() if name not in _MARKS}


def is_same_vector(fingerprint: str, other: str) -> bool:
    """Tell whether two chunk fingerprints stand for the same vector."""
    return vector_cause(fingerprint) == vector_cause(other)


def vector_cause(fingerprint: str) -> str:
    """Return the half of a chunk's fingerprint that identifies its vector."""
    return fingerprint.partition(".")[0]


def trusted_fingerprint(metadata: Mapping[str, Value]) -> str:
    """Return a record's fingerprint; empty when its vector was made of another text or model.

    That happens when a run updates metadata while another replaces the vector: neither store has
    conditional writes of fields.
    """
    fingerprint = str(metadata.get("fingerprint") or "")
    is_of_vector = metadata.get(VECTOR_FINGERPRINT) == vector_cause(fingerprint)
    return fingerprint if is_of_vector else ""


def without_vector_mark(metadata: Mapping[str, Value]) -> dict[str, Value]:
    """Return metadata to write to a record that keeps its vector."""
    return {name: value for name, value in metadata.items() if name != VECTOR_FINGERPRINT}


def chunk_metadata(
    document: Document, chunk: Chunk, *, chunk_count: int, vector_spec: str, redaction: str = ""
) -> dict[str, Value]:
    """Return the metadata of a chunk's record, its fingerprints included.

    The head (ordinal 0) also has `document_fingerprint` and `stamp`, which are about the document.

    Raises:
        DocumentError: It exceeds `MAX_METADATA_BYTES`, or its id is not valid in an index.
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
        metadata["document_fingerprint"] = document_fingerprint(document, vector_spec, redaction)
        metadata["stamp"] = stored_stamp(document.stamp, vector_spec)
    _check_fits(document, chunk, metadata)
    return metadata


def _fingerprints(text: str, fields: Mapping[str, Value], vector_spec: str) -> dict[str, Value]:
    fingerprint = chunk_fingerprint(text, fields, vector_spec)
    return {"fingerprint": fingerprint, VECTOR_FINGERPRINT: vector_cause(fingerprint)}


def stored_access(access: Iterable[str]) -> tuple[str, ...]:
    """Return the part of `Document.access` that fits into a record."""
    return tuple(_fitting(access, _MAX_ACCESS_BYTES))


def with_readers(metadata: Mapping[str, Value], access: Sequence[str]) -> dict[str, Value]:
    """Return the fields to write to a record so that these may read it.

    Args:
        metadata: Of the record, complete.
        access: As `stored_access` returns it.
    """
    fields = {**without_marks(metadata), "access": list(access)}
    fingerprint = str(metadata.get("fingerprint") or "")
    # A record that is not trusted stays so.
    hashed = f"{vector_cause(fingerprint)}.{_hash(LAYOUT_VERSION, _as_stored(fields))}"
    return {"access": list(access), "fingerprint": hashed if fingerprint else ""}


_CHANGING_READERS = "readers change "
_CHANGED_READERS = "readers changed "


def is_changing_readers(head: Head) -> bool:
    """Tell whether a change of readers was begun that has not reached all records."""
    return head.document_fingerprint.startswith(_CHANGING_READERS)


def changing_readers(head: Head) -> str:
    """Return the `document_fingerprint` of a head while the readers of its document change."""
    name = head.document_fingerprint
    return name if not name or is_changing_readers(head) else _CHANGING_READERS + name


def changed_readers(head: Head, access: Sequence[str]) -> str:
    """Return the `document_fingerprint` of a document whose readers alone were changed.

    It is that of no version, as what it hashes besides is not stored: when the source next yields
    the document, its metadata are written anew.
    """
    name = head.document_fingerprint.removeprefix(_CHANGING_READERS)
    return f"{_CHANGED_READERS}{_hash(name, list(access))}" if name else ""


def has_changed_readers(fingerprint: str) -> bool:
    """Tell whether a `document_fingerprint` is one of `changed_readers`."""
    return fingerprint.startswith(_CHANGED_READERS)


def unlisted_readers(document: Document) -> int:
    """Return how many readers do not fit into a document's records, and so cannot find it."""
    return len(document.access) - len(stored_access(document.access))


def metadata_bytes(metadata: Mapping[str, Value] | Value) -> int:
    """Return the size of metadata, or of a value, in bytes of its JSON, as the index counts it."""
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
        words = f"its record id is not ASCII of at most {MAX_ID_BYTES} bytes"
        raise DocumentError(document.id, words)


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
    """Return the first link that fits, or an empty one: a cut link would not work."""
    return next((link for link in links if metadata_bytes(link) <= _MAX_URL_BYTES), "")


def _fitting_extra(extra: Mapping[str, Value]) -> dict[str, Value]:
    """Return the source's own fields, each cut to its limit and to what is left of the total."""
    fitting: dict[str, Value] = {}
    left_bytes = _MAX_EXTRA_BYTES
    for name, value in extra.items():
        max_bytes = max(0, min(_MAX_EXTRA_FIELD_BYTES, left_bytes))
        if isinstance(value, str):
            value = _cut(value, max_bytes)
        elif isinstance(value, list):
            value = _fitting(value, max_bytes)
        fitting[name] = value
        left_bytes -= metadata_bytes(value)
    return fitting


def _cut(text: str, max_bytes: int) -> str:
    """Return the beginning of a text, of at most so many bytes as JSON without its quotes."""
    if metadata_bytes(text) - 2 <= max_bytes:
        return text
    # JSON escapes a quote or a line break with one byte more: half as many bytes always fit.
    short = text.encode()[:max_bytes].decode(errors="ignore")
    if metadata_bytes(short) - 2 <= max_bytes:
        return short
    return text.encode()[: max_bytes // 2].decode(errors="ignore")


def _fitting(words: Iterable[str], max_bytes: int) -> list[str]:
    """Return the first words that fit; a reader that is cut from `access` loses access."""
    kept: list[str] = []
    for word in words:
        max_bytes -= metadata_bytes(word) + 1
        if max_bytes < 0:
            break
        kept.append(word)
    return kept


def _as_stored(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Return fields with every number as a float, which is how both stores return them."""
    return {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in fields.items()
    }


def _hash(*parts: object) -> str:
    canonical = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=12).hexdigest()
