"""Slack is asked at its documented rate from the start, by all threads together."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from vector_assets.errors import RateLimitedError
from vector_assets.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.settings import Settings
from vector_assets.sources.slack_api import SlackApi
from vector_assets.sources.slack_pacing import RATES_BY_METHOD, Pace, rates_of
from vector_assets_tests.sources.slack_team import ENGINEERING, populate, say

HISTORY = "conversations.history"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pace_of(clock: Clock, meter: Meter, **rates: float) -> Pace:
    by_method = {name.replace("_", "."): rate for name, rate in rates.items()}
    return Pace(meter, by_method, ceiling_seconds=60, clock=clock.now, sleep=clock.sleep)


def test_a_minutes_allowance_is_spent_at_once_and_the_rest_at_the_documented_rate(
    clock: Clock,
) -> None:
    pace = pace_of(clock, Meter(), conversations_history=50)
    waits = []
    for _ in range(110):
        before = clock.seconds
        pace.wait(HISTORY)
        waits.append(clock.seconds - before)
    assert waits[:50] == pytest.approx([0] * 50, abs=1e-6)
    assert waits[50:] == pytest.approx([1.2] * 60)


def test_an_allowance_fills_again_while_nothing_is_asked(clock: Clock) -> None:
    pace = pace_of(clock, Meter(), conversations_history=50)
    for _ in range(50):
        pace.wait(HISTORY)
    clock.sleep(12)
    before = clock.seconds
    for _ in range(10):
        pace.wait(HISTORY)
    assert clock.seconds == pytest.approx(before)
    pace.wait(HISTORY)
    assert clock.seconds == pytest.approx(before + 1.2)


def test_each_method_has_an_allowance_of_its_own(clock: Clock) -> None:
    meter = Meter()
    pace = pace_of(clock, meter, conversations_history=1, conversations_replies=1)
    for method in (HISTORY, "conversations.replies", "chat.postMessage", "chat.postMessage"):
        pace.wait(method)
    assert meter.throttled_seconds == 0


def test_threads_share_one_allowance(clock: Clock) -> None:
    meter = Meter()
    pace = Pace(meter, {HISTORY: 50}, clock=clock.now, sleep=lambda _: None)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace.wait(HISTORY), range(60)))
    # The clock stands still, so the ten beyond the allowance wait 1.2 s, 2.4 s, ... 12 s.
    assert meter.throttled_seconds == pytest.approx(sum(1.2 * n for n in range(1, 11)))


def test_requests_over_http_keep_the_rate(sandbox: Sandbox, clock: Clock) -> None:
    populate(sandbox)
    say(sandbox, "2026-03-02T10:00", "hello")
    meter = Meter()
    pace = pace_of(clock, meter, conversations_history=3)
    api = SlackApi("xoxb-sandbox", sandbox.environment["SLACK_BASE_URL"], meter, pace=pace)
    for _ in range(5):
        api.call(HISTORY, channel=ENGINEERING)
    assert meter.requests == {"slack conversations.history": 5}
    assert meter.throttled_seconds == pytest.approx(40)


def test_a_try_after_slow_down_comes_out_of_the_allowance_too(
    sandbox: Sandbox, clock: Clock
) -> None:
    populate(sandbox)
    meter = Meter()
    pace = pace_of(clock, meter, users_list=2)
    api = SlackApi("xoxb-sandbox", sandbox.environment["SLACK_BASE_URL"], meter, pace=pace)
    sandbox.conditions.fail("/slack/api/users.list", status=429, retry_after_seconds=7, times=1)
    api.call("users.list")
    assert meter.throttled_seconds == pytest.approx(7)
    api.call("users.list")
    assert meter.throttled_seconds == pytest.approx(7 + 23)


def test_waiting_for_our_own_rate_is_no_reason_to_give_up(sandbox: Sandbox, clock: Clock) -> None:
    pace = pace_of(clock, Meter(), users_list=1)
    for _ in range(4):
        pace.wait("users.list")
    assert clock.seconds == pytest.approx(1_180)
    assert pace.hold("users.list", 60)
    assert not pace.hold("users.list", 61)
    with pytest.raises(RateLimitedError, match=r"slack users\.list is rate limited: waited 60 s"):
        raise pace.gave_up("users.list")


def test_the_documented_rates_are_the_default_and_settings_change_those_of_messages() -> None:
    assert rates_of(Settings().slack_requests_per_minute) == RATES_BY_METHOD
    assert (RATES_BY_METHOD[HISTORY], RATES_BY_METHOD["conversations.replies"]) == (50, 50)
    slower = rates_of(1)
    assert (slower[HISTORY], slower["conversations.replies"], slower["users.list"]) == (1, 1, 20)
    assert rates_of(0) == {}
