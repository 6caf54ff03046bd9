"""Keeps the vectors of recent questions, so that one that is asked again is not embedded again."""

from functools import lru_cache

from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedder, EmbedderAround

KEPT_QUESTIONS = 1_000
"""Each takes some 2 to 12 KB, depending on the dimensions."""


class RecentQuestions(EmbedderAround):
    """An embedder that remembers the newest questions; errors are not remembered."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self._vector = lru_cache(KEPT_QUESTIONS)(self._read_only_vector)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question, or return the vector of the same one asked lately."""
        return self._vector(text)

    def _read_only_vector(self, text: str) -> Vectors:
        vector = self._embedder.embed_query(text)
        vector.setflags(write=False)
        return vector
