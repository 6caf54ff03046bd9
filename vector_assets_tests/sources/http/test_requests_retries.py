"""Retries that obey, count, and end; over real HTTP, whatever the vendor."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from vector_assets.core.errors import RateLimitedError
from vector_assets.core.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import requests_retries as http_retries
from vector_assets.sources.http.requests_retries import prepare

PATH = "/jira/rest/api/3/serverInfo"


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def session(meter: Meter) -> Iterator[requests.Session]:
    with requests.Session() as prepared:
        prepared.auth = ("sandbox@example.com", "sandbox-jira-token")
        prepare(prepared, "vendor", meter, endpoint_of=re.compile(r"/api/3/(\w+)"))
        yield prepared


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_fault_in_passing_is_repeated_and_each_request_counted(
    sandbox: Sandbox, session: requests.Session, meter: Meter, status: int
) -> None:
    sandbox.faults.fail(PATH, status=status, times=2)
    assert session.get(sandbox.url + PATH).status_code == 200
    assert meter.requests == {"vendor serverInfo": 3}
    assert meter.throttled_seconds == 0


@pytest.mark.parametrize("odd", ["soon", "0.01", "-1", "1e9", ""])
def test_an_odd_pause_of_a_throttled_request_ends(
    odd: Any, sandbox: Sandbox, session: requests.Session, meter: Meter
) -> None:
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=odd, times=2)
    assert session.get(sandbox.url + PATH).status_code == 200
    assert meter.requests == {"vendor serverInfo": 3}


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_answer_that_is_final_is_not_repeated(
    sandbox: Sandbox, session: requests.Session, meter: Meter, status: int
) -> None:
    sandbox.faults.fail(PATH, status=status)
    assert session.get(sandbox.url + PATH).status_code == status
    assert meter.requests == {"vendor serverInfo": 1}


def test_a_connection_that_is_dropped_is_made_again(
    sandbox: Sandbox, session: requests.Session
) -> None:
    sandbox.faults.fail(PATH, break_connection="drop", times=1)
    assert session.get(sandbox.url + PATH).status_code == 200


def test_a_fault_that_stays_is_returned_when_the_attempts_are_used_up(
    sandbox: Sandbox, session: requests.Session, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_retries, "_ATTEMPTS", 1)
    prepare(session, "vendor", Meter(), endpoint_of=re.compile("(3)"))
    sandbox.faults.fail(PATH, status=503)
    assert session.get(sandbox.url + PATH).status_code == 503
    assert sandbox.faults.requests() == {f"GET {PATH}": 2}


def test_the_seconds_that_a_vendor_asks_for_are_waited_and_counted(
    sandbox: Sandbox, session: requests.Session, meter: Meter
) -> None:
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=1, times=1)
    answer = session.get(sandbox.url + PATH)
    assert answer.status_code == 200
    assert meter.throttled_seconds == 1


def test_a_vendor_that_asks_for_more_than_a_run_may_wait_is_named(
    sandbox: Sandbox, session: requests.Session, meter: Meter
) -> None:
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=901)
    with pytest.raises(RateLimitedError, match="vendor is rate limited: waited 0 s, at most 900 s"):
        session.get(sandbox.url + PATH)
    assert meter.throttled_seconds == 0


def test_a_url_without_an_endpoint_is_counted_too(
    sandbox: Sandbox, session: requests.Session, meter: Meter
) -> None:
    session.get(f"{sandbox.url}/_sandbox/requests")
    assert meter.requests == {"vendor other": 1}


def test_when_one_request_is_throttled_no_other_is_sent(
    sandbox: Sandbox, session: requests.Session, meter: Meter
) -> None:
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=3600)
    for _ in range(2):
        with pytest.raises(RateLimitedError, match="vendor is rate limited"):
            session.get(sandbox.url + PATH)
    assert sandbox.faults.requests() == {f"GET {PATH}": 1}
