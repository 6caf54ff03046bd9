"""Embedding over servers that speak OpenAI's API in their own ways, through the real SDK."""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from vector_assets.core.errors import SettingsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, load_settings
from vector_assets.embedding.openai.embedder import OpenAIEmbedder
from vector_assets.sandbox.compatible import (
    DIMENSIONS,
    MOST_OF_SMALL,
    MOST_OF_TEI,
    MOST_WORDS,
    SERVERS,
)
from vector_assets.sandbox.openai import embed
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Workspace

ENDPOINT = "openai embeddings"
TEXTS = [f"text number {n} of many" for n in range(100)]

BASE_URLS = {
    name: server.path.removesuffix("/embeddings")
    + "".join(f"?{name}={value}" for name, value in server.parameters.items())
    for name, server in SERVERS.items()
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without checks: there is a contract of OpenAI's API, and none of its likenesses."""
    with running_sandbox(Workspace()) as served:
        yield served


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture(autouse=True)
def _quick_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vector_assets.embedding.openai.client._BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("vector_assets.embedding.openai.client._MAX_BACKOFF_SECONDS", 0.002)


def build(
    sandbox: Sandbox, name: str, meter: Meter, base_url: str | None = None, **settings: object
) -> OpenAIEmbedder:
    path = BASE_URLS[name] if base_url is None else base_url
    given = {
        "openai_api_key": "any",
        "openai_base_url": f"{sandbox.url}/compatible/{name}{path}",
        "embedding_model": "nomic-embed-text",
        "embedding_dimensions": DIMENSIONS,
        **settings,
    }
    return OpenAIEmbedder.from_settings(Settings.model_validate(given), meter)


@pytest.mark.parametrize("name", SERVERS)
def test_every_server_embeds_and_what_it_reads_is_asked_once_a_run(
    sandbox: Sandbox, name: str, meter: Meter
) -> None:
    embedder = build(sandbox, name, meter)
    embedded = embedder.embed(TEXTS)
    assert embedded.failures == {}
    np.testing.assert_allclose(embedded.vectors, embed(TEXTS, DIMENSIONS), atol=1e-5)
    before = meter.requests[ENDPOINT]
    again = embedder.embed(TEXTS)
    np.testing.assert_allclose(again.vectors, embedded.vectors, atol=1e-6)
    most = {"tei": MOST_OF_TEI, "tei-1.8": MOST_OF_TEI}.get(name, len(TEXTS))
    most = MOST_OF_SMALL if "many" in name else most
    # Halving finds a size between a half and the whole of what the server takes.
    assert meter.requests[ENDPOINT] - before <= -(-len(TEXTS) // (most // 2 + 1))
    assert embedder.embed_query("text number 7").shape == (DIMENSIONS,)


@pytest.mark.parametrize("name", ["vllm", "vllm-0.4", "litellm"])
def test_dimensions_that_are_refused_are_not_sent_again(
    sandbox: Sandbox, name: str, meter: Meter
) -> None:
    model = {"embedding_model": "text-embedding-3-small", "embedding_dimensions": DIMENSIONS}
    embedder = build(sandbox, name, meter, **model)
    assert embedder.embed(TEXTS).vectors.shape == (100, DIMENSIONS)
    before = meter.requests[ENDPOINT]
    embedder.embed(TEXTS)
    assert meter.requests[ENDPOINT] == before + 1
    other = build(sandbox, name, meter, **{**model, "embedding_dimensions": 256})
    with pytest.raises(SettingsError, match="vectors of 384 numbers, 256 were wanted: set EMBEDD"):
        other.embed(TEXTS)


def test_a_batch_may_be_set(sandbox: Sandbox, meter: Meter) -> None:
    embedder = build(sandbox, "tei", meter, embedding_batch=MOST_OF_TEI)
    assert embedder.embed(TEXTS).failures == {}
    assert meter.requests == Counter({ENDPOINT: 4})


@pytest.mark.parametrize(("value", "wanted"), [("0", "greater than or equal to 1"), ("x", "int")])
def test_a_batch_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, wanted: str
) -> None:
    monkeypatch.setenv("EMBEDDING_BATCH", value)
    with pytest.raises(SettingsError, match=f"EMBEDDING_BATCH is '{value}'.*{wanted}"):
        load_settings()


@pytest.mark.parametrize("name", ["tei", "tei-1.8", "llama.cpp"])
def test_a_text_that_is_too_long_for_the_server_fails_alone(
    sandbox: Sandbox, name: str, meter: Meter
) -> None:
    texts = [*TEXTS[:50], "word " * (MOST_WORDS + 1), *TEXTS[50:]]
    embedded = build(sandbox, name, meter).embed(texts)
    assert list(embedded.failures) == [50]
    said = "Given: 513" if name.startswith("tei") else "513"
    assert said in embedded.failures[50]
    assert embedded.vectors[[*range(50), *range(51, 101)]].any(axis=1).all()


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/embeddings", "/v1/embeddings/", "/v1 "])
def test_the_path_of_a_base_url_is_kept(sandbox: Sandbox, meter: Meter, path: str) -> None:
    embedder = build(sandbox, "ollama", meter, base_url=path)
    assert embedder.embed(["hello"]).failures == {}
    assert embedder.check().startswith(f"nomic-embed-text at {sandbox.url}/compatible/ollama/v1/")


def test_a_base_url_without_the_path_is_named(sandbox: Sandbox, meter: Meter) -> None:
    wanted = rf"HTTP 404: .*OPENAI_BASE_URL \({re.escape(sandbox.url)}/compatible/vllm/; .*/v1"
    with pytest.raises(SettingsError, match=wanted):
        build(sandbox, "vllm", meter, base_url="").embed(["hello"])


def test_a_model_that_is_not_there_is_named(sandbox: Sandbox, meter: Meter) -> None:
    embedder = build(sandbox, "ollama", meter, embedding_model="other")
    with pytest.raises(SettingsError, match=r'404: model "other" not found, .*EMBEDDING_MODEL'):
        embedder.embed(["hello"])


def test_a_server_that_refuses_everything_is_named_with_status_and_settings(
    sandbox: Sandbox, meter: Meter
) -> None:
    path = "/compatible/vllm"
    sandbox.faults.fail(path, status=400, body={"error": {"message": "pooling type none"}})
    wanted = (
        rf"pooling type none \(HTTP 400 from {re.escape(sandbox.url + path)}/v1/\).*EMBEDDING_M"
    )
    with pytest.raises(SettingsError, match=wanted):
        build(sandbox, "vllm", meter).embed(TEXTS)


def test_a_server_that_fails_at_everything_is_named(sandbox: Sandbox, meter: Meter) -> None:
    sandbox.faults.fail("/compatible/vllm", status=500, body={"error": {"message": "no memory"}})
    with pytest.raises(UnavailableError, match=r"openai at http.*/vllm/v1/ .*HTTP 500: no memory"):
        build(sandbox, "vllm", meter).embed(TEXTS)


def test_a_server_that_fails_in_passing_keeps_its_batches(sandbox: Sandbox, meter: Meter) -> None:
    embedder = build(sandbox, "llama.cpp", meter)
    sandbox.faults.fail("/compatible/llama.cpp", status=500, times=4)
    assert embedder.embed(TEXTS).failures == {}
    before = meter.requests[ENDPOINT]
    embedder.embed(TEXTS)
    assert meter.requests[ENDPOINT] == before + 1


def test_a_complaint_that_repeats_the_texts_is_told_without_them(
    sandbox: Sandbox, meter: Meter
) -> None:
    detail = [{"loc": ["body"], "msg": "Input should be shorter", "input": "PRIVATE WORDS"}]
    sandbox.faults.fail("/compatible/tei", status=422, body={"detail": detail}, contains="PRIVATE")
    failures = build(sandbox, "tei", meter).embed(["PRIVATE WORDS", "others"]).failures
    assert failures == {0: "Input should be shorter"}
