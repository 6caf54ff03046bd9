"""Bounds the time of a call as a whole; time-outs of sockets only bound the time between bytes.

For HTTP requests see `core/http_deadline.py` and `core/httpx_deadline.py`.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

CALL_SECONDS = 1800.0
"""How long one call of an SDK may take that repeats requests and waits for pauses by itself."""

Answer = TypeVar("Answer")

_waiting_until: ContextVar[float] = ContextVar("waiting_until", default=math.inf)


@contextmanager
def waiting_until(instant: float) -> Iterator[None]:
    """Let this thread's requests wait for no pause or repeat beyond an instant (monotonic)."""
    token = _waiting_until.set(instant)
    try:
        yield
    finally:
        _waiting_until.reset(token)


def seconds_left_to_wait() -> float:
    """Return how long this thread may still wait; infinite outside of `waiting_until`."""
    return _waiting_until.get() - time.monotonic()


class _Call(Generic[Answer]):
    """A function that runs in a daemon thread, which ends with it or with the process."""

    def __init__(self, function: Callable[[], Answer]) -> None:
        self._started_at = time.monotonic()
        self._function = function
        self._done = threading.Event()
        self._answer: Answer
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="bounded call", daemon=True).start()

    @property
    def overdue(self) -> str:
        return f"no complete answer within {time.monotonic() - self._started_at:.0f} s"

    def ends_within(self, seconds: float) -> bool:
        """Wait until it has run for so many seconds; tell whether it has ended."""
        return self._done.wait(max(0.0, self._started_at + seconds - time.monotonic()))

    def answer(self, seconds: float) -> Answer:
        """Return its answer, or raise its error.

        Raises:
            TimeoutError: It takes longer.
            RuntimeError: It raised what is no `Exception`.
        """
        if not self._done.wait(seconds):
            raise TimeoutError(self.overdue)
        if self._error is None:
            return self._answer
        if isinstance(self._error, Exception):
            raise self._error
        # A panic of a library in Rust, or an exit: it would end the thread that waits.
        raise RuntimeError(f"{type(self._error).__name__}: {self._error}") from self._error

    def _run(self) -> None:
        try:
            self._answer = self._function()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error
        finally:
            self._done.set()


def within(seconds: float, function: Callable[[], Answer]) -> Answer:
    """Return what a function returns, or raise what it raises.

    A call that takes longer goes on in a thread of its own until its socket times out.

    Raises:
        TimeoutError: It takes longer.
    """
    return _Call(function).answer(seconds)


class BoundedCalls:
    """Makes calls that may hang, each within a time, and no second one while the first hangs.

    So a process that asks each minute for weeks keeps at most one thread for each of its keys.

    Args:
        seconds: How long a call may take.
        total_seconds: How long all of them may take, from now on.
    """

    def __init__(self, seconds: float, *, total_seconds: float = math.inf) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + total_seconds
        self._lock = threading.Lock()
        self._running: dict[str, _Call[Any]] = {}

    def call(self, key: str, function: Callable[[], Answer]) -> Answer:
        """Return what a function returns, or raise what it raises.

        Args:
            key: Of what is asked.
            function: Asks, as soon as no other thread's call with this key is within its time.

        Raises:
            TimeoutError: It takes longer, an earlier call with this key hangs, or no time is left.
        """
        seconds = min(self._seconds, self._until - time.monotonic())
        if seconds <= 0:
            raise TimeoutError("no answer: what was asked before took all of the time")
        while True:
            with self._lock:
                earlier = self._running.get(key)
                if earlier is None or earlier.ends_within(0.0):
                    call: _Call[Answer] = _Call(function)
                    self._running[key] = call
                    break
            if not earlier.ends_within(seconds):
                raise TimeoutError(earlier.overdue)
        return call.answer(seconds)
