"""Servers that speak OpenAI's API in ways that no document describes, over real HTTP."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.base import Embedded
from vector_assets.embedding.openai.embedder import OpenAIEmbedder
from vector_assets_tests.support.serving import serving

TEXTS = [f"text number {number}" for number in range(7)]
MOST = 3
"""Texts of a request that the small ones among them take."""

Item = dict[str, Any]
Body = dict[str, Any]
Answer = tuple[int, str, dict[str, str]]


def numbers_of(text: str) -> list[float]:
    """Return the vector of a text: of unit length, and of no other text."""
    angle = sum(text.encode()) / 1000
    return [float(np.cos(angle)), float(np.sin(angle))]


def items_of(body: Body) -> list[Item]:
    return [
        {"object": "embedding", "index": index, "embedding": numbers_of(text)}
        for index, text in enumerate(body["input"])
    ]


def told(items: list[Item], **fields: Any) -> Answer:
    return 200, json.dumps({"object": "list", "data": items, **fields}), {}


def each(change: Callable[[Item], Item]) -> Callable[[Body], Answer]:
    return lambda body: told([change(item) for item in items_of(body)])


def in_base64(kind: str) -> Callable[[Body], Answer]:
    """Return a server that encodes numbers of another kind when it is asked for base64."""

    def answer(body: Body) -> Answer:
        items = items_of(body)
        if body.get("encoding_format") == "base64":
            for item in items:
                raw = np.asarray(item["embedding"], kind).tobytes()
                item["embedding"] = base64.b64encode(raw).decode()
        return told(items)

    return answer


def small(status: int) -> Callable[[Body], Answer]:
    """Return a server that refuses too many texts, or (200) answers for the first ones alone."""

    def answer(body: Body) -> Answer:
        if len(body["input"]) > MOST and status != 200:
            return status, json.dumps({"error": {"message": "too many"}}), {}
        return told(items_of(body)[:MOST])

    return answer


WAYS: dict[str, Callable[[Body], Answer]] = {
    "out of order": lambda body: told(items_of(body)[::-1]),
    "without an index": each(lambda item: {"embedding": item["embedding"]}),
    "a null as index": each(lambda item: {**item, "index": None}),
    "a text as index": each(lambda item: {**item, "index": str(item["index"])}),
    "numbers as texts": each(lambda item: {**item, "embedding": list(map(str, item["embedding"]))}),
    "whole numbers of 2 bytes": in_base64("<f2"),
    "whole numbers of 8 bytes": in_base64("<f8"),
    "empty base64": in_base64("S1"),
    "a null as usage": lambda body: told(items_of(body), usage=None),
    "usage without tokens": lambda body: told(items_of(body), usage={"prompt_tokens": "many"}),
    **{f"small, {status}": small(status) for status in (200, 400, 413, 422, 424, 500, 501)},
}


@contextmanager
def running(way: Callable[[Body], Answer]) -> Iterator[str]:
    """Run a server until the block ends; yield its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, text, headers = way(body)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"


@pytest.fixture(autouse=True)
def _quick_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vector_assets.embedding.openai.client._BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("vector_assets.embedding.openai.client._MAX_BACKOFF_SECONDS", 0.002)


def embedded_by(way: Callable[[Body], Answer], texts: list[str] = TEXTS) -> Embedded:
    with running(way) as url:
        given = {
            "openai_api_key": "any",
            "openai_base_url": url,
            "embedding_model": "odd",
            "embedding_dimensions": 2,
        }
        embedder = OpenAIEmbedder.from_settings(Settings.model_validate(given), Meter())
        return embedder.embed(texts)


@pytest.mark.parametrize("way", WAYS)
def test_each_text_gets_its_own_vector(way: str) -> None:
    embedded = embedded_by(WAYS[way])
    assert embedded.failures == {}
    np.testing.assert_allclose(embedded.vectors, list(map(numbers_of, TEXTS)), atol=2e-3)


@pytest.mark.parametrize("odd", ["[null, null]", "[NaN, 1.0]", "[1e999, 1.0]", "[]", "[[]]", "{}"])
def test_a_text_with_an_odd_vector_fails_alone(odd: str) -> None:
    def answer(body: Body) -> Answer:
        items = items_of(body)
        for text, item in zip(body["input"], items, strict=True):
            if text == TEXTS[3]:
                item["embedding"] = "odd"
        status, told_text, headers = told(items)
        return status, told_text.replace('"odd"', odd), headers

    embedded = embedded_by(answer)
    assert list(embedded.failures) == [3]
    others = [0, 1, 2, 4, 5, 6]
    wanted = [numbers_of(TEXTS[place]) for place in others]
    np.testing.assert_allclose(embedded.vectors[others], wanted, atol=1e-6)


@pytest.mark.parametrize(
    "retry_after",
    ["", "0", "0.01", "-1", "soon", "1e9", "²", "٣", "99999999999999999999", "1;2", "nan",
     "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Oct 99999 07:28:00 GMT"],
)  # fmt: skip
def test_a_pause_that_is_oddly_asked_for_ends_and_the_texts_are_embedded(retry_after: str) -> None:
    answers_left = [2]

    def answer(body: Body) -> Answer:
        if answers_left[0]:
            answers_left[0] -= 1
            shown = retry_after.encode().decode("latin-1")
            return 429, json.dumps({"error": {"message": "slow"}}), {"Retry-After": shown}
        return told(items_of(body))

    embedded = embedded_by(answer)
    assert embedded.failures == {}
    np.testing.assert_allclose(embedded.vectors, list(map(numbers_of, TEXTS)), atol=1e-6)
