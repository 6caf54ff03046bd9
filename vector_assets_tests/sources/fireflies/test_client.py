"""Fireflies' errors, which come beside data and with HTTP 200, told apart by what to do."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vector_assets.core.errors import CredentialsError, RateLimitedError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimiter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.fireflies.client import RATE_LIMIT, FirefliesApi
from vector_assets.sources.http import requests_retries as http_retries
from vector_assets_tests.sources.fireflies.meetings import PATH
from vector_assets_tests.support.clock import Clock

USER = "{ user { name } }"


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after one repeat, so that a test of giving up is quick."""
    monkeypatch.setattr(http_retries, "_ATTEMPTS", 1)


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def api(sandbox: Sandbox, meter: Meter) -> FirefliesApi:
    return FirefliesApi(f"{sandbox.url}{PATH}", "sandbox-fireflies-key", meter)


def throttled(retry_after: object) -> dict[str, Any]:
    error = {
        "message": "Too many requests",
        "code": "too_many_requests",
        "extensions": {"status": 429, "metadata": {"retryAfter": retry_after}},
    }
    return {"data": None, "errors": [error]}


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_data_comes_back_and_each_request_is_counted(api: FirefliesApi, meter: Meter) -> None:
    assert api.ask("user", USER) == {"user": {"name": "Sandbox"}}
    assert meter.requests == {"fireflies user": 1}


def test_a_wrong_key_is_named_and_never_shown(sandbox: Sandbox, meter: Meter) -> None:
    api = FirefliesApi(f"{sandbox.url}{PATH}", "very-secret", meter)
    with pytest.raises(CredentialsError, match=r"auth_failed\. Set FIREFLIES_API_KEY") as caught:
        api.ask("user", USER)
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "next_step"),
    [
        ("paid_required", "Ask the owner of FIREFLIES_API_KEY's account"),
        ("account_cancelled", "Ask the owner of FIREFLIES_API_KEY's account"),
    ],
)
def test_what_a_person_has_to_settle_is_not_tried_again(
    sandbox: Sandbox, api: FirefliesApi, meter: Meter, code: str, next_step: str
) -> None:
    error = {"message": "no", "extensions": {"code": code}}
    sandbox.faults.fail(PATH, status=200, body={"data": None, "errors": [error]})
    with pytest.raises(CredentialsError, match=f"{code}. {next_step}"):
        api.ask("user", USER)
    assert meter.request_count == 1


def test_an_error_with_http_200_is_an_error_and_data_beside_it_is_not_believed(
    sandbox: Sandbox, api: FirefliesApi
) -> None:
    body = {"data": {"user": {"name": "half"}}, "errors": [{"message": "the rest is missing"}]}
    sandbox.faults.fail(PATH, status=200, body=body)
    with pytest.raises(UnavailableError, match="did not answer: the rest is missing"):
        api.ask("user", USER)


@pytest.mark.parametrize(
    "retry_after",
    [0, 1.0, lambda: in_seconds(1).timestamp() * 1000, lambda: in_seconds(1).isoformat()],
    ids=["now", "seconds", "epoch", "iso"],
)
def test_a_wait_that_is_asked_for_inside_an_error_is_obeyed_and_counted(
    sandbox: Sandbox, api: FirefliesApi, meter: Meter, retry_after: Any
) -> None:
    when = retry_after() if callable(retry_after) else retry_after
    sandbox.faults.fail(PATH, status=200, body=throttled(when), times=1)
    assert api.ask("user", USER)["user"]
    assert meter.requests == {"fireflies user": 2}
    assert meter.throttled_seconds > 0.9


def test_a_429_that_does_not_say_for_how_long_costs_one_request(
    sandbox: Sandbox, api: FirefliesApi, meter: Meter
) -> None:
    sandbox.faults.fail(PATH, status=429)
    with pytest.raises(RateLimitedError, match="fireflies is rate limited"):
        api.ask("user", USER)
    assert meter.request_count == len(sandbox.faults.log) == 1


def test_the_documented_60_a_minute_are_kept_from_the_start(sandbox: Sandbox, meter: Meter) -> None:
    clock, asked_at = Clock(), []
    limiter = RateLimiter("fireflies", meter, RATE_LIMIT, clock=clock.now, sleep=clock.sleep)
    api = FirefliesApi(f"{sandbox.url}{PATH}", "sandbox-fireflies-key", meter, limiter=limiter)
    for _ in range(130):
        api.ask("user", USER)
        asked_at.append(clock.seconds)
    assert asked_at[59] == 0
    assert max(sum(begin <= at < begin + 60 for at in asked_at) for begin in asked_at) <= 60
    assert meter.throttled_seconds == pytest.approx(clock.seconds)


def test_a_wait_in_the_header_is_obeyed_too(
    sandbox: Sandbox, api: FirefliesApi, meter: Meter
) -> None:
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=1, times=1)
    assert api.ask("user", USER)["user"]
    assert meter.requests == {"fireflies user": 2}
    assert meter.throttled_seconds == 1


@pytest.mark.parametrize(
    "retry_after", [None, "later", 86_400, lambda: in_seconds(7200).isoformat()]
)
def test_a_wait_until_tomorrow_ends_the_run_by_name(
    sandbox: Sandbox, api: FirefliesApi, meter: Meter, retry_after: Any
) -> None:
    when = retry_after() if callable(retry_after) else retry_after
    sandbox.faults.fail(PATH, status=200, body=throttled(when))
    with pytest.raises(
        RateLimitedError, match="fireflies is rate limited: waited 0 s, at most 900"
    ):
        api.ask("user", USER)
    assert meter.request_count == 1


def test_waits_add_up_to_the_ceiling_of_a_run(sandbox: Sandbox, meter: Meter) -> None:
    limiter = RateLimiter("fireflies", meter, ceiling_seconds=1.5)
    api = FirefliesApi(f"{sandbox.url}{PATH}", "sandbox-fireflies-key", meter, limiter=limiter)
    sandbox.faults.fail(PATH, status=200, body=throttled(1))
    with pytest.raises(RateLimitedError, match="waited 1 s, at most 2 s"):
        api.ask("user", USER)


@pytest.mark.usefixtures("few_attempts")
@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, CredentialsError, "auth_failed"),
        (403, CredentialsError, "forbidden"),
        (429, RateLimitedError, "rate limited"),
        (502, UnavailableError, "HTTP 502"),
        (400, UnavailableError, "HTTP 400"),
    ],
)
def test_an_answer_without_words_is_told_by_its_status(
    sandbox: Sandbox, api: FirefliesApi, status: int, error: type[Exception], words: str
) -> None:
    sandbox.faults.fail(PATH, status=status, body="<html>")
    with pytest.raises(error, match=words):
        api.ask("user", USER)


def test_an_answer_that_is_no_graphql_is_named(sandbox: Sandbox, api: FirefliesApi) -> None:
    sandbox.faults.fail(PATH, status=200, body="hello")
    with pytest.raises(UnavailableError, match=r"no JSON object\. Check FIREFLIES_URL"):
        api.ask("user", USER)


def test_an_answer_that_breaks_off_is_not_taken_for_data(
    sandbox: Sandbox, api: FirefliesApi
) -> None:
    sandbox.faults.fail(PATH, break_connection="truncate")
    with pytest.raises(UnavailableError, match="fireflies did not answer"):
        api.ask("user", USER)


@pytest.mark.usefixtures("few_attempts")
def test_an_unreachable_server_is_named(meter: Meter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    api = FirefliesApi(f"http://127.0.0.1:{port}/graphql", "key", meter)
    with pytest.raises(UnavailableError, match=r"ConnectionError\. Check FIREFLIES_URL"):
        api.ask("user", USER)
