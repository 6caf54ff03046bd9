"""A pace, told by a clock that moves only when somebody sleeps; and kept over real HTTP."""

import threading

import httpx
import pytest

from vector_assets.core.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http.httpx_transport import PatientTransport
from vector_assets.sources.http.rate_limit import Pace


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self, requests: int, span_seconds: float) -> Pace:
        return Pace(requests, span_seconds, clock=lambda: self.now, sleep=self.sleep)

    def sent_at(self, pace: Pace, count: int) -> list[float]:
        """Return when each of so many requests is sent."""
        found = []
        for _ in range(count):
            pace.wait()
            found.append(self.now)
        return found


def most_within(span_seconds: float, sent_at: list[float]) -> int:
    """Return the most that fall into any span."""
    return max(sum(begin <= at < begin + span_seconds for at in sent_at) for begin in sent_at)


def test_a_spans_allowance_waits_for_nothing_and_the_next_for_the_span_to_pass() -> None:
    clock = Clock()
    sent_at = clock.sent_at(clock.pace(3, 1.0), 4)
    assert sent_at[:3] == [0.0, 0.0, 0.0]
    assert 1.0 < sent_at[3] < 1.1


@pytest.mark.parametrize(("requests", "span_seconds"), [(3, 1.0), (50, 60.0), (60, 60.0)])
def test_no_span_ever_sees_more_than_its_allowance(requests: int, span_seconds: float) -> None:
    clock = Clock()
    pace = clock.pace(requests, span_seconds)
    sent_at = clock.sent_at(pace, requests // 2)
    clock.now += span_seconds / 2
    sent_at += clock.sent_at(pace, 5 * requests)
    assert most_within(span_seconds, sent_at) <= requests


@pytest.mark.parametrize(("count", "dictated_seconds"), [(50, 0), (51, 60), (501, 600)])
def test_a_long_run_takes_what_the_limit_dictates_and_hardly_more(
    count: int, dictated_seconds: float
) -> None:
    clock = Clock()
    sent_at = clock.sent_at(clock.pace(50, 60.0), count)
    assert dictated_seconds <= sent_at[-1] <= 1.02 * dictated_seconds


def test_half_a_request_a_second_is_one_in_two_seconds() -> None:
    clock = Clock()
    pace = Pace.of_rate(0.5, 1.0, clock=lambda: clock.now, sleep=clock.sleep)
    first, second = clock.sent_at(pace, 2)
    assert (first, second) == (0.0, pytest.approx(2.0, rel=0.05))


def test_without_an_allowance_nothing_waits_but_for_the_vendors_own_word() -> None:
    clock = Clock()
    pace = clock.pace(0, 0)
    assert clock.sent_at(pace, 100)[-1] == 0.0
    pace.hold(7)
    assert clock.sent_at(pace, 2) == [7.0, 7.0]


def test_after_a_refusal_all_wait_as_told_and_fewer_are_sent_until_it_has_gone_well() -> None:
    clock = Clock()
    pace = clock.pace(10, 10.0)
    clock.sent_at(pace, 10)
    pace.hold(30)
    pace.hold(30)
    slowed = clock.sent_at(pace, 24)
    assert slowed[0] == 30.0
    assert most_within(10.0, slowed) == 8
    later = clock.sent_at(pace, 1_000)[-100:]
    assert most_within(10.0, later) == 10


def test_threads_share_a_pace_and_each_gets_a_turn_of_its_own() -> None:
    clock = Clock()
    pace = clock.pace(1, 1.0)
    turns: list[float] = []
    lock = threading.Lock()

    def ask() -> None:
        with lock:
            pace.wait()
            turns.append(clock.now)

    threads = [threading.Thread(target=ask) for _ in range(9)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most_within(1.0, turns) == 1


def test_every_request_keeps_the_pace_and_repeats_do_too(sandbox: Sandbox) -> None:
    clock, meter = Clock(), Meter()
    sandbox.conditions.fail("/notion", status=429, retry_after_seconds=0, times=2)
    transport = PatientTransport("notion", meter, str, clock.pace(1, 0.5))
    headers = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2025-09-03"}
    with httpx.Client(base_url=sandbox.url, headers=headers, transport=transport) as http:
        assert http.get("/notion/v1/users/me").status_code == 200
        assert http.get("/notion/v1/users/me").status_code == 200
    assert meter.request_count == 4
    assert clock.slept == pytest.approx([0.555] * 3)
    assert meter.throttled_seconds == pytest.approx(3 * 0.555)
