"""Refuses requests to Dagster's webserver that another web page makes a browser send.

Dagster's webserver has no login, takes GraphQL mutations by GET, and looks at neither `Host` nor
`Origin` (dagster-webserver 1.13.27, 2026-11-29). The guard refuses:

- a `Host` that is not the webserver's: a page reaches 127.0.0.1 under a name of its own when it
  changes what the name resolves to (DNS rebinding);
- from another origin, everything that is not safe (RFC 9110, 9.2.1), and websockets;
- a GraphQL document in the URL that holds anything but queries;
- a body of a type that browsers send to another origin without asking first.

Programs send neither `Origin` nor `Sec-Fetch-Site`: it does not know who they are, and lets them
pass. It is no login.
"""

import logging
from collections.abc import Collection
from typing import NamedTuple

from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, parse
from graphql.language import FragmentDefinitionNode
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vector_assets.orchestration.webserver.hosts import (
    Host,
    canonical,
    is_same_origin,
    parse_host,
)

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_TYPES = frozenset({"application/json", "application/graphql"})
"""All that Dagster reads. For none of them does a browser skip the preflight
(https://fetch.spec.whatwg.org/#cors-safelisted-request-header, 2026-11-29)."""

_SINGLE_HEADERS = ("host", "origin", "content-type", "sec-fetch-site")
_MAX_SHOWN_CHARACTERS = 80

_log = logging.getLogger(__name__)


class Refusal(NamedTuple):
    """Why a request is refused, as HTTP status and message."""

    status: int
    message: str


class Guard:
    """ASGI middleware in front of Dagster's webserver.

    Args:
        app: Dagster's webserver.
        hosts: Names under which it answers, in canonical form. The address to which a client
            connected is always one: no DNS name leads a browser to call it by its address.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _unframed(send))
            return
        _log.warning("refused %s: %s", scope.get("method", "a websocket"), refusal.message)
        if scope["type"] == "websocket" and not _can_answer_websocket(scope):
            # The server then answers the handshake with 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        # The shape of a GraphQL error, which the UI and `serve` show.
        answer = JSONResponse({"errors": [{"message": refusal.message}]}, refusal.status)
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        for name in _SINGLE_HEADERS:
            if len(headers.getlist(name)) > 1:
                return Refusal(403, f"The header {name} is given more than once: give it once.")
        host = parse_host(headers.get("host", ""))
        if host is None or host.name not in self._hosts | {_local_address(scope)}:
            return Refusal(
                421,
                f"This webserver does not answer for the host {_shown(headers.get('host'))}. "
                f"If it is its own, add it to DAGSTER_ALLOWED_HOSTS.",
            )
        if scope["type"] == "websocket":
            return _cross_origin(headers, host, is_websocket=True)
        if scope["method"] not in _SAFE_METHODS:
            refusal = _cross_origin(headers, host, is_websocket=False) or _cross_site_body(headers)
            if refusal is not None:
                return refusal
        return _more_than_queries(scope)


def _cross_origin(headers: Headers, host: Host, *, is_websocket: bool) -> Refusal | None:
    """Refuse what a page of another origin sends."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and not is_same_origin(origin, host):
        return Refusal(
            403,
            f"A page of {_shown(origin)} may not use the webserver {_shown(headers.get('host'))}. "
            f"A proxy must pass the browser's Host on, and DAGSTER_ALLOWED_HOSTS must list it.",
        )
    # Browsers disagree on the site of a websocket, and always give its origin (RFC 6455, 4.1).
    if is_websocket and origin is not None:
        return None
    if site is not None and site not in {"same-origin", "none"}:
        return Refusal(
            403,
            f"A page of another origin (Sec-Fetch-Site: {_shown(site)}) may not use this "
            f"webserver. Open Dagster's UI at the webserver's own address.",
        )
    return None


def _cross_site_body(headers: Headers) -> Refusal | None:
    """Refuse the bodies that a browser sends to another origin without a preflight."""
    content_type = headers.get("content-type", "")
    # Dagster looks for "application/json" anywhere in it, also in a parameter of text/plain.
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _BODY_TYPES or not content_type:
        return None
    return Refusal(
        403, f"The content type {_shown(content_type)} is refused: set it to application/json."
    )


def _more_than_queries(scope: Scope) -> Refusal | None:
    """Refuse a GraphQL document in the URL unless all it can do is query.

    `operationName` is not looked at: a document that holds a mutation is refused, whichever
    operation is chosen. Starlette's and graphql-core's parsers are those that Dagster uses.
    """
    # "In" and not "equal": Starlette's pattern of the route also takes a line feed at its end.
    if "/graphql" not in scope["path"]:
        return None
    for text in QueryParams(scope["query_string"]).getlist("query"):
        try:
            document = parse(text, no_location=True)
        except GraphQLSyntaxError as error:
            return Refusal(400, f"The query in the URL is no GraphQL: {error.message[:200]}")
        except RecursionError:
            return Refusal(400, "The query in the URL is nested too deep: send it by POST.")
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                continue
            if (
                not isinstance(definition, OperationDefinitionNode)
                or definition.operation is not OperationType.QUERY
            ):
                return Refusal(
                    403,
                    "A URL may only query: send mutations by POST, in a body of the content type "
                    "application/json.",
                )
    return None


def _local_address(scope: Scope) -> str:
    server = scope.get("server")
    return canonical(str(server[0])) if server else ""


def _can_answer_websocket(scope: Scope) -> bool:
    return "websocket.http.response" in scope.get("extensions", {})


def _shown(value: str | None) -> str:
    return "(none)" if value is None else repr(value[:_MAX_SHOWN_CHARACTERS])


def _unframed(send: Send) -> Send:
    """Add to each answer that other pages may not show it in a frame and lead clicks to it."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("X-Frame-Options", "SAMEORIGIN")
        await send(message)

    return send_with_header
