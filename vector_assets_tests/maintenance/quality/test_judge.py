"""The paired test: what counts as worse, and how seldom chance is taken for it."""

import random

import pytest

from vector_assets.maintenance.quality.judge import (
    MIN_DROP,
    MIN_PAIRS,
    Comparison,
    Series,
    compared,
    pair_of,
    probability_of,
)

RANKS = [1] * 100 + [2] * 15 + [3] * 8 + [0] * 10


def judged(before: list[int], now: list[int]) -> Comparison:
    pairs = [
        pair_of(f"jira:{number}", "jira", [old], new)
        for number, (old, new) in enumerate(zip(before, now, strict=True))
    ]
    return compared(Series.ANSWERS, pairs)


def test_nothing_moved_is_certainly_chance() -> None:
    same = judged(RANKS, RANKS)
    assert (same.is_worse, same.probability, same.before) == (False, 1.0, same.now)
    assert not compared(Series.WORDS, []).is_worse


@pytest.mark.parametrize(("moved", "is_worse"), [(4, False), (30, True)])
def test_a_fall_has_to_be_more_than_chance_and_worth_telling(moved: int, is_worse: bool) -> None:
    assert judged([1] * 100, [0] * moved + [1] * (100 - moved)).is_worse is is_worse


def test_a_rise_is_never_worse_and_few_questions_prove_nothing() -> None:
    assert not judged([3] * 50, [1] * 50).is_worse
    assert not judged([1] * (MIN_PAIRS - 1), [0] * (MIN_PAIRS - 1)).is_worse
    assert judged([1] * MIN_PAIRS, [0] * MIN_PAIRS).is_worse


def test_many_small_falls_are_significant_and_not_worth_telling() -> None:
    # Reciprocal ranks of 1/9 and 1/10: of each of 160 questions, a hundredth.
    small = judged([9] * 160, [10] * 160)
    assert small.probability < 0.001
    assert small.before - small.now < MIN_DROP
    assert not small.is_worse


def test_the_probability_is_that_of_a_fair_coin() -> None:
    assert probability_of([-1.0] * 5) == pytest.approx(1 / 32, rel=0.1)
    assert probability_of([1.0, -1.0]) == pytest.approx(0.75, rel=0.05)
    assert probability_of([-0.5, 0.0, -0.5]) == probability_of([-0.5, -0.5])


def test_the_usual_is_the_median_of_the_nights_before() -> None:
    assert pair_of("jira:1", "jira", [1, 1, 0], 2).before == 1.0
    assert pair_of("jira:1", "jira", [1, 0, 0], 2).before == 0.0
    assert pair_of("jira:1", "jira", [2, 1], 2).before == 0.75


def wandered(rank: int, draw: float) -> int:
    if draw < 0.05:
        return min(rank + 1, 10) if rank else 0
    return max(rank - 1, 1) if rank and draw > 0.95 else rank


@pytest.mark.parametrize("seed", range(5))
def test_ranks_that_wander_give_one_alarm_in_a_hundred_nights_at_most(seed: int) -> None:
    chance = random.Random(seed)
    ranks = list(RANKS)
    alarms = 0
    for _ in range(100):
        # New documents push one in twenty down; edits and deletions bring as many back.
        now = [wandered(rank, chance.random()) for rank in ranks]
        alarms += judged(ranks, now).is_worse
        ranks = [rank if chance.random() < 0.9 else chance.choice(RANKS) for rank in now]
    assert alarms <= 1


def test_the_sentence_has_the_figures_and_the_sources_that_fell() -> None:
    pairs = [pair_of(f"jira:{n}", "jira", [1], 1) for n in range(20)]
    pairs += [pair_of(f"slack:{n}", "slack", [1], 0) for n in range(20)]
    assert str(compared(Series.MEANING, pairs)) == (
        "search by meaning: the mean reciprocal rank of 40 questions fell from 1.00 to 0.50 "
        "(slack 1.00 to 0.00; p < 0.001)"
    )
