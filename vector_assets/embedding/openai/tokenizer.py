"""cl100k, the vocabulary of all of OpenAI's embedding models, from a Python package.

A process loads it once, about 30 MiB, for counting and splitting.
"""

from functools import lru_cache
from typing import Any

from semantic_text_splitter import MarkdownSplitter

from vector_assets.embedding.base import Splitter


class Cl100kTokenizer:
    """Counts tokens as the vendor bills them."""

    def count(self, text: str) -> int:
        """Return the number of tokens; names of special tokens are plain text."""
        counted: int = _encoding().count(text)
        return counted

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter."""
        return _splitter(capacity_tokens)


@lru_cache(maxsize=1)
def _encoding() -> Any:
    # The vocabulary is large: load it only when something is counted.
    from rs_bpe.bpe import openai

    return openai.cl100k_base()


@lru_cache(maxsize=64)
def _splitter(capacity_tokens: int) -> Splitter:
    splitter: Splitter = MarkdownSplitter.from_callback(_encoding().count, capacity_tokens)
    return splitter
