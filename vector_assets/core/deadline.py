"""Bounds the time of a call as a whole; time-outs of sockets only bound the time between bytes."""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import httpx
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

REQUEST_SECONDS = 180.0
"""How long one request may take, from the connection to the last byte of its answer."""

CALL_SECONDS = 1800.0
"""How long one call of an SDK may take that repeats requests and waits for pauses by itself."""

Answer = TypeVar("Answer")

_patient_until: ContextVar[float] = ContextVar("patient_until", default=math.inf)


@contextmanager
def patient_until(instant: float) -> Iterator[None]:
    """Let this thread's requests wait for no pause or repeat beyond an instant (monotonic)."""
    token = _patient_until.set(instant)
    try:
        yield
    finally:
        _patient_until.reset(token)


def patience_seconds() -> float:
    """Return how long this thread may still wait; infinite outside of `patient_until`."""
    return _patient_until.get() - time.monotonic()


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
    def is_running(self) -> bool:
        return not self._done.is_set()

    @property
    def overdue(self) -> str:
        return f"no complete answer within {time.monotonic() - self._started_at:.0f} s"

    def answer(self, seconds: float) -> Answer:
        """Return its answer, or raise its error.

        Raises:
            TimeoutError: It takes longer.
        """
        if not self._done.wait(seconds):
            raise TimeoutError(self.overdue)
        if self._error is not None:
            raise self._error
        return self._answer

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
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._running: dict[str, _Call[Any]] = {}

    def call(self, key: str, function: Callable[[], Answer]) -> Answer:
        """Return what a function returns, or raise what it raises.

        Args:
            key: Of what is asked.
            function: Asks.

        Raises:
            TimeoutError: It takes longer, or an earlier call with this key still runs.
        """
        with self._lock:
            earlier = self._running.get(key)
            if earlier is not None and earlier.is_running:
                # Not waited for: whoever made it has.
                raise TimeoutError(earlier.overdue)
            call = _Call(function)
            self._running[key] = call
        return call.answer(self._seconds)


class BoundedTransport(httpx.HTTPTransport):
    """An `httpx` transport that reads each answer completely, within `REQUEST_SECONDS`."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return an answer with its complete body.

        Raises:
            httpx.ReadTimeout: It takes longer.
        """

        def send() -> httpx.Response:
            response = super(BoundedTransport, self).handle_request(request)
            response.read()
            return response

        try:
            return within(REQUEST_SECONDS, send)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error), request=request) from error


class _Reaper:
    """A thread that shuts sockets down when their deadline has passed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[_HangsUp, tuple[float, socket.socket]] = {}
        self._thread: threading.Thread | None = None

    def watch(self, connection: "_HangsUp", connected: socket.socket) -> None:
        """Set the deadline of a connection's next answer, in place of an earlier one."""
        with self._lock:
            connection.is_hung_up = False
            self._watched[connection] = (time.monotonic() + REQUEST_SECONDS, connected)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._reap, name="deadlines", daemon=True)
                self._thread.start()

    def _reap(self) -> None:
        while True:
            time.sleep(min(1.0, REQUEST_SECONDS / 4))
            with self._lock:
                now = time.monotonic()
                late = [item for item in self._watched.items() if item[1][0] <= now]
                for connection, (_, connected) in late:
                    del self._watched[connection]
                    connection.is_hung_up = True
                    # A thread that reads gets the end of the stream. One whose answer has come
                    # has left the connection to the pool, which opens another.
                    with suppress(OSError):
                        connected.shutdown(socket.SHUT_RDWR)


_reaper = _Reaper()


class _HangsUp(HTTPConnection):
    """A connection whose answers each have to end within `REQUEST_SECONDS`."""

    is_hung_up = False

    def send(self, data: Any) -> None:
        super().send(data)
        # The socket is handed to the answer when that ends with the connection, so keep it.
        if isinstance(self.sock, socket.socket):
            _reaper.watch(self, self.sock)

    def getresponse(self) -> Any:
        response = super().getresponse()
        if self.is_hung_up:
            # The head was cut off, which http.client takes for complete.
            raise TimeoutError(f"no complete answer within {REQUEST_SECONDS:.0f} s")
        return response


class _HangsUpTls(_HangsUp, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _HangsUp


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _HangsUpTls


class BoundedAdapter(HTTPAdapter):
    """A `requests` adapter whose requests each end within `REQUEST_SECONDS`, repeats apart."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections that hang up."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
