"""OpenAI's embeddings, or any server that speaks the same API.

Keep out: how requests are cut (`batching.py`).
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Self

import numpy as np
import openai
from semantic_text_splitter import MarkdownSplitter

from vector_assets.embedding.base import Embedded, Embedder
from vector_assets.embedding.batching import Batch, batches, halves
from vector_assets.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.tokens import Splitter, Tokenizer
from vector_assets.vectors import Vectors

DEFAULT_MODEL = "text-embedding-3-small"

DIMENSIONS_BY_MODEL = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}

DOLLARS_PER_MILLION_TOKENS = {
    "text-embedding-3-small": 0.02,
    "text-embedding-3-large": 0.13,
    "text-embedding-ada-002": 0.10,
}
"""List prices (platform.openai.com/docs/pricing, 2026-11); unknown models count as free."""

MAX_INPUT_TOKENS = 8192
"""Longest text (platform.openai.com/docs/api-reference/embeddings, 2026-11)."""

CHUNK_TOKENS = 512
REQUESTS_IN_FLIGHT = 6
MAX_RETRIES = 8
TIMEOUT_SECONDS = 120.0

# Shared by all embedders of a process: the limit of a key does not grow with the sources.
_requests = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, thread_name_prefix="openai")


class OpenAIEmbedder(Embedder):
    """Embeds over HTTP, several requests in flight, whatever the number of callers.

    Args:
        client: The SDK's, with retries that obey `Retry-After`.
        model: Its name at the server.
        dimensions: Length of a vector.
    """

    provider = "openai"
    chunk_tokens = CHUNK_TOKENS

    def __init__(self, client: openai.OpenAI, *, model: str, dimensions: int) -> None:
        self.model = model
        self.dimensions = dimensions
        self.dollars_per_million_tokens = DOLLARS_PER_MILLION_TOKENS.get(model, 0.0)
        self._client = client

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings; no request is made.

        Raises:
            SettingsError: The key is missing, or the dimensions of an unknown model.
        """
        key = settings.openai_api_key.get_secret_value()
        if not key:
            raise SettingsError(
                "EMBEDDING_PROVIDER is 'openai' and OPENAI_API_KEY is not set: set it, or set "
                "EMBEDDING_PROVIDER=local"
            )
        model = settings.embedding_model or DEFAULT_MODEL
        dimensions = settings.embedding_dimensions or DIMENSIONS_BY_MODEL.get(model)
        if dimensions is None:
            raise SettingsError(
                f"EMBEDDING_MODEL is {model!r}, whose length of vectors is not known here: set "
                f"EMBEDDING_DIMENSIONS to it"
            )
        client = openai.OpenAI(
            api_key=key,
            base_url=settings.openai_base_url or None,
            max_retries=MAX_RETRIES,
            timeout=TIMEOUT_SECONDS,
            http_client=openai.DefaultHttpxClient(event_hooks={"response": [_counter(meter)]}),
        )
        return cls(client, model=model, dimensions=dimensions)

    @property
    def tokenizer(self) -> Tokenizer:
        """cl100k, the vocabulary of all of OpenAI's embedding models."""
        return _TOKENIZER

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts in as few requests as the vendor's limits allow."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        failures: dict[int, str] = {}
        kept: Batch = []
        for index, text in enumerate(texts):
            count = self.tokenizer.count(text)
            if count > MAX_INPUT_TOKENS:
                failures[index] = f"it takes {count:,} tokens, the model reads {MAX_INPUT_TOKENS:,}"
            else:
                kept.append((index, text, count))
        lock = threading.Lock()

        def run(batch: Batch) -> int:
            found, refused, tokens = self._embed_batch(batch)
            with lock:
                failures.update(refused)
                for index, vector in found.items():
                    vectors[index] = vector
            return tokens

        return Embedded(vectors, sum(_requests.map(run, list(batches(kept)))), failures)

    def embed_query(self, text: str) -> Vectors:
        """Embed one question; of one that is longer than the model reads, its beginning."""
        if self.tokenizer.count(text) > MAX_INPUT_TOKENS:
            text = self.tokenizer.splitter(MAX_INPUT_TOKENS).chunks(text)[0]
        vector: Vectors = self._request([text])[0][0]
        return vector

    def check(self) -> str:
        """Embed one word."""
        self.embed_query("hello")
        return f"{self.model} at {self._client.base_url}, {self.dimensions} dimensions"

    def _embed_batch(self, batch: Batch) -> tuple[dict[int, Vectors], dict[int, str], int]:
        """Embed a batch; one that is refused is halved until the text to blame stands alone.

        Returns:
            Vectors by index, causes by index of the texts that were refused, and tokens paid.
        """
        try:
            vectors, tokens = self._request([text for _, text, _ in batch])
        except openai.BadRequestError as error:
            if len(batch) == 1:
                return {}, {batch[0][0]: _words_of(error)}, 0
            first, second = map(self._embed_batch, halves(batch))
            return first[0] | second[0], first[1] | second[1], first[2] + second[2]
        indexes = [index for index, _, _ in batch]
        return dict(zip(indexes, vectors, strict=True)), {}, tokens

    def _request(self, texts: list[str]) -> tuple[list[Vectors], int]:
        """Make one request; vectors come back in the order of the texts.

        Raises:
            BadRequestError: The server refuses a text.
        """
        own = DIMENSIONS_BY_MODEL.get(self.model)
        options: dict[str, Any] = {}
        if own is not None and own != self.dimensions:
            options["dimensions"] = self.dimensions
        try:
            answer = self._client.embeddings.create(model=self.model, input=texts, **options)
        except openai.BadRequestError:
            raise
        except openai.OpenAIError as error:
            raise _translated(error) from error
        if sorted(item.index for item in answer.data) != list(range(len(texts))):
            raise ContractError(
                "openai embeddings", f"{len(answer.data)} vectors", f"{len(texts)}, one a text"
            )
        ordered = sorted(answer.data, key=lambda item: item.index)
        return [self._unit(item.embedding) for item in ordered], answer.usage.total_tokens

    def _unit(self, embedding: Sequence[float]) -> Vectors:
        vector = np.asarray(embedding, np.float32)
        length = float(np.linalg.norm(vector))
        if vector.shape != (self.dimensions,) or not np.isfinite(length) or length == 0:
            raise ContractError(
                "openai embeddings",
                f"a vector of {vector.size} numbers and length {length}",
                f"{self.dimensions} finite numbers; set EMBEDDING_DIMENSIONS to what "
                f"{self.model} makes",
            )
        return np.asarray(vector / length, np.float32)


class _Cl100kTokenizer:
    """OpenAI's vocabulary from a package, so that nothing is fetched at run time."""

    def count(self, text: str) -> int:
        """Return the number of tokens; names of special tokens are plain text."""
        return len(_encoding().encode_ordinary(text))

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter."""
        return _splitter(capacity_tokens)


_TOKENIZER = _Cl100kTokenizer()


@lru_cache(maxsize=1)
def _encoding() -> Any:
    # Loading the vocabulary takes a third of a second, which only those who count shall pay.
    from bpe_openai import get_encoding

    return get_encoding("cl100k_base")


@lru_cache(maxsize=64)
def _splitter(capacity_tokens: int) -> Splitter:
    splitter: Splitter = MarkdownSplitter.from_tiktoken_model(DEFAULT_MODEL, capacity_tokens)
    return splitter


def _counter(meter: Meter) -> Callable[[Any], None]:
    """Return what counts each answer of the server, and how long it asks to wait."""

    def count(response: Any) -> None:
        meter.count("openai embeddings")
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            asked = response.headers.get("retry-after", "")
            meter.throttled(float(asked) if asked.replace(".", "", 1).isdigit() else 0.0)

    return count


def _words_of(error: openai.APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or f"HTTP {error.status_code}")


def _translated(error: openai.OpenAIError) -> VectorAssetsError:
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return CredentialsError(
                "openai", f"HTTP {error.status_code}", "Check OPENAI_API_KEY and OPENAI_BASE_URL."
            )
        case openai.RateLimitError() if error.code == "insufficient_quota":
            return CredentialsError(
                "openai", "insufficient_quota", "Add credit to the account of OPENAI_API_KEY."
            )
        case openai.RateLimitError():
            ceiling_seconds = MAX_RETRIES * 60.0
            return RateLimitedError(
                "openai embeddings", waited_seconds=ceiling_seconds, ceiling_seconds=ceiling_seconds
            )
        case openai.NotFoundError():
            return SettingsError(
                f"openai embeddings: {_words_of(error)} Check EMBEDDING_MODEL and OPENAI_BASE_URL."
            )
        case openai.APIStatusError():
            return UnavailableError("openai", f"HTTP {error.status_code}")
        case _:
            return UnavailableError("openai", type(error).__name__, "Check OPENAI_BASE_URL.")
