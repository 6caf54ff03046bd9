"""A pace, told by a clock that moves only when somebody sleeps; and kept over real HTTP."""

import threading

import httpx
import pytest

from vector_assets.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.httpx_retries import PatientTransport
from vector_assets.sources.pacing import Pace


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self, requests_per_second: float, burst_requests: int) -> Pace:
        return Pace(requests_per_second, burst_requests, clock=lambda: self.now, sleep=self.sleep)


def test_a_few_requests_wait_for_nothing_and_the_next_for_their_turn() -> None:
    clock = Clock()
    pace = clock.pace(2.0, 3)
    assert [pace.wait() for _ in range(6)] == [0.0, 0.0, 0.0, 0.5, 0.5, 0.5]
    assert clock.slept == [0.5, 0.5, 0.5]


def test_a_rest_is_worth_no_more_than_a_few_requests() -> None:
    clock = Clock()
    pace = clock.pace(2.0, 3)
    for _ in range(3):
        pace.wait()
    clock.now += 3600
    assert [pace.wait() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


@pytest.mark.parametrize(("requests", "seconds"), [(300, 99.0), (30, 9.0), (3, 0.0)])
def test_three_a_second_are_kept_on_average(requests: int, seconds: float) -> None:
    clock = Clock()
    pace = clock.pace(3.0, 3)
    for _ in range(requests):
        pace.wait()
    assert clock.now == pytest.approx(seconds)


def test_threads_share_a_pace_and_each_gets_a_turn_of_its_own() -> None:
    waits: list[float] = []
    # Nobody's sleep moves this clock, so all come at the same instant.
    pace = Pace(4.0, 1, clock=lambda: 0.0, sleep=waits.append)
    threads = [threading.Thread(target=pace.wait) for _ in range(9)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(waits) == [n / 4.0 for n in range(1, 9)]


def test_every_request_keeps_the_pace_and_repeats_do_too(sandbox: Sandbox) -> None:
    clock, meter = Clock(), Meter()
    sandbox.conditions.fail("/notion", status=429, retry_after_seconds=0, times=2)
    transport = PatientTransport("notion", meter, str, clock.pace(2.0, 1))
    headers = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2025-09-03"}
    with httpx.Client(base_url=sandbox.url, headers=headers, transport=transport) as http:
        assert http.get("/notion/v1/users/me").status_code == 200
        assert http.get("/notion/v1/users/me").status_code == 200
    assert meter.request_count == 4
    assert clock.slept == [0.5, 0.5, 0.5]
    assert meter.throttled_seconds == 1.5
