"""Makes the sandbox slow, throttled or broken on request, and logs its requests.

Each request takes the first rule that matches it and is not used up.
"""

import asyncio
import json
import math
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vector_assets.sandbox.limits import Limiter

CONTROL_PREFIX = "/_sandbox"

FAULT_HEADER = "x-sandbox-fault"
"""Marks an answer that a rule made, so that nobody takes it for the vendor's own."""

LOSING = "sandbox.losing"
"""Set in the scope of a request whose write is acknowledged and then lost."""

_COUNTS = {"total", "upserted_count", "upsertedCount", "vectorCount", "totalVectorCount"}


_NOTION_CODES = {
    400: "validation_error", 401: "unauthorized", 403: "restricted_resource",
    404: "object_not_found", 409: "conflict_error", 429: "rate_limited",
    503: "service_unavailable", 504: "gateway_timeout",
}  # fmt: skip


@dataclass
class Rule:
    """A fault for requests whose path begins with a prefix.

    Attributes:
        path: Prefix of the path, such as `/jira/rest/api/3/search` or `/slack`.
        contains: Text that the body or query string must hold; empty matches any request.
        status: Status to answer with instead of calling the vendor; 0 calls the vendor.
        body: JSON to answer with; None means the vendor's own body for this status.
        text: Text to answer with in place of JSON, such as the page of a proxy.
        retry_after_seconds: Sent as `Retry-After`; for 429 and 503.
        break_connection: `drop` closes before the vendor sees the request, `reset` closes after
            the vendor has processed it, `truncate` sends half of the body.
        twist: How the answer is falsified: `repeat` appends the first item of each list again,
            `reorder` reverses each list, `miscount` subtracts 1 from each count, `lose` (Pinecone)
            acknowledges a write and drops it.
        drip_seconds: Between two bytes of the answer's body; 0 sends it at once.
        skip: Number of matching requests that pass first.
        times: Number of requests to apply to; None means all.
    """

    path: str
    contains: str = ""
    status: int = 0
    body: Any = None
    text: str = ""
    retry_after_seconds: int | None = None
    break_connection: Literal["", "drop", "reset", "truncate"] = ""
    twist: Literal["", "repeat", "reorder", "miscount", "lose"] = ""
    drip_seconds: float = 0.0
    skip: int = 0
    times: int | None = None


@dataclass
class Faults:
    """The faults of all vendors; tests change them in place or over `/_sandbox/conditions`.

    Attributes:
        index_lag_seconds: Time until a Pinecone write becomes visible.
        index_ready_seconds: Time until a new Pinecone index is ready.
        log: Every request as `(method, path, status)`, oldest first.
    """

    latency_seconds: float = 0.0
    index_lag_seconds: float = 0.0
    index_ready_seconds: float = 0.0
    limiter: Limiter = field(default_factory=lambda: Limiter(()))
    rules: list[Rule] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def fail(self, path: str, **rule: Any) -> Rule:
        """Add a rule and return it; see `Rule` for the fields."""
        self.rules.append(Rule(path, **rule))
        return self.rules[-1]

    def clear(self) -> None:
        """Remove all rules, limits and delays, and empty the log."""
        self.limiter = Limiter(())
        self.rules.clear()
        self.log.clear()
        self.latency_seconds = self.index_lag_seconds = self.index_ready_seconds = 0.0

    def requests(self, prefix: str = "/") -> Counter[str]:
        """Count the requests so far whose path begins with a prefix, as `METHOD path`."""
        return Counter(f"{m} {path}" for m, path, _ in list(self.log) if path.startswith(prefix))

    def take(self, path: str, text: str) -> Rule | None:
        """Return the rule for a request and count its use."""
        with self._lock:
            for rule in self.rules:
                if not path.startswith(rule.path) or rule.contains not in text or rule.times == 0:
                    continue
                if rule.skip == 0:
                    rule.times = None if rule.times is None else rule.times - 1
                    return rule
                rule.skip -= 1
        return None

    def as_json(self) -> dict[str, Any]:
        """Return the state as the control routes show it."""
        return {
            "latency_seconds": self.latency_seconds,
            "index_lag_seconds": self.index_lag_seconds,
            "index_ready_seconds": self.index_ready_seconds,
            "limits": [asdict(limit) for limit in self.limiter.limits],
            "rules": [asdict(rule) for rule in self.rules],
        }


class FaultMiddleware:
    """ASGI middleware that applies faults to every request except those to the control routes."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if self.faults.latency_seconds:
            await asyncio.sleep(self.faults.latency_seconds)
        rule = self._rule(scope, body) or Rule("")
        sender: Send = _Recorder(send, self.faults, scope, rule)
        if rule.break_connection in ("drop", "reset"):
            if rule.break_connection == "reset":
                await self.app(scope, _replay(body), _discard)
            self.faults.log.append((scope["method"], scope["path"], 0))
            await _hang_up(send)
            return
        if rule.status:
            await _fault(scope["path"], rule)(scope, receive, sender)
            return
        if rule.twist:
            scope[LOSING] = rule.twist == "lose"
            sender = _Twister(sender, rule.twist)
        await self.app(scope, _replay(body), sender)

    def _rule(self, scope: Scope, body: bytes) -> Rule | None:
        """Return the rule for a request: 429 when it exceeds a rate limit, else one of `rules`."""
        if seconds := self.faults.limiter.seconds_to_wait(scope["path"]):
            return Rule(scope["path"], status=429, retry_after_seconds=math.ceil(seconds))
        if not self.faults.rules:
            return None
        text = scope["query_string"].decode() + body.decode(errors="replace")
        return self.faults.take(scope["path"], text)


class _Recorder:
    """Passes an answer on, logs its status, and truncates it where the rule says so."""

    def __init__(self, send: Send, faults: Faults, scope: Scope, rule: Rule) -> None:
        self._send = send
        self._faults = faults
        self._scope = scope
        self._truncate = rule.break_connection == "truncate"
        self._drip_seconds = rule.drip_seconds

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            entry = (self._scope["method"], self._scope["path"], message["status"])
            self._faults.log.append(entry)
        elif self._truncate:
            body = message.get("body", b"")
            await self._send({**message, "body": body[: len(body) // 2], "more_body": True})
            raise ConnectionResetError("the sandbox was told to truncate this answer")
        elif self._drip_seconds:
            for byte in message.get("body", b""):
                await self._send({**message, "body": bytes([byte]), "more_body": True})
                await asyncio.sleep(self._drip_seconds)
            message = {**message, "body": b""}
        await self._send(message)


class _Twister:
    """Collects a JSON answer, falsifies it, and sends it marked as a fault."""

    def __init__(self, send: Send, twist: str) -> None:
        self._send = send
        self._twist = twist
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = json.dumps(malformed(json.loads(self._body), self._twist)).encode()
        kept = [header for header in self._start["headers"] if header[0] != b"content-length"]
        added = [(b"content-length", str(len(body)).encode()), (FAULT_HEADER.encode(), b"1")]
        await self._send({**self._start, "headers": [*kept, *added]})
        await self._send({"type": "http.response.body", "body": body})


def malformed(answer: dict[str, Any], twist: str) -> dict[str, Any]:
    """Return an answer with a repeated item, reversed lists, or counts that are 1 too low."""
    changed = dict(answer)
    for name, value in answer.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            twists = {"repeat": [*value, value[0]], "reorder": value[::-1]}
            changed[name] = twists.get(twist, value)
        elif name in _COUNTS and twist == "miscount":
            changed[name] = max(0, value - 1)
        elif isinstance(value, dict) and twist == "miscount":
            changed[name] = malformed(value, twist)
    return changed


async def _discard(message: Message) -> None:
    """Discard an answer."""


async def _hang_up(send: Send) -> None:
    """Abort the connection; ASGI has no message for that, so this uses uvicorn's transport."""
    cycle: Any = getattr(send, "__self__")  # noqa: B009 - `Send` is typed as a mere callable
    while not hasattr(cycle, "transport"):
        # Another middleware wraps `send`.
        cycle = cycle._send.__self__
    cycle.transport.abort()
    while not cycle.disconnected:
        await asyncio.sleep(0)


def _fault(path: str, rule: Rule) -> Response:
    body = rule.body if rule.body is not None else _default_body(path, rule.status)
    headers = {FAULT_HEADER: "1"}
    if rule.retry_after_seconds is not None:
        headers["Retry-After"] = str(rule.retry_after_seconds)
    return Response(
        rule.text or json.dumps(body),
        status_code=rule.status,
        media_type="application/json",
        headers=headers,
    )


def _default_body(path: str, status: int) -> Any:
    """Return the body with which the vendor of a path answers a status."""
    vendor = path.split("/")[1]
    throttled = status == 429
    match vendor:
        case "jira":
            message = "Rate limit exceeded" if throttled else f"HTTP {status}"
            return {"errorMessages": [message], "errors": {}}
        case "slack":
            return {"ok": False, "error": "ratelimited" if throttled else "internal_error"}
        case "notion":
            code = _NOTION_CODES.get(status, "internal_server_error")
            return {"object": "error", "status": status, "code": code, "message": code}
        case "fireflies":
            code = {429: "too_many_requests", 401: "auth_failed", 403: "forbidden"}.get(
                status, "internal_server_error"
            )
            return {"data": None, "errors": [{"message": code, "code": code}]}
        case "openai":
            kind = "rate_limit_exceeded" if throttled else "server_error"
            return {"error": {"message": kind, "type": kind, "param": None, "code": kind}}
        case _:
            code = "RESOURCE_EXHAUSTED" if throttled else "UNKNOWN"
            return {"error": {"code": code, "message": code}, "status": status}


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            # A second call waits for a disconnect; no more data follows.
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
