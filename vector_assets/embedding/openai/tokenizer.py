"""The vocabulary of all of OpenAI's embedding models, from a package: nothing is fetched.

It is held once, for counting and for cutting: some 30 MiB.
"""

from functools import lru_cache
from typing import Any

from semantic_text_splitter import MarkdownSplitter

from vector_assets.embedding.base import Splitter


class Cl100kTokenizer:
    """Counts as the vendor bills."""

    def count(self, text: str) -> int:
        """Return the number of tokens; names of special tokens are plain text."""
        counted: int = _encoding().count(text)
        return counted

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter."""
        return _splitter(capacity_tokens)


@lru_cache(maxsize=1)
def _encoding() -> Any:
    # Only those who count shall load the vocabulary.
    from rs_bpe.bpe import openai

    return openai.cl100k_base()


@lru_cache(maxsize=64)
def _splitter(capacity_tokens: int) -> Splitter:
    splitter: Splitter = MarkdownSplitter.from_callback(_encoding().count, capacity_tokens)
    return splitter
