"""A pace that requests keep from the start, so that a vendor need not throttle them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

SLOWED_SPANS = 5
"""After so many spans without another refusal, a pace that was slowed is a step faster again."""

_MARGIN = 1.01
_MARGIN_SECONDS = 0.05
"""Requests that start a span apart may arrive at the vendor with less between them."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a vendor documents that it lets pass: so many requests within any span.

    Attributes:
        requests: Within a span; half a request is one in two spans.
        span_seconds: Length of a span.
    """

    requests: float
    span_seconds: float

    def seconds_for(self, requests: float) -> float:
        """Return how long so many take at least: those of the first span may go at once."""
        whole = max(1.0, self.requests)
        spans = max(0.0, requests - 1) // whole
        return spans * self.span_seconds * whole / self.requests


class Pace:
    """So many requests within any span of time, shared by the threads of a run.

    A run of as many waits for none, a long one takes no longer than the vendor's limit makes it.
    Whoever comes is promised its turn at once, and waits for it without the lock. When the vendor
    refuses all the same, everybody waits as long as it says, and fewer are sent from then on, for
    others may use the same key.

    Args:
        requests: Within any span; 0 for as many as come.
        span_seconds: Length of a span.
        clock: Seconds from anywhere.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        requests: int,
        span_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._requests = self._allowed = requests
        self._span_seconds = span_seconds * _MARGIN + _MARGIN_SECONDS
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._promised: deque[float] = deque(maxlen=max(1, requests))
        self._free_at = 0.0
        self._slowed_at = 0.0

    @classmethod
    def of_rate(
        cls,
        requests: float,
        span_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Return a pace for any rate, such as half a request a second: one in two seconds."""
        whole = max(1, int(requests)) if requests else 0
        span = span_seconds * whole / requests if requests else span_seconds
        return cls(whole, span, clock=clock, sleep=sleep)

    def wait(self) -> float:
        """Take a turn, wait until it has come, and return the seconds that this took."""
        with self._lock:
            turn = self._next_turn()
        waited = 0.0
        # Others may be told to slow down meanwhile, and more than once.
        while (seconds := max(turn, self._free_at) - self._clock()) > 0:
            self._sleep(seconds)
            waited += seconds
        return waited

    def hold(self, seconds: float) -> None:
        """Let nobody pass for a time, as the vendor asks, and fewer of them afterwards."""
        self.slow(seconds)
        with self._lock:
            self._free_at = max(self._free_at, self._clock() + seconds)

    def slow(self, seconds: float) -> None:
        """Let fewer pass from now on; for whoever holds requests back for a time by itself."""
        with self._lock:
            now = self._clock()
            # One step down for each time, however many threads were refused at it.
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
        turn = max(now, self._free_at)
        if len(self._promised) >= self._allowed:
            turn = max(turn, self._promised[-self._allowed] + self._span_seconds)
        self._promised.append(turn)
        return turn

    @property
    def _next_step_at(self) -> float:
        return self._slowed_at + SLOWED_SPANS * self._span_seconds
