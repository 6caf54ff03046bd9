"""Patience over real HTTP: what is repeated, what is waited for, and when it ends."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from vector_assets.core.errors import RateLimitedError
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit, RateLimiter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import httpx_transport as httpx_retries
from vector_assets.sources.http.httpx_transport import RateLimitedTransport
from vector_assets_tests.support.clock import Clock

PATH = "/notion/v1/users/me"
HEADERS = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2025-09-03"}


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once."""
    monkeypatch.setattr(httpx_retries, "BACKOFF_SECONDS", 0.0)


def client(sandbox: Sandbox, meter: Meter) -> httpx.Client:
    return httpx.Client(base_url=sandbox.url, headers=HEADERS, transport=transport(meter))


def transport(meter: Meter, limiter: RateLimiter | None = None) -> RateLimitedTransport:
    limiter = limiter or RateLimiter("notion", meter)
    return RateLimitedTransport("notion", meter, lambda path: path.rpartition("/")[2], limiter)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_fails_in_passing_is_asked_again(sandbox: Sandbox, status: int, method: str) -> None:
    meter = Meter()
    path = PATH if method == "GET" else "/notion/v1/search"
    sandbox.faults.fail("/notion", status=status, retry_after_seconds=0, times=3)
    with client(sandbox, meter) as http:
        body = {} if method == "POST" else None
        assert http.request(method, path, json=body).status_code == 200
    assert meter.request_count == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_not_asked_again(sandbox: Sandbox, status: int) -> None:
    meter = Meter()
    sandbox.faults.fail(PATH, status=status)
    with client(sandbox, meter) as http:
        assert http.get(PATH).status_code == status
    assert meter.requests == {"notion me": 1}


def test_what_fails_for_good_is_handed_on(sandbox: Sandbox) -> None:
    meter = Meter()
    sandbox.faults.fail(PATH, status=503)
    with client(sandbox, meter) as http:
        assert http.get(PATH).status_code == 503
    assert meter.request_count == 1 + httpx_retries.REPEATS_OF_FAILED


def test_a_body_that_is_cut_short_for_good_is_handed_on(sandbox: Sandbox) -> None:
    meter = Meter()
    sandbox.faults.fail(PATH, break_connection="truncate")
    with client(sandbox, meter) as http, pytest.raises(httpx.RemoteProtocolError, match="closed"):
        http.get(PATH)
    assert meter.request_count == 1 + httpx_retries.REPEATS_OF_FAILED


def test_a_service_that_cannot_be_reached_is_asked_again_and_then_handed_on() -> None:
    meter = Meter()
    with (
        httpx.Client(transport=transport(meter)) as http,
        pytest.raises(httpx.ConnectError, match="refus"),
    ):
        http.get("http://127.0.0.1:9/")
    assert meter.request_count == 1 + httpx_retries.REPEATS_OF_FAILED


def test_a_wait_that_is_asked_for_is_kept_and_counted(sandbox: Sandbox) -> None:
    meter = Meter()
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=1, times=1)
    with client(sandbox, meter) as http:
        assert http.get(PATH).status_code == 200
    assert 0 < meter.throttled_seconds <= 1


def test_when_one_request_is_throttled_no_other_is_sent(sandbox: Sandbox) -> None:
    meter = Meter()
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=3600)
    with client(sandbox, meter) as http:
        for path in (PATH, "/notion/v1/users"):
            with pytest.raises(RateLimitedError, match="is rate limited"):
                http.get(path)
    assert meter.requests == {"notion me": 1}


@pytest.mark.parametrize(
    "asked",
    ["3600", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)],
    ids=["seconds", "date"],
)
def test_a_wait_beyond_the_ceiling_is_not_begun(sandbox: Sandbox, asked: str) -> None:
    meter = Meter()
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=asked)
    with (
        client(sandbox, meter) as http,
        pytest.raises(RateLimitedError, match="notion is rate limited: waited 0 s, at most 900 s"),
    ):
        http.get(PATH)
    assert meter.throttled_seconds == 0


def test_a_throttle_without_an_end_is_given_up(sandbox: Sandbox) -> None:
    meter = Meter()
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=0)
    with client(sandbox, meter) as http, pytest.raises(RateLimitedError, match="is rate limited"):
        http.get(PATH)
    assert meter.request_count == 1 + httpx_retries.REPEATS_OF_THROTTLED


def test_every_request_keeps_the_rate_and_repeats_do_too(sandbox: Sandbox) -> None:
    clock, meter = Clock(), Meter()
    sandbox.faults.fail("/notion", status=429, retry_after_seconds=0, times=2)
    limiter = RateLimiter("notion", meter, RateLimit(1, 0.5), clock=clock.now, sleep=clock.sleep)
    with httpx.Client(
        base_url=sandbox.url, headers=HEADERS, transport=transport(meter, limiter)
    ) as http:
        assert http.get(PATH).status_code == 200
        assert http.get(PATH).status_code == 200
    assert meter.request_count == 4
    assert clock.slept == pytest.approx([0.555] * 3)
    assert meter.throttled_seconds == pytest.approx(3 * 0.555)
