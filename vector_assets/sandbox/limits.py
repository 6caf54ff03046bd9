"""The vendors' documented rate limits, which the sandbox enforces on request.

A limit is a sliding window: it counts the requests of the last span.
"""

import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A number of requests within any span of time.

    Attributes:
        path: Regular expression for the whole path; where it has a group, each text that the group
            matches, such as a method, is counted separately.
    """

    path: str
    requests: int
    span_seconds: float


DOCUMENTED = (
    # Tier 3 for internal apps (docs.slack.dev/apis/web-api/rate-limits, 2026-11).
    Limit(r"/slack/api/(conversations\.(?:history|replies|join))", 50, 60.0),
    # Tiers 2 and 4 (the same page).
    Limit(r"/slack/api/(conversations\.list|users\.list|usergroups\.list)", 20, 60.0),
    Limit(r"/slack/api/(conversations\.members)", 100, 60.0),
    # The average for each integration (developers.notion.com/reference/request-limits, 2026-11).
    Limit(r"/notion/.*", 3, 1.0),
    # Business plan (docs.fireflies.ai, "Limits", 2026-11).
    Limit(r"/fireflies/.*", 60, 60.0),
)


class Limiter:
    """Enforces the first limit whose path matches a request; thread-safe."""

    def __init__(
        self, limits: Sequence[Limit], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._passed: defaultdict[tuple[Limit, str], deque[float]] = defaultdict(deque)

    def seconds_to_wait(self, path: str) -> float:
        """Return 0 and count the request if it may pass, else how long it has to wait."""
        for limit in self.limits:
            if match := re.fullmatch(limit.path, path):
                return self._wait_or_count(limit, match.group(1) if match.groups() else "")
        return 0.0

    def _wait_or_count(self, limit: Limit, subject: str) -> float:
        with self._lock:
            now = self._clock()
            passed = self._passed[limit, subject]
            while passed and passed[0] <= now - limit.span_seconds:
                passed.popleft()
            if len(passed) >= limit.requests:
                return passed[0] + limit.span_seconds - now
            passed.append(now)
            return 0.0
