"""The interfaces of the embedding: Embedder, Tokenizer, Splitter."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vector_assets.core.vectors import Vectors


class Splitter(Protocol):
    """Splits a Markdown text into pieces that each fit a budget of tokens."""

    def chunks(self, text: str) -> list[str]:
        """Return the pieces in order, each stripped."""
        ...


class Tokenizer(Protocol):
    """Counts tokens as the model does."""

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without the model's special tokens."""
        ...

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter whose pieces hold at most so many tokens; it is cached."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """The result of embedding a list of texts.

    Attributes:
        vectors: float32, one row per text in their order; the row of a failed text is zero.
        token_count: Billed tokens.
        failures: Cause by index of each text that the model refused.
    """

    vectors: Vectors
    token_count: int
    failures: Mapping[int, str] = field(default_factory=dict)


class Embedder(ABC):
    """Turns texts into vectors.

    `chunk_tokens` includes the head of a chunk; the price is the list price, 0 for a local model.
    """

    provider: str
    model: str
    dimensions: int
    chunk_tokens: int
    dollars_per_million_tokens: float

    @property
    def identity(self) -> str:
        """`provider/model/dimensions`; vectors of one identity are comparable."""
        return f"{self.provider}/{self.model}/{self.dimensions}"

    @property
    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """The model's own tokenizer."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed any number of texts, none of them empty; thread-safe.

        Raises:
            RetryableError: The service throttles for too long, or does not answer.
            CredentialsError: The service refuses the key.
        """

    @abstractmethod
    def embed_query(self, text: str) -> Vectors:
        """Embed a question; float32 of shape `(dimensions,)`."""

    def load(self) -> None:
        """Load what the first text would load; nothing by default."""
        return

    @abstractmethod
    def check(self) -> str:
        """Embed one word and return what answered, in one line.

        Raises:
            CredentialsError: The service refuses the key.
            UnavailableError: The service cannot be reached.
        """


class EmbedderAround(Embedder):
    """Passes everything on to another embedder; for those that change a part of it."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.provider = embedder.provider
        self.model = embedder.model
        self.dimensions = embedder.dimensions
        self.chunk_tokens = embedder.chunk_tokens
        self.dollars_per_million_tokens = embedder.dollars_per_million_tokens

    @property
    def tokenizer(self) -> Tokenizer:
        """The other embedder's."""
        return self._embedder.tokenizer

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts."""
        return self._embedder.embed(texts)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question."""
        return self._embedder.embed_query(text)

    def check(self) -> str:
        """Embed one word and return what answered."""
        return self._embedder.check()
