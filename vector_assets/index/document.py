"""A whole document, as the index holds it: the passages of its chunks in order, in pages."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from vector_assets.core.documents import Value
from vector_assets.core.errors import RetryableError, UsageError
from vector_assets.embedding.chunking import passage_of
from vector_assets.sources import SOURCES
from vector_assets.stores.base import Filter, Head, Metadata, VectorStore
from vector_assets.stores.records import MAX_ID_BYTES, head_id, record_id

_CHUNKS_AT_ONCE = 32
_CURSOR = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9a-f]{16})")
_CHANGED = "has changed since the page before: open it again without a cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a document.

    Attributes:
        text: Markdown; the passages of the chunks, without the title and place above each.
        next_cursor: Opens the page after this one; empty on the last.
        missing_chunks: Chunks of this page that the index should hold and does not.
        is_whole_version: Whether all chunks are known to be of one version of the document.
    """

    document_id: str
    source: str
    title: str
    url: str
    container: str
    authors: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    text: str
    next_cursor: str
    missing_chunks: int
    is_whole_version: bool


def read_page(
    document_id: str,
    store: VectorStore,
    *,
    where: Filter,
    characters: int,
    cursor: str = "",
    hosts: Collection[str] = (),
) -> Page | None:
    """Return a page of a document; None when there is none that the viewer may read.

    Args:
        document_id: As an answer has it.
        store: The live index.
        where: Who asks.
        characters: Most of a page, not counting the empty lines between chunks.
        cursor: Of the page before; empty for the first.
        hosts: Namespaces that other projects fill; beside them only sources are read.

    Raises:
        UsageError: The cursor is none, or of another version of the document.
        RetryableError: The document is written while it is read, or the store cannot be used.
    """
    source = document_id.partition(":")[0]
    if source not in {*SOURCES, *hosts} or not is_document_id(document_id):
        return None
    head = store.heads(source, [document_id]).get(document_id)
    if head is None or not where.lets_read(head):
        return None
    version = _version(head)
    start, offset = _position(cursor, version, document_id)
    reading = _Reading(document_id, store, head.chunk_count)
    first = reading.chunks([head_id(document_id)]).get(head_id(document_id), {})
    reading.run(start, offset, characters)
    # Its readers, or its text, may have changed while its chunks were read.
    head_after = store.heads(source, [document_id]).get(document_id)
    if head_after is None or not where.lets_read(head_after):
        return None
    if _version(head_after) != version:
        raise RetryableError(f"{document_id} is being written: open it again in a few seconds")
    return _page(document_id, head, first, reading, version)


class _Reading:
    """Reads chunks from a position on, until a page is full."""

    def __init__(self, document_id: str, store: VectorStore, chunk_count: int) -> None:
        self._document_id = document_id
        self._store = store
        self._chunk_count = chunk_count
        self.passages: list[str] = []
        self.missing_chunks = 0
        self.next_position: tuple[int, int] | None = None

    def chunks(self, ids: list[str]) -> dict[str, Metadata]:
        """Return the metadata of these chunks; of a chunk that is there twice, the newest."""
        records = self._store.fetch(self._document_id.partition(":")[0], ids)
        ordered = sorted(records, key=lambda record: _number(record.metadata.get("updated_at")))
        return {record.id: record.metadata for record in ordered}

    def run(self, start: int, offset: int, characters: int) -> None:
        """Fill `passages` from a chunk and an offset in its passage on."""
        left = characters
        for first in range(start, self._chunk_count, _CHUNKS_AT_ONCE):
            ordinals = range(first, min(first + _CHUNKS_AT_ONCE, self._chunk_count))
            fields_by_chunk = self.chunks(
                [record_id(self._document_id, ordinal) for ordinal in ordinals]
            )
            for ordinal in ordinals:
                if left <= 0:
                    self.next_position = (ordinal, 0)
                    return
                fields = fields_by_chunk.get(record_id(self._document_id, ordinal))
                if fields is None:
                    self.missing_chunks += 1
                    continue
                begin = offset if ordinal == start else 0
                passage = passage_of(str(fields.get("text", "")))
                self.passages.append(passage[begin : begin + left])
                if len(passage) > begin + left:
                    self.next_position = (ordinal, begin + left)
                    return
                left -= len(passage) - begin


def _page(
    document_id: str, head: Head, first: Mapping[str, Value], reading: _Reading, version: str
) -> Page:
    authors = first.get("authors", [])
    cursor = ""
    if reading.next_position is not None:
        cursor = "{}.{}.{}".format(*reading.next_position, version)
    return Page(
        document_id=document_id,
        source=document_id.partition(":")[0],
        title=str(first.get("title", "")),
        url=str(first.get("url", "")),
        container=head.container,
        authors=tuple(authors) if isinstance(authors, list) else (),
        created_at=datetime.fromtimestamp(_number(first.get("created_at")), UTC),
        updated_at=datetime.fromtimestamp(head.updated_at, UTC),
        text="\n\n".join(filter(None, reading.passages)),
        next_cursor=cursor,
        missing_chunks=reading.missing_chunks,
        is_whole_version=bool(head.document_fingerprint),
    )


def is_document_id(document_id: str) -> bool:
    """Tell whether an index can hold a document under this id."""
    return (
        document_id.isascii()
        and document_id.isprintable()
        and "#" not in document_id
        and len(record_id(document_id, 0)) <= MAX_ID_BYTES
        and document_id.partition(":")[2] != ""
    )


def _version(head: Head) -> str:
    known = f"{head.document_fingerprint} {head.updated_at} {head.chunk_count}"
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def _position(cursor: str, version: str, document_id: str) -> tuple[int, int]:
    """Return the chunk and the offset in its passage that a cursor names."""
    if not cursor:
        return 0, 0
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise UsageError("the cursor is none of ours: send next_cursor of the page before")
    if match[3] != version:
        raise UsageError(f"{document_id} {_CHANGED}")
    return int(match[1]), int(match[2])


def _number(value: Value | None) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
