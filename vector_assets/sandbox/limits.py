"""The vendors' documented rate limits, kept by the sandbox when it is told to.

A limit counts what it let pass within any span of its length, and says when the next may come.
"""

import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """So many requests within any span of so many seconds.

    Attributes:
        path: Regular expression for the whole path; each text that its group finds is counted by
            itself, as methods are.
        requests: Let pass within a span.
        span_seconds: Length of a span.
    """

    path: str
    requests: int
    span_seconds: float


DOCUMENTED = (
    # Tier 3 for apps of one's own workspace (docs.slack.dev/apis/web-api/rate-limits, 2026-11).
    Limit(r"/slack/api/(conversations\.(?:history|replies|join))", 50, 60.0),
    # Tiers 2 and 4 (the same page).
    Limit(r"/slack/api/(conversations\.list|users\.list|usergroups\.list)", 20, 60.0),
    Limit(r"/slack/api/(conversations\.members)", 100, 60.0),
    # On average, for each integration (developers.notion.com/reference/request-limits, 2026-11).
    Limit(r"/notion/.*", 3, 1.0),
    # Of a Business plan (docs.fireflies.ai, "Limits", 2026-11).
    Limit(r"/fireflies/.*", 60, 60.0),
)


class Limiter:
    """Keeps limits; safe to ask from several threads.

    Args:
        limits: The first whose path fits a request decides; none means that all may pass.
        clock: Monotonic seconds.
    """

    def __init__(
        self, limits: Sequence[Limit], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._passed: defaultdict[tuple[Limit, str], deque[float]] = defaultdict(deque)

    def seconds_to_wait(self, path: str) -> float:
        """Return 0 and count a request that may pass, else how long it has to wait."""
        for limit in self.limits:
            if found := re.fullmatch(limit.path, path):
                return self._taken(limit, found.group(1) if found.groups() else "")
        return 0.0

    def _taken(self, limit: Limit, subject: str) -> float:
        with self._lock:
            now = self._clock()
            passed = self._passed[limit, subject]
            while passed and passed[0] <= now - limit.span_seconds:
                passed.popleft()
            if len(passed) >= limit.requests:
                return passed[0] + limit.span_seconds - now
            passed.append(now)
            return 0.0
