"""The tokenizer of LanceDB's full-text index, for texts and questions.

The index records its language itself, and is all of one: another language means another index.
"""

from collections.abc import Mapping
from typing import Any

from lancedb.index import FTS

from vector_assets.core.languages import ENGLISH, NONE
from vector_assets.core.stop_words import STOP_WORDS

MAX_WORD_CHARACTERS = 1_000
"""Longer words are left out: nobody asks for an image in base64. LanceDB's default leaves out words
from 40, such as the SHA-1 of a commit and the names of many classes."""


def words_of(language: str) -> FTS:
    """Return the configuration of the full-text index for texts in a language, or in many."""
    return FTS(
        # Chinese, Japanese and Thai by ICU's dictionaries, all else at punctuation.
        base_tokenizer="icu/split",
        language=(ENGLISH if language == NONE else language).title(),
        max_token_length=MAX_WORD_CHARACTERS,
        stem=language != NONE,
        # Those of other languages are told apart by BM25 alone: they stand in most texts.
        remove_stop_words=language == ENGLISH,
        custom_stop_words=list(STOP_WORDS) if language == ENGLISH else None,
    )


def language_of(details: Mapping[str, Any]) -> str:
    """Return the language of a full-text index by what it records."""
    return str(details.get("language", ENGLISH)).lower() if details.get("stem", True) else NONE
