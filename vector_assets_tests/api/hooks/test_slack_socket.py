"""Socket Mode: the real client of slack-sdk over a real socket, and what ends up in the queue."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vector_assets.api.hooks import slack_socket as module
from vector_assets.api.hooks.event_handler import MALFORMED, REPEATED, EventHandler
from vector_assets.api.hooks.slack_socket import SlackSocket, build_slack_socket
from vector_assets.core.errors import UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.core.waiting import wait_until
from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import Change, ChangeQueue
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.slack_socket import APP_TOKEN
from vector_assets.sandbox.workspace import Json
from vector_assets.stores.lancedb.store import LanceDBStore

CHANNEL = "C0000000001"


class Queue(ChangeQueue):
    """A queue that does not take changes while it `is_away`."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.is_away = False

    def add(self, changes: Sequence[Change]) -> None:  # type: ignore[override]
        if self.is_away:
            raise UnavailableError("the index", "it is away")
        super().add(changes)

    def named(self) -> set[str]:
        return {each.document_id for each in self.waiting()}


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(Ledger(LanceDBStore(str(tmp_path)), 8))


def message(number: int) -> Json:
    ts = f"{datetime(2026, 3, 1 + number, 9, tzinfo=UTC).timestamp():.6f}"
    event = {"type": "message", "channel": CHANNEL, "ts": ts, "event_ts": ts, "text": "hi"}
    return {"type": "event_callback", "event": event, "event_id": f"Ev{number}"}


def day(number: int) -> str:
    return f"slack:{CHANNEL}:2026-03-{1 + number:02d}"


def settings_of(sandbox: Sandbox, token: str = APP_TOKEN) -> Settings:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return Settings.model_validate(values | {"slack_app_token": token})


@contextmanager
def listening(
    sandbox: Sandbox, queue: Queue, token: str = APP_TOKEN
) -> Iterator[tuple[SlackSocket, EventHandler]]:
    """Run a socket on an event loop of its own, as `serve` does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    event_handler = EventHandler(lambda: queue)
    socket = build_slack_socket(settings_of(sandbox, token), event_handler)
    assert socket is not None

    async def start() -> None:
        socket.start()

    asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield socket, event_handler
    finally:
        asyncio.run_coroutine_threadsafe(socket.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def wait_for(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, seconds=60, pause_seconds=0.02)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setattr(module, "_PING_SECONDS", 0.3)
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.05)
    sandbox.sockets.again_after_seconds = 0.5


def test_without_a_token_no_socket_is_opened(sandbox: Sandbox, queue: Queue) -> None:
    assert build_slack_socket(settings_of(sandbox, ""), EventHandler(lambda: queue)) is None
    assert settings_of(sandbox, "").pushed_sources == ()
    assert settings_of(sandbox).pushed_sources == ("slack",)


def test_an_event_is_acknowledged_when_the_queue_has_it(sandbox: Sandbox, queue: Queue) -> None:
    with listening(sandbox, queue) as (socket, event_handler):
        wait_for(lambda: socket.is_connected)
        queue.is_away = True
        first = sandbox.sockets.emit(message(0))
        wait_for(lambda: sandbox.sockets.sent_counts.get(first, 0) >= 2)
        assert sandbox.sockets.acknowledged == []
        queue.is_away = False
        wait_for(lambda: sandbox.sockets.acknowledged == [first])
        assert queue.named() == {day(0)}
        # Slack may send again what was taken: it is acknowledged and not queued twice.
        second = sandbox.sockets.emit(message(0))
        wait_for(lambda: sandbox.sockets.acknowledged == [first, second])
        assert event_handler.counts["slack", "message"] == 1
        assert event_handler.counts["slack", REPEATED] >= 1
    assert len(queue.waiting()) == 1
    assert not socket.is_connected


def test_what_names_nothing_is_acknowledged_and_not_sent_for_ever(
    sandbox: Sandbox, queue: Queue
) -> None:
    broken = message(0)
    del broken["event"]["ts"]
    direct = {"type": "event_callback", "event": {"type": "message", "channel": "D0000000001"}}
    with listening(sandbox, queue) as (_, event_handler):
        envelopes = {sandbox.sockets.emit(broken), sandbox.sockets.emit(direct)}
        wait_for(lambda: set(sandbox.sockets.acknowledged) == envelopes)
    assert event_handler.counts["slack", MALFORMED] == 1
    assert queue.waiting() == []


@pytest.mark.parametrize("how", ["refresh", "cut"])
def test_a_connection_that_ends_is_opened_again_and_nothing_is_lost(
    sandbox: Sandbox, queue: Queue, how: str
) -> None:
    with listening(sandbox, queue) as (socket, _):
        wait_for(lambda: socket.is_connected)
        queue.is_away = True
        unacknowledged = sandbox.sockets.emit(message(0))
        wait_for(lambda: sandbox.sockets.sent_counts.get(unacknowledged, 0) >= 1)
        getattr(sandbox.sockets, how)()
        queue.is_away = False
        later = [sandbox.sockets.emit(message(number)) for number in range(1, 6)]
        wait_for(lambda: {unacknowledged, *later} == set(sandbox.sockets.acknowledged))
        assert sandbox.sockets.opened_count >= 2
    assert queue.named() == {day(number) for number in range(6)}


def test_a_socket_that_cannot_be_opened_is_tried_again_without_telling_the_token(
    sandbox: Sandbox, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/slack/api/apps.connections.open"
    sandbox.faults.fail(path, status=200, body={"ok": False, "error": "internal_error"}, times=2)
    with listening(sandbox, queue) as (socket, _):
        wait_for(lambda: socket.is_connected)
    assert sandbox.faults.requests(path).total() >= 3
    with listening(sandbox, queue, "xapp-of-another-app") as (socket, _):
        wait_for(lambda: "invalid_auth" in caplog.text)
        assert not socket.is_connected
    assert "SLACK_APP_TOKEN" in caplog.text
    assert "xapp-" not in caplog.text
