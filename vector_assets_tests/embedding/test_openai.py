"""OpenAI's embeddings through the real SDK over HTTP, with the vendor's limits."""

import numpy as np
import pytest

from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    SettingsError,
    UnavailableError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.base import Embedded
from vector_assets.embedding.openai.embedder import (
    CHUNK_TOKENS,
    MAX_INPUTS,
    MAX_REQUEST_TOKENS,
    OpenAIEmbedder,
    batches,
)
from vector_assets.sandbox.openai import embed
from vector_assets.sandbox.server import Sandbox

PATH = "/openai/v1/embeddings"


@pytest.fixture
def meter() -> Meter:
    return Meter()


def build(sandbox: Sandbox, meter: Meter, **settings: object) -> OpenAIEmbedder:
    given = {
        "openai_api_key": "sk-sandbox",
        "openai_base_url": sandbox.environment["OPENAI_BASE_URL"],
        **settings,
    }
    return OpenAIEmbedder.from_settings(Settings.model_validate(given), meter)


def test_vectors_come_back_in_the_order_of_the_texts(sandbox: Sandbox, meter: Meter) -> None:
    texts = [f"text number {n}" for n in range(50)]
    embedded = build(sandbox, meter).embed(texts)
    assert embedded.vectors.dtype == np.float32
    np.testing.assert_allclose(embedded.vectors, embed(texts, 1536), atol=1e-6)
    assert embedded.token_count > 0
    assert embedded.failures == {}


def test_more_texts_than_a_request_takes_go_out_as_several(sandbox: Sandbox, meter: Meter) -> None:
    embedded = build(sandbox, meter).embed(["word"] * (MAX_INPUTS + 1))
    assert embedded.vectors.shape == (MAX_INPUTS + 1, 1536)
    assert meter.requests == {"openai embeddings": 2}


def test_a_batch_is_bounded_by_tokens_too() -> None:
    cut = list(batches((n, "", 8000) for n in range(100)))
    assert [len(batch) for batch in cut] == [36, 36, 28]
    assert all(sum(tokens for *_, tokens in batch) <= MAX_REQUEST_TOKENS for batch in cut)


def test_a_text_that_is_refused_is_found_and_costs_no_other(sandbox: Sandbox, meter: Meter) -> None:
    sandbox.faults.fail(
        PATH, contains="UNSPEAKABLE", status=400, body={"error": {"message": "not this one"}}
    )
    texts = [f"text {n}" for n in range(100)]
    texts[37] = texts[80] = "UNSPEAKABLE"
    embedded = build(sandbox, meter).embed(texts)
    assert embedded.failures == {37: "not this one", 80: "not this one"}
    good = [n for n in range(100) if n not in embedded.failures]
    np.testing.assert_allclose(
        embedded.vectors[good], embed([texts[n] for n in good], 1536), atol=1e-6
    )
    assert not embedded.vectors[[37, 80]].any()


def test_a_text_that_is_too_long_is_a_failure_and_is_not_sent(
    sandbox: Sandbox, meter: Meter
) -> None:
    embedded = build(sandbox, meter).embed(["short", "word " * 9000])
    assert embedded.failures == {1: "it takes 9,001 tokens, the model reads 8,192"}
    assert embedded.vectors[0].any()


def test_an_empty_list_asks_nothing(sandbox: Sandbox, meter: Meter) -> None:
    assert build(sandbox, meter).embed([]).vectors.shape == (0, 1536)
    assert meter.requests == {}


def test_names_of_special_tokens_are_plain_text(sandbox: Sandbox, meter: Meter) -> None:
    embedder = build(sandbox, meter)
    assert embedder.embed(["<|endoftext|> and <|fim_prefix|>"]).failures == {}
    assert embedder.tokenizer.count("<|endoftext|>") > 1


def test_retry_after_is_obeyed_and_counted(sandbox: Sandbox, meter: Meter) -> None:
    sandbox.faults.fail(PATH, status=429, retry_after_seconds=1, times=2)
    assert build(sandbox, meter).embed(["hello"]).vectors.any()
    assert meter.requests == {"openai embeddings": 3}
    assert meter.throttled_seconds == 2.0


def test_a_server_that_fails_in_passing_is_asked_again(sandbox: Sandbox, meter: Meter) -> None:
    sandbox.faults.fail(PATH, status=500, times=1)
    sandbox.faults.fail(PATH, break_connection="drop", times=1)
    assert build(sandbox, meter).embed(["hello"]).vectors.any()


def test_fewer_dimensions_are_asked_of_the_server(sandbox: Sandbox, meter: Meter) -> None:
    embedder = build(sandbox, meter, embedding_dimensions=256)
    assert embedder.embed(["hello"]).vectors.shape == (1, 256)
    assert embedder.identity == "openai/text-embedding-3-small/256"


def test_a_question_longer_than_the_window_is_cut_to_its_beginning(
    sandbox: Sandbox, meter: Meter
) -> None:
    assert build(sandbox, meter).embed_query("word " * 9000).shape == (1536,)


def test_a_wrong_key_is_named_and_never_shown(sandbox: Sandbox, meter: Meter) -> None:
    with pytest.raises(CredentialsError, match=r"HTTP 401\. Check OPENAI_API_KEY") as caught:
        build(sandbox, meter, openai_api_key="sk-very-secret").embed(["x"])
    assert "very-secret" not in str(caught.value)


def test_an_account_without_credit_is_not_taken_for_a_rate_limit(
    sandbox: Sandbox, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.embedding.openai.client.MAX_RETRIES", 1)
    sandbox.faults.fail(
        PATH, status=429, body={"error": {"message": "no", "code": "insufficient_quota"}},
        retry_after_seconds=0,
    )  # fmt: skip
    with pytest.raises(CredentialsError, match=r"insufficient_quota\. Add credit"):
        build(sandbox, meter).embed(["x"])


def answered(sandbox: Sandbox, meter: Meter, body: object) -> Embedded:
    """Embed one text in two dimensions from a given answer."""
    sandbox.faults.fail(PATH, status=200, body=body)
    return build(sandbox, meter, embedding_dimensions=2).embed(["x"])


def test_numbers_in_place_of_base64_are_read_for_some_servers_know_no_other(
    sandbox: Sandbox, meter: Meter
) -> None:
    body = {"data": [{"index": 0, "embedding": [3, 4.0]}], "usage": {"total_tokens": 7}}
    embedded = answered(sandbox, meter, body)
    np.testing.assert_allclose(embedded.vectors, [[0.6, 0.8]], atol=1e-6)
    assert embedded.token_count == 7


@pytest.mark.parametrize("usage", [None, [], {"total_tokens": "many"}])
def test_tokens_that_a_server_does_not_tell_count_as_none(
    sandbox: Sandbox, meter: Meter, usage: object
) -> None:
    body = {"data": [{"index": 0, "embedding": "AABAQAAAgEA="}], "usage": usage}
    embedded = answered(sandbox, meter, body)
    np.testing.assert_allclose(embedded.vectors, [[0.6, 0.8]], atol=1e-6)
    assert embedded.token_count == 0


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (["no object"], r"something else \(Expected `object`, got `array`\)"),
        ({"error": None}, r"something else \(Object missing required field `data`\)"),
        ({"data": [{"index": 0, "embedding": "?"}]}, r"something else \(Invalid base64"),
        ({"data": [{"index": 0, "embedding": [{}]}]}, r"something else \(Expected `float`"),
        ({"data": [{"index": 0, "embedding": "AAAA"}]}, "vectors that cannot be read"),
        ({"data": []}, "0 vectors for 1 texts"),
        ({"data": [{"index": 1, "embedding": [1, 0]}]}, "1 vectors for 1 texts"),
    ],
)
def test_an_answer_of_another_shape_is_no_vector(
    sandbox: Sandbox, meter: Meter, body: object, seen: str
) -> None:
    with pytest.raises(ContractError, match=seen):
        answered(sandbox, meter, body)


def test_an_unknown_model_is_named(sandbox: Sandbox, meter: Meter) -> None:
    with pytest.raises(
        SettingsError, match=r"'no-such-model', whose length .*EMBEDDING_DIMENSIONS"
    ):
        build(sandbox, meter, embedding_model="no-such-model")
    with pytest.raises(SettingsError, match=r"does not exist\. Check EMBEDDING_MODEL"):
        build(sandbox, meter, embedding_model="no-such-model", embedding_dimensions=9).embed(["x"])


def test_an_unreachable_server_is_named(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vector_assets.embedding.openai.client.MAX_RETRIES", 1)
    settings = Settings.model_validate(
        {"openai_api_key": "k", "openai_base_url": "http://127.0.0.1:9/v1"}
    )
    with pytest.raises(UnavailableError, match="openai did not answer: APIConnectionError"):
        OpenAIEmbedder.from_settings(settings, meter).embed(["x"])


def test_a_question_waits_for_no_server_for_long(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.embedding.openai.embedder.QUESTION_SECONDS", 0.3)
    settings = Settings.model_validate(
        {"openai_api_key": "k", "openai_base_url": "http://127.0.0.1:9/v1"}
    )
    with pytest.raises(UnavailableError, match="no complete answer within 0 s"):
        OpenAIEmbedder.from_settings(settings, meter).embed_query("hello")


def test_the_splitter_keeps_to_its_budget(sandbox: Sandbox, meter: Meter) -> None:
    tokenizer = build(sandbox, meter).tokenizer
    pieces = tokenizer.splitter(CHUNK_TOKENS).chunks("A sentence of words. " * 2000)
    assert len(pieces) > 10
    assert all(tokenizer.count(piece) <= CHUNK_TOKENS for piece in pieces)
