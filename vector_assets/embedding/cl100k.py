"""The vocabulary of all of OpenAI's embedding models, from packages: nothing is fetched.

Keep out: requests (`openai_api.py`).
"""

from functools import lru_cache
from typing import Any

from semantic_text_splitter import MarkdownSplitter

from vector_assets.tokens import Splitter

_MAX_CHARACTERS = 49_000
"""How much is counted at once: bpe-openai 0.1.4 refuses 1,000,000 characters or 200,000 tokens,
and a character takes at most four."""

_TIKTOKEN_MODEL = "text-embedding-3-small"


class Cl100kTokenizer:
    """Counts as the vendor bills."""

    def count(self, text: str) -> int:
        """Return the number of tokens; names of special tokens are plain text.

        Of a long text a few too many: a word that is cut for counting counts twice.
        """
        return sum(
            len(_encoding().encode_ordinary(text[at : at + _MAX_CHARACTERS]))
            for at in range(0, len(text), _MAX_CHARACTERS)
        )

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter."""
        return _splitter(capacity_tokens)


@lru_cache(maxsize=1)
def _encoding() -> Any:
    # Loading the vocabulary takes a third of a second, which only those who count shall pay.
    from bpe_openai import get_encoding

    return get_encoding("cl100k_base")


@lru_cache(maxsize=64)
def _splitter(capacity_tokens: int) -> Splitter:
    splitter: Splitter = MarkdownSplitter.from_tiktoken_model(_TIKTOKEN_MODEL, capacity_tokens)
    return splitter
