"""Keeps the vectors of recent questions, so that one that is asked again is not embedded again."""

from collections.abc import Sequence
from functools import lru_cache

from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded, Embedder, Tokenizer

KEPT_QUESTIONS = 1_000
"""Each takes some 2 to 12 KB, depending on the dimensions."""


class RecentQuestions(Embedder):
    """An embedder that remembers the newest questions; errors are not remembered."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.provider = embedder.provider
        self.model = embedder.model
        self.dimensions = embedder.dimensions
        self.chunk_tokens = embedder.chunk_tokens
        self.dollars_per_million_tokens = embedder.dollars_per_million_tokens
        self._vector = lru_cache(KEPT_QUESTIONS)(self._read_only_vector)

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's own tokenizer."""
        return self._embedder.tokenizer

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts; nothing is remembered."""
        return self._embedder.embed(texts)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question, or return the vector of the same one asked lately."""
        return self._vector(text)

    def check(self) -> str:
        """Embed one word and return what answered."""
        return self._embedder.check()

    def _read_only_vector(self, text: str) -> Vectors:
        vector = self._embedder.embed_query(text)
        vector.setflags(write=False)
        return vector
