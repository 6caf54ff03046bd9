"""Serves the sandbox from a process of its own, without its own work slowing the measured runs.

It caches the vendors' answers, the children of blocks and the results of index filters, and its
embeddings are random numbers. `GET /_bench/seen` returns the counts since the last call.
"""

import argparse
import asyncio
import base64
import gc
import hashlib
import json
import os
import re
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import orjson
from speed_workspace import build
from starlette.types import ASGIApp, Receive, Scope, Send

from vector_assets.sandbox.notion.objects import block_object, children_of
from vector_assets.sandbox.pinecone import routes as pinecone
from vector_assets.sandbox.pinecone.state import Index, StoredRecord
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import Json, Workspace

CREATED_INDEX = "/pinecone/indexes"
DIMENSIONS = 1536
_TIME_OF_TODAY = re.compile(rf"({datetime.now(UTC):%Y-%m-%d})T[0-9:.]+Z".encode())
_NAMES = (
    (re.compile(r"/pinecone/indexes.*"), "pinecone indexes"),
    (re.compile(r"/pinecone/.*/documents/(\w+)"), r"pinecone \1"),
    (re.compile(r"/notion/v1/(\w+)/[^/]+/(\w+)"), r"notion \1 \2"),
    (re.compile(r"/notion/v1/(\w+).*"), r"notion \1"),
    (re.compile(r"/slack/api/(.*)"), r"slack \1"),
    (re.compile(r"/jira/rest/api/3/([^/]+).*"), r"jira \1"),
    (re.compile(r"/fireflies/.*"), "fireflies"),
    (re.compile(r"/openai/.*"), "openai embeddings"),
)


class Seen:
    """Outermost middleware: counts requests, concurrency and refusals.

    It serves at most `in_flight` requests at once; others wait.
    """

    def __init__(self, app: ASGIApp, in_flight: int) -> None:
        self._app = app
        self._turns = asyncio.Semaphore(in_flight)
        self._clear()

    def _clear(self) -> None:
        self._requests: Counter[str] = Counter()
        self._throttled = 0
        self._texts = 0
        self._upserts = 0
        self._in_flight = 0
        self._most_in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["path"] == "/_bench/seen":
            await self._tell(send)
            return
        self._requests[endpoint(scope["path"])] += 1

        async def watched(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._throttled += message["status"] == 429
                counts = dict(message.get("headers") or ())
                self._texts += int(counts.get(b"x-bench-texts", 0))
            await send(message)

        async with self._turns:
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)
            try:
                await self._app(scope, receive, watched)
            finally:
                self._in_flight -= 1

    async def _tell(self, send: Send) -> None:
        body = {
            "requests": dict(sorted(self._requests.items())),
            "throttled": self._throttled,
            "texts": self._texts,
            "most_in_flight": self._most_in_flight,
        }
        self._clear()
        gc.collect()
        await _answer(send, json.dumps(body).encode())


class Remembered:
    """Middleware in front of the vendors that caches their answers."""

    def __init__(self, app: ASGIApp, workspace: Workspace) -> None:
        self._app = app
        self._answers: dict[str, list[Any]] = {}
        self._below = dict(_below(workspace))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        path = scope["path"]
        if path.startswith("/pinecone") or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = message["body"]
        match = re.fullmatch(r"/notion/v1/blocks/([^/]+)/children", path)
        if match and match.group(1) in self._below:
            await _answer(send, self._below[match.group(1)])
        elif path.startswith("/openai"):
            await _embeddings(body, send)
        else:
            await self._remembered(scope, message, send)

    async def _remembered(self, scope: Scope, message: Any, send: Send) -> None:
        request = f"{scope['method']} {scope['path']}?{scope['query_string']!r}".encode()
        # A listing up to now shows the same as one up to any other time of today.
        body = _TIME_OF_TODAY.sub(rb"\1", message["body"])
        key = hashlib.blake2b(request + body).hexdigest()
        if key not in self._answers:
            self._answers[key] = []

            async def receive() -> Any:
                return message

            async def keep(part: Any) -> None:
                self._answers[key].append(part)

            await self._app(scope, receive, keep)
        for part in self._answers[key]:
            await send(part)


class RememberingIndex(Index):
    """An index that caches the result of each filter until the next write becomes visible."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._results: dict[str, tuple[int, dict[str, list[StoredRecord]]]] = {}

    def matching(self, namespace: str, condition: Mapping[str, Any] | None) -> list[StoredRecord]:
        """Return the visible records that meet a filter, in order of id."""
        self.visible(namespace)
        held = self.namespaces.get(namespace)
        position = held.reconciled if held is not None else 0
        if self._results.get(namespace, (-1, {}))[0] != position:
            self._results[namespace] = (position, {})
        results = self._results[namespace][1]
        key = json.dumps(condition, sort_keys=True)
        if key not in results:
            results[key] = super().matching(namespace, condition)
        return results[key]


@cache
def endpoint(path: str) -> str:
    """Return the name under which a path is counted."""
    for pattern, name in _NAMES:
        if match := pattern.fullmatch(path):
            return match.expand(name)
    return path


def _below(workspace: Workspace) -> Any:
    """Yield the id of each page and block, and the answer that lists its children."""
    for page in workspace.pages:
        yield page["id"], _list(page["blocks"], page, page)
        for block in page["blocks"]:
            yield block["id"], _list(children_of(block), block, page)


def _list(blocks: list[Json], parent: Json, page: Json) -> bytes:
    results = [block_object(block, parent, page, "2025-09-03") for block in blocks]
    head = {"object": "list", "type": "block", "next_cursor": None, "has_more": False}
    return json.dumps({**head, "results": results}).encode()


async def _embeddings(body: bytes, send: Send) -> None:
    """Answer with a random vector for each text, always the same for the same text."""
    texts = orjson.loads(body)["input"]
    data = []
    for index, text in enumerate(texts):
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
        vector = np.random.default_rng(seed).standard_normal(DIMENSIONS, np.float32)
        embedding = base64.b64encode(vector.tobytes()).decode()
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    tokens = len(body) // 4
    answer = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": data,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    await _answer(send, orjson.dumps(answer), texts=len(texts))


async def _answer(send: Send, body: bytes, *, texts: int = 0) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-bench-texts", str(texts).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--latency-seconds", type=float, default=0.06)
    parser.add_argument("--in-flight", type=int, default=16)
    options = parser.parse_args()
    workspace = build(options.days)

    def around(app: Any) -> ASGIApp:
        app.app = Remembered(app.app, workspace)
        return Seen(app, options.in_flight)

    pinecone.Index = RememberingIndex  # type: ignore[misc]
    with running_sandbox(workspace, wrap=around) as sandbox:
        sandbox.faults.latency_seconds = options.latency_seconds
        sys.stdout.write(json.dumps({"url": sandbox.url, **sandbox.environment}) + "\n")
        sys.stdout.flush()
        # The parent process holds our standard input; exit when it closes.
        threading.Thread(target=_end_with_parent, daemon=True).start()
        threading.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
