"""The HTTP server under load: a bounded queue, clients that leave, connections that say nothing.

A search is blocked by an event, so nothing here depends on how fast the machine is.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from vector_assets.api.app import Services, build_api, search_bounds
from vector_assets.api.connections import HEAD_BYTES, MAX_PIPELINED, BoundedProtocol
from vector_assets.api.gate import Bounds
from vector_assets.api.server import server_config
from vector_assets.api.sizes import MAX_BODY_BYTES, MAX_HEADER_BYTES
from vector_assets.core.settings import Settings
from vector_assets.index.answers import Answers
from vector_assets.monitoring.alerts.alerter import Alerter
from vector_assets.monitoring.alerts.incidents import FileIncidentStore
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.watcher import Watcher
from vector_assets_tests.support.patience import first_answer

READ = {"Authorization": "Bearer reading-key"}
PATIENT = Bounds(at_once=2, waiting=3, waiting_seconds=300.0, running_seconds=300.0)
ANSWER_BYTES = 32 * 2**20
"""More than the sockets of both sides hold."""
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


AS_AGENT = {
    **READ,
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}


def call_of_agent(question: str) -> str:
    """Return the body of a request to `/mcp` that searches."""
    params = {"name": "find_context", "arguments": {"question": question}}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


class Searches:
    """Stands in for the search: each waits until it is let go, and is recorded."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_end = threading.Event()
        self.warning = ""

    def find(self, services: Services, question: str, *_: Any) -> Answers:
        self.asked.append(question)
        assert self.may_end.wait(300)
        return Answers((), {}, (self.warning,))


class Served:
    """A running server, its searches, and clients in threads."""

    def __init__(
        self, server: uvicorn.Server, searches: Searches, threads: ThreadPoolExecutor
    ) -> None:
        self.server = server
        self.port = server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.searches = searches
        self._threads = threads
        self.gate: Any = None

    def ask(self, question: str) -> "Future[requests.Response]":
        return self._threads.submit(self.get, f"/api/find-context?q={question}")

    def ask_as_agent(self, question: str) -> "Future[requests.Response]":
        url = f"{self.url}/mcp"
        body = call_of_agent(question)
        return self._threads.submit(requests.post, url, data=body, headers=AS_AGENT, timeout=300)

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers={**READ, **headers}, timeout=300)

    def connect(self, sent: bytes = b"") -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self.port), timeout=300)
        connected.sendall(sent)
        return connected

    def fill(self, bounds: Bounds) -> "list[Future[requests.Response]]":
        """Occupy all threads, then the whole queue."""
        asked = [self.ask(f"running{n}") for n in range(bounds.at_once)]
        assert first_answer(lambda: len(self.searches.asked) == bounds.at_once, pause_seconds=0.01)
        asked += [self.ask(f"waiting{n}") for n in range(bounds.waiting)]
        self.wait_for_queue(bounds.waiting)
        return asked

    def wait_for_queue(self, count: int) -> None:
        assert first_answer(lambda: self.gate.waiting_count == count, pause_seconds=0.01)


Serve = Callable[..., Served]


@pytest.fixture
def serve_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """A function that starts a server with small bounds; it stops when the test ends."""
    with ExitStack() as stack:

        def start(bounds: Bounds = PATIENT, **of_protocol: Any) -> Served:
            settings = Settings.model_validate(
                {
                    "lancedb_uri": str(tmp_path / "index"),
                    "read_api_key": "reading-key",
                    "dagster_graphql_url": "http://127.0.0.1:9/graphql",
                    "watch_seconds": 0.2,
                }
            )
            searches = Searches()
            gates: list[Any] = []
            made = Services.__init__

            def remember(services: Services, *arguments: Any) -> None:
                made(services, *arguments)
                gates.append(services.searches)

            monkeypatch.setattr(Services, "__init__", remember)
            monkeypatch.setattr(
                Services, "find", lambda services, *asked, **_: searches.find(services, *asked)
            )
            alerter = Alerter("watcher", (), FileIncidentStore(tmp_path / "incidents"))
            app = build_api(settings, Watcher(settings, alerter, Probes(settings)), searches=bounds)
            protocol = type("Protocol", (BoundedProtocol,), of_protocol)
            server = uvicorn.Server(server_config(app, protocol))
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            assert first_answer(lambda: server.started, pause_seconds=0.02)
            served = Served(
                server,
                searches,
                stack.enter_context(ThreadPoolExecutor(64)),
            )
            [served.gate] = gates

            def stop() -> None:
                searches.may_end.set()
                server.should_exit = True
                thread.join()

            stack.callback(stop)
            return served

        yield start


def test_what_the_queue_has_no_room_for_is_refused_at_once(serve_with: Serve) -> None:
    served = serve_with()
    accepted = served.fill(PATIENT)
    refused = served.ask("one-too-many").result()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.json()["detail"].startswith("busy with other searches: too many at once.")
    served.searches.may_end.set()
    assert [answer.result().status_code for answer in accepted] == [200] * len(accepted)
    assert "one-too-many" not in served.searches.asked
    # The room comes back.
    assert served.ask("later").result().status_code == 200


def test_a_client_without_a_key_takes_no_place_in_the_queue(serve_with: Serve) -> None:
    served = serve_with()
    asked = [served.ask(f"running{n}") for n in range(PATIENT.at_once)]
    assert first_answer(lambda: len(served.searches.asked) == PATIENT.at_once, pause_seconds=0.01)
    answer = served.get("/api/find-context?q=x", Authorization="Bearer wrong")
    assert answer.status_code == 401
    assert served.gate.waiting_count == 0
    served.searches.may_end.set()
    assert [answer.result().status_code for answer in asked] == [200] * len(asked)


def test_a_client_that_leaves_the_queue_is_not_served(serve_with: Serve) -> None:
    served = serve_with()
    few = Bounds(2, 2, 300.0, 300.0)
    accepted = served.fill(few)
    request = b"GET /api/find-context?q=gone HTTP/1.1\r\nHost: x\r\n"
    leaving = served.connect(request + b"Authorization: Bearer reading-key\r\n\r\n")
    served.wait_for_queue(3)
    leaving.close()
    served.wait_for_queue(2)
    served.searches.may_end.set()
    assert [answer.result().status_code for answer in accepted] == [200] * len(accepted)
    assert "gone" not in served.searches.asked


def test_a_search_waits_and_runs_for_a_bounded_time(serve_with: Serve) -> None:
    served = serve_with(Bounds(at_once=1, waiting=1, waiting_seconds=0.2, running_seconds=1.5))
    running = served.ask("running")
    assert first_answer(lambda: served.searches.asked == ["running"], pause_seconds=0.01)
    waiting = served.ask("waiting").result()
    assert (waiting.status_code, "no turn within 0.2 s" in waiting.text) == (503, True)
    assert "not done within 1.5 s" in running.result().text
    # The thread still searches, so its place is not free before it is done.
    assert served.ask("after").result().status_code == 503
    served.searches.may_end.set()
    assert first_answer(lambda: served.ask("again").result().status_code == 200)
    assert set(served.searches.asked) == {"running", "again"}


def test_agents_wait_in_the_same_queue_and_are_refused_when_it_is_full(serve_with: Serve) -> None:
    served = serve_with(Bounds(at_once=1, waiting=2, waiting_seconds=300.0, running_seconds=300.0))
    running = served.ask("running")
    assert first_answer(lambda: served.searches.asked == ["running"], pause_seconds=0.01)
    waiting = served.ask_as_agent("waiting")
    served.wait_for_queue(1)
    body = call_of_agent("leaving")
    lines = ["POST /mcp HTTP/1.1", f"Host: 127.0.0.1:{served.port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in AS_AGENT.items()]
    leaving = served.connect("\r\n".join([*lines, "", body]).encode())
    served.wait_for_queue(2)
    refused = served.ask_as_agent("one-too-many").result()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    leaving.close()
    served.wait_for_queue(1)
    served.searches.may_end.set()
    assert running.result().status_code == 200
    assert waiting.result().json()["result"]["structuredContent"]["answers"] == []
    assert set(served.searches.asked) == {"running", "waiting"}


def test_health_and_metrics_are_answered_while_all_searches_hang(serve_with: Serve) -> None:
    served = serve_with()
    served.fill(PATIENT)
    for path in ("/healthz", "/metrics", "/api/sync-status", "/openapi.json"):
        assert served.get(path).status_code in {200, 503}
    assert not served.searches.may_end.is_set()
    burst = [served.ask("more") for _ in range(40)]
    assert served.get("/healthz").json() == {"verdict": "unknown"}
    assert {answer.result().status_code for answer in burst} == {503}


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /heal",
        HEAD,
        HEAD + b"Content-Length: 9\r\n\r\n1234",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n1234",
        HEAD + b"\r\n",
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half a chunk", "kept alive"],
)
def test_connections_that_wait_lock_nobody_out(serve_with: Serve, sent: bytes) -> None:
    served = serve_with(max_connections=16, arrival_seconds=300.0)
    waiting = []
    for _ in range(64):
        waiting.append(served.connect(sent))
        if sent.endswith(b"\r\n\r\n"):
            # It waits for another request once it has the answer; until then it is served.
            assert waiting[-1].recv(1)
    assert served.get("/healthz").status_code == 503
    # The oldest had to go; what it was sent before that is still read.
    while waiting[0].recv(4096):
        pass
    for connection in waiting:
        connection.close()


def test_connections_that_are_served_are_not_closed_for_others(serve_with: Serve) -> None:
    served = serve_with(max_connections=8, arrival_seconds=300.0)
    accepted = served.fill(PATIENT)
    waiting = [served.connect() for _ in range(64)]
    served.searches.may_end.set()
    assert [answer.result().status_code for answer in accepted] == [200] * len(accepted)
    for connection in waiting:
        connection.close()


@pytest.mark.parametrize(
    "sent", [b"", b"GET /heal", HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n1"]
)
def test_a_request_that_does_not_arrive_is_hung_up_on(serve_with: Serve, sent: bytes) -> None:
    served = serve_with(arrival_seconds=0.3)
    with served.connect(sent) as connection:
        assert _hung_up(connection)


def test_a_head_that_drips_in_is_hung_up_on(serve_with: Serve) -> None:
    served = serve_with(arrival_seconds=0.5)
    with served.connect(HEAD) as connection:
        assert first_answer(lambda: _is_refused(connection, b"X-A: 1\r\n"), pause_seconds=0.02)


@pytest.mark.parametrize(
    ("sent_count", "answered_count"), [(MAX_PIPELINED, MAX_PIPELINED), (500, MAX_PIPELINED + 1)]
)
def test_requests_that_are_sent_ahead_are_answered_up_to_a_bound(
    serve_with: Serve, sent_count: int, answered_count: int
) -> None:
    served = serve_with(arrival_seconds=0.5)
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with served.connect(request * sent_count) as connection:
        answers = _until_hung_up(connection)
    assert answers.count(b"HTTP/1.1 503") == answered_count


def test_a_client_that_never_gets_an_answer_is_hung_up_on(serve_with: Serve) -> None:
    served = serve_with(answer_seconds=0.3)
    request = b"GET /api/find-context?q=x HTTP/1.1\r\nHost: x\r\n"
    with served.connect(request + b"Authorization: Bearer reading-key\r\n\r\n") as connection:
        assert _hung_up(connection)


def test_a_client_that_does_not_read_its_answer_is_hung_up_on(serve_with: Serve) -> None:
    served = serve_with(arrival_seconds=0.5)
    served.searches.may_end.set()
    served.searches.warning = "x" * ANSWER_BYTES
    request = b"GET /api/find-context?q=x HTTP/1.1\r\nHost: x\r\n"
    with served.connect(request + b"Authorization: Bearer reading-key\r\n\r\n") as connection:
        connections = served.server.server_state.connections
        assert first_answer(lambda: served.searches.asked and not connections)
        assert len(_until_hung_up(connection)) < ANSWER_BYTES


def test_a_low_limit_of_open_files_is_raised() -> None:
    script = """
import resource
from vector_assets.api.connections import raise_file_limit
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
print(raise_file_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Long": "a" * MAX_HEADER_BYTES}, 431),
        ({f"X-{n}": "a" for n in range(3000)}, 431),
        ({"X-Long": "a" * MAX_HEADER_BYTES, "Content-Length": "0"}, 431),
        ({"X-Long": "a" * (8 * HEAD_BYTES)}, 400),
        ({"X-Long": "a" * (MAX_HEADER_BYTES // 2)}, 503),
    ],
)
def test_large_headers_are_refused(serve_with: Serve, headers: dict[str, str], status: int) -> None:
    served = serve_with()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    # Split, because one large piece is complete before its size is checked.
    whole = HEAD + lines.encode() + b"Connection: close\r\n\r\n"
    with served.connect() as connection:
        answer = _exchanged(connection, whole)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_a_question_may_be_as_long_as_the_limit_says_in_any_script(serve_with: Serve) -> None:
    served = serve_with()
    served.searches.may_end.set()
    answer = requests.get(
        f"{served.url}/api/find-context", params={"q": "鶴" * 4000},
        headers=READ, timeout=300,
    )  # fmt: skip
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (f"Content-Length: {MAX_BODY_BYTES + 1}", b"", 413),
        (f"Content-Length: {10**15}", b"", 413),
        ("Transfer-Encoding: chunked", b"8000\r\n" + b"a" * 0x8000 + b"\r\n", 413),
        ("Content-Length: 5", b"12345", None),
        ("Transfer-Encoding: chunked", b"5\r\n12345\r\n0\r\n\r\n", None),
    ],
    ids=["declared", "absurd", "chunked", "small", "small chunked"],
)
def test_large_bodies_are_refused(
    serve_with: Serve, method: str, head: str, body: bytes, status: int | None
) -> None:
    served = serve_with()
    request = f"{method} /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n\r\n"
    repeated = body * (1 if status is None else 16)
    with served.connect() as connection:
        answer = _exchanged(connection, request.encode() + repeated)
    expected = status or {"GET": 503, "POST": 405}[method]
    assert answer.startswith(f"HTTP/1.1 {expected} ".encode())


def _exchanged(connection: socket.socket, sent: bytes) -> bytes:
    """Send in pieces; return what was answered until the server hung up."""
    # It may refuse before it has read everything.
    with suppress(ConnectionError):
        for at in range(0, len(sent), 16_384):
            connection.sendall(sent[at : at + 16_384])
    return _until_hung_up(connection)


def _until_hung_up(connection: socket.socket) -> bytes:
    answer = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def _hung_up(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def _is_refused(connection: socket.socket, sent: bytes) -> bool:
    try:
        connection.sendall(sent)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


@pytest.mark.parametrize(
    ("provider", "cores", "at_once"),
    [("local", 1, 2), ("local", 2, 4), ("local", 64, 8), ("local", None, 2), ("openai", 2, 8)],
)
def test_a_local_model_runs_two_searches_a_core(
    provider: str, cores: int | None, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    settings = Settings(embedding_provider=provider, openai_api_key="sk-" + "a" * 20)
    assert search_bounds(settings).at_once == at_once
