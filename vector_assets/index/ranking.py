"""Orders the documents that a question's searches returned, by meaning and by words."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vector_assets.index.features import Candidates
from vector_assets.index.question.parsed import Understood
from vector_assets.index.terms import Numbers
from vector_assets.stores.base import Hit
from vector_assets.stores.records import document_id_of

WEIGHTS = {
    "cosine": 3.9,
    "best cosines": 2.2,
    "words by store": 2.4,
    "words in document": 2.8,
    "share of words": 1.2,
    "share of words in document": 2.6,
    "share of words together": 2.0,
    "neighbours nearby": 1.6,
    "pairs in document": 3.4,
    "share of words in title": 1.6,
    "likeness": 8.7,
}
"""How much each feature counts; found by `benchmarks/ranking_weights.py`."""

FITS_FROM = 0.35
"""Best score below which nothing fits a question well. On the questions by which the weights were
found, 2 % of right first answers score less, and 36 % of the first answers where the right document
is not in the index."""


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


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document in the order of answers, with those of its chunks that were hit, best first."""

    document_id: str
    score: float
    hits: tuple[Hit, ...]


def documents_by_score(hits: Iterable[Hit]) -> tuple[str, ...]:
    """Return the documents of hits, the one with the best hit first."""
    ordered = sorted(hits, key=lambda hit: -hit.score)
    return tuple(dict.fromkeys(document_id_of(hit.id) for hit in ordered))


def rank(candidates: Candidates) -> list[Ranked]:
    """Return the documents of all candidates, best first.

    A score is from 0 to 1 and means the same in every question.
    """
    chunk_scores = weighted(candidates.of_chunks()).tolist()
    document_scores = weighted(candidates.of_documents()).tolist()
    scored: dict[str, list[tuple[float, Hit]]] = defaultdict(list)
    for hit, score in zip(candidates.hits, chunk_scores, strict=True):
        scored[document_id_of(hit.id)].append((score, hit))
    # Among equals always the same one is first.
    ordered = sorted(
        zip(candidates.document_ids, document_scores, strict=True),
        key=lambda document: (-document[1], document[0]),
    )
    return [
        Ranked(
            document_id,
            min(max(score, 0.0), 1.0),
            tuple(hit for _, hit in sorted(scored[document_id], key=_order)),
        )
        for document_id, score in ordered
    ]


def weighted(features: Mapping[str, Numbers]) -> Numbers:
    """Return the mean of features by their weights; likeness is added to the mean of the others."""
    weights = np.array([WEIGHTS[name] for name in features])
    others = sum(WEIGHTS[name] for name in features if name != "likeness")
    score: Numbers = np.stack(list(features.values()), axis=1) @ weights / others
    return score


def _order(scored: tuple[float, Hit]) -> tuple[float, str]:
    score, hit = scored
    return -score, hit.id
