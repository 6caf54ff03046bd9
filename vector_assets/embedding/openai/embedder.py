"""OpenAI's embeddings, or those of any server that speaks the same API."""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Self

import numpy as np

from vector_assets.core.deadline import waiting_until
from vector_assets.core.errors import ContractError, SettingsError, UnavailableError, UsageError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded, Embedder, Tokenizer
from vector_assets.embedding.openai.client import ENDPOINT, Answer, OpenAIApi, Refusal
from vector_assets.embedding.openai.models import (
    CHUNK_TOKENS,
    DEFAULT_MODEL,
    DIMENSIONS_BY_MODEL,
    DOLLARS_PER_MILLION_TOKENS,
)
from vector_assets.embedding.openai.tokenizer import Cl100kTokenizer

MAX_INPUTS = 2048
"""Most texts per request (platform.openai.com/docs/api-reference/embeddings, 2026-11)."""

MAX_REQUEST_TOKENS = 295_000
"""Most tokens per request: the vendor's 300,000, less a margin for differences in counting."""

Batch = list[tuple[int, str, int]]
"""Texts as `(index, text, tokens)`."""


def batches(texts: Iterable[tuple[int, str, int]], max_inputs: int = MAX_INPUTS) -> Iterator[Batch]:
    """Yield batches that fit a request, in order; a batch of a single text may be too long."""
    batch: Batch = []
    tokens = 0
    for index, text, text_tokens in texts:
        if batch and (len(batch) == max_inputs or tokens + text_tokens > MAX_REQUEST_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append((index, text, text_tokens))
        tokens += text_tokens
    if batch:
        yield batch


def halves(texts: list[str]) -> tuple[list[str], list[str]]:
    """Return the two halves of at least two texts."""
    middle = len(texts) // 2
    return texts[:middle], texts[middle:]


MAX_INPUT_TOKENS = 8192
"""Longest text (platform.openai.com/docs/api-reference/embeddings, 2026-11)."""

REQUESTS_IN_FLIGHT = 6

_HARMLESS = "hello"
_TOKENIZER = Cl100kTokenizer()

QUESTION_SECONDS = 10.0
"""Who asks a question waits for it, and can be answered by words alone."""

# All embedders of a process share it, as they share the rate limit of the key.
_requests = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, thread_name_prefix="openai")


class OpenAIEmbedder(Embedder):
    """Embeds over HTTP; all callers of a process share the requests in flight.

    Args:
        api: Embeds one batch.
        model: Its name at the server.
        dimensions: Length of a vector.
        dollars_per_million_tokens: Price at the server; None means the list price.
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
        max_inputs: int = MAX_INPUTS,
    ) -> None:
        self.model = model
        self.dimensions = dimensions
        listed = DOLLARS_PER_MILLION_TOKENS.get(model, 0.0)
        self.dollars_per_million_tokens = (
            listed if dollars_per_million_tokens is None else dollars_per_million_tokens
        )
        self._api = api
        self._max_inputs = max_inputs

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings; no request is made.

        Raises:
            SettingsError: The key is missing, or the dimensions of an unknown model are.
        """
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
            length=dimensions,
            meter=meter,
        )
        price = settings.embedding_dollars_per_million_tokens
        return cls(
            api,
            model=model,
            dimensions=dimensions,
            dollars_per_million_tokens=price,
            max_inputs=settings.embedding_batch,
        )

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
        cut = list(batches(kept, self._max_inputs))
        parts = _requests.map(self._embed_batch, cut)
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
        """Embed a question; a question longer than the model reads is truncated.

        Raises:
            UsageError: The server refuses it.
            UnavailableError: The server does not answer within `QUESTION_SECONDS`.
        """
        if self.tokenizer.count(text) > MAX_INPUT_TOKENS:
            text = self.tokenizer.splitter(MAX_INPUT_TOKENS).chunks(text)[0]
        with waiting_until(time.monotonic() + QUESTION_SECONDS):
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

    def _embed_batch(self, batch: Batch) -> Embedded:
        return self._embed_texts([text for _, text, _ in batch])

    def _embed_texts(self, texts: list[str], *, are_to_blame: bool = False) -> Embedded:
        """Embed texts that fit a request; bisect refused texts until each bad text is alone.

        Args:
            texts: One or more.
            are_to_blame: Whether a refusal is known to concern texts and not settings.
        """
        if len(texts) > self._max_inputs:
            # The server has meanwhile refused batches of this size.
            return self._embed_halves(texts, are_to_blame=are_to_blame)
        form = self._api.form
        answer: Answer | Refusal
        try:
            answer = self._api.request(texts)
        except ContractError as error:
            # Some servers cut off what is too much for them, and say nothing.
            if not are_to_blame and self._api.adapt(_HARMLESS) is not None:
                raise
            answer, are_to_blame = Refusal(HTTPStatus.OK, f"it answered {error.seen}"), True
        if isinstance(answer, Refusal) and not are_to_blame:
            self._require_harmless_text_passes(answer)
            if answer.may_pass or self._api.form != form:
                answer = self._api.request(texts)
        if isinstance(answer, Answer):
            return self._units(answer)
        if len(texts) == 1:
            cause = f"HTTP {answer.status}: {answer.cause}" if answer.may_pass else answer.cause
            return Embedded(np.zeros((1, self.dimensions), np.float32), 0, {0: cause})
        embedded = self._embed_halves(texts, are_to_blame=True)
        if not embedded.failures:
            # No text was to blame, so there were too many. Larger batches are not tried again.
            self._max_inputs = min(self._max_inputs, (len(texts) + 1) // 2)
        return embedded

    def _embed_halves(self, texts: list[str], *, are_to_blame: bool) -> Embedded:
        first, second = (
            self._embed_texts(half, are_to_blame=are_to_blame) for half in halves(texts)
        )
        offset = len(first.vectors)
        return Embedded(
            np.concatenate([first.vectors, second.vectors]),
            first.token_count + second.token_count,
            {**first.failures, **{offset + at: why for at, why in second.failures.items()}},
        )

    def _require_harmless_text_passes(self, refusal: Refusal) -> None:
        """Check that the server does not refuse every text, before trying texts one by one.

        Raises:
            SettingsError: It refuses every text.
            UnavailableError: It fails at every text.
        """
        cause = self._api.adapt(_HARMLESS)
        if cause is None:
            return
        if cause.may_pass:
            raise UnavailableError(
                f"openai at {self._api.url}", f"HTTP {cause.status}: {cause.cause}"
            )
        raise SettingsError(
            f"{ENDPOINT} refuses every text: {refusal.cause} (HTTP {refusal.status} from "
            f"{self._api.url}). Check EMBEDDING_MODEL (it is {self.model!r}) and "
            f"EMBEDDING_DIMENSIONS ({self.dimensions})."
        )

    def _units(self, answer: Answer) -> Embedded:
        """Return an answer's vectors at unit length; a vector without direction is a failure.

        Raises:
            SettingsError: Their dimensions are not those of the settings.
        """
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
