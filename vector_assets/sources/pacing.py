"""A pace that requests keep from the start, so that a vendor need not throttle them.

Keep out: what to do when it throttles all the same (`httpx_retries.py`), and which vendor wants
which pace.
"""

import threading
import time
from collections.abc import Callable


class Pace:
    """A bucket of tokens, one a request, shared by the threads of a run.

    It holds a few, so that a short run waits for none; it fills at the rate that a vendor allows on
    average. Whoever comes is promised the next token at once, and waits for it without the lock.

    Args:
        requests_per_second: On average.
        burst_requests: So many may come at once after a rest.
        clock: Seconds from anywhere.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        requests_per_second: float,
        burst_requests: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = requests_per_second
        self._burst = burst_requests
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens = float(burst_requests)
        self._filled_at = clock()

    def wait(self) -> float:
        """Take a token, wait until it is there, and return the seconds that this took."""
        with self._lock:
            now = self._clock()
            gained = (now - self._filled_at) * self._rate
            self._tokens = min(float(self._burst), self._tokens + gained) - 1
            self._filled_at = now
            seconds = max(0.0, -self._tokens / self._rate)
        if seconds:
            self._sleep(seconds)
        return seconds
