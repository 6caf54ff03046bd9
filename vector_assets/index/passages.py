"""Chooses the passages that an answer shows: those of its hits that say what was asked for.

What puts a document first need not be worth reading: the keywords of a meeting, the fields of an
issue, a goodbye below a fitting title. Chunks are chosen by what they hold (`chunk_kinds`), then by
how much of the question they say, then by the order of hits.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vector_assets.core.word_forms import content_words, stem, stems
from vector_assets.index.chunk_kinds import (
    Kind,
    body_of,
    facts_before_prose,
    field_names,
    kind_of,
)
from vector_assets.index.ranking import Ranked
from vector_assets.stores.base import Hit, Metadata
from vector_assets.stores.records import document_id_of, ordinal_of, record_id

MAX_PASSAGES = 3

MAX_FURTHER_CHUNKS = 100
"""Most chunks of a source that are read beside the hits of a question."""

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
    chosen: dict[str, _Candidate] = {}
    for candidate in (*_best_with_neighbours(candidates), *candidates):
        if len(chosen) < MAX_PASSAGES:
            chosen.setdefault(candidate.body, candidate)
    in_order = sorted(chosen.values(), key=lambda candidate: candidate.ordinal)
    passages = {candidate.ordinal: _passage(question, candidate) for candidate in in_order}
    return Passages(
        passages[candidates[0].ordinal],
        tuple(passage for passage in passages.values() if passage.text),
    )


def further_chunks(shown: Sequence[Ranked]) -> dict[str, list[str]]:
    """Return by source the ids of chunks that are worth reading beside the hits of documents.

    Those are the speech of a meeting of which only the summary was hit, and of a thread the
    question and what follows the best hit: at most `MAX_FURTHER_CHUNKS` a source.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for ranked in shown:
        if ordinals := _missing(ranked):
            ids = wanted[str(ranked.hits[0].metadata.get("source", ""))]
            ids.extend(record_id(ranked.document_id, ordinal) for ordinal in ordinals)
    return {source: ids[:MAX_FURTHER_CHUNKS] for source, ids in wanted.items()}


def _missing(ranked: Ranked) -> list[int]:
    best = ranked.hits[0]
    chunk_count = best.metadata.get("chunk_count")
    count = chunk_count if isinstance(chunk_count, int | float) else 0
    wanted: Iterable[int] = ()
    if best.metadata.get("source") == "fireflies":
        if all(kind_of(hit.metadata) != Kind.SAID for hit in ranked.hits):
            wanted = range(int(count))
    elif best.metadata.get("thread_ts"):
        wanted = (0, ordinal_of(best.id) + 1)
    known = {ordinal_of(hit.id) for hit in ranked.hits}
    return [ordinal for ordinal in wanted if ordinal < count and ordinal not in known]


def _candidates(question: str, ranked: Ranked, further: Sequence[Hit]) -> list[_Candidate]:
    """Return the chunks of the best kind that there is, the best first; at least one."""
    others = (hit for hit in further if document_id_of(hit.id) == ranked.document_id)
    hits = {hit.id: hit for hit in (*others, *ranked.hits)}
    kinds = {id_: kind_of(hit.metadata) for id_, hit in hits.items()}
    best_kind = min(kinds.values())
    bodies = {id_: body_of(hit.metadata) for id_, hit in hits.items() if kinds[id_] == best_kind}
    words = {id_: stems(body) for id_, body in bodies.items()}
    asked = _Asked(question, list(words.values()))
    places = {hit.id: place for place, hit in enumerate(ranked.hits)}
    candidates = [
        _Candidate(
            hits[id_],
            body,
            asked.share(words[id_]) + _ORDER_WEIGHT / (1 + places.get(id_, len(places))),
        )
        for id_, body in bodies.items()
    ]
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.ordinal))


class _Asked:
    """The words of a question, weighted by how few of a document's chunks hold them."""

    def __init__(self, question: str, texts: Sequence[Sequence[str]]) -> None:
        asked = [stem(word) for word in content_words(question)]
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


def _best_with_neighbours(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the best; in a thread, with the question and with what follows."""
    best = candidates[0]
    if not best.hit.metadata.get("thread_ts"):
        return [best]
    by_ordinal = {candidate.ordinal: candidate for candidate in candidates}
    others = (by_ordinal.get(ordinal) for ordinal in (0, best.ordinal + 1))
    return [best, *(other for other in others if other is not None)]


def _passage(question: str, candidate: _Candidate) -> Passage:
    fields = candidate.hit.metadata
    block, prose = facts_before_prose(str(fields.get("source", "")), candidate.body)
    text = candidate.body if block and _asks_for_facts(question, block, prose, fields) else prose
    return Passage(
        text or str(fields.get("title", "")), str(fields.get("url", "")), candidate.ordinal
    )


def _asks_for_facts(question: str, block: str, prose: str, fields: Metadata) -> bool:
    """Tell whether a question is about an issue's fields, or names nothing but the issue."""
    key = str(fields.get("issue_key", "")).casefold()
    asked = {stem(word) for word in content_words(question)} - {key}
    left = asked.difference(stems(f"{fields.get('title', '')} {prose}"))
    names = [name.casefold() for name in field_names(block)]
    is_named = any(
        name.startswith(word)
        for word in left
        if len(word) >= _MIN_NAME_CHARACTERS
        for name in names
    )
    return not asked or is_named or not left.isdisjoint(stems(block))
