"""Makes questions out of a document that the document itself has to answer, without a model.

A question is kept as its place and a fingerprint of its words; the words stay in the document.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from vector_assets.core.stop_words import STOP_WORDS
from vector_assets.embedding.chunking import passage_of
from vector_assets.maintenance.quality.words import (
    beginning_of,
    fingerprint_of,
    place_of,
    stretch_of,
    words_of,
)
from vector_assets.stores.base import Metadata

MIN_SENTENCE_WORDS = 6
MAX_SENTENCE_WORDS = 14
MAX_QUESTION_WORDS = 30
"""Of a question that somebody asked; a longer one is cut."""

_MIN_TITLE_WORDS = 3
_MAX_HEADING_WORDS = 8
_RARE_SHARE = 0.05
"""A word that at most this share of the documents beside it has is rare."""

_MIN_RARE_WORDS = 2

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
_DAY_AT_END = re.compile(r":\d{4}-\d{2}-\d{2}$")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}")
_NOT_PROSE = re.compile(r"://|[@|`{}<>\\]|\[redacted", re.IGNORECASE)


class Kind(StrEnum):
    """Where a question comes from."""

    TITLE = "title"
    HEADING = "heading"
    SENTENCE = "sentence"
    REPLY = "reply"
    KEY = "key"
    OWN = "own"


MADE = (Kind.KEY, Kind.REPLY, Kind.HEADING, Kind.TITLE, Kind.SENTENCE)
"""Kinds that are made out of documents, those that few documents offer first."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the document that has to answer it.

    Attributes:
        text: What is asked; empty when the index has lost the words. Never shown or stored.
        word_count: How many words of the document it is.
        fingerprint: Of these words.
        chunk: Where they stood when the question was made.
        updated_at: Last activity of the version that they were last seen in, epoch seconds.
        documents: Ids, any of which answers; more than one for a team's own question only.
    """

    documents: tuple[str, ...]
    kind: Kind
    fingerprint: str
    word_count: int
    chunk: int
    updated_at: float
    text: str = field(default="", repr=False)

    @property
    def document_id(self) -> str:
        """The document that answers, or the first of them."""
        return self.documents[0]

    @property
    def source(self) -> str:
        """Where the document comes from; `own` for a team's own question."""
        return str(self.kind) if self.kind is Kind.OWN else self.document_id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document as far as it was read from the index: some of its passages, by chunk."""

    document_id: str
    title: str
    key: str
    updated_at: float
    chunk_count: int
    passages: Mapping[int, str]

    @classmethod
    def of(cls, document_id: str, records: Iterable[Metadata]) -> Self | None:
        """Return it from metadata of some of its records; None without any."""
        by_chunk = {_whole(fields, "chunk"): fields for fields in records}
        if not by_chunk:
            return None
        any_record = by_chunk[min(by_chunk)]
        updated_at = any_record.get("updated_at")
        return cls(
            document_id,
            str(any_record.get("title") or ""),
            str(any_record.get("issue_key") or ""),
            float(updated_at) if isinstance(updated_at, int | float) else 0.0,
            _whole(any_record, "chunk_count"),
            {
                chunk: passage_of(str(fields.get("text") or ""))
                for chunk, fields in sorted(by_chunk.items())
            },
        )


class Rarity:
    """How rare words are among documents that were read together."""

    def __init__(self, texts: Iterable[str]) -> None:
        known = [set(words_of(text)) for text in texts]
        self._documents = Counter(word for words in known for word in words)
        self._rare_at_most = max(1, int(_RARE_SHARE * len(known)))

    def rare_words(self, words: Iterable[str]) -> int:
        """Return how many different words are rare and mean something."""
        return sum(
            self._documents[word] <= self._rare_at_most and (len(word) > 2 or not word.isascii())
            for word in {*words}.difference(STOP_WORDS)
        )


def made_of(document: HeldDocument, kind: Kind, rarity: Rarity) -> Question | None:
    """Return the question of a kind that a document offers; the same one for the same text."""
    stretch, chunk = next(iter(_STRETCHES[kind](document, rarity)), ("", 0))
    words = words_of(stretch)
    if not words:
        return None
    place = Question(
        (document.document_id,), kind, fingerprint_of(words), len(words), chunk, document.updated_at
    )
    return with_text(place, document)


def with_text(question: Question, document: HeldDocument) -> Question | None:
    """Return a question with its words, read from a document; None when it no longer has them."""
    if question.kind is Kind.KEY:
        within = document.key
    elif question.kind is Kind.TITLE:
        within = document.title
    else:
        within = "\n".join(document.passages.values())
    stretch = stretch_of(within, question.word_count, question.fingerprint)
    if stretch is None:
        return None
    text = stretch
    if question.kind is Kind.HEADING:
        # A heading such as "Background" asks for nothing without what it stands under.
        text = f"{document.title} {stretch}"
    elif question.kind is Kind.REPLY:
        text = f"{stretch}?"
    return Question(
        question.documents, question.kind, question.fingerprint, question.word_count,
        question.chunk, document.updated_at, text,
    )  # fmt: skip


_Stretches = Iterator[tuple[str, int]]


def _keys(document: HeldDocument, _: Rarity) -> _Stretches:
    if document.key:
        yield document.key, 0


def _titles(document: HeldDocument, rarity: Rarity) -> _Stretches:
    words = words_of(document.title)
    if len(words) >= _MIN_TITLE_WORDS and rarity.rare_words(words):
        yield document.title, 0


def _headings(document: HeldDocument, _: Rarity) -> _Stretches:
    headings = [
        (heading, chunk)
        for chunk, passage in document.passages.items()
        for heading in _headings_in(passage)
        if document.title
    ]
    yield from _in_fixed_order(document, headings)


def _headings_in(passage: str) -> Iterator[str]:
    """Yield headings of Markdown, and short lines that stand alone above a text."""
    for part in passage.split("\n\n"):
        lines = part.splitlines()
        for line in lines:
            if match := _HEADING.fullmatch(line.strip()):
                yield match[1]
        if len(lines) > 1 and _is_heading(lines[0]):
            yield lines[0]


def _is_heading(line: str) -> bool:
    word_count = len(words_of(line))
    return (
        1 <= word_count <= _MAX_HEADING_WORDS
        and line[:1].isalpha()
        and line.rstrip()[-1:] not in {".", "!", "?", ":", ",", ";"}
        # The heading of a message is who wrote it and when.
        and not _DATED.search(line)
        and not _NOT_PROSE.search(line)
    )


def _replies(document: HeldDocument, _: Rarity) -> _Stretches:
    """Yield what the first message of a thread asks, if anybody has written below it."""
    first, *below = document.passages.get(0, "").split("\n\n", 1)
    is_answered = bool(below) or document.chunk_count > 1
    is_slack = document.document_id.startswith("slack:")
    # A channel's day is no thread: what is said next may be about something else.
    if not is_slack or _DAY_AT_END.search(document.document_id) or not is_answered:
        return
    for sentence in _SENTENCE_END.split(first):
        is_question = sentence.rstrip().endswith("?") and not _NOT_PROSE.search(sentence)
        if is_question and len(words_of(sentence)) >= MIN_SENTENCE_WORDS:
            yield beginning_of(sentence, MAX_QUESTION_WORDS), 0


def _sentences(document: HeldDocument, rarity: Rarity) -> _Stretches:
    """Yield quotable sentences, those with the most rare words first."""
    sentences = [
        (beginning_of(sentence, MAX_SENTENCE_WORDS), chunk)
        for chunk, passage in document.passages.items()
        for sentence in _SENTENCE_END.split(passage)
        if not _NOT_PROSE.search(sentence)
        and not _DATED.search(sentence)
        and not _HEADING.fullmatch(sentence.strip())
        and len(words_of(sentence)) >= MIN_SENTENCE_WORDS
    ]
    rare = [
        (rarity.rare_words(words_of(stretch)), stretch, chunk)
        for stretch, chunk in _in_fixed_order(document, sentences)
    ]
    for count, stretch, chunk in sorted(rare, key=lambda item: -item[0]):
        if count >= _MIN_RARE_WORDS:
            yield stretch, chunk


def _in_fixed_order(
    document: HeldDocument, stretches: Sequence[tuple[str, int]]
) -> list[tuple[str, int]]:
    return sorted(stretches, key=lambda item: place_of(f"{document.document_id} {item[0]}"))


_STRETCHES: Mapping[Kind, Callable[[HeldDocument, Rarity], _Stretches]] = {
    Kind.KEY: _keys,
    Kind.TITLE: _titles,
    Kind.HEADING: _headings,
    Kind.REPLY: _replies,
    Kind.SENTENCE: _sentences,
}


def _whole(fields: Metadata, name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) else 0
