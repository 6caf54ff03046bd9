"""A `requests` session that obeys `Retry-After`, counts what it asks, and never hangs.

For the vendors whose SDK is, or sits on, `requests`.
"""

import re
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.util.retry import Retry

from vector_assets.core.errors import RateLimitedError
from vector_assets.core.meter import Meter

TIMEOUT_SECONDS = 60.0
"""For a connection, and between two bytes of an answer."""

MAX_WAIT_SECONDS = 900.0
"""How long one request may be throttled before the run gives up by name."""

_ATTEMPTS = 6
_STATUSES = (429, 500, 502, 503, 504)


class CountedRetry(Retry):
    """Repeats a request that was throttled or failed in passing, and counts the seconds waited."""

    meter: Meter
    service: str
    waited_seconds = 0.0

    @classmethod
    def of(cls, service: str, meter: Meter) -> Self:
        """Return the policy of a service; every method is repeated, for all of ours only read."""
        retry = cls(
            total=_ATTEMPTS,
            status_forcelist=_STATUSES,
            allowed_methods=None,
            backoff_factor=0.2,
            backoff_jitter=0.2,
            raise_on_status=False,
        )
        retry.meter, retry.service = meter, service
        return retry

    def new(self, **changes: Any) -> Self:
        """Return a copy for the next attempt; urllib3 makes one for each."""
        fresh = super().new(**changes)
        fresh.meter, fresh.service = self.meter, self.service
        fresh.waited_seconds = self.waited_seconds
        return fresh

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        """Wait as long as the service says.

        Raises:
            RateLimitedError: That is longer than a run may wait.
        """
        seconds = self.get_retry_after(response) or 0.0
        if self.waited_seconds + seconds > MAX_WAIT_SECONDS:
            raise RateLimitedError(
                self.service,
                waited_seconds=self.waited_seconds,
                ceiling_seconds=MAX_WAIT_SECONDS,
            )
        self.waited_seconds += seconds
        self.meter.throttled(seconds)
        return super().sleep_for_retry(response)


def prepare(
    session: requests.Session, service: str, meter: Meter, *, endpoint_of: re.Pattern[str]
) -> None:
    """Give a session retries, and count each of its answers on the meter.

    Args:
        session: Any; changed in place.
        service: Name for the meter and for errors, such as `jira`.
        meter: Of the run.
        endpoint_of: Its first group, found in a URL, names the endpoint.
    """
    adapter = HTTPAdapter(max_retries=CountedRetry.of(service, meter))
    session.mount("http://", adapter)
    session.mount("https://", adapter)

    def count(response: requests.Response, *_: Any, **__: Any) -> None:
        found = endpoint_of.search(response.url)
        endpoint = found.group(1) if found else "other"
        retries = getattr(response.raw, "retries", None)
        meter.count(f"{service} {endpoint}", 1 + (len(retries.history) if retries else 0))

    session.hooks["response"].append(count)


def waited_seconds(response: requests.Response | None) -> float:
    """Return how long the session waited, as the service asked it to, before it gave up on this."""
    retries = getattr(response.raw, "retries", None) if response is not None else None
    return retries.waited_seconds if isinstance(retries, CountedRetry) else 0.0
