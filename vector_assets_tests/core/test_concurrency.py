"""The threads behind an iterator."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from vector_assets.core.concurrency import map_ordered, read_ahead
from vector_assets.core.waiting import wait_until


def test_results_keep_the_order_of_the_items_though_later_ones_finish_first() -> None:
    first_may_end = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert first_may_end.wait(10)
        if item == 2:
            first_may_end.set()
        return item * 10

    assert list(map_ordered(work, range(5), in_flight=4)) == [0, 10, 20, 30, 40]


def test_no_more_items_are_drawn_than_may_be_in_flight() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            drawn.append(item)
            yield item

    results = map_ordered(lambda item: item, items(), in_flight=3)
    for consumed in range(100):
        next(results)
        # Those in the queue, the one being handed over, the one being drawn, the one consumed.
        assert len(drawn) <= consumed + 1 + 3 + 2
    results.close()


def test_two_items_and_no_more_are_read_ahead() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for item in range(10):
            drawn.append(item)
            yield item

    def drawn_count(awaited_count: int) -> int:
        wait_until(lambda: len(drawn) >= awaited_count, seconds=30)
        time.sleep(0.05)  # for one too many
        return len(drawn)

    results = read_ahead(items())
    for item in range(7):
        assert next(results) == item
        assert drawn_count(item + 3) == item + 3
    assert [*results] == [7, 8, 9]


def test_an_error_while_drawing_is_raised_after_the_results_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ConnectionError("listing broke")

    results = map_ordered(lambda item: item, items(), in_flight=2)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(ConnectionError, match="listing broke"):
        next(results)


def test_an_error_in_the_work_is_raised_and_the_threads_end() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ValueError("cannot work on 3")
        return item

    before = threading.active_count()
    with pytest.raises(ValueError, match="cannot work on 3"):
        list(map_ordered(work, iter(range(1000)), in_flight=2))
    assert threading.active_count() == before


def test_closing_early_stops_drawing_and_closes_the_items() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed.set()

    before = threading.active_count()
    results = map_ordered(lambda item: item, items(), in_flight=2)
    assert next(results) == 0
    results.close()
    assert closed.is_set()
    assert threading.active_count() == before


def test_an_iterator_that_is_collected_in_its_own_thread_ends_without_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", errors.append)
    held: list[Iterator[int]] = []
    may_drop, is_dropped = threading.Event(), threading.Event()

    def work(item: int) -> int:
        if item == 2:
            assert may_drop.wait(10)
            held.clear()
            is_dropped.set()
        return item

    before = threading.active_count()
    held.append(map_ordered(work, iter(range(1000)), in_flight=2))
    assert next(held[0]) == 0
    may_drop.set()
    assert is_dropped.wait(10)
    assert wait_until(lambda: threading.active_count() == before, seconds=10, pause_seconds=0.05)
    assert errors == []
