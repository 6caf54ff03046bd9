"""Chooses the passages that an answer shows: those of its hits that say what was asked for.

What puts a document first need not be worth reading: the keywords of a meeting, the fields of an
issue, a goodbye below a fitting title. Chunks are chosen by what they hold (`chunk_kinds`), then by
how much of the question they say, then by the order of hits.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vector_assets.core.word_forms import stem, stems, told_words
from vector_assets.embedding.chunking import passage_of
from vector_assets.index.chunk_kinds import (
    Kind,
    facts_before_prose,
    field_names,
    kind_of,
)
from vector_assets.index.ranking import Ranked
from vector_assets.stores.base import Hit
from vector_assets.stores.records import document_id_of, ordinal_of

MAX_PASSAGES = 3

_MIN_NAME_CHARACTERS = 4
"""So many letters of a field's name identify it: `assigned` asks for the assignee."""

_WORDS_WEIGHT = 1.0
_PAIRS_WEIGHT = 0.5
_ORDER_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that is shown.

    Attributes:
        text: Markdown, without the title and place that stand above each chunk.
        url: Link to the passage, or to the document.
        chunk: The passage's place in the document, from 0.
    """

    text: str
    url: str
    chunk: int


@dataclass(frozen=True, slots=True)
class Passages:
    """What an answer shows of a document.

    Attributes:
        best: The one that answers best.
        shown: It and up to two others, in the order of the document; empty without any text.
    """

    best: Passage
    shown: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit
    body: str
    kind: Kind
    score: float

    @property
    def ordinal(self) -> int:
        return ordinal_of(self.hit.id)


def choose(question: str, ranked: Ranked, further: Sequence[Hit] = ()) -> Passages:
    """Return the passages of a document that answer a question, at most `MAX_PASSAGES`.

    Args:
        question: As it was asked.
        ranked: The document with its hits, best first.
        further: Chunks of this document and of others, as `further_chunks` names them.
    """
    candidates = _candidates(question, ranked, further)
    best = candidates[0]
    chosen = [best, *_beside(best, candidates)]
    for candidate in candidates:
        is_new = candidate.body not in {each.body for each in chosen}
        if is_new and len(chosen) < MAX_PASSAGES and candidate.kind == best.kind:
            chosen.append(candidate)
    chosen.sort(key=lambda candidate: candidate.ordinal)
    passages = {candidate.ordinal: _passage(question, candidate) for candidate in chosen}
    return Passages(
        passages[best.ordinal], tuple(passage for passage in passages.values() if passage.text)
    )


def further_chunks(shown: Sequence[Ranked]) -> dict[str, list[str]]:
    """Return by source the ids of chunks that are worth reading beside the hits of documents."""
    return {}


def _candidates(question: str, ranked: Ranked, further: Sequence[Hit]) -> list[_Candidate]:
    """Return all chunks, the best first."""
    others = (hit for hit in further if document_id_of(hit.id) == ranked.document_id)
    hits = {hit.id: hit for hit in (*others, *ranked.hits)}
    bodies = {
        id_: passage_of(str(hit.metadata.get("text", ""))).strip() for id_, hit in hits.items()
    }
    words = {id_: stems(body) for id_, body in bodies.items()}
    asked = _Asked(question, list(words.values()))
    order = {hit.id: place for place, hit in enumerate(ranked.hits)}
    candidates = [
        _Candidate(
            hit,
            bodies[id_],
            kind_of(hit.metadata, bodies[id_]) if bodies[id_] else Kind.EMPTY,
            asked.share(words[id_]) + _ORDER_WEIGHT / (1 + order.get(id_, len(order))),
        )
        for id_, hit in hits.items()
    ]
    return sorted(candidates, key=lambda each: (each.kind, -each.score, each.ordinal))


class _Asked:
    """The words of a question, weighted by how few of a document's chunks hold them."""

    def __init__(self, question: str, texts: Sequence[Sequence[str]]) -> None:
        asked = [stem(word) for word in told_words(question)]
        counts = Counter(word for text in texts for word in set(text))
        self._weights = {
            word: math.log(1 + (len(texts) + 1) / (counts[word] + 0.5)) for word in asked
        }
        self._pairs = set(pairwise(asked))

    def share(self, text: Sequence[str]) -> float:
        """Return how much of the question a text says."""
        total = sum(self._weights.values())
        if not total:
            return 0.0
        said = sum(self._weights[word] for word in self._weights.keys() & set(text)) / total
        pairs = len(self._pairs & set(pairwise(text))) / len(self._pairs) if self._pairs else 0.0
        return _WORDS_WEIGHT * said + _PAIRS_WEIGHT * pairs


def _beside(best: _Candidate, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Return what belongs to the best passage: the question of a thread, and what came next."""
    if not best.hit.metadata.get("thread_ts"):
        return []
    by_ordinal = {candidate.ordinal: candidate for candidate in candidates}
    wanted = [0, best.ordinal + 1] if best.ordinal else [1]
    others = (by_ordinal.get(ordinal) for ordinal in wanted)
    return [other for other in others if other is not None and other.kind <= best.kind]


def _passage(question: str, candidate: _Candidate) -> Passage:
    fields = candidate.hit.metadata
    block, prose = facts_before_prose(str(fields.get("source", "")), candidate.body)
    text = candidate.body if block and _asks_for_facts(question, block, prose, fields) else prose
    return Passage(
        text or str(fields.get("title", "")), str(fields.get("url", "")), candidate.ordinal
    )


def _asks_for_facts(question: str, block: str, prose: str, fields: Mapping[str, object]) -> bool:
    """Tell whether a question is about the fields of an issue, or names nothing but the issue."""
    asked = [stem(word) for word in told_words(question)]
    known = set(stems(f"{fields.get('title', '')} {prose}"))
    left = [word for word in asked if word not in known]
    if all(word == str(fields.get("issue_key", "")).lower() for word in asked):
        return True
    names = [name.lower() for name in field_names(block)]
    if any(
        name.startswith(word)
        for word in asked
        for name in names
        if len(word) >= _MIN_NAME_CHARACTERS
    ):
        return True
    return not set(left).isdisjoint(stems(block))
