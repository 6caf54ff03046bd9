"""A server of the standard library in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import TypeVar

Server = TypeVar("Server", bound=HTTPServer)

_POLL_SECONDS = 0.01
"""How soon the thread sees that it is to end."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serve until the block ends, then close the server."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
