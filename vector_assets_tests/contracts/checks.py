"""Checks our requests and the sandbox's answers against the vendors' contracts.

It is middleware around the sandbox that validates with openapi-core. It skips Fireflies, whose
queries the sandbox executes against the vendor's own schema, and answers that a rule of `Faults`
made, which carry a header. What was validated once in a process is remembered, as most exchanges of
the tests are the same to the byte.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
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
    """The paths that a contract covers.

    Attributes:
        path: Regular expression for the beginning of the sandbox's path.
        file: File name in this folder.
        cut: Regular expression for the prefix that the vendor's own path lacks.
    """

    path: str
    file: str
    cut: str = ""


# The first match applies.
CONTRACT_BY_PATH = (
    Contract(
        r"/jira/rest/api/3/(issuesecurityschemes|group|user|project/[^/]+/(role|permissionscheme))(/|$)",
        "jira-cloud-v3.readers.openapi.json",
        cut="/jira",
    ),
    Contract("/jira/rest/api/3/attachment/", "jira-cloud-v3.attachments.openapi.json", cut="/jira"),
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

# Vendors give files at addresses that no contract describes.
UNCHECKED_PREFIXES = ("/_sandbox", "/fireflies", "/jira/media", "/slack/files", "/notion/files")


@dataclass(frozen=True)
class Difference:
    """A known disagreement between a vendor or its SDK and the published contract.

    Attributes:
        path: Regular expression to search for in the sandbox's path.
        complaint: Regular expression to search for in a complaint; other complaints still count.
        reason: Why it is no violation.
    """

    path: str
    complaint: str
    reason: str


KNOWN_DIFFERENCES = (
    Difference(
        path=r"^/openai/",
        complaint=r"Unknown response http status: 4\d\d",
        reason="The contract describes only success; the vendor's guide describes errors.",
    ),
    Difference(
        path=r"^/jira/rest/api/3/search/jql$",
        complaint=r"Unknown response http status: 404",
        reason="Jira Server and Data Center, which the sandbox can imitate, lack this search.",
    ),
    Difference(
        path=r"^/jira/.*/comment$",
        complaint=r"[+-]\d{4}' is not a 'date-time'",
        reason="Jira writes offsets without a colon, as do the examples in its contract.",
    ),
    Difference(
        path=r"^/pinecone/[^/]+/namespaces/[^/]+/documents/(update|list)$",
        complaint="Path not found",
        reason="The current SDK has two more verbs than the published contract.",
    ),
    Difference(
        path=r"^/pinecone/[^/]+/namespaces/[^/]+/documents/fetch$",
        complaint=r"'ids' is a required property",
        reason="The current SDK also fetches by filter, which the contract lacks.",
    ),
)


@cache
def contract(file: str) -> OpenAPI:
    """Return a contract with the sandbox as its server, cached per process."""
    spec = json.loads((CONTRACTS / file).read_text(encoding="utf-8"))
    spec["servers"] = [{"url": _HOST}]
    return OpenAPI.from_dict(spec)


_UNCHECKED_HEADERS = (b"host",)
"""Of requests: each sandbox has a port of its own, and no contract has a rule about it."""

_lines_by_exchange: dict[bytes, list[str]] = {}
"""What was said of each exchange; an entry takes 200 bytes. There are thousands."""


class ContractChecks:
    """Collects a line in `violations` for each request or answer that breaks a contract."""

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
                # After an exception the answer is 500; after a broken connection it is incomplete.
                self._check(scope, exchange)

        return checked

    def _check(self, scope: Scope, exchange: "_Exchange") -> None:
        if exchange.is_fault or not exchange.is_complete:
            return
        self.checked_count += 1
        key = _key(scope, exchange)
        if key not in _lines_by_exchange:
            _lines_by_exchange[key] = list(_validated(scope, exchange))
        self.violations += _lines_by_exchange[key]


def _key(scope: Scope, exchange: "_Exchange") -> bytes:
    """Return a digest of all that validation reads."""
    headers = [pair for pair in scope["headers"] if pair[0] not in _UNCHECKED_HEADERS]
    parts = (
        scope["method"], scope["path"], scope["query_string"], sorted(headers), exchange.status,
        sorted(exchange.headers.items()), exchange.request_body, exchange.response_body,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).digest()


def _validated(scope: Scope, exchange: "_Exchange") -> Iterator[str]:
    """Yield a line for the request and one for the answer if they break their contract."""
    path = scope["path"]
    covering = next(each for each in CONTRACT_BY_PATH if re.match(each.path, path))
    api = contract(covering.file)
    vendor_path = re.sub(f"^{covering.cut}", "", path)
    request = _request(scope, shortened(exchange.request_body), vendor_path)
    response = MockResponse(
        shortened(exchange.response_body),
        status_code=exchange.status,
        headers=exchange.headers,
        content_type=exchange.headers.get("content-type", "application/json"),
    )
    if exchange.status < 400:
        # Tests send refused requests on purpose.
        yield from _noted(path, "request", lambda: api.validate_request(request))
    yield from _noted(path, "answer", lambda: api.validate_response(request, response))


def _noted(path: str, side: str, validate: Callable[[], None]) -> Iterator[str]:
    try:
        validate()
    except OpenAPIError as error:
        complaints = [text for text in _complaints(error) if not _is_known(path, text)]
        if complaints:
            yield f"{side} {path}: {'; '.join(complaints)[:500]}"


class _Exchange:
    """Records a request and its answer while they pass."""

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
    """Truncate the vectors of a JSON body, as validation checks each number.

    Only lists of numbers are truncated; other bodies stay as they are.
    """
    if len(body) < _LONG_BODY_BYTES:
        return body
    try:
        return json.dumps(_without_long_vectors(json.loads(body))).encode()
    except ValueError:
        return body


def _without_long_vectors(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_long_vectors(inner) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    if all(type(item) in (int, float) for item in value):
        return value[:_CHECKED_NUMBERS]
    return [_without_long_vectors(item) for item in value]


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
        re.search(difference.path, path) and re.search(difference.complaint, complaint)
        for difference in KNOWN_DIFFERENCES
    )


def _complaints(error: BaseException) -> list[str]:
    """Describe an error: the places that break a schema, or else the error and its causes."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None:
        chain.append(current)
        current = current.__cause__
    broken = [part for link in chain for part in getattr(link, "schema_errors", ())]
    if broken:
        return [f"{'/'.join(map(str, part.absolute_path))} {part.message[:200]}" for part in broken]
    return [str(link).split("\n")[0][:200] for link in chain]
