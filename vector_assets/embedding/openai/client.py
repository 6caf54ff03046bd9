"""Makes one request to the embeddings endpoint of OpenAI or of a compatible server."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx  # noqa: F401 - whole before the SDK looks whether somebody is importing it
import httpx2
import msgspec
import openai

from vector_assets.core.deadline import CALL_SECONDS, seconds_left_to_wait, within
from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimiter, seconds_of_retry_after
from vector_assets.core.tls import httpx_context
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.openai.answer import Body, decoded, vector_of

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

# OpenAI refuses inputs with 400; servers that speak its API also with 413, 422 and 501.
_REFUSALS = {400, 413, 422, 501}

# What llama.cpp and others answer to texts that are too many or too long; also an error in passing.
_FAILURES = {424, 500}
_MAX_REPEATS_OF_MANY = 2
"""Of a request of several texts that fails: fewer texts may pass."""

_MAX_WORDS_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """One vector per text, in the order of the texts, and the billed tokens."""

    vectors: list[Vectors]
    token_count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server refuses to embed these texts, or fails at it.

    Attributes:
        status: Of its answer.
        cause: Its message.
    """

    status: int
    cause: str

    @property
    def may_pass(self) -> bool:
        """Whether the server failed, and may not fail again."""
        return self.status in _FAILURES


@dataclass(frozen=True, slots=True)
class Form:
    """How a request is written; not every server that speaks OpenAI's API reads all of it.

    Attributes:
        encoding: `encoding_format`; empty leaves it out. Lists of numbers take ten times as long as
            base64.
        dimensions: To request; None means the model's own.
    """

    encoding: str = "base64"
    dimensions: int | None = None

    def others(self) -> list["Form"]:
        """Return the forms that ask less of a server, the most likely first."""
        encodings = dict.fromkeys((self.encoding, "float", ""))
        forms = [
            Form(encoding, dimensions)
            for dimensions in dict.fromkeys((self.dimensions, None))
            for encoding in encodings
        ]
        return [form for form in forms if form != self]

    def fields(self) -> dict[str, Any]:
        """Return the fields of a request beside the model and the texts."""
        encoding = {"encoding_format": self.encoding} if self.encoding else {}
        return encoding | ({} if self.dimensions is None else {"dimensions": self.dimensions})


class OpenAIApi:
    """Requests embeddings; thread-safe. It remembers which form of a request its server reads.

    Args:
        key: API key.
        base_url: URL of the server, with its path; empty means OpenAI.
        model: Its name at the server.
        dimensions: Dimensions to request; None means the model's default.
        length: How many numbers a vector has to have.
        meter: The meter of the run.
    """

    def __init__(
        self,
        *,
        key: str,
        base_url: str,
        model: str,
        dimensions: int | None,
        length: int,
        meter: Meter,
    ) -> None:
        self._model = model
        self._length = length
        self._form = Form(dimensions=dimensions)
        self._meter = meter
        self._limiter = RateLimiter(ENDPOINT, meter)
        address, parameters = _address(base_url)
        self._client = openai.OpenAI(
            api_key=key,
            base_url=address or None,
            default_query=parameters,
            max_retries=MAX_RETRIES,
            timeout=TIMEOUT_SECONDS,
            http_client=openai.DefaultHttpxClient(
                verify=httpx_context(),
                event_hooks={"request": [self._wait], "response": [self._count]},
            ),
        )

    @property
    def url(self) -> str:
        """Base URL of the server, without a login."""
        return str(self._client.base_url.copy_with(username=None, password=None))

    def request(self, texts: list[str]) -> Answer | Refusal:
        """Make one request; make it again in a simpler form if the answer cannot be read.

        Raises:
            RetryableError: The server throttles for too long, or does not answer.
            CredentialsError: It refuses the key, or the account has no credit.
            SettingsError: It does not know the model.
            ContractError: It does not answer one vector per text.
        """
        form = self._form
        try:
            answer = self._request(texts, form)
        except ContractError:
            plain_answer = self._plain_answer(texts, form)
            if plain_answer is None:
                raise
            return plain_answer
        if isinstance(answer, Refusal) and self._form != form:
            # Another thread has meanwhile learned what the server reads.
            return self.request(texts)
        return answer

    def _plain_answer(self, texts: list[str], form: Form) -> Answer | None:
        """Ask a server for lists of numbers that answers base64 with nothing, and keep to them."""
        plain = replace(form, encoding="float")
        if plain == form:
            return None
        try:
            answer = self._request(texts, plain)
        except ContractError:
            return None
        if not isinstance(answer, Answer):
            return None
        self._form = plain
        return answer

    def adapt(self, harmless: str) -> Refusal | None:
        """Find a form of request in which the server embeds a harmless text, and keep to it.

        Returns:
            Why it embeds that text in no form, or None.
        """
        form = self._form
        refusal = self._tried(harmless, form)
        if refusal is None:
            return None
        for other in form.others():
            if self._tried(harmless, other) is None:
                self._form = other
                return None
        if refusal.may_pass:
            # Perhaps it only fails in passing: now ask for as long as one asks for a text.
            return self._tried(harmless, form, max_repeats=MAX_RETRIES)
        return refusal

    def _tried(
        self, text: str, form: Form, *, max_repeats: int = _MAX_REPEATS_OF_MANY
    ) -> Refusal | None:
        """Return why a text is not embedded in a form of request, or None."""
        try:
            answer = self._request([text], form, max_repeats=max_repeats)
        except ContractError as error:
            return Refusal(HTTPStatus.OK, f"it answered {error.seen}")
        return answer if isinstance(answer, Refusal) else None

    @property
    def form(self) -> Form:
        """How requests are written at present."""
        return self._form

    def _request(
        self, texts: list[str], form: Form, *, max_repeats: int | None = None
    ) -> Answer | Refusal:
        if max_repeats is None:
            max_repeats = MAX_RETRIES if len(texts) == 1 else _MAX_REPEATS_OF_MANY
        try:
            # Lists of numbers and the SDK's own objects take ten times as long as base64.
            answer = decoded(self._content(texts, form, max_repeats))
        except openai.APIStatusError as error:
            if error.status_code in _REFUSALS | _FAILURES:
                return Refusal(error.status_code, _words_of(error))
            raise self._translated(error) from error
        except openai.OpenAIError as error:
            raise self._translated(error) from error
        except TimeoutError as error:
            raise UnavailableError(f"openai at {self.url}", str(error)) from error
        except msgspec.DecodeError as error:
            raise self._unlike(f"something else ({error})", texts) from error
        return self._read(answer, texts, form)

    def _content(self, texts: list[str], form: Form, max_repeats: int) -> bytes:
        body = {"model": self._model, "input": texts, **form.fields()}
        throttled = failed = 0
        while True:
            self._limiter.wait()
            try:
                # `embeddings.create` would always send an encoding.
                response = within(
                    min(CALL_SECONDS, seconds_left_to_wait()), lambda: self._post(body)
                )
            except openai.RateLimitError as error:
                if error.code == NO_CREDIT_CODE or throttled == MAX_RETRIES:
                    raise
                self._limiter.pause_all(_retry_after_seconds(error.response, throttled))
                throttled += 1
            except openai.APIStatusError as error:
                wanted_seconds = _retry_after_seconds(error.response, failed)
                pause_seconds = min(_MAX_BACKOFF_SECONDS, wanted_seconds)
                may_repeat = failed < max_repeats and pause_seconds < seconds_left_to_wait()
                if error.status_code not in _FAILURES or not may_repeat:
                    raise
                time.sleep(pause_seconds)
                failed += 1
            else:
                self._limiter.succeeded()
                return response.content

    def _post(self, body: dict[str, Any]) -> httpx2.Response:
        return self._client.post("/embeddings", body=body, cast_to=httpx2.Response)

    def _wait(self, _: httpx2.Request) -> None:
        """Keep what the SDK repeats from being sent during a pause."""
        self._limiter.wait()

    def _count(self, response: httpx2.Response) -> None:
        """Count an answer, and leave to `_content` what the SDK would repeat otherwise."""
        self._meter.count(ENDPOINT)
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS or status in _REFUSALS | _FAILURES:
            response.headers[_SHOULD_RETRY] = "false"

    def _translated(self, error: openai.OpenAIError) -> VectorAssetsError:
        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return CredentialsError(
                    "openai",
                    f"HTTP {error.status_code}",
                    f"Check OPENAI_API_KEY and OPENAI_BASE_URL ({self.url}).",
                )
            case openai.RateLimitError() if error.code == NO_CREDIT_CODE:
                return CredentialsError(
                    "openai", NO_CREDIT_CODE, "Add credit to the account of OPENAI_API_KEY."
                )
            case openai.RateLimitError():
                return self._limiter.error()
            case openai.APIConnectionError(__cause__=RateLimitedError() as rate_limited):
                return rate_limited
            case openai.APIStatusError(status_code=404 | 405 as status):
                return SettingsError(
                    f"{ENDPOINT}: HTTP {status}: {_words_of(error)} Check EMBEDDING_MODEL (it is "
                    f"{self._model!r}) and OPENAI_BASE_URL ({self.url}; most servers want a path "
                    f"that ends in /v1)."
                )
            case openai.APIStatusError():
                return UnavailableError("openai", f"HTTP {error.status_code} from {self.url}")
            case _:
                return UnavailableError(
                    "openai", type(error).__name__, f"Check OPENAI_BASE_URL ({self.url})."
                )

    def _read(self, body: Body, texts: Sequence[str], form: Form) -> Answer:
        try:
            vectors = {
                place if item.index is None else item.index: vector_of(item.embedding)
                for place, item in enumerate(body.data)
            }
        except ValueError as error:
            raise self._unlike(f"vectors that cannot be read ({error})", texts) from error
        if len(body.data) != len(texts) or set(vectors) != set(range(len(texts))):
            raise self._unlike(f"{len(body.data)} vectors for {len(texts)} texts", texts)
        if any(not vector.size for vector in vectors.values()):
            raise self._unlike("an empty vector", texts)
        sizes = {vector.size for vector in vectors.values()}
        if form.encoding == "base64" and sizes != {self._length}:
            # Not every server encodes numbers of 4 bytes; as a list they have no other length.
            raise self._unlike(f"vectors of {sizes} numbers in base64", texts)
        count = body.usage.get("total_tokens") if isinstance(body.usage, dict) else None
        return Answer(
            [vectors[index] for index in range(len(texts))], count if isinstance(count, int) else 0
        )

    def _unlike(self, seen: str, texts: Sequence[str]) -> ContractError:
        return ContractError(f"{ENDPOINT} at {self.url}", seen, f"{len(texts)} vectors, one a text")


def _address(base_url: str) -> tuple[str, dict[str, str]]:
    """Return the URL to which the SDK adds `/embeddings`, and the parameters of all requests.

    The path is kept as it is. Azure's older addresses end in `?api-version=`.
    """
    parts = urlsplit(base_url.strip())
    path = parts.path.rstrip("/").removesuffix("/embeddings")
    return parts._replace(path=path, query="", fragment="").geturl(), dict(parse_qsl(parts.query))


def _retry_after_seconds(response: httpx2.Response, attempt: int) -> float:
    """Return how long a server asks to wait; a backoff where it leaves that to the client."""
    for header, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        seconds = seconds_of_retry_after(response.headers.get(header, ""))
        if seconds is not None:
            return seconds / per_second
    return min(_MAX_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2.0**attempt)


def _words_of(error: openai.APIStatusError) -> str:
    """Return a server's message, in whichever field it stands; never an input that it repeats."""
    words: object = error.body
    if isinstance(words, dict):
        words = words.get("message") or words.get("error") or words.get("detail")
    if isinstance(words, list):
        # FastAPI lists complaints, each with the input.
        words = "; ".join(
            str(detail.get("msg", "")) for detail in words if isinstance(detail, dict)
        )
    return str(words or f"HTTP {error.status_code}")[:_MAX_WORDS_CHARACTERS]
