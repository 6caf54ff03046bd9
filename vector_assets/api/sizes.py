"""Refuses requests with too large headers (431) or bodies (413) and closes their connection."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
"""No route reads a body; small ones are ignored."""


class LimitSizes:
    """An ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request within the limits; read its body first, as no route does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
            refusal = _refusal(431, f"the headers have more than {MAX_HEADER_BYTES:,} bytes")
            await refusal(scope, receive, send)
            return
        sent = dict(headers)
        is_chunked = b"transfer-encoding" in sent
        declared_bytes = int(sent.get(b"content-length", b"0"))
        if declared_bytes > MAX_BODY_BYTES or (
            is_chunked and not await _ends_within_limit(receive)
        ):
            refusal = _refusal(413, f"the body has more than {MAX_BODY_BYTES:,} bytes")
            await refusal(scope, receive, send)
            return
        await self._app(scope, _nothing_more(receive) if is_chunked else receive, send)


async def _ends_within_limit(receive: Receive) -> bool:
    """Read a body of unknown length; return whether it ends within the limit."""
    size_bytes = 0
    while size_bytes <= MAX_BODY_BYTES:
        message = await receive()
        size_bytes += len(message.get("body", b""))
        if not message.get("more_body", False):
            return size_bytes <= MAX_BODY_BYTES
    return False


def _nothing_more(receive: Receive) -> Receive:
    """Return a stream whose body has been read; what follows is that the client leaves."""
    is_first = True

    async def after_body() -> Message:
        nonlocal is_first
        if is_first:
            is_first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        return await receive()

    return after_body


def _refusal(status: int, reason: str) -> JSONResponse:
    detail = f"{reason}: send fewer"
    return JSONResponse({"detail": detail}, status, {"Connection": "close"})
