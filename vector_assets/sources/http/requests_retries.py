"""A rate limit, retries, `Retry-After` and a count of requests for a `requests` session."""

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Self

import requests
from urllib3 import BaseHTTPResponse
from urllib3.util.retry import Retry

from vector_assets.core.http_deadline import BoundedAdapter
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimiter, seconds_of_retry_after

TIMEOUT_SECONDS = 60.0
"""For a connection, and between two bytes of an answer."""

FAILED_STATUSES = (500, 502, 503, 504)

_ATTEMPTS = 6


class RateLimitedRetry(Retry):
    """Repeats throttled requests and transient failures; each repeat waits for a limiter.

    A 429 with `Retry-After` is always repeated, and so is every method: our requests only read.
    """

    limiter: RateLimiter

    @classmethod
    def of(cls, limiter: RateLimiter, statuses: Collection[int]) -> Self:
        """Return the policy for a limiter, which also repeats answers with these statuses."""
        retry = cls(
            total=_ATTEMPTS,
            status_forcelist=statuses,
            allowed_methods=None,
            backoff_factor=0.2,
            backoff_jitter=0.2,
            raise_on_status=False,
        )
        retry.limiter = limiter
        return retry

    def new(self, **changes: Any) -> Self:
        """Return a copy for the next attempt; urllib3 makes one for each."""
        copy = super().new(**changes)
        copy.limiter = self.limiter
        return copy

    def parse_retry_after(self, retry_after: str) -> float:
        """Return the seconds that a header says; 0 when it says nothing, where urllib3 raises."""
        return seconds_of_retry_after(retry_after) or 0.0

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as long as the service or the backoff says, and then for the limiter."""
        super().sleep(response)
        self.limiter.wait()

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        """Pause all threads as long as the service says; return whether it says so.

        Raises:
            RateLimitedError: That is longer than a run may wait.
        """
        seconds = self.get_retry_after(response)
        if not seconds:
            return False
        self.limiter.pause_all(seconds)
        return True


class RateLimitedAdapter(BoundedAdapter):
    """Sends each request when a limiter allows it, and repeats transient failures.

    Args:
        limiter: Shared by all threads of a run.
        statuses: Of answers that are repeated, besides a 429 that says how long to wait.
    """

    def __init__(self, limiter: RateLimiter, statuses: Collection[int]) -> None:
        super().__init__(max_retries=RateLimitedRetry.of(limiter, statuses))
        self._limiter = limiter

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Wait for the limiter, then send."""
        self._limiter.wait()
        return super().send(request, *args, **kwargs)


def prepare(
    session: requests.Session, service: str, meter: Meter, *, endpoint_of: re.Pattern[str] | str
) -> None:
    """Give a session retries, and count its requests on the meter.

    A request that is throttled to the last attempt raises `RateLimitedError`.

    Args:
        session: Changed in place.
        service: Name for the meter and for errors, such as `jira`.
        meter: Of the run.
        endpoint_of: Its first group, found in a URL, names the endpoint; or the name itself.
    """
    limiter = RateLimiter(service, meter)
    adapter = RateLimitedAdapter(limiter, (HTTPStatus.TOO_MANY_REQUESTS, *FAILED_STATUSES))
    session.mount("http://", adapter)
    session.mount("https://", adapter)

    def count(response: requests.Response, *_: Any, **__: Any) -> None:
        meter.count(f"{service} {_endpoint(response.url, endpoint_of)}", attempts_of(response))
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise limiter.error()
        if response.ok:
            limiter.succeeded()

    session.hooks["response"].append(count)


def _endpoint(url: str, endpoint_of: re.Pattern[str] | str) -> str:
    if isinstance(endpoint_of, str):
        return endpoint_of
    match = endpoint_of.search(url)
    return match.group(1) if match else "other"


def attempts_of(response: requests.Response) -> int:
    """Return how often a request was sent until this answer."""
    retries = getattr(response.raw, "retries", None)
    return 1 + (len(retries.history) if retries else 0)
