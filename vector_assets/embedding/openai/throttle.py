"""One pause for all threads: what a server asks of one of them, the others keep as well.

Two hooks of an HTTP client. The SDK itself repeats what was throttled; these make it obey for all,
count what it does, and give up where a run has waited enough or where waiting is of no use.
"""

import threading
import time
from http import HTTPStatus

import httpx2

from vector_assets.core.meter import Meter

MAX_WAIT_SECONDS = 900.0
"""How long all that is asked of an embedder may be paused before a run gives up by name."""

HOPELESS_CODE = "insufficient_quota"
"""An account without credit is answered like one that is too fast."""

# What the SDK asks an answer before it repeats a request (openai 3.54, `_should_retry`).
_SHOULD_RETRY = "x-should-retry"


class Pause:
    """Counts requests, and holds them back until the server's own word has passed.

    Args:
        endpoint: For the meter, such as `openai embeddings`.
        meter: Of the run.
    """

    def __init__(self, endpoint: str, meter: Meter) -> None:
        self._endpoint = endpoint
        self._meter = meter
        self._lock = threading.Lock()
        self._until = 0.0
        self._waited_seconds = 0.0

    @property
    def waited_seconds(self) -> float:
        """How long nothing was sent, by the clock on the wall, however many threads waited."""
        with self._lock:
            return self._waited_seconds

    def before(self, _: httpx2.Request) -> None:
        """Wait until the pause is over."""
        with self._lock:
            left_seconds = self._until - time.monotonic()
        if left_seconds > 0:
            self._meter.throttled(left_seconds)
            time.sleep(left_seconds)

    def after(self, response: httpx2.Response) -> None:
        """Count an answer; if it throttles, begin a pause or forbid the SDK to repeat."""
        self._meter.count(self._endpoint)
        if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            return
        response.read()
        seconds = _retry_after_seconds(response)
        if HOPELESS_CODE in response.text or not self._begin(seconds):
            response.headers[_SHOULD_RETRY] = "false"
        else:
            # The SDK sleeps so long in the thread that was answered.
            self._meter.throttled(seconds)

    def _begin(self, seconds: float) -> bool:
        """Pause from now on; return False when that is more than a run may wait."""
        with self._lock:
            now = time.monotonic()
            added_seconds = max(0.0, now + seconds - max(now, self._until))
            if self._waited_seconds + added_seconds > MAX_WAIT_SECONDS:
                return False
            self._waited_seconds += added_seconds
            self._until = max(self._until, now + seconds)
            return True


def _retry_after_seconds(response: httpx2.Response) -> float:
    """Return what an answer asks for in seconds; 0 when it leaves that to the client."""
    for header, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        text = response.headers.get(header, "")
        if text.replace(".", "", 1).isdigit():
            return float(text) / per_second
    return 0.0
