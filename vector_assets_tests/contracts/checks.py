"""Checks every request of ours and every answer of the sandbox against the vendors' contracts.

Middleware around the sandbox: what passes is validated by openapi-core. Fireflies is not among
them: the sandbox executes its queries by graphql-core against the vendor's own schema. Answers that
a test asked for by a rule of `Conditions` are faults on purpose and carry a header that says so.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import ImmutableMultiDict

from vector_assets.sandbox.faults import FAULT_HEADER

CONTRACTS = Path(__file__).parent
_HOST = "http://sandbox"


@dataclass(frozen=True)
class Contract:
    """Which paths a contract speaks for.

    Attributes:
        path: Regular expression for the beginning of the sandbox's path.
        file: In the folder of contracts.
        cut: Regular expression for the part of it that is the sandbox's own and not the vendor's.
    """

    path: str
    file: str
    cut: str = ""


# In this order: the first that matches decides.
CONTRACT_BY_PATH = (
    Contract(
        r"/jira/rest/api/3/(issuesecurityschemes|group|user|project/[^/]+/(role|permissionscheme))(/|$)",
        "jira-cloud-v3.readers.openapi.json",
        cut="/jira",
    ),
    Contract("/jira/", "jira-cloud-v3.patched.openapi.json", cut="/jira"),
    Contract("/slack/api/", "slack-web.patched.openapi.json", cut="/slack/api"),
    Contract("/notion/", "notion.patched.openapi.json", cut="/notion"),
    Contract("/openai/", "openai-embeddings.patched.openapi.json", cut="/openai"),
    Contract("/pinecone/indexes", "pinecone-db-control.patched.openapi.json", cut="/pinecone"),
    Contract(
        r"/pinecone/[^/]+/namespaces/[^/]+/documents/",
        "pinecone-documents.2026-01.alpha.openapi.json",
        cut="/pinecone/[^/]+",
    ),
    Contract("/", "pinecone-db-data.patched.openapi.json", cut="/pinecone/[^/]+"),
)

_LONG_BODY_BYTES = 10_000
_CHECKED_NUMBERS = 16

UNCHECKED_PREFIXES = ("/_sandbox", "/fireflies")


@dataclass(frozen=True)
class Difference:
    """Where a vendor, or its own SDK, and its published contract disagree: not a violation.

    Attributes:
        path: Regular expression, found in the sandbox's path.
        complaint: Regular expression, found in one complaint; others about the same answer count.
        reason: Why it is let pass.
    """

    path: str
    complaint: str
    reason: str


KNOWN_DIFFERENCES = (
    Difference(
        path=r"^/openai/",
        complaint=r"Unknown response http status: 4\d\d",
        reason="The contract tells of success alone; the vendor's guide tells of refusals.",
    ),
    Difference(
        path=r"^/jira/rest/api/3/search/jql$",
        complaint=r"Unknown response http status: 404",
        reason="A Server or Data Center, which the sandbox can be, knows no search of this kind.",
    ),
    Difference(
        path=r"^/jira/.*/comment$",
        complaint=r"[+-]\d{4}' is not a 'date-time'",
        reason="Jira writes offsets without a colon, as the examples in its contract do too.",
    ),
    Difference(
        path=r"^/pinecone/[^/]+/namespaces/[^/]+/documents/(update|list)$",
        complaint="Path not found",
        reason="The SDK of today knows two verbs more than the contract that was published.",
    ),
    Difference(
        path=r"^/pinecone/[^/]+/namespaces/[^/]+/documents/fetch$",
        complaint=r"'ids' is a required property",
        reason="The SDK of today fetches by filter too, which that contract does not know yet.",
    ),
)


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
            try:
                await app(scope, exchange.receive, exchange.send)
            finally:
                # A sandbox that fails has answered 500 by now; one told to hang up, nothing whole.
                self._check(scope, exchange)

        return checked

    def _check(self, scope: Scope, exchange: "_Exchange") -> None:
        path = scope["path"]
        if exchange.is_fault or not exchange.is_complete:
            return
        rules = next(one for one in CONTRACT_BY_PATH if re.match(one.path, path))
        api = contract(rules.file)
        vendor_path = re.sub(f"^{rules.cut}", "", path)
        request = _request(scope, shortened(exchange.request_body), vendor_path)
        response = MockResponse(
            shortened(exchange.response_body),
            status_code=exchange.status,
            headers=exchange.headers,
            content_type=exchange.headers.get("content-type", "application/json"),
        )
        self.checked_count += 1
        if exchange.status < 400:
            # What the vendor would refuse, the sandbox refuses, and tests do so on purpose.
            self._note(path, "request", lambda: api.validate_request(request))
        self._note(path, "answer", lambda: api.validate_response(request, response))

    def _note(self, path: str, side: str, validate: Callable[[], None]) -> None:
        try:
            validate()
        except OpenAPIError as error:
            complaints = [one for one in _complaints(error) if not _is_known(path, one)]
            if complaints:
                self.violations.append(f"{side} {path}: {'; '.join(complaints)[:500]}")


class _Exchange:
    """Listens to one request and its answer while they pass."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.request_body = self.response_body = b""
        self.headers: dict[str, str] = {}
        self.status = 0
        self.is_complete = False

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
            self.is_complete = not message.get("more_body", False)
        await self._send(message)


def shortened(body: bytes) -> bytes:
    """Return a JSON body with its vectors cut short: each number of one costs as much as a field.

    Only lists of nothing but numbers are cut; what is no JSON stays as it is.
    """
    if len(body) < _LONG_BODY_BYTES:
        return body
    try:
        return json.dumps(_without_long_vectors(json.loads(body))).encode()
    except ValueError:
        return body


def _without_long_vectors(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_long_vectors(one) for name, one in value.items()}
    if not isinstance(value, list):
        return value
    if all(type(one) in (int, float) for one in value):
        return value[:_CHECKED_NUMBERS]
    return [_without_long_vectors(one) for one in value]


def _request(scope: Scope, body: bytes, path: str) -> MockRequest:
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


def _is_known(path: str, complaint: str) -> bool:
    return any(
        re.search(one.path, path) and re.search(one.complaint, complaint)
        for one in KNOWN_DIFFERENCES
    )


def _complaints(error: BaseException) -> list[str]:
    """Return what is wrong: each place that breaks a schema, or else the error and its causes."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None:
        chain.append(current)
        current = current.__cause__
    broken = [part for one in chain for part in getattr(one, "schema_errors", ())]
    if broken:
        return [f"{'/'.join(map(str, part.absolute_path))} {part.message[:200]}" for part in broken]
    return [str(one).split("\n")[0][:200] for one in chain]
