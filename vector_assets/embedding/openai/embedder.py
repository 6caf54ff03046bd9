"""OpenAI's embeddings, or those of any server that speaks the same API."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import numpy as np

from vector_assets.core.errors import SettingsError, UsageError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded, Embedder, Tokenizer
from vector_assets.embedding.openai.client import ENDPOINT, Answer, OpenAIApi, Refusal
from vector_assets.embedding.openai.tokenizer import Cl100kTokenizer

MAX_INPUTS = 2048
"""Most texts per request (platform.openai.com/docs/api-reference/embeddings, 2026-11)."""

MAX_REQUEST_TOKENS = 295_000
"""Most tokens per request: the vendor's 300,000, less a margin for differences in counting."""

Batch = list[tuple[int, str, int]]
"""Texts as `(index, text, tokens)`."""


def batches(texts: Iterable[tuple[int, str, int]]) -> Iterator[Batch]:
    """Yield batches that fit a request, in order; a batch of a single text may be too long."""
    batch: Batch = []
    tokens = 0
    for index, text, text_tokens in texts:
        if batch and (len(batch) == MAX_INPUTS or tokens + text_tokens > MAX_REQUEST_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append((index, text, text_tokens))
        tokens += text_tokens
    if batch:
        yield batch


DEFAULT_MODEL = "text-embedding-3-small"

DIMENSIONS_BY_MODEL = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Default dimensions of the models (platform.openai.com/docs/guides/embeddings, 2026-11)."""

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

_HARMLESS = "hello"
_TOKENIZER = Cl100kTokenizer()

# All embedders of a process share it, as they share the rate limit of the key.
_requests = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, thread_name_prefix="openai")


class OpenAIEmbedder(Embedder):
    """Embeds over HTTP; all callers of a process share the requests in flight.

    Without a price at the server, the list price counts.
    """

    provider = "openai"
    chunk_tokens = CHUNK_TOKENS

    def __init__(
        self,
        api: OpenAIApi,
        *,
        model: str,
        dimensions: int,
        dollars_per_million_tokens: float | None = None,
    ) -> None:
        self.model = model
        self.dimensions = dimensions
        listed = DOLLARS_PER_MILLION_TOKENS.get(model, 0.0)
        self.dollars_per_million_tokens = (
            listed if dollars_per_million_tokens is None else dollars_per_million_tokens
        )
        self._api = api

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings, or raise `SettingsError`; no request is made."""
        key = settings.openai_api_key.get_secret_value()
        if not key:
            raise SettingsError(
                "EMBEDDING_PROVIDER is 'openai' and OPENAI_API_KEY is not set: set it, or set "
                "EMBEDDING_PROVIDER=local"
            )
        model = settings.embedding_model or DEFAULT_MODEL
        default = DIMENSIONS_BY_MODEL.get(model)
        dimensions = settings.embedding_dimensions or default
        if dimensions is None:
            raise SettingsError(
                f"EMBEDDING_MODEL is {model!r}, whose length of vectors is not known here: set "
                f"EMBEDDING_DIMENSIONS to it"
            )
        api = OpenAIApi(
            key=key,
            base_url=settings.openai_base_url,
            model=model,
            # Servers of other models often refuse the field, even with the default value.
            dimensions=None if default in (None, dimensions) else dimensions,
            meter=meter,
        )
        price = settings.embedding_dollars_per_million_tokens
        return cls(api, model=model, dimensions=dimensions, dollars_per_million_tokens=price)

    @property
    def tokenizer(self) -> Tokenizer:
        """cl100k, the vocabulary of all of OpenAI's embedding models."""
        return _TOKENIZER

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts in as few requests as the vendor's limits allow."""
        failures: dict[int, str] = {}
        kept: Batch = []
        sizes = [len(text.encode()) for text in texts]
        # A token is at least a byte. Counting takes a tenth of a run's CPU time, so skip it here.
        is_small = max(sizes, default=0) <= MAX_INPUT_TOKENS and sum(sizes) <= MAX_REQUEST_TOKENS
        for index, text in enumerate(texts):
            count = sizes[index] if is_small else self.tokenizer.count(text)
            if count > MAX_INPUT_TOKENS:
                failures[index] = f"it takes {count:,} tokens, the model reads {MAX_INPUT_TOKENS:,}"
            else:
                kept.append((index, text, count))
        cut = list(batches(kept))
        parts = _requests.map(self._embed_texts, ([text for _, text, _ in batch] for batch in cut))
        if len(cut) == 1 and not failures:
            return next(parts)
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        token_count = 0
        for batch, part in zip(cut, parts, strict=True):
            indexes = [index for index, _, _ in batch]
            vectors[indexes] = part.vectors
            failures |= {indexes[place]: cause for place, cause in part.failures.items()}
            token_count += part.token_count
        return Embedded(vectors, token_count, failures)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question, truncated to what the model reads; one refused is a `UsageError`."""
        if self.tokenizer.count(text) > MAX_INPUT_TOKENS:
            text = self.tokenizer.splitter(MAX_INPUT_TOKENS).chunks(text)[0]
        embedded = self._embed_texts([text])
        if embedded.failures:
            cause = embedded.failures[0]
            raise UsageError(f"the question cannot be embedded: {cause}; ask another")
        vector: Vectors = embedded.vectors[0]
        return vector

    def check(self) -> str:
        """Embed one word."""
        self.embed_query(_HARMLESS)
        return f"{self.model} at {self._api.url}, {self.dimensions} dimensions"

    def _embed_texts(self, texts: list[str], *, are_to_blame: bool = False) -> Embedded:
        """Embed texts that fit a request; bisect refused texts until each bad text is alone.

        They are to blame when a refusal is known to concern texts and not settings.
        """
        answer = self._api.request(texts)
        if isinstance(answer, Answer):
            return self._units(answer)
        if not are_to_blame:
            self._require_harmless_text_passes(answer)
        if len(texts) == 1:
            return Embedded(np.zeros((1, self.dimensions), np.float32), 0, {0: answer.cause})
        middle = len(texts) // 2
        first = self._embed_texts(texts[:middle], are_to_blame=True)
        second = self._embed_texts(texts[middle:], are_to_blame=True)
        offset = len(first.vectors)
        return Embedded(
            np.concatenate([first.vectors, second.vectors]),
            first.token_count + second.token_count,
            {**first.failures, **{offset + at: why for at, why in second.failures.items()}},
        )

    def _require_harmless_text_passes(self, refusal: Refusal) -> None:
        """Check that the server does not refuse every text, before trying texts one by one."""
        if isinstance(self._api.request([_HARMLESS]), Refusal):
            raise SettingsError(
                f"{ENDPOINT} refuses every text: {refusal.cause} Check EMBEDDING_MODEL (it is "
                f"{self.model!r}) and EMBEDDING_DIMENSIONS ({self.dimensions})."
            )

    def _units(self, answer: Answer) -> Embedded:
        """Return an answer's vectors at unit length; a vector without direction is a failure."""
        for vector in answer.vectors:
            if vector.shape != (self.dimensions,):
                raise SettingsError(
                    f"{self.model!r} answers vectors of {vector.size} numbers, {self.dimensions} "
                    f"were wanted: set EMBEDDING_DIMENSIONS={vector.size} and sync into a new index"
                )
        units = np.stack(answer.vectors)
        lengths = np.linalg.norm(units, axis=1)
        is_good = np.isfinite(lengths) & (lengths > 0)
        units[~is_good] = 0
        np.divide(units, lengths[:, None], out=units, where=is_good[:, None])
        failures = {
            int(place): f"its vector has the length {lengths[place]}"
            for place in np.flatnonzero(~is_good)
        }
        return Embedded(units, answer.token_count, failures)
