"""Merges two rankings into one: by meaning (cosine) and by words (BM25)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from vector_assets.stores.base import Hit
from vector_assets.stores.records import document_id_of

DENSE_WEIGHT = 0.4
"""Share of meaning in a score; words have the rest. See `docs/decisions/fusion.md`."""


def fuse(dense: Sequence[Hit], lexical: Sequence[Hit]) -> list[tuple[Hit, float]]:
    """Return the best chunk of each document in two lists of hits, with the document's score.

    The order is best first; a score is from 0 to 1 and means something within one question only.

    A document scores the best of its chunks by meaning and the best by words, each list stretched
    from 0 (its last hit) to 1 (its first). Its passage is the chunk that does best in both.
    """
    document_scores: dict[str, float] = defaultdict(float)
    chunk_scores: dict[str, float] = defaultdict(float)
    hits: dict[str, Hit] = {}
    weighted = [(dense, DENSE_WEIGHT), (lexical, 1 - DENSE_WEIGHT)]
    total = sum(weight for listed, weight in weighted if listed)
    for listed, weight in weighted:
        best: dict[str, float] = defaultdict(float)
        for hit, score in _stretched(listed):
            share = score * weight / total
            hits[hit.id] = hit
            chunk_scores[hit.id] += share
            best[document_id_of(hit.id)] = max(best[document_id_of(hit.id)], share)
        for document_id, share in best.items():
            document_scores[document_id] += share
    passages: dict[str, Hit] = {}
    for chunk_id in sorted(hits, key=lambda chunk_id: (-chunk_scores[chunk_id], chunk_id)):
        passages.setdefault(document_id_of(chunk_id), hits[chunk_id])
    ranked = sorted(document_scores.items(), key=lambda item: (-item[1], item[0]))
    return [(passages[document_id], score) for document_id, score in ranked]


def _stretched(hits: Sequence[Hit]) -> Iterator[tuple[Hit, float]]:
    """Yield each hit with its score between the worst, 0, and the best, 1."""
    if not hits:
        return
    low, high = min(hit.score for hit in hits), max(hit.score for hit in hits)
    for hit in hits:
        yield hit, (hit.score - low) / (high - low) if high > low else 1.0
