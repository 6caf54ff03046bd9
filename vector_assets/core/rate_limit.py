"""A rate limiter that all threads of a run share: documented rates, and what a vendor asks for."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from vector_assets.core.deadline import seconds_left_to_wait
from vector_assets.core.errors import RateLimitedError, UnavailableError
from vector_assets.core.meter import Meter

CEILING_SECONDS = 900.0
"""How long a vendor may answer nothing but "slow down" before the run fails by name.

Counted from the last good answer: a long backfill is throttled again and again and still moves on.
"""

SLOWED_SPANS = 5
"""After so many spans without another refusal, a limiter that was slowed is a step faster again."""

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?")

_MARGIN = 1.01
_MARGIN_SECONDS = 0.05
"""Requests that start a span apart may arrive at the vendor with less between them."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What a vendor documents that it lets pass: so many requests within any span.

    Attributes:
        requests: Within a span; half a request is one in two spans.
    """

    requests: float
    span_seconds: float

    def seconds_for(self, requests: float) -> float:
        """Return how long so many take at least: those of the first span may go at once."""
        whole = max(1.0, self.requests)
        spans = max(0.0, requests - 1) // whole
        return spans * self.span_seconds * whole / self.requests


def seconds_of_retry_after(text: str) -> float | None:
    """Return the seconds of a `Retry-After` header, which gives a number or a date.

    None when it says nothing that can be waited for.
    """
    if _SECONDS.fullmatch(text.strip()):
        return float(text) or None
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) or None
    except (ValueError, TypeError, OverflowError):
        return None


class RateLimiter:
    """Lets so many requests pass within any span, and pauses all threads when a vendor asks.

    As many requests as a span allows pass at once, so a short run never waits. When the vendor
    refuses all the same, all threads wait as long as it says, and fewer requests pass from then
    on, for others may use the same key. Without a rate only the vendor's answers hold requests
    back. `clock` counts monotonic seconds.
    """

    def __init__(
        self,
        service: str,
        meter: Meter,
        rate: RateLimit | None = None,
        *,
        ceiling_seconds: float = CEILING_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service = service
        self._meter = meter
        self._requests = max(1, int(rate.requests)) if rate else 0
        span_seconds = rate.span_seconds * self._requests / rate.requests if rate else 0.0
        self._span_seconds = span_seconds * _MARGIN + _MARGIN_SECONDS
        self._allowed = self._requests
        self._ceiling_seconds = ceiling_seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._turns: deque[float] = deque(maxlen=max(1, self._requests))
        self._slowed_at = 0.0
        self._paused_until = 0.0
        self._refused_until = 0.0
        self._paused_seconds = 0.0

    def wait(self) -> None:
        """Take a turn, and wait until it has come and no pause is left.

        Raises:
            RateLimitedError: The vendor asked for a pause beyond the ceiling.
            UnavailableError: It takes longer than `waiting_until` lets this thread wait.
        """
        self._require_time_to_wait(0.0)
        with self._lock:
            turn = self._next_turn()
        # A turn is taken under the lock and waited for without it; another thread may begin or
        # extend a pause meanwhile.
        while (seconds := self._seconds_until(turn)) > 0:
            self._pass(seconds)

    def pause_all(self, seconds: float) -> None:
        """Pause all threads, as the vendor asked of this one; return when its time has passed.

        Raises:
            RateLimitedError: That would pass the ceiling. Other threads get it from `wait`.
        """
        with self._lock:
            now = self._clock()
            self._slow_down(now, seconds)
            added_seconds = max(0.0, now + seconds - max(now, self._paused_until))
            if self._paused_seconds + added_seconds > self._ceiling_seconds:
                self._refused_until = max(self._refused_until, now + seconds)
                raise self.error()
            self._paused_seconds += added_seconds
            self._paused_until = max(self._paused_until, now + seconds)
        self._pass(seconds)

    def succeeded(self) -> None:
        """Note a good answer: the seconds of pauses are counted from zero again."""
        with self._lock:
            self._paused_seconds = 0.0

    def error(self) -> RateLimitedError:
        """Return the error for a vendor that throttles for too long."""
        return RateLimitedError(
            self._service,
            waited_seconds=self._paused_seconds,
            ceiling_seconds=self._ceiling_seconds,
        )

    def _require_time_to_wait(self, seconds: float) -> None:
        if seconds_left_to_wait() <= seconds:
            raise UnavailableError(self._service, "no answer in time", "Ask again later.")

    def _pass(self, seconds: float) -> None:
        self._require_time_to_wait(seconds)
        if seconds > 0:
            self._sleep(seconds)
            self._meter.throttled(seconds)

    def _seconds_until(self, turn: float) -> float:
        with self._lock:
            now = self._clock()
            if now < self._refused_until:
                raise self.error()
            return max(turn, self._paused_until) - now

    def _slow_down(self, now: float, seconds: float) -> None:
        """Take one step down for each pause, however many threads were refused before it."""
        if self._requests and now >= self._slowed_at:
            self._allowed = max(1, self._allowed * 4 // 5)
            self._slowed_at = now + max(seconds, self._span_seconds)

    def _next_turn(self) -> float:
        now = self._clock()
        if not self._requests:
            return now
        if self._allowed < self._requests and now > self._next_step_at:
            self._allowed += 1
            self._slowed_at = now
        turn = max(now, self._paused_until)
        if len(self._turns) >= self._allowed:
            turn = max(turn, self._turns[-self._allowed] + self._span_seconds)
        self._turns.append(turn)
        return turn

    @property
    def _next_step_at(self) -> float:
        return self._slowed_at + SLOWED_SPANS * self._span_seconds
