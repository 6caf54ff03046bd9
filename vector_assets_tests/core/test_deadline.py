"""Requests and calls end within a time as a whole, whatever a server sends byte by byte."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress

import httpx
import pytest
import requests

from vector_assets.core import http_deadline
from vector_assets.core.deadline import BoundedCalls, within
from vector_assets.core.errors import UnavailableError
from vector_assets.core.http_deadline import BoundedAdapter
from vector_assets.core.httpx_deadline import BoundedTransport
from vector_assets.core.meter import Meter
from vector_assets.embedding.openai.client import OpenAIApi
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.slack.client import SlackApi
from vector_assets.stores.pinecone.api import answered

ANSWERS = {
    "head": (b"", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 4000),
    "body": (b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n", b" " * 4000),
    "chunks": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 700),
    "nothing": (b"", b""),
}


@contextmanager
def dripping(start: bytes, rest: bytes) -> Iterator[str]:
    """Serve an answer whose rest comes one byte every 50 ms, on a connection that stays open."""
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(start)
            for byte in rest:
                connection.sendall(bytes([byte]))
                if over.wait(0.05):
                    return
            over.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        over.set()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_deadline, "REQUEST_SECONDS", 0.5)


def by_requests(url: str) -> object:
    with requests.Session() as session:
        session.mount("http://", BoundedAdapter())
        return session.get(url, timeout=100)


def by_httpx(url: str) -> object:
    with httpx.Client(transport=BoundedTransport()) as client:
        return client.get(url, timeout=100)


# Each answer takes 200 s or for ever, so a request that is not bounded runs into the time-out of
# the test.
@pytest.mark.timeout(90)
@pytest.mark.parametrize("part", ANSWERS)
@pytest.mark.parametrize("send", [by_requests, by_httpx])
def test_an_answer_that_comes_byte_by_byte_is_given_up(
    send: Callable[[str], object], part: str
) -> None:
    errors = (requests.RequestException, httpx.ReadTimeout)
    with (
        dripping(*ANSWERS[part]) as url,
        pytest.raises(errors, match=r"answer|[Rr]ead|broken|aborted|prematurely"),
    ):
        send(url)


@pytest.mark.timeout(90)
def test_slack_is_given_up_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vector_assets.sources.slack.client.MAX_RETRIES", 0)
    with dripping(*ANSWERS["body"]) as url:
        api = SlackApi("xoxb-1", url, Meter())
        with pytest.raises(UnavailableError, match=r"slack auth\.test"):
            api.call("auth.test")


@pytest.mark.timeout(90)
def test_an_embedding_server_is_given_up_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vector_assets.embedding.openai.client.CALL_SECONDS", 0.5)
    with dripping(*ANSWERS["body"]) as url:
        api = OpenAIApi(key="sk-1", base_url=url, model="m", dimensions=2, length=2, meter=Meter())
        with pytest.raises(UnavailableError, match=r"openai at .* no complete answer"):
            api.request(["text"])


def test_pinecone_is_given_up_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vector_assets.stores.pinecone.api.CALL_SECONDS", 0.01)
    with pytest.raises(UnavailableError, match="pinecone query"):
        answered("pinecone query", Meter(), threading.Event().wait)


@pytest.mark.timeout(90)
def test_the_sandbox_drips(sandbox: Sandbox) -> None:
    sandbox.faults.fail("/healthz", drip_seconds=0.05, status=200, body="x" * 4000)
    with pytest.raises(requests.RequestException, match=r"broken|timed out"):
        by_requests(f"{sandbox.url}/healthz")


def test_a_connection_is_used_again_after_a_deadline_has_passed_over_it(sandbox: Sandbox) -> None:
    with requests.Session() as session:
        session.mount("http://", BoundedAdapter())
        for _ in range(2):
            assert session.get(f"{sandbox.url}/_sandbox/conditions").ok
            time.sleep(1.0)


def test_within_returns_the_answer_or_raises_the_error() -> None:
    def fail() -> None:
        raise KeyError("odd")

    assert within(60, lambda: "answer") == "answer"
    with pytest.raises(KeyError, match="odd"):
        within(60, fail)
    with pytest.raises(TimeoutError, match="no complete answer within"):
        within(0.01, threading.Event().wait)


def test_a_call_that_hangs_has_one_thread_however_often_it_is_asked() -> None:
    calls, hang = BoundedCalls(0.01), threading.Event()
    before = threading.active_count()
    for _ in range(20):
        with pytest.raises(TimeoutError, match="no complete answer"):
            calls.call("slack", hang.wait)
    assert threading.active_count() <= before + 1
    assert calls.call("jira", lambda: 7) == 7
    hang.set()
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        with suppress(TimeoutError):
            if calls.call("slack", lambda: "again") == "again":
                return
    pytest.fail("the call is never made again")


def test_calls_that_share_a_time_wait_no_longer_and_are_not_made_once_it_is_over() -> None:
    hang, made = threading.Event(), list[str]()
    with pytest.raises(TimeoutError, match=r"no (complete )?answer"):
        BoundedCalls(60, total_seconds=0.01).call("jira", hang.wait)
    with pytest.raises(TimeoutError, match="what was asked before took all of the time"):
        BoundedCalls(60, total_seconds=0).call("index", lambda: made.append("index"))
    hang.set()
    assert made == []


def test_two_threads_that_ask_the_same_at_once_are_both_answered() -> None:
    calls, first_runs, may_end = BoundedCalls(60), threading.Event(), threading.Event()

    def slow() -> str:
        first_runs.set()
        assert may_end.wait(60)
        return "first"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(calls.call, "database", slow)
        assert first_runs.wait(60)
        second = threads.submit(calls.call, "database", lambda: "second")
        assert not wait([second], timeout=0.05).done, "one call with a key runs at a time"
        may_end.set()
        assert (first.result(60), second.result(60)) == ("first", "second")
