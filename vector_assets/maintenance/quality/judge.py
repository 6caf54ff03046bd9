"""Whether questions are answered worse than before: a paired test, question by question.

Reciprocal ranks of the same questions are compared, so that hard questions do not count against
anybody. Two things must come together: a drop that chance does not explain, and one that people
notice. Documents that come and go move some answers down each night; docs/quality.md tells more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from vector_assets.maintenance.quality.asking import Asked, Ranks
from vector_assets.maintenance.quality.scores import reciprocal

MIN_PAIRS = 20
"""Fewer questions prove nothing."""

MIN_DROP = 0.05
"""A smaller fall of the mean reciprocal rank is everyday change."""

LEVEL = 0.001
"""A fall that chance brings about more often than this is not told; there are three series and a
night each day."""

_FLIPS = 20_000


class Series(StrEnum):
    """What is compared."""

    ANSWERS = "answers"
    MEANING = "search by meaning"
    WORDS = "search by words"


def rank_of(series: Series, ranks: Ranks) -> int | None:
    """Return the place in a series; None when it was not asked there."""
    return {
        Series.ANSWERS: ranks.answers,
        Series.MEANING: ranks.meaning,
        Series.WORDS: ranks.words,
    }[series]


def rank_now(series: Series, asked: Asked) -> int | None:
    """Return the place to compare with an earlier one; None when there is nothing to compare.

    An index that had words to search and has none is worse, not unknown.
    """
    rank = rank_of(series, asked.ranks)
    return 0 if rank is None and asked.ranks.meaning is not None else rank


@dataclass(frozen=True, slots=True)
class Pair:
    """What a question was worth before and now; as reciprocal ranks."""

    document_id: str
    source: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pairs of a series, with how likely chance alone makes them fall as far."""

    series: Series
    pairs: tuple[Pair, ...] = field(repr=False)
    before: float
    now: float
    probability: float

    @property
    def is_worse(self) -> bool:
        """Whether the questions are answered significantly and noticeably worse."""
        return (
            len(self.pairs) >= MIN_PAIRS
            and self.before - self.now >= MIN_DROP
            and self.probability <= LEVEL
        )

    def __str__(self) -> str:
        falls = _falls_by_source(self.pairs)
        return (
            f"{self.series}: the mean reciprocal rank of {len(self.pairs)} questions fell from "
            f"{self.before:.2f} to {self.now:.2f} ({', '.join(falls)}; "
            f"{'p < 0.001' if self.probability < LEVEL else f'p = {self.probability:.3f}'})"
        )


def compared(series: Series, pairs: Sequence[Pair]) -> Comparison:
    """Compare the pairs of a series."""
    before, now = (
        (float(np.mean(values)) if pairs else 0.0)
        for values in ([pair.before for pair in pairs], [pair.now for pair in pairs])
    )
    changes = [pair.now - pair.before for pair in pairs]
    return Comparison(series, tuple(pairs), before, now, probability_of(changes))


def probability_of(changes: Sequence[float]) -> float:
    """Return how often chance makes changes add up to as little, if up and down are alike.

    A permutation test: the signs of all changes are drawn anew many times, always the same ones.
    """
    moved = np.array([change for change in changes if change])
    if not moved.size:
        return 1.0
    signs = np.random.default_rng(0).integers(0, 2, (_FLIPS, moved.size), dtype=np.int8) * 2 - 1
    as_low = int(np.sum(signs @ np.abs(moved) <= moved.sum() + 1e-9))
    return (as_low + 1) / (_FLIPS + 1)


def pair_of(document_id: str, source: str, before: Sequence[int], now: int) -> Pair:
    """Return the pair of a question; of several nights before, the median counts."""
    usual = float(np.median([reciprocal(rank) for rank in before]))
    return Pair(document_id, source, usual, reciprocal(now))


def _falls_by_source(pairs: Sequence[Pair]) -> list[str]:
    """Return the fall of each source that fell, the deepest first."""
    falls = {}
    for source in sorted({pair.source for pair in pairs}):
        of_source = [pair for pair in pairs if pair.source == source]
        before, now = (
            sum(values) / len(of_source)
            for values in (
                [pair.before for pair in of_source],
                [pair.now for pair in of_source],
            )
        )
        if now < before:
            falls[source] = (before, now)
    ordered = sorted(falls.items(), key=lambda item: item[1][1] - item[1][0])
    return [f"{source} {before:.2f} to {now:.2f}" for source, (before, now) in ordered]
