"""How LanceDB's full-text index cuts texts into words; it cuts questions in the same way."""

from lancedb.index import FTS

from vector_assets.core.stop_words import STOP_WORDS

MAX_WORD_CHARACTERS = 1_000
"""Longer words are left out: nobody asks for an image in base64. LanceDB's default leaves out words
from 40, such as the SHA-1 of a commit and the names of many classes."""

WORDS = FTS(
    # Chinese, Japanese and Thai by ICU's dictionaries, all else at punctuation.
    base_tokenizer="icu/split",
    max_token_length=MAX_WORD_CHARACTERS,
    stem=True,
    remove_stop_words=True,
    custom_stop_words=list(STOP_WORDS),
)
