"""Cuts a Document into Chunks without losing text.

A chunk is a head (title and place), an empty line, and the passage. Neighbouring sections share a
chunk while they fit, unless a section is marked as apart. A section that is too long for a chunk is
split at the boundaries of its Markdown.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from semantic_text_splitter import MarkdownSplitter

from vector_assets.core.documents import Chunk, Document, Section
from vector_assets.embedding.base import Tokenizer

CHUNKER_VERSION = 2
"""Part of every fingerprint: raise it with every change that cuts a document differently."""

MAX_CHUNK_BYTES = 16_000
"""Most bytes of a chunk's text as JSON, so that it fits into a record of 40 KB with its metadata.

Tokens do not bound bytes: to WordPiece, a word of 40 KB is one unknown token.
"""

_MAX_HEAD_BYTES = 1_000
_MAX_HEAD_SHARE = 4
"""A head, and likewise a heading, takes at most this fraction (1/4) of a chunk's tokens."""

_CAPACITY_STEP_TOKENS = 16
"""Capacities are rounded down to multiples of this, as each cached splitter takes memory."""

_JOIN_TOKENS = 2
"""Most tokens of the empty line between two texts."""

_MAX_SLAB_CHARACTERS = 40_000
"""Longer texts are cut into slabs first, as tokenizers take time quadratic in a word's length: a
megabyte without white space would take hours."""

_ALWAYS_FITTING_CHARACTERS = MAX_CHUNK_BYTES // 8
"""A character takes at most 4 bytes as JSON; head and heading take up to half of the chunk."""


def chunk_document(document: Document, tokenizer: Tokenizer, chunk_tokens: int) -> list[Chunk]:
    """Cut a document into at least one chunk: a title alone is searchable too.

    Sections may be empty or many megabytes long; a chunk has at most `chunk_tokens` with its head.
    """
    head, cut_lines = _head(document, tokenizer, chunk_tokens // _MAX_HEAD_SHARE)
    sections = (*map(Section, cut_lines), *document.sections)
    cutter = _Cutter(
        tokenizer,
        room_tokens=chunk_tokens - tokenizer.count(head) - _JOIN_TOKENS,
        room_bytes=MAX_CHUNK_BYTES - _json_bytes(head),
    )
    blocks = [block for section in sections for block in cutter.blocks(section)]
    passages = _pack(blocks, cutter.room_tokens, cutter.room_bytes)
    if not passages:
        return [Chunk(0, head, document.url)]
    return [
        Chunk(ordinal, f"{head}\n\n{_joined(passage)}", passage[0].url or document.url)
        for ordinal, passage in enumerate(passages)
    ]


def passage_of(text: str) -> str:
    """Return a chunk's text without its head; empty if it holds only a head."""
    return text.partition("\n\n")[2]


@dataclass(frozen=True, slots=True)
class _Block:
    """A section, or a piece of a section, that fits a chunk.

    A heading stands once above all neighbours that share it; the text may be empty below one.
    Tokens and bytes, as JSON, are those of heading, text and separators.
    """

    heading: str
    text: str
    url: str
    tokens: int
    size_bytes: int
    is_apart: bool


class _Cutter:
    """Turns sections into blocks that fit a chunk without its head; bytes are those of JSON."""

    def __init__(self, tokenizer: Tokenizer, *, room_tokens: int, room_bytes: int) -> None:
        self._tokenizer = tokenizer
        self.room_tokens = room_tokens
        self.room_bytes = room_bytes

    def blocks(self, section: Section) -> Iterator[_Block]:
        """Yield a section as one block, or as several if it is too long; nothing if it is empty."""
        heading, text = " ".join(section.heading.split()), section.text.strip()
        if not (heading or text):
            return
        heading_bytes = _json_bytes(heading)
        is_short = heading_bytes <= self.room_bytes // _MAX_HEAD_SHARE
        heading_tokens = (
            self._tokenizer.count(heading) + _JOIN_TOKENS if heading and is_short else 0
        )
        if not is_short or heading_tokens > self.room_tokens // _MAX_HEAD_SHARE:
            # Too long to repeat above every piece, so it becomes part of the text.
            heading, text = "", f"{heading}\n\n{text}".strip()
            heading_tokens = heading_bytes = 0
        pieces = self._pieces(text, self.room_tokens - heading_tokens)
        for number, (piece, piece_tokens) in enumerate(pieces):
            yield _Block(
                heading,
                piece,
                section.url,
                tokens=heading_tokens + piece_tokens + _JOIN_TOKENS,
                size_bytes=heading_bytes + _json_bytes(piece) + 8,
                is_apart=section.is_apart and number == 0,
            )

    def _pieces(self, text: str, room_tokens: int) -> Iterator[tuple[str, int]]:
        capacity_tokens = room_tokens - _JOIN_TOKENS
        if _json_bytes(text) <= MAX_CHUNK_BYTES // 2:
            tokens = self._tokenizer.count(text)
            if tokens <= capacity_tokens:
                yield text, tokens
                return
        rounded_tokens = capacity_tokens // _CAPACITY_STEP_TOKENS * _CAPACITY_STEP_TOKENS
        splitter = self._tokenizer.splitter(rounded_tokens or max(1, capacity_tokens))
        for piece in (piece for slab in _slabs(text) for piece in splitter.chunks(slab)):
            if _json_bytes(piece) <= MAX_CHUNK_BYTES // 2:
                yield piece, self._tokenizer.count(piece)
                continue
            # The parts of an unknown word may be many known tokens, so each part is split again.
            for part in MarkdownSplitter(_ALWAYS_FITTING_CHARACTERS).chunks(piece):
                for small in splitter.chunks(part):
                    yield small, self._tokenizer.count(small)


def _slabs(text: str) -> Iterator[str]:
    """Yield a text in parts of bounded length, cut at an empty line or at white space."""
    at = 0
    while len(text) - at > _MAX_SLAB_CHARACTERS:
        end = at + _MAX_SLAB_CHARACTERS
        cuts = (
            text.rfind(mark, at + _MAX_SLAB_CHARACTERS // 2, end) for mark in ("\n\n", "\n", " ")
        )
        end = next((cut for cut in cuts if cut > 0), end)
        yield text[at:end]
        at = end
    yield text[at:]


def _pack(blocks: list[_Block], room_tokens: int, room_bytes: int) -> list[list[_Block]]:
    passages: list[list[_Block]] = []
    tokens = size_bytes = 0
    for block in blocks:
        tokens += block.tokens
        size_bytes += block.size_bytes
        is_full = tokens > room_tokens or size_bytes > room_bytes
        if not passages or block.is_apart or is_full:
            passages.append([])
            tokens, size_bytes = block.tokens, block.size_bytes
        passages[-1].append(block)
    return passages


def _joined(passage: list[_Block]) -> str:
    """Return the text of a passage: blocks with their headings, separated by empty lines."""
    parts: list[str] = []
    above = ""
    for block in passage:
        heading = block.heading if block.heading != above else ""
        above = block.heading
        parts.append("\n".join(filter(None, (heading, block.text))))
    return "\n\n".join(filter(None, parts))


def _head(document: Document, tokenizer: Tokenizer, max_tokens: int) -> tuple[str, list[str]]:
    """Return title and place as a head, and those lines that it truncates."""
    container = " ".join(document.container.split())
    place = ", ".join(filter(None, (document.source, container)))
    short_place = _cut(place, tokenizer, max_tokens // 2)
    title = _cut(document.title, tokenizer, max_tokens - tokenizer.count(short_place))
    cut_lines = [document.title] if title != document.title else []
    if short_place != place:
        cut_lines.append(container)
    return "\n".join(filter(None, (title, short_place))), cut_lines


def _cut(line: str, tokenizer: Tokenizer, max_tokens: int) -> str:
    short = line
    if _json_bytes(line) > _MAX_HEAD_BYTES // 2:
        short = line[: _MAX_HEAD_BYTES // 8]
    if tokenizer.count(short) > max_tokens:
        short = tokenizer.splitter(max(1, max_tokens)).chunks(short)[0]
    return short


def _json_bytes(text: str) -> int:
    return len(orjson.dumps(text))
