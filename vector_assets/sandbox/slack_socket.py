"""Slack's Socket Mode on localhost: `apps.connections.open`, and the socket that it names.

As the vendor does, it sends an envelope again that was not acknowledged in time, or whose
connection ended, and asks a client now and then to connect anew
(docs.slack.dev/apis/events-api/using-socket-mode, 2026-11).
"""

import asyncio
import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from vector_assets.sandbox.workspace import Json

APP_TOKEN = "xapp-sandbox"  # noqa: S105 - a made-up token that opens nothing


@dataclass(slots=True)
class _Envelope:
    body: Json
    sent_over: "_Connection | None" = None
    sent_at: float = 0.0
    sent_count: int = 0


@dataclass(eq=False, slots=True)
class _Connection:
    loop: asyncio.AbstractEventLoop
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    is_to_close: bool = False
    farewell: str = ""


class SocketHub:
    """The open sockets and what waits to be acknowledged; safe to use from any thread.

    Attributes:
        again_after_seconds: After which an envelope is sent again that was not acknowledged.
        acknowledged: Ids of envelopes, in order.
        sent_counts: How many times each envelope was sent, by its id.
        opened_count: Connections since the start.
    """

    def __init__(self) -> None:
        self.again_after_seconds = 3.0
        self.acknowledged: list[str] = []
        self.sent_counts: dict[str, int] = {}
        self.opened_count = 0
        self._lock = threading.Lock()
        self._waiting: dict[str, _Envelope] = {}
        self._connections: list[_Connection] = []

    def routes(self) -> list[BaseRoute]:
        """Return the method and the socket."""
        return [
            Route("/slack/api/apps.connections.open", self._open, methods=["POST"]),
            WebSocketRoute("/slack/socket", self._serve),
        ]

    def emit(self, payload: Json) -> str:
        """Send an event of the Events API to one client, now or once there is one."""
        envelope_id = str(uuid.uuid4())
        body = {
            "envelope_id": envelope_id,
            "type": "events_api",
            "accepts_response_payload": False,
            "payload": payload,
        }
        with self._lock:
            self._waiting[envelope_id] = _Envelope(body)
        self._wake()
        return envelope_id

    @property
    def connected_count(self) -> int:
        """How many sockets are open."""
        return len(self._connections)

    def refresh(self) -> None:
        """Ask all clients to connect anew, as Slack does every few hours."""
        self._end("refresh_requested")

    def cut(self) -> None:
        """Close all sockets without a word."""
        self._end("")

    def _end(self, farewell: str) -> None:
        with self._lock:
            for connection in self._connections:
                connection.is_to_close, connection.farewell = True, farewell
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            for connection in self._connections:
                connection.loop.call_soon_threadsafe(connection.wake.set)

    async def _open(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {APP_TOKEN}":
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        url = request.url.replace(scheme="ws", path="/slack/socket", query="ticket=sandbox")
        return JSONResponse({"ok": True, "url": str(url)})

    async def _serve(self, socket: WebSocket) -> None:
        await socket.accept()
        connection = _Connection(asyncio.get_running_loop())
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {}})
        with self._lock:
            self._connections.append(connection)
            self.opened_count += 1
        sending = asyncio.create_task(self._send(socket, connection))
        try:
            while True:
                self._acknowledge(json.loads(await socket.receive_text()))
        except WebSocketDisconnect:
            pass
        finally:
            sending.cancel()
            with self._lock:
                self._connections.remove(connection)
            self._wake()

    async def _send(self, socket: WebSocket, connection: _Connection) -> None:
        while not connection.is_to_close:
            for envelope in self._due(connection):
                await socket.send_json(envelope)
            connection.wake.clear()
            try:
                await asyncio.wait_for(connection.wake.wait(), self.again_after_seconds / 4)
            except TimeoutError:
                continue
        if connection.farewell:
            await socket.send_json({"type": "disconnect", "reason": connection.farewell})
        await socket.close()

    def _due(self, connection: _Connection) -> list[Json]:
        """Return the envelopes to send now, and note that they are sent."""
        now = connection.loop.time()
        due: list[Json] = []
        with self._lock:
            for envelope_id, envelope in self._waiting.items():
                is_waiting = envelope.sent_over in self._connections
                if is_waiting and now - envelope.sent_at < self.again_after_seconds:
                    continue
                retried = {"retry_attempt": envelope.sent_count, "retry_reason": ""}
                due.append({**envelope.body, **retried})
                envelope.sent_over, envelope.sent_at = connection, now
                envelope.sent_count += 1
                self.sent_counts[envelope_id] = envelope.sent_count
        return due

    def _acknowledge(self, answer: dict[str, Any]) -> None:
        with self._lock:
            envelope_id = str(answer.get("envelope_id"))
            if self._waiting.pop(envelope_id, None) is not None:
                self.acknowledged.append(envelope_id)
