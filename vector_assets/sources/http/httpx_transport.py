"""A transport for `httpx` with a rate limit, retries and `Retry-After`; it counts requests.

Any request may be repeated, because the vendor is only read.
"""

import time
from collections.abc import Callable, Collection

import httpx

from vector_assets.core.httpx_deadline import BoundedTransport
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimiter, seconds_of_retry_after
from vector_assets.core.tls import httpx_context

BACKOFF_SECONDS = 0.5
"""Before the first repeat; doubles with each further repeat."""

REPEATS_OF_FAILED = 6

REPEATS_OF_THROTTLED = 20
"""More than of failed requests: another thread may take the free place."""

MAX_BACKOFF_SECONDS = 60.0


class RateLimitedTransport(httpx.BaseTransport):
    """Repeats throttled requests and transient failures; when a thread is throttled, all wait.

    Args:
        service: Name for the meter, such as `notion`.
        meter: Of the run.
        endpoint_of: Returns the name of an endpoint for the path of its URL.
        limiter: Every request waits for it, repeats among them.
        passing: Statuses below 500 that the vendor documents as passing; repeated as failures are.
    """

    def __init__(
        self,
        service: str,
        meter: Meter,
        endpoint_of: Callable[[str], str],
        limiter: RateLimiter,
        *,
        passing: Collection[int] = (),
    ) -> None:
        self._service = service
        self._meter = meter
        self._endpoint_of = endpoint_of
        self._limiter = limiter
        self._passing = frozenset(passing)
        self._inner = BoundedTransport(verify=httpx_context())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return an answer with its complete body.

        Raises:
            RateLimitedError: The service throttles for longer than a run may wait.
            httpx.RequestError: It could not be reached, or its answer not be read, in any attempt.
        """
        throttled = failed = 0
        while True:
            self._limiter.wait()
            answer = self._answer_or_error(request)
            if isinstance(answer, httpx.RequestError):
                if failed == REPEATS_OF_FAILED:
                    raise answer
            elif answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                if throttled == REPEATS_OF_THROTTLED:
                    raise self._limiter.error()
                self._limiter.pause_all(_retry_after_seconds(answer, throttled))
                throttled += 1
                continue
            elif failed == REPEATS_OF_FAILED or not self._is_passing(answer.status_code):
                if answer.is_success:
                    self._limiter.succeeded()
                return answer
            time.sleep(_backoff_seconds(failed))
            failed += 1

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _is_passing(self, status: int) -> bool:
        return status >= httpx.codes.INTERNAL_SERVER_ERROR or status in self._passing

    def _answer_or_error(self, request: httpx.Request) -> httpx.Response | httpx.RequestError:
        self._meter.count(f"{self._service} {self._endpoint_of(request.url.path)}")
        try:
            # Its body is complete, so a body that breaks or cannot be decoded is an error here.
            return self._inner.handle_request(request)
        except httpx.RequestError as error:
            return error


def _retry_after_seconds(response: httpx.Response, attempt: int) -> float:
    """Return the `Retry-After` of a response, in seconds or as a date; our backoff without one."""
    seconds = seconds_of_retry_after(response.headers.get("retry-after", ""))
    return _backoff_seconds(attempt) if seconds is None else seconds


def _backoff_seconds(attempt: int) -> float:
    return float(min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**attempt))
