"""How fast each method of Slack may be asked: at its documented rate, and as Slack says meanwhile.

One `Pace` a run, shared by all threads, holds one of `rate_limit.py` a method: an allowance is
spent as fast as it is needed, so that a small night never waits, and no minute sees more of it.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from vector_assets.core.errors import RateLimitedError
from vector_assets.core.meter import Meter
from vector_assets.sources.http import rate_limit as pacing

CEILING_SECONDS = 600.0
"""How long a method may answer nothing but "slow down" before the run fails by name.

An app of one's own workspace is told to wait some 30 s at a time; a long backfill is throttled
again and again and still moves on, so waiting counts from a method's last good answer.
"""

RATES_BY_METHOD: Mapping[str, float] = {
    "conversations.history": 50,
    "conversations.join": 50,
    "conversations.list": 20,
    "conversations.members": 100,
    "conversations.replies": 50,
    "usergroups.list": 20,
    "users.list": 20,
}
"""Requests a minute that each method allows an app in a workspace at least.

Tiers 2, 3 and 4 (docs.slack.dev/apis/web-api/rate-limits, 2026-11); history and replies keep Tier 3
for apps made for one's own workspace alone.
"""

SECONDS_A_MINUTE = 60.0


def rates_of(requests_per_minute: float) -> Mapping[str, float]:
    """Return the rates with one's own for reading messages.

    Args:
        requests_per_minute: Of history and of replies; 0 means that nothing is held back before
            Slack says so.
    """
    if not requests_per_minute:
        return {}
    return {
        **RATES_BY_METHOD,
        "conversations.history": requests_per_minute,
        "conversations.replies": requests_per_minute,
    }


class Pace:
    """Holds threads back from a method until it may be asked.

    Args:
        meter: Each second of waiting is added to it.
        rates: Requests a minute by method; a method without a rate is held back by Slack alone.
        ceiling_seconds: See `CEILING_SECONDS`.
        clock: Monotonic seconds.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        meter: Meter,
        rates: Mapping[str, float],
        *,
        ceiling_seconds: float = CEILING_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._meter = meter
        self._ceiling_seconds = ceiling_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._paces: defaultdict[str, pacing.Pace] = defaultdict(
            lambda: pacing.Pace(0, 0, clock=clock, sleep=sleep),
            {
                method: pacing.Pace.of_rate(rate, SECONDS_A_MINUTE, clock=clock, sleep=sleep)
                for method, rate in rates.items()
            },
        )
        self._waited_seconds: defaultdict[str, float] = defaultdict(float)

    def wait(self, method: str) -> None:
        """Sleep until the method may be asked, and take that request out of its allowance."""
        if seconds := self._pace_of(method).wait():
            self._meter.throttled(seconds)

    def hold(self, method: str, seconds: float) -> bool:
        """Close a method for a time, as Slack asks; False when that would pass the ceiling."""
        with self._lock:
            now = self._clock()
            added = max(0.0, now + seconds - max(now, self._free_at.get(method, 0.0)))
            if self._waited_seconds[method] + added > self._ceiling_seconds:
                return False
            self._waited_seconds[method] += added
            self._free_at[method] = max(now + seconds, self._free_at.get(method, 0.0))
        self._pace_of(method).hold(seconds)
        return True

    def moved_on(self, method: str) -> None:
        """Note a good answer: waiting counts anew."""
        with self._lock:
            self._waited_seconds[method] = 0

    def gave_up(self, method: str) -> RateLimitedError:
        """Return the error for a method that was held back for too long."""
        return RateLimitedError(
            f"slack {method}",
            waited_seconds=self._waited_seconds[method],
            ceiling_seconds=self._ceiling_seconds,
        )

    def _pace_of(self, method: str) -> pacing.Pace:
        with self._lock:
            return self._paces[method]
