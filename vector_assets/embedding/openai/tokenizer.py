"""Counts and splits with cl100k, the vocabulary of all of OpenAI's embedding models."""

from functools import lru_cache

from semantic_text_splitter import MarkdownSplitter

from vector_assets.core.cl100k import token_counter
from vector_assets.embedding.base import Splitter


class Cl100kTokenizer:
    """Counts tokens as the vendor bills them."""

    def count(self, text: str) -> int:
        """Return the number of tokens; names of special tokens are plain text."""
        return token_counter()(text)

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter."""
        return _splitter(capacity_tokens)


@lru_cache(maxsize=64)
def _splitter(capacity_tokens: int) -> Splitter:
    splitter: Splitter = MarkdownSplitter.from_callback(token_counter(), capacity_tokens)
    return splitter
