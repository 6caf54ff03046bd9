"""Bounds the time of requests with `requests` as a whole.

Apart from `core/deadline.py` and `core/httpx_deadline.py`, as both clients take long to import.
"""

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

REQUEST_SECONDS = 180.0
"""How long one request may take, from the connection to the last byte of its answer."""


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


BOUNDED_POOLS = {"http": _Pool, "https": _TlsPool}
"""For `PoolManager.pool_classes_by_scheme` of urllib3: its requests each end in time as well."""


class BoundedAdapter(HTTPAdapter):
    """A `requests` adapter whose requests each end within `REQUEST_SECONDS`, repeats apart."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections that hang up."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = BOUNDED_POOLS
