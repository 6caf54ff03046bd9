"""Counts the requests of a run and the seconds that it was throttled; each run has one `Meter`."""

import threading
from collections import Counter


class Meter:
    """Thread-safe counts of requests by endpoint, and of the seconds waited on rate limits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._throttled_seconds = 0.0

    def count(self, endpoint: str, requests: int = 1) -> None:
        """Count requests to an endpoint, named as `service method`: `slack users.list`."""
        with self._lock:
            self._requests[endpoint] += requests

    def throttled(self, seconds: float) -> None:
        """Add seconds waited because a vendor or our own limiter said so."""
        with self._lock:
            self._throttled_seconds += seconds

    @property
    def requests(self) -> dict[str, int]:
        """Requests by endpoint, in order of name."""
        with self._lock:
            return dict(sorted(self._requests.items()))

    @property
    def request_count(self) -> int:
        """All requests together."""
        with self._lock:
            return self._requests.total()

    @property
    def throttled_seconds(self) -> float:
        """Seconds waited on rate limits, added up over all threads."""
        with self._lock:
            return self._throttled_seconds
