"""Checks every request of ours and every answer of the sandbox against the vendors' contracts.

Middleware around the sandbox: what passes is validated by openapi-core. Fireflies is not among
them: the sandbox executes its queries by graphql-core against the vendor's own schema. Answers that
a test asked for by a rule of `Conditions` are faults on purpose and carry a header that says so.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vector_assets.sandbox.conditions import FAULT_HEADER

CONTRACTS = Path(__file__).parent / "contracts"
_HOST = "http://sandbox"


@dataclass(frozen=True)
class Contract:
    """Which paths a contract speaks for.

    Attributes:
        prefix: Of the sandbox's path.
        file: In the folder of contracts.
        cut: How much of the prefix is the sandbox's own and not the vendor's.
    """

    prefix: str
    file: str
    cut: str = ""


# In this order: the first prefix that matches decides.
CONTRACT_BY_PREFIX = (
    Contract("/jira/", "jira-cloud-v3.patched.openapi.json", cut="/jira"),
    Contract("/slack/api/", "slack-web.patched.openapi.json", cut="/slack/api"),
    Contract("/notion/", "notion.patched.openapi.json", cut="/notion"),
    Contract("/openai/", "openai-embeddings.patched.openapi.json", cut="/openai"),
    Contract("/indexes", "pinecone-db-control.patched.openapi.json"),
    Contract("/", "pinecone-db-data.patched.openapi.json"),
)

UNCHECKED_PREFIXES = ("/_sandbox", "/fireflies")

KNOWN_DIFFERENCES: tuple[tuple[str, str], ...] = (
    # Contracts list a few refusals and leave the rest to prose.
    ("/", "Unknown response http status: 4"),
)
"""`(path contains, complaint contains)` where the real SDK and the published contract disagree."""


@cache
def contract(file: str) -> OpenAPI:
    """Return a contract, bound to one host; read once a process."""
    spec = json.loads((CONTRACTS / file).read_text(encoding="utf-8"))
    spec["servers"] = [{"url": _HOST}]
    return OpenAPI.from_dict(spec)


class ContractChecks:
    """Collects what does not fit; `violations` holds a line each."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.checked_count = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with the checks around it."""

        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"].startswith(UNCHECKED_PREFIXES):
                await app(scope, receive, send)
                return
            exchange = _Exchange(receive, send)
            await app(scope, exchange.receive, exchange.send)
            self._check(scope, exchange)

        return checked

    def _check(self, scope: Scope, exchange: "_Exchange") -> None:
        path = scope["path"]
        if exchange.status == 0 or exchange.is_fault:
            return
        rules = next(one for one in CONTRACT_BY_PREFIX if path.startswith(one.prefix))
        api = contract(rules.file)
        request = _request(scope, exchange.request_body, path.removeprefix(rules.cut))
        response = MockResponse(
            exchange.response_body,
            status_code=exchange.status,
            headers=exchange.headers,
            content_type=exchange.headers.get("content-type", "application/json"),
        )
        self.checked_count += 1
        if exchange.status < 400:
            # What the vendor would refuse, the sandbox refuses, and tests do so on purpose.
            self._note(path, "request", lambda: api.validate_request(request))
        self._note(path, "answer", lambda: api.validate_response(request, response))

    def _note(self, path: str, side: str, validate: Any) -> None:
        try:
            validate()
        except OpenAPIError as error:
            complaint = "; ".join(str(part).split("\n")[0] for part in _causes(error))
            if not any(a in path and b in complaint for a, b in KNOWN_DIFFERENCES):
                self.violations.append(f"{side} {path}: {complaint[:500]}")


class _Exchange:
    """Listens to one request and its answer while they pass."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.request_body = self.response_body = b""
        self.headers: dict[str, str] = {}
        self.status = 0

    @property
    def is_fault(self) -> bool:
        return FAULT_HEADER in self.headers

    async def receive(self) -> Message:
        message = await self._receive()
        self.request_body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
        else:
            self.response_body += message.get("body", b"")
        await self._send(message)


def _request(scope: Scope, body: bytes, path: str) -> MockRequest:
    from urllib.parse import parse_qsl

    from werkzeug.datastructures import ImmutableMultiDict

    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    return MockRequest(
        _HOST,
        scope["method"].lower(),
        path,
        args=ImmutableMultiDict(query),
        headers=headers,
        data=body or None,
        content_type=headers.get("content-type", "application/json").split(";")[0],
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error, the causes behind it, and the schema errors that they carry."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None:
        found.append(current)
        found += getattr(current, "schema_errors", ())
        current = current.__cause__
    return found
