"""Requests of `urllib` over connections that are kept: what is answered, raised, opened again."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest

from vector_assets.core.tls import system_context
from vector_assets.sources.http.kept_connections import KeptConnections
from vector_assets_tests.support.serving import serving

CLOSED = "/closed"


class Recorded(ThreadingHTTPServer):
    """Answers each request, and keeps what was asked over which connection."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, str | None, bytes]] = []
        self.connections: list[tuple[str, int]] = []
        self.closed = threading.Semaphore(0)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.closed.release()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorded

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sign = self.headers.get("Proxy-Authorization") or self.headers.get("Authorization")
        self.server.requests.append((self.command, self.path, sign, body))
        self.server.connections.append(self.client_address)
        status = {"/refused": 403, "/moved": 302}.get(self.path, 200)
        answer = b'{"name": "\xc3\xa9"}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        # Without having said so, as a server does after some idle seconds.
        self.close_connection = self.path == CLOSED

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serving(Recorded()) as served:
        yield served


def connections() -> KeptConnections:
    return KeptConnections(system_context(), timeout_seconds=30)


def post(url: str, body: bytes = b"a=1") -> Request:
    return Request(url, data=body, headers={"Authorization": "Bearer x"}, method="POST")


def test_requests_share_a_connection(server: Recorded) -> None:
    kept = connections()
    for n in range(3):
        status, headers, body = kept.send(post(f"{server.url}/{n}", b"n=%d" % n))
        assert (status, headers.get_content_charset()) == (200, "utf-8")
        assert body.decode() == '{"name": "é"}'
    assert server.requests == [("POST", f"/{n}", "Bearer x", b"n=%d" % n) for n in range(3)]
    assert len(set(server.connections)) == 1


def test_a_connection_that_the_server_has_closed_is_opened_again(server: Recorded) -> None:
    kept = connections()
    for _ in range(3):
        assert kept.send(post(server.url + CLOSED))[0] == 200
        # A request that crosses the close on its way fails, and is the SDK's to repeat.
        server.closed.acquire()
    assert len(set(server.connections)) == 3


@pytest.mark.parametrize(("path", "status"), [("/refused", 403), ("/moved", 302)])
def test_what_is_no_success_is_raised_with_its_answer_and_not_followed(
    server: Recorded, path: str, status: int
) -> None:
    with pytest.raises(HTTPError, match=str(status)) as raised:
        connections().send(post(server.url + path))
    assert raised.value.headers.get_content_charset() == "utf-8"
    assert raised.value.read().decode() == '{"name": "é"}'
    assert len(server.requests) == 1


def test_a_server_that_does_not_answer_is_named_by_its_cause() -> None:
    with pytest.raises(URLError, match="refused") as raised:
        connections().send(post("http://127.0.0.1:9/"))
    assert isinstance(raised.value.reason, OSError)


def test_the_proxy_of_the_environment_is_asked(
    server: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("://", "://ann:pw@"))
    assert connections().send(post("http://slack.example/api/x"))[0] == 200
    assert server.requests == [("POST", "http://slack.example/api/x", "Basic YW5uOnB3", b"a=1")]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert connections().send(post(f"{server.url}/direct"))[0] == 200
    assert server.requests[1:] == [("POST", "/direct", "Bearer x", b"a=1")]
