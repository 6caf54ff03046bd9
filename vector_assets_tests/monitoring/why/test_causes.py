"""Documents made to be missing: the cause that is named is the one that was made."""

from pathlib import Path
from random import Random

import pytest

from vector_assets.monitoring.why.answer import Cause
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import IndexStore
from vector_assets_tests.monitoring.why.ways import (
    FINDABLE,
    WAYS,
    World,
    asked_of,
    cases,
    lose,
)

SEED = 20261129


def judge(sandbox: Sandbox, folder: Path, store: IndexStore, count: int) -> None:
    """Lose so many documents, and check what is said of each."""
    random = Random(SEED)
    world = World.build(sandbox, folder, store)
    all_cases = cases(count, random)
    lose(world, all_cases)
    wrong: list[str] = []
    accused: list[str] = []
    for case in all_cases:
        answer = asked_of(world, case, random)
        wanted = WAYS[case.way].cause_of(case.source)
        assert answer.sentence
        assert answer.advice or answer.cause is Cause.IN_ANSWER
        if answer.cause is not wanted:
            said = f"{case}: {answer.cause} for {wanted}: {answer.asked}: {answer.sentence}"
            (accused if wanted in FINDABLE else wrong).append(said)
    assert accused == []
    assert len(wrong) <= count / 100, "\n".join(wrong)


EVERY_KIND = sum(len(way.only) for way in WAYS.values())


def test_the_cause_that_was_made_is_named(
    sandbox: Sandbox, tmp_path: Path, store: IndexStore
) -> None:
    judge(sandbox, tmp_path, store, EVERY_KIND)


@pytest.mark.slow
def test_the_cause_that_was_made_is_named_for_a_thousand(
    sandbox: Sandbox, tmp_path: Path, store: IndexStore
) -> None:
    judge(sandbox, tmp_path, store, 1000)
