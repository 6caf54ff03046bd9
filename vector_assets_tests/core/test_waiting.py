"""What is asked again and again, and for how long."""

from operator import not_

from vector_assets.core.waiting import wait_until


def test_the_first_answer_that_will_do_is_returned() -> None:
    answers = iter(["", "", "there", "never asked"])
    assert wait_until(lambda: next(answers), seconds=60, pause_seconds=0) == "there"


def test_what_will_do_may_be_said_otherwise() -> None:
    answers = iter([["a", "b"], ["b"], []])
    assert wait_until(lambda: next(answers), seconds=60, is_done=not_, pause_seconds=0) == []


def test_without_time_it_is_asked_once_and_the_answer_is_returned() -> None:
    answers = iter([0, 1])
    assert wait_until(lambda: next(answers), seconds=0) == 0
