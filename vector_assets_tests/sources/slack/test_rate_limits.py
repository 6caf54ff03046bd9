"""Slack is asked at its documented rate from the start, by all threads together."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from vector_assets.core.errors import RateLimitedError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.rate_limits import RATES_BY_METHOD, RateLimiters, rates_of
from vector_assets_tests.sources.slack.team import ENGINEERING, populate, say
from vector_assets_tests.support.clock import Clock

HISTORY = "conversations.history"


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000.0)


def limiters_of(clock: Clock, meter: Meter, **rates: float) -> RateLimiters:
    by_method = {name.replace("_", "."): rate for name, rate in rates.items()}
    return RateLimiters(meter, by_method, ceiling_seconds=60, clock=clock.now, sleep=clock.sleep)


def test_a_minutes_allowance_is_spent_at_once_and_no_minute_sees_more_of_it(clock: Clock) -> None:
    limiters = limiters_of(clock, Meter(), conversations_history=50)
    sent_at = []
    for _ in range(110):
        limiters[HISTORY].wait()
        sent_at.append(clock.seconds - 1_000)
    assert sent_at[:50] == [0] * 50
    assert sent_at[50:100] == pytest.approx([60.65] * 50)
    assert sent_at[100:] == pytest.approx([121.3] * 10)


def test_an_allowance_is_there_again_when_a_minute_has_passed(clock: Clock) -> None:
    limiters = limiters_of(clock, Meter(), conversations_history=50)
    for _ in range(50):
        limiters[HISTORY].wait()
    clock.sleep(61)
    before = clock.seconds
    for _ in range(50):
        limiters[HISTORY].wait()
    assert clock.seconds == before


def test_each_method_has_an_allowance_of_its_own(clock: Clock) -> None:
    meter = Meter()
    limiters = limiters_of(clock, meter, conversations_history=1, conversations_replies=1)
    for method in (HISTORY, "conversations.replies", "chat.postMessage", "chat.postMessage"):
        limiters[method].wait()
    assert meter.throttled_seconds == 0


def test_threads_share_one_allowance(clock: Clock) -> None:
    meter = Meter()
    limiters = RateLimiters(meter, {HISTORY: 50}, clock=clock.now, sleep=clock.sleep)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: limiters[HISTORY].wait(), range(60)))
    assert clock.seconds >= 1_060.65


def test_requests_over_http_keep_the_rate(sandbox: Sandbox, clock: Clock) -> None:
    populate(sandbox)
    say(sandbox, "2026-03-02T10:00", "hello")
    meter = Meter()
    limiters = limiters_of(clock, meter, conversations_history=3)
    api = SlackApi("xoxb-sandbox", sandbox.environment["SLACK_BASE_URL"], meter, limiters=limiters)
    for _ in range(5):
        api.call(HISTORY, channel=ENGINEERING)
    assert meter.requests == {"slack conversations.history": 5}
    assert meter.throttled_seconds == pytest.approx(60.65)


def test_a_try_after_slow_down_comes_out_of_the_allowance_too(
    sandbox: Sandbox, clock: Clock
) -> None:
    populate(sandbox)
    meter = Meter()
    limiters = limiters_of(clock, meter, users_list=2)
    api = SlackApi("xoxb-sandbox", sandbox.environment["SLACK_BASE_URL"], meter, limiters=limiters)
    sandbox.faults.fail("/slack/api/users.list", status=429, retry_after_seconds=7, times=1)
    api.call("users.list")
    assert meter.throttled_seconds == pytest.approx(60.65)
    assert clock.seconds == pytest.approx(1_060.65)
    api.call("users.list")
    # One of two was refused, so from now on it is one a minute.
    assert clock.seconds == pytest.approx(1_060.65 + 60.65)


def test_waiting_for_our_own_rate_is_no_reason_to_give_up(sandbox: Sandbox, clock: Clock) -> None:
    limiters = limiters_of(clock, Meter(), users_list=1)
    for _ in range(4):
        limiters["users.list"].wait()
    assert clock.seconds == pytest.approx(1_000 + 3 * 60.65)
    limiters["users.list"].pause_all(60)
    with pytest.raises(RateLimitedError, match=r"slack users\.list is rate limited: waited 60 s"):
        limiters["users.list"].pause_all(61)


def test_the_documented_rates_are_the_default_and_settings_change_those_of_messages() -> None:
    assert rates_of(Settings().slack_requests_per_minute) == RATES_BY_METHOD
    assert (RATES_BY_METHOD[HISTORY], RATES_BY_METHOD["conversations.replies"]) == (50, 50)
    slower = rates_of(1)
    assert (slower[HISTORY], slower["conversations.replies"], slower["users.list"]) == (1, 1, 20)
    assert rates_of(0) == {}
