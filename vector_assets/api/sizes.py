"""Refuses requests with too large headers (431) or bodies (413) and closes their connection."""

from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
"""For all but events: forms of the page; other routes refuse the fields of small ones by name."""


class LimitSizes:
    """An ASGI middleware around the whole application.

    Args:
        app: What it protects.
        max_body_bytes: By prefix of the path, where it is not `MAX_BODY_BYTES`.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: Mapping[str, int]) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request within the limits; read a body of unknown length first."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
            refusal = _refusal(431, f"the headers have more than {MAX_HEADER_BYTES:,} bytes")
            await refusal(scope, receive, send)
            return
        allowed_bytes = self._allowed_bytes(scope["path"])
        sent = dict(headers)
        is_chunked = b"transfer-encoding" in sent
        declared_bytes = int(sent.get(b"content-length", b"0"))
        is_too_large = declared_bytes > allowed_bytes
        body = b""
        if is_chunked and not is_too_large:
            body = await _body_within_limit(receive, allowed_bytes)
            is_too_large = len(body) > allowed_bytes
        if is_too_large:
            refusal = _refusal(413, f"the body has more than {allowed_bytes:,} bytes")
            await refusal(scope, receive, send)
            return
        await self._app(scope, replayed(body, receive) if is_chunked else receive, send)

    def _allowed_bytes(self, path: str) -> int:
        for prefix, max_bytes in self._max_body_bytes.items():
            if path.startswith(prefix):
                return max_bytes
        return MAX_BODY_BYTES


async def _body_within_limit(receive: Receive, allowed_bytes: int) -> bytes:
    """Read a body of unknown length until it ends or is over the limit."""
    body = b""
    while len(body) <= allowed_bytes:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a stream of a body that has been read; what follows is that the client leaves."""
    is_first = True

    async def from_start() -> Message:
        nonlocal is_first
        if is_first:
            is_first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return from_start


def _refusal(status: int, reason: str) -> JSONResponse:
    detail = f"{reason}: send fewer"
    return JSONResponse({"detail": detail}, status, {"Connection": "close"})
