"""A rate limiter, told by a clock that moves only when somebody sleeps."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from vector_assets.core.errors import RateLimitedError
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit, RateLimiter, seconds_of_retry_after
from vector_assets_tests.support.clock import Clock


def limiter_of(
    clock: Clock,
    requests: float = 0,
    span_seconds: float = 1.0,
    *,
    meter: Meter | None = None,
    ceiling_seconds: float = 900.0,
) -> RateLimiter:
    rate = RateLimit(requests, span_seconds) if requests else None
    return RateLimiter(
        "vendor",
        meter or Meter(),
        rate,
        ceiling_seconds=ceiling_seconds,
        clock=clock.now,
        sleep=clock.sleep,
    )


def sent_at(clock: Clock, limiter: RateLimiter, count: int) -> list[float]:
    """Return when each of so many requests is sent."""
    times = []
    for _ in range(count):
        limiter.wait()
        times.append(clock.seconds)
    return times


def most_within(span_seconds: float, times: list[float]) -> int:
    """Return the most that fall into any span."""
    return max(sum(begin <= at < begin + span_seconds for at in times) for begin in times)


def refused_together(clock: Clock, limiter: RateLimiter, seconds: float) -> None:
    """Pause as when two threads are refused at the same time."""
    clock.meanwhile.append(lambda: limiter.pause_all(seconds))
    limiter.pause_all(seconds)


def test_the_requests_of_a_span_wait_for_nothing_and_the_next_for_the_span_to_pass() -> None:
    clock = Clock()
    times = sent_at(clock, limiter_of(clock, 3), 4)
    assert times[:3] == [0.0, 0.0, 0.0]
    assert 1.0 < times[3] < 1.1


@pytest.mark.parametrize(("requests", "span_seconds"), [(3, 1.0), (50, 60.0), (60, 60.0)])
def test_no_span_ever_sees_more_than_its_rate(requests: int, span_seconds: float) -> None:
    clock = Clock()
    limiter = limiter_of(clock, requests, span_seconds)
    times = sent_at(clock, limiter, requests // 2)
    clock.seconds += span_seconds / 2
    times += sent_at(clock, limiter, 5 * requests)
    assert most_within(span_seconds, times) <= requests


@pytest.mark.parametrize(("count", "dictated_seconds"), [(50, 0), (51, 60), (501, 600)])
def test_a_long_run_takes_what_the_limit_dictates_and_hardly_more(
    count: int, dictated_seconds: float
) -> None:
    clock = Clock()
    times = sent_at(clock, limiter_of(clock, 50, 60.0), count)
    assert dictated_seconds <= times[-1] <= 1.02 * dictated_seconds


def test_half_a_request_a_second_is_one_in_two_seconds() -> None:
    clock = Clock()
    first, second = sent_at(clock, limiter_of(clock, 0.5), 2)
    assert (first, second) == (0.0, pytest.approx(2.0, rel=0.05))


def test_without_a_rate_nothing_waits_but_for_the_vendors_own_word() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    assert sent_at(clock, limiter, 100)[-1] == 0.0
    limiter.pause_all(7)
    assert sent_at(clock, limiter, 2) == [7.0, 7.0]


def test_after_a_refusal_all_wait_as_told_and_fewer_are_sent_until_it_has_gone_well() -> None:
    clock = Clock()
    limiter = limiter_of(clock, 10, 10.0)
    sent_at(clock, limiter, 10)
    refused_together(clock, limiter, 30)
    slowed = sent_at(clock, limiter, 24)
    assert slowed[0] == 30.0
    assert most_within(10.0, slowed) == 8
    later = sent_at(clock, limiter, 1_000)[-100:]
    assert most_within(10.0, later) == 10


def test_threads_share_a_limiter_and_each_gets_a_turn_of_its_own() -> None:
    clock = Clock()
    limiter = limiter_of(clock, 1)
    turns: list[float] = []
    lock = threading.Lock()

    def ask() -> None:
        with lock:
            limiter.wait()
            turns.append(clock.seconds)

    threads = [threading.Thread(target=ask) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most_within(1.0, turns) == 1


def test_a_pause_that_another_thread_extends_is_waited_for_to_its_end() -> None:
    clock, meter = Clock(), Meter()
    limiter = limiter_of(clock, 1, 10.0, meter=meter)
    limiter.wait()
    clock.meanwhile.append(lambda: limiter.pause_all(40))
    limiter.wait()
    assert clock.seconds == pytest.approx(40)


def test_pauses_of_several_threads_at_once_count_once_against_the_ceiling() -> None:
    clock, meter = Clock(), Meter()
    limiter = limiter_of(clock, meter=meter, ceiling_seconds=30)
    refused_together(clock, limiter, 30)
    assert clock.seconds == 30
    assert meter.throttled_seconds == 60


def test_beyond_the_ceiling_nothing_is_waited_for_and_no_other_request_passes() -> None:
    clock, meter = Clock(), Meter()
    limiter = limiter_of(clock, meter=meter, ceiling_seconds=60)
    limiter.pause_all(40)
    asks: list[Callable[[], None]] = [lambda: limiter.pause_all(21), limiter.wait]
    for ask in asks:
        with pytest.raises(RateLimitedError, match="vendor is rate limited: waited 40 s, at most"):
            ask()
    assert meter.throttled_seconds == 40
    clock.seconds += 21
    limiter.wait()


def test_a_good_answer_counts_pauses_from_zero_again() -> None:
    clock = Clock()
    limiter = limiter_of(clock, ceiling_seconds=60)
    for _ in range(3):
        limiter.pause_all(60)
        limiter.succeeded()
    assert clock.seconds == 180


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0), (" 7 ", 7.0), ("1.5", 1.5), ("0", None), ("", None), ("-3", None),
        ("soon", None), ("1e9", None), ("²", None), ("٣", None), ("9" * 400, None), ("nan", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("Wed, 21 Oct 99999 07:28:00 GMT", None),
    ],
)  # fmt: skip
def test_a_retry_after_is_a_number_of_seconds_or_says_nothing(
    text: str, seconds: float | None
) -> None:
    assert seconds_of_retry_after(text) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    seconds = seconds_of_retry_after(later)
    assert seconds is not None
    assert 3000 < seconds <= 3600
