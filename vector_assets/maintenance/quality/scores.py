"""Scores over many questions: hit@1, hit@10, mean reciprocal rank, seconds."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from vector_assets.maintenance.quality.asking import Asked


def reciprocal(rank: float) -> float:
    """Return what a place is worth: 1 for the first, 0.5 for the second, 0 for none."""
    return 1 / rank if rank else 0.0


@dataclass(frozen=True, slots=True)
class Scores:
    """How well questions were answered.

    Attributes:
        asked: Number of questions.
        hit_at_1: Share whose document came first.
        hit_at_10: Share whose document was among the first ten.
        mrr: Mean reciprocal rank.
        p95_seconds: Within which 95 % of them were answered.
    """

    asked: int
    hit_at_1: float
    hit_at_10: float
    mrr: float
    p95_seconds: float


def scores_of(asked: Sequence[Asked]) -> Scores:
    """Return the scores of some questions; of none, zeros."""
    if not asked:
        return Scores(0, 0.0, 0.0, 0.0, 0.0)
    ranks = [result.ranks.answers for result in asked]
    # A question whose words are lost was not asked, and took no time.
    seconds = sorted(result.seconds for result in asked if result.question.text) or [0.0]
    return Scores(
        len(ranks),
        sum(rank == 1 for rank in ranks) / len(ranks),
        sum(rank > 0 for rank in ranks) / len(ranks),
        sum(map(reciprocal, ranks)) / len(ranks),
        seconds[ceil(0.95 * len(seconds)) - 1],
    )


def scores_by(asked: Iterable[Asked], group_of: Callable[[Asked], str]) -> dict[str, Scores]:
    """Return the scores of each group of questions."""
    groups: dict[str, list[Asked]] = defaultdict(list)
    for result in asked:
        groups[group_of(result)].append(result)
    return {name: scores_of(group) for name, group in sorted(groups.items())}
