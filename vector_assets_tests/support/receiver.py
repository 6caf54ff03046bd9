"""A service outside, over real HTTP: takes alerts by POST and pings by GET, or refuses them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vector_assets_tests.support.patience import first_answer
from vector_assets_tests.support.serving import serving


class Receiver:
    """What has come in.

    Attributes:
        url: Where it listens.
        alerts: Bodies of the alerts, oldest first.
        pings: How many pings came.
        status: What it answers with.
    """

    def __init__(self) -> None:
        self.url = ""
        self.alerts: list[dict[str, Any]] = []
        self.pings = 0
        self.status = 200

    def events(self) -> list[tuple[str, str]]:
        """Return what the alerts were, as kind and key."""
        return [(alert["event"], alert["key"]) for alert in self.alerts]

    def wait_for(self, event: str, key: str) -> dict[str, Any]:
        """Return the first alert of a kind about a key, once it is there."""
        alert = first_answer(
            lambda: next((a for a in self.alerts if (a["event"], a["key"]) == (event, key)), None),
            pause_seconds=0.1,
        )
        assert alert is not None, f"no {event} of {key}; there came {self.events()}"
        return dict(alert)


@contextmanager
def running_receiver(host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if receiver.status < 400:
                receiver.alerts.append(json.loads(body))
            self._answer()

        def do_GET(self) -> None:
            receiver.pings += receiver.status < 400
            self._answer()

        def _answer(self) -> None:
            self.send_response(receiver.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    receiver.url = f"http://{host}:{server.server_address[1]}"
    with serving(server):
        yield receiver
