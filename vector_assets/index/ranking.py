"""Merges two rankings into one: by meaning (cosine) and by words (BM25)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vector_assets.index.question.heard import Understood
from vector_assets.stores.base import Hit
from vector_assets.stores.records import document_id_of

DENSE_WEIGHT = 0.4
"""Share of meaning in a score; words have the rest. See `docs/decisions/fusion.md`."""


@dataclass(frozen=True, slots=True)
class Rankings:
    """In which places a question puts documents, best first, by their ids.

    Attributes:
        by_meaning: Of the nearest passages of each source.
        by_words: Of the best passages of each source by BM25.
        fused: All of them as `find` orders them.
        understood: What the question was taken to say about itself.
    """

    by_meaning: tuple[str, ...]
    by_words: tuple[str, ...]
    fused: tuple[str, ...]
    understood: tuple[Understood, ...] = ()


def documents_by_score(hits: Iterable[Hit]) -> tuple[str, ...]:
    """Return the documents of hits, the one with the best hit first."""
    ordered = sorted(hits, key=lambda hit: -hit.score)
    return tuple(dict.fromkeys(document_id_of(hit.id) for hit in ordered))


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document in the order of answers, with those of its chunks that were hit, best first."""

    document_id: str
    score: float
    hits: tuple[Hit, ...]


def rank(dense: Sequence[Hit], lexical: Sequence[Hit]) -> list[Ranked]:
    """Return the documents of two lists of hits, best first.

    A score is from 0 to 1 and means something within one question only. A document scores the best
    of its chunks by meaning and the best by words, each list stretched from 0 (its last hit) to 1
    (its first). A chunk scores both alike.
    """
    document_scores: dict[str, float] = defaultdict(float)
    chunk_scores: dict[str, float] = defaultdict(float)
    hits: dict[str, Hit] = {}
    weighted = [(dense, DENSE_WEIGHT), (lexical, 1 - DENSE_WEIGHT)]
    total = sum(weight for listed, weight in weighted if listed)
    for listed, weight in weighted:
        best: dict[str, float] = {}
        for hit, score in _stretched(listed):
            share = score * weight / total
            hits[hit.id] = hit
            chunk_scores[hit.id] += share
            document_id = document_id_of(hit.id)
            best[document_id] = max(best.get(document_id, 0.0), share)
        for document_id, share in best.items():
            document_scores[document_id] += share
    chunks: dict[str, list[Hit]] = defaultdict(list)
    # Among equals always the same one is first.
    for hit in sorted(hits.values(), key=lambda hit: (-chunk_scores[hit.id], hit.id)):
        chunks[document_id_of(hit.id)].append(hit)
    ranked = sorted(document_scores.items(), key=lambda item: (-item[1], item[0]))
    return [Ranked(document_id, score, tuple(chunks[document_id])) for document_id, score in ranked]


def _stretched(hits: Sequence[Hit]) -> Iterator[tuple[Hit, float]]:
    """Yield each hit with its score between the worst, 0, and the best, 1."""
    if not hits:
        return
    scores = [hit.score for hit in hits]
    low, high = min(scores), max(scores)
    for hit in hits:
        yield hit, (hit.score - low) / (high - low) if high > low else 1.0
