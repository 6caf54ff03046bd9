"""Bounds connections: how many there are, how long a request may take to arrive and to be answered.

Uvicorn has a time-out for idle connections only. Without these bounds, clients that connect and
send nothing, or send or read slowly, use up the file descriptors.
"""

import asyncio
import resource
import time
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 512

ARRIVAL_SECONDS = 10.0
"""How long a request may take to arrive, from its first byte or from the connection."""

ANSWER_SECONDS = 90.0
"""How long a request may take to be answered and read; above the time-outs of the routes."""

BACKLOG = 256
"""Connections that the kernel holds, and that asyncio accepts before it bounds them."""

HEAD_BYTES = 64 * 1024
"""Most bytes of a request line and headers: a question may take 48,000 bytes in a URL."""

MAX_PIPELINED = 16
"""How many requests of one connection are answered of those that came before their turn. Clients
do not send ahead any more, and thousands at once would hold up all who ask after them."""

_WANTED_FILES = 8192


class BoundedProtocol(H11Protocol):
    """Closes connections that take too long; among too many, the one that is silent longest."""

    max_connections = MAX_CONNECTIONS
    arrival_seconds = ARRIVAL_SECONDS
    answer_seconds = ANSWER_SECONDS

    _pipelined_count = 0
    _timer: asyncio.TimerHandle | None = None
    _state = ""
    waiting_since = 0.0
    """When it began to wait for a request, as `time.monotonic` has it."""

    @property
    def is_serving(self) -> bool:
        """Whether a request has arrived with its whole body and is not answered."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Accept a connection, in place of another one when there are too many."""
        super().connection_made(transport)
        self._watch("connected")
        if len(self.connections) > self.max_connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Bound how long a request may take from its first byte."""
        super().data_received(data)
        state = "serving" if self.is_serving else "arriving"
        if state != self._state and (state, self._state) != ("arriving", "connected"):
            self._watch(state)

    def on_response_complete(self) -> None:
        """Bound how long the client may take to read the answer and begin another request.

        Bound also how many requests it sends ahead.
        """
        self._pipelined_count += bool(self.conn.trailing_data[0])
        if self._pipelined_count > MAX_PIPELINED:
            # A client may send again what is not answered (RFC 9112, 9.3.2).
            self.transport.close()
        super().on_response_complete()
        self._watch("serving" if self.is_serving else "answered")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _watch(self, state: str) -> None:
        self._state = state
        self.waiting_since = time.monotonic()
        if self._timer is not None:
            self._timer.cancel()
        seconds = self.answer_seconds if state == "serving" else self.arrival_seconds
        # Not `close`, which would wait for a client that does not read.
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> None:
        """Close the connection that waits longest for a request; this one if all are served."""
        waiting = [
            connection
            for connection in self.connections
            if isinstance(connection, BoundedProtocol) and not connection.is_serving
        ]
        oldest = min(waiting, key=lambda connection: connection.waiting_since)
        # It is lost in a later step of the event loop, and must not be counted until then.
        self.connections.discard(oldest)
        oldest.transport.abort()


def raise_file_limit() -> int:
    """Raise the soft limit of open files as far as the hard one allows; return what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return _WANTED_FILES if soft == resource.RLIM_INFINITY else soft
