"""What an embedder has to be: text in, vectors out, and honest about what it could not embed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vector_assets.core.vectors import Vectors


class Splitter(Protocol):
    """Cuts one Markdown text into pieces that each fit a budget of tokens."""

    def chunks(self, text: str) -> list[str]:
        """Return the pieces in order, each without white space around it."""
        ...


class Tokenizer(Protocol):
    """Counts tokens as the model does, so that a budget means what it says."""

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without the model's own frame tokens."""
        ...

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter whose pieces hold at most so many tokens; cheap to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """What came of embedding a list of texts.

    Attributes:
        vectors: float32, one row a text in the order given; the row of a failed text is zero.
        token_count: Tokens that were paid for.
        failures: Index of each text that the model refused, and why.
    """

    vectors: Vectors
    token_count: int
    failures: Mapping[int, str] = field(default_factory=dict)


class Embedder(ABC):
    """Turns texts into vectors.

    Attributes:
        provider: `openai` or `local`.
        model: The model's own name.
        dimensions: Length of a vector.
        chunk_tokens: How long a chunk may be, its head included.
        dollars_per_million_tokens: List price; 0 for a local model.
    """

    provider: str
    model: str
    dimensions: int
    chunk_tokens: int
    dollars_per_million_tokens: float

    @property
    def identity(self) -> str:
        """What makes two vectors comparable: `provider/model/dimensions`."""
        return f"{self.provider}/{self.model}/{self.dimensions}"

    @property
    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """The model's own tokenizer."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts; any number, none empty. Safe to call from several threads at once.

        Raises:
            RetryableError: The service throttles past the ceiling, or does not answer.
            CredentialsError: The service refuses the key.
        """

    @abstractmethod
    def embed_query(self, text: str) -> Vectors:
        """Embed one question; float32 of shape `(dimensions,)`."""

    @abstractmethod
    def check(self) -> str:
        """Embed one word; return what answered, in one line.

        Raises:
            CredentialsError: With what to fix.
            UnavailableError: The service cannot be reached.
        """
