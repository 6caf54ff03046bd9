"""The weather: how slow, how throttled and how broken the sandbox is, and a log of what it saw.

Rules are matched against each request in order; the first that matches and is not used up decides.
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
"""On an answer that a rule asked for, so that nobody takes it for the vendor's own."""


LOSING = "sandbox.losing"
"""Set in the scope of a request whose write is to be acknowledged and lost."""

_COUNTS = {"total", "upserted_count", "upsertedCount", "vectorCount", "totalVectorCount"}


@dataclass
class Rule:
    """A fault for requests whose path begins with a prefix.

    Attributes:
        path: Prefix of the path, such as `/jira/rest/api/3/search` or `/slack`.
        contains: Only requests whose body or query string holds this; empty means any.
        status: Answer with this status instead of asking the vendor; 0 leaves the answer alone.
        body: What to answer with, as JSON; empty means what this vendor answers to such a status.
        retry_after_seconds: Sent as `Retry-After`; for 429 and 503.
        break_connection: `drop` closes before the vendor has seen the request; `reset` once it has
            done what was asked, without a word of answer; `truncate` cuts the body in half.
        twist: What an answer is made to say wrongly: `repeat` shows the first item of each list
            again at its end, `reorder` turns each list around, `miscount` takes one from each
            count, `lose` (Pinecone) acknowledges a write that never happens.
        skip: Let so many matching requests pass first.
        times: Apply to so many requests, then never again; None means always.
    """

    path: str
    contains: str = ""
    status: int = 0
    body: Any = None
    retry_after_seconds: int | None = None
    break_connection: Literal["", "drop", "reset", "truncate"] = ""
    twist: Literal["", "repeat", "reorder", "miscount", "lose"] = ""
    skip: int = 0
    times: int | None = None


@dataclass
class Conditions:
    """What holds for all vendors, changed in place by a test or over `/_sandbox/conditions`.

    Attributes:
        latency_seconds: Added to every request.
        index_lag_seconds: How long a Pinecone write stays unseen.
        index_ready_seconds: How long a new Pinecone index is in the making.
        limiter: Rate limits that are kept; none to begin with.
        rules: Faults, first match wins.
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
        added = Rule(path, **rule)
        self.rules.append(added)
        return added

    def clear(self) -> None:
        """Forget all rules, limits and the log, and be fast again."""
        self.limiter = Limiter(())
        self.rules.clear()
        self.log.clear()
        self.latency_seconds = self.index_lag_seconds = self.index_ready_seconds = 0.0

    def requests(self, prefix: str = "/") -> Counter[str]:
        """Count the requests so far whose path begins with a prefix, as `METHOD path`."""
        return Counter(f"{m} {path}" for m, path, _ in list(self.log) if path.startswith(prefix))

    def take(self, path: str, text: str) -> Rule | None:
        """Return the rule for a request, and use it up by one."""
        with self._lock:
            for rule in self.rules:
                if not path.startswith(rule.path) or rule.contains not in text:
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.times is None:
                    return rule
                if rule.times > 0:
                    rule.times -= 1
                    return rule
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


class Weather:
    """ASGI middleware that applies `Conditions` to every request but those to the controls."""

    def __init__(self, app: ASGIApp, conditions: Conditions) -> None:
        self.app = app
        self.conditions = conditions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if self.conditions.latency_seconds:
            await asyncio.sleep(self.conditions.latency_seconds)
        rule = self._throttled(scope["path"])
        if rule is None and self.conditions.rules:
            text = scope["query_string"].decode() + body.decode(errors="replace")
            rule = self.conditions.take(scope["path"], text)
        sender: Send = _Recorder(send, self.conditions, scope, rule)
        if rule is not None and rule.break_connection == "drop":
            self.conditions.log.append((scope["method"], scope["path"], 0))
            await _hang_up(send)
            return
        if rule is not None and rule.status:
            await _fault(scope["path"], rule)(scope, receive, sender)
            return
        if rule is not None and rule.break_connection == "reset":
            await self.app(scope, _replay(body), _unheard)
            self.conditions.log.append((scope["method"], scope["path"], 0))
            await _hang_up(send)
            return
        if rule is not None and rule.twist:
            scope[LOSING] = rule.twist == "lose"
            sender = _Twister(sender, rule.twist)
        await self.app(scope, _replay(body), sender)

    def _throttled(self, path: str) -> Rule | None:
        """Return what a request is answered with that comes too soon."""
        seconds = self.conditions.limiter.seconds_to_wait(path)
        if not seconds:
            return None
        return Rule(path, status=429, retry_after_seconds=math.ceil(seconds))


class _Recorder:
    """Passes an answer on, notes its status, and cuts it short when told to."""

    def __init__(self, send: Send, conditions: Conditions, scope: Scope, rule: Rule | None) -> None:
        self._send = send
        self._conditions = conditions
        self._scope = scope
        self._truncate = rule is not None and rule.break_connection == "truncate"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            entry = (self._scope["method"], self._scope["path"], message["status"])
            self._conditions.log.append(entry)
        elif self._truncate:
            half = message.get("body", b"")
            await self._send({**message, "body": half[: len(half) // 2], "more_body": True})
            raise ConnectionResetError("the sandbox was told to truncate this answer")
        await self._send(message)


class _Twister:
    """Gathers an answer of JSON, has it say something wrong, and passes it on as a fault."""

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
        body = json.dumps(twisted(json.loads(self._body), self._twist)).encode()
        kept = [
            (name, value) for name, value in self._start["headers"] if name != b"content-length"
        ]
        told = [(b"content-length", str(len(body)).encode()), (FAULT_HEADER.encode(), b"1")]
        await self._send({**self._start, "headers": [*kept, *told]})
        await self._send({"type": "http.response.body", "body": body})


def twisted(answer: dict[str, Any], twist: str) -> dict[str, Any]:
    """Return an answer with its lists repeated or turned around, or its counts one too low."""
    found = dict(answer)
    for name, value in answer.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            again = {"repeat": [*value, value[0]], "reorder": value[::-1]}
            found[name] = again.get(twist, value)
        elif name in _COUNTS and twist == "miscount":
            found[name] = max(0, value - 1)
        elif isinstance(value, dict) and twist == "miscount":
            found[name] = twisted(value, twist)
    return found


async def _unheard(message: Message) -> None:
    """Take an answer that nobody shall hear."""


async def _hang_up(send: Send) -> None:
    """Close the connection without a word; ASGI has none for that, so uvicorn's own is taken."""
    cycle: Any = getattr(send, "__self__")  # noqa: B009 - `Send` is typed as a mere callable
    while not hasattr(cycle, "transport"):
        # Middleware around this one, which passes on what it is sent.
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
        json.dumps(body), status_code=rule.status, media_type="application/json", headers=headers
    )


def _default_body(path: str, status: int) -> Any:
    """Return what the vendor of a path answers to a status, in its own words."""
    vendor = path.split("/")[1]
    throttled = status == 429
    match vendor:
        case "jira":
            word = "Rate limit exceeded" if throttled else f"HTTP {status}"
            return {"errorMessages": [word], "errors": {}}
        case "slack":
            return {"ok": False, "error": "ratelimited" if throttled else "internal_error"}
        case "notion":
            code = {429: "rate_limited", 401: "unauthorized", 403: "restricted_resource"}.get(
                status, "service_unavailable" if status == 503 else "internal_server_error"
            )
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
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            # Only a client that went away asks again; there is nothing more to give.
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
