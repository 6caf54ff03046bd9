"""`/hooks/{source}`: verifies a delivery, queues its changes, and answers.

It stands before the application's routes, for whoever knows the address may send what he likes:
what is refused costs no more than it must, by its headers before its body is read.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from vector_assets.api.hooks.delivery import Delivery, ForgedError, MalformedError, Receiver
from vector_assets.api.hooks.event_handler import FORGED, MALFORMED, EventHandler
from vector_assets.api.hooks.receivers import build_receivers
from vector_assets.core.errors import RetryableError, VectorAssetsError
from vector_assets.core.settings import Settings

PATH = "/hooks/"

MAX_BODY_BYTES = 1024 * 1024
"""Jira sends whole issues."""

MAX_ARRIVING = 64
"""Most bodies of a source that arrive at once; nobody knows yet who sends them."""

_RETRY_AFTER_SECONDS = 60

_Answer = tuple[int, Mapping[str, Any], Mapping[str, str]]
"""Status, JSON and further headers."""


def token_file() -> Path:
    """Return where Notion's verification token is written."""
    return Path(os.environ.get("DAGSTER_HOME") or "data") / "notion-webhook-token"


def add_hooks(app: FastAPI, settings: Settings, event_handler: EventHandler) -> None:
    """Add the middleware when any receiver is on; what bounds the size of bodies goes around it."""
    if receivers := build_receivers(settings, token_file()):
        app.add_middleware(HookMiddleware, receivers=receivers, event_handler=event_handler)


class HookMiddleware:
    """An ASGI middleware that answers deliveries, and passes on everything else.

    Args:
        app: The application behind it.
        receivers: By source.
        event_handler: Takes what they parse.
    """

    def __init__(
        self, app: ASGIApp, receivers: Mapping[str, Receiver], event_handler: EventHandler
    ) -> None:
        self._app = app
        self._receivers = receivers
        self._event_handler = event_handler
        self._arriving: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a delivery to a receiver that is on; a source without one does not exist."""
        path = scope["path"] if scope["type"] == "http" else ""
        source = path.removeprefix(PATH) if path.startswith(PATH) else ""
        receiver = self._receivers.get(source)
        if receiver is None:
            await self._app(scope, receive, send)
            return
        if scope["method"] != "POST":
            detail = "deliveries are sent by POST"
            await _send(send, (405, {"detail": detail}, {"Allow": "POST"}))
            return
        answer = await self._answer(source, receiver, scope, receive)
        if answer is not None:
            await _send(send, answer)

    async def _answer(
        self, source: str, receiver: Receiver, scope: Scope, receive: Receive
    ) -> _Answer | None:
        """Return what to answer; None when the sender has left."""
        # Of a header that was sent twice, the first counts.
        sent = reversed(scope["headers"])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent}
        received_at = datetime.now(UTC)
        try:
            receiver.require_headers(headers, received_at)
            if self._arriving[source] >= MAX_ARRIVING:
                return _busy(f"{MAX_ARRIVING} other deliveries arrive: send it again later")
            body = await self._body(source, receive)
            if body is None:
                return None
            parsed = receiver.receive(Delivery(headers, body, received_at))
            queued_count = await self._event_handler.handle(source, parsed, body)
        except ForgedError as error:
            self._event_handler.counts[source, FORGED] += 1
            return 401, {"detail": str(error)}, {}
        except MalformedError as error:
            self._event_handler.counts[source, MALFORMED] += 1
            return 400, {"detail": str(error)}, {}
        except RetryableError as error:
            return _busy(str(error))
        except VectorAssetsError as error:
            return 503, {"detail": str(error)}, {}
        return 200, parsed.reply or {"queued": queued_count}, {}

    async def _body(self, source: str, receive: Receive) -> bytes | None:
        """Return the whole body; None when the sender has left before its end."""
        self._arriving[source] += 1
        try:
            parts: list[bytes] = []
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    return b"".join(parts)
        finally:
            self._arriving[source] -= 1


def _busy(detail: str) -> _Answer:
    return 503, {"detail": detail}, {"Retry-After": str(_RETRY_AFTER_SECONDS)}


async def _send(send: Send, answer: _Answer) -> None:
    status, content, further = answer
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in further.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
