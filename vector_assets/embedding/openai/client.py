"""Makes one request to the embeddings endpoint of OpenAI or of a compatible server."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx  # noqa: F401 - whole before the SDK looks whether somebody is importing it
import httpx2
import msgspec
import numpy as np
import openai

from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimiter
from vector_assets.core.tls import httpx_context
from vector_assets.core.vectors import Vectors

ENDPOINT = "openai embeddings"

MAX_RETRIES = 8
"""Of a request that was throttled, and by the SDK of one that failed in passing."""

NO_CREDIT_CODE = "insufficient_quota"
"""An account without credit is answered like one that is too fast."""

TIMEOUT_SECONDS = 120.0

# Where the server does not say how long to wait, as the SDK does.
_BACKOFF_SECONDS = 0.5
_MAX_BACKOFF_SECONDS = 8.0

# What the SDK asks an answer before it repeats a request (openai 3.54, `_should_retry`).
_SHOULD_RETRY = "x-should-retry"

# OpenAI refuses inputs with 400; servers that speak its API also with 413 and 422.
_REFUSALS = {400, 413, 422}
_FIX_KEY = "Check OPENAI_API_KEY and OPENAI_BASE_URL."


@dataclass(frozen=True, slots=True)
class Answer:
    """One vector per text, in the order of the texts, and the billed tokens."""

    vectors: list[Vectors]
    token_count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server refuses to embed these texts; the cause is its message."""

    cause: str


class _Item(msgspec.Struct):
    """A vector: base64 as requested, or the plain list that some servers answer instead."""

    index: int
    embedding: bytes | list[float]


class _Body(msgspec.Struct):
    """The parts of an answer that we read; the SDK does not check them."""

    data: list[_Item]
    usage: Any = None


_decoder = msgspec.json.Decoder(_Body)


class OpenAIApi:
    """Requests embeddings; thread-safe. No URL means OpenAI, no dimensions the model's own."""

    def __init__(
        self, *, key: str, base_url: str, model: str, dimensions: int | None, meter: Meter
    ) -> None:
        self._model = model
        self._options: dict[str, Any] = {} if dimensions is None else {"dimensions": dimensions}
        self._meter = meter
        self._limiter = RateLimiter(ENDPOINT, meter)
        self._client = openai.OpenAI(
            api_key=key,
            base_url=base_url or None,
            max_retries=MAX_RETRIES,
            timeout=TIMEOUT_SECONDS,
            http_client=openai.DefaultHttpxClient(
                verify=httpx_context(),
                event_hooks={"request": [self._wait], "response": [self._count]},
            ),
        )

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return str(self._client.base_url)

    def request(self, texts: list[str]) -> Answer | Refusal:
        """Make one request.

        Raises:
            RetryableError: The server throttles for too long, or does not answer.
            CredentialsError: It refuses the key, or the account has no credit.
            SettingsError: It does not know the model.
            ContractError: It does not answer one vector per text.
        """
        try:
            # Lists of numbers and the SDK's own objects take ten times as long as base64.
            answer = _decoder.decode(self._content(texts))
        except openai.APIStatusError as error:
            if error.status_code in _REFUSALS:
                return Refusal(_words_of(error))
            raise self._translated(error) from error
        except openai.OpenAIError as error:
            raise self._translated(error) from error
        except msgspec.DecodeError as error:
            raise _unlike(f"something else ({error})", texts) from error
        return _read(answer, texts)

    def _content(self, texts: list[str]) -> bytes:
        throttled = 0
        while True:
            self._limiter.wait()
            try:
                response = self._client.embeddings.with_raw_response.create(
                    model=self._model, input=texts, encoding_format="base64", **self._options
                )
            except openai.RateLimitError as error:
                if error.code == NO_CREDIT_CODE or throttled == MAX_RETRIES:
                    raise
                self._limiter.pause_all(_retry_after_seconds(error.response, throttled))
                throttled += 1
            else:
                self._limiter.succeeded()
                return response.content

    def _wait(self, _: httpx2.Request) -> None:
        """Keep what the SDK repeats from being sent during a pause."""
        self._limiter.wait()

    def _count(self, response: httpx2.Response) -> None:
        """Count an answer, and leave one that throttles to `_content`, which pauses all threads."""
        self._meter.count(ENDPOINT)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response.headers[_SHOULD_RETRY] = "false"

    def _translated(self, error: openai.OpenAIError) -> VectorAssetsError:
        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return CredentialsError("openai", f"HTTP {error.status_code}", _FIX_KEY)
            case openai.RateLimitError() if error.code == NO_CREDIT_CODE:
                return CredentialsError(
                    "openai", NO_CREDIT_CODE, "Add credit to the account of OPENAI_API_KEY."
                )
            case openai.RateLimitError():
                return self._limiter.error()
            case openai.APIConnectionError(__cause__=RateLimitedError() as rate_limited):
                return rate_limited
            case openai.NotFoundError():
                return SettingsError(
                    f"{ENDPOINT}: {_words_of(error)} Check EMBEDDING_MODEL and OPENAI_BASE_URL."
                )
            case openai.APIStatusError():
                return UnavailableError("openai", f"HTTP {error.status_code}")
            case _:
                return UnavailableError("openai", type(error).__name__, "Check OPENAI_BASE_URL.")


def _retry_after_seconds(response: httpx2.Response, attempt: int) -> float:
    """Return how long a server asks to wait; a backoff where it leaves that to the client."""
    for header, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        text = response.headers.get(header, "")
        if text.replace(".", "", 1).isdigit():
            return float(text) / per_second
    return min(_MAX_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2.0**attempt)


def _read(body: _Body, texts: Sequence[str]) -> Answer:
    try:
        vectors = {item.index: _vector(item.embedding) for item in body.data}
    except ValueError as error:
        raise _unlike(f"vectors that cannot be read ({error})", texts) from error
    if len(body.data) != len(texts) or set(vectors) != set(range(len(texts))):
        raise _unlike(f"{len(body.data)} vectors for {len(texts)} texts", texts)
    count = body.usage.get("total_tokens") if isinstance(body.usage, dict) else None
    return Answer(
        [vectors[index] for index in range(len(texts))], count if isinstance(count, int) else 0
    )


def _vector(embedding: bytes | list[float]) -> Vectors:
    if isinstance(embedding, bytes):
        return np.frombuffer(embedding, "<f4")
    return np.asarray(embedding, np.float32)


def _unlike(seen: str, texts: Sequence[str]) -> ContractError:
    return ContractError(ENDPOINT, seen, f"{len(texts)} vectors, one a text")


def _words_of(error: openai.APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or body.get("error") or f"HTTP {error.status_code}")
