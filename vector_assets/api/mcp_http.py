"""The MCP server over HTTP, at `/mcp` of `serve`: behind the reading keys, without sessions."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import HTTPException, Request
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from vector_assets.api.keys import require_read_key
from vector_assets.api.mcp import Backend, build_server
from vector_assets.api.sizes import MAX_BODY_BYTES, replayed
from vector_assets.core.read_keys import Reader, ReadKey
from vector_assets.index.answers import Answers
from vector_assets.index.document import Page
from vector_assets.index.question.parsed import ParseOptions
from vector_assets.monitoring.health import Health
from vector_assets.monitoring.why.answer import Asked, Why
from vector_assets.stores.base import Filter

if TYPE_CHECKING:
    from vector_assets.api.app import Services

PATH = "/mcp"
_READ_KEY = "vector_assets.read_key"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Result = TypeVar("Result")


class HttpBackend(Backend):
    """Reads by the key of each request, through the gate of searches."""

    def __init__(self, services: "Services") -> None:
        self._services = services

    def reader(self, context: Context[Any, Any], asked_viewer: str) -> Reader:
        """Return the reader whom the request's key is bound to, or may name."""
        key: ReadKey = _request(context).scope[_READ_KEY]
        return key.reader(asked_viewer)

    async def call(self, context: Context[Any, Any], function: Callable[[], Result]) -> Result:
        """Call in a thread of the gate, whose refusals are `HTTPException`."""
        return await self._services.searches.call(_request(context), function)

    async def health(self, wait_seconds: float) -> Health | None:
        """Return the watcher's newest health; only a long wait waits for its first check."""
        try:
            if wait_seconds < 30.0 and self._services.watcher.last() is None:
                return None
            return await self._services.health()
        except HTTPException:
            return None

    def find(
        self,
        question: str,
        sources: tuple[str, ...],
        where: Filter,
        limit: int,
        *,
        confirms: bool,
        parse_options: ParseOptions,
    ) -> Answers:
        """Search as the other routes do."""
        return self._services.find(
            question, sources, where, limit, confirms=confirms, parse_options=parse_options
        )

    def may_know_all(self, context: Context[Any, Any], asked_viewer: str) -> bool:
        """Return whether the request's key may speak for anybody, and names nobody."""
        key: ReadKey = _request(context).scope[_READ_KEY]
        return key.may_know_all(asked_viewer)

    def why(self, asked: Asked) -> Why:
        """Ask as the other routes do."""
        return self._services.why(asked)

    def read(self, document_id: str, where: Filter, characters: int, cursor: str) -> Page | None:
        """Read from the live index."""
        return self._services.read(document_id, where, characters, cursor)


class McpRoute:
    """An ASGI application: checks key, host and origin, then passes requests to the server.

    Only POST is served: with GET a client would hold a stream open, and there is no session for
    DELETE to end.
    """

    def __init__(self, services: "Services") -> None:
        names = (*_LOOPBACK, *services.settings.mcp_allowed_hosts)
        security = TransportSecuritySettings(
            allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
            allowed_origins=[
                f"{scheme}://{form}"
                for scheme in ("http", "https")
                for name in names
                for form in (name, f"{name}:*")
            ],
        )
        self._security = TransportSecurityMiddleware(security)
        self._server = build_server(HttpBackend(services))
        # Creates the session manager, which is asked directly: the application has its own routes.
        self._server.streamable_http_app(
            json_response=True,
            stateless_http=True,
            max_request_body_size=MAX_BODY_BYTES,
            transport_security=security,
        )

    def running(self) -> AbstractAsyncContextManager[None]:
        """Return what has to be entered while requests are served."""
        return self._server.session_manager.run()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        try:
            await self._require_known_host(request)
            scope[_READ_KEY] = await require_read_key(request)
            body = await request.body()
            _require_each_once(request, body)
        except HTTPException as error:
            refusal = JSONResponse(
                {"detail": error.detail}, error.status_code, dict(error.headers or {})
            )
            await refusal(scope, receive, send)
            return
        again = replayed(body, receive)
        await self._server.session_manager.handle_request(scope, again, send)

    async def _require_known_host(self, request: Request) -> None:
        refused = await self._security.validate_request(request)
        if refused is not None:
            raise HTTPException(
                refused.status_code,
                "the Host or Origin of this request is of another machine: add the name that "
                "clients use to MCP_ALLOWED_HOSTS",
            )


def _require_each_once(request: Request, body: bytes) -> None:
    """Refuse parameters of the address, which nobody reads, and names that an object has twice.

    JSON readers take the last one: which of two viewers is meant must not be guessed.
    """
    if names := list(dict.fromkeys(request.query_params)):
        detail = f"unknown parameters {', '.join(names)}: send them as arguments of a tool"
        raise HTTPException(422, detail)
    repeated: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(name for name, _ in pairs)
        repeated.extend(name for name, count in counts.items() if count > 1)
        return dict(pairs)

    # What is no JSON is refused by the server, in the protocol's own words.
    with suppress(ValueError, RecursionError):
        json.loads(body, object_pairs_hook=keep)
    if repeated:
        raise HTTPException(422, f"given more than once: {', '.join(repeated)}: give each once")


def _request(context: Context[Any, Any]) -> Request:
    request = context.request_context.request
    if not isinstance(request, Request):
        raise TypeError(f"the request is a {type(request).__name__}, not one of HTTP")
    return request
