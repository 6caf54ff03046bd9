"""How fast each method of Slack may be asked: at its documented rate, and as Slack says meanwhile.

One `Pace` a run, shared by all threads. A bucket a method holds a minute's allowance, so that a
small night never waits, and fills at the documented rate, so that a long one is not refused.
Keep out: what an answer means (`slack_api.py`).
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from vector_assets.errors import RateLimitedError
from vector_assets.meter import Meter

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

_SECONDS_A_MINUTE = 60.0


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
        self._rates = rates
        self._ceiling_seconds = ceiling_seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._spent_until: dict[str, float] = {}
        self._waited_seconds: defaultdict[str, float] = defaultdict(float)

    def wait(self, method: str) -> None:
        """Sleep until the method may be asked, and take that request out of its allowance."""
        with self._lock:
            seconds = self._seconds_of_allowance(method)
        self._pause(seconds)
        # Others may have been told to slow down meanwhile, and more than once.
        while (seconds := self._free_at.get(method, 0.0) - self._clock()) > 0:
            self._pause(seconds)

    def hold(self, method: str, seconds: float) -> bool:
        """Close a method for a time, as Slack asks; False when that would pass the ceiling."""
        with self._lock:
            now = self._clock()
            added = max(0.0, now + seconds - max(now, self._free_at.get(method, 0.0)))
            if self._waited_seconds[method] + added > self._ceiling_seconds:
                return False
            self._waited_seconds[method] += added
            self._free_at[method] = max(now + seconds, self._free_at.get(method, 0.0))
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

    def _seconds_of_allowance(self, method: str) -> float:
        """Take one request and return how long it has to wait for its turn.

        `_spent_until` is when the bucket will be full again; each request moves it on by its share
        of a minute, and waits for as much of it as lies more than a minute ahead.
        """
        rate = self._rates.get(method)
        if not rate:
            return 0.0
        now = self._clock()
        spent_until = max(now, self._spent_until.get(method, now)) + _SECONDS_A_MINUTE / rate
        self._spent_until[method] = spent_until
        return max(0.0, spent_until - now - max(_SECONDS_A_MINUTE, _SECONDS_A_MINUTE / rate))

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._meter.throttled(seconds)
            self._sleep(seconds)
