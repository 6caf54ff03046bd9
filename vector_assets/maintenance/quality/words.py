"""The words of a text, and a fingerprint of a stretch of them."""

import re
from collections.abc import Sequence
from hashlib import blake2b

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
"""A character of Chinese or Japanese counts as a word."""


def words_of(text: str) -> list[str]:
    """Return the words of a text in order, in lower case, without marks between them."""
    return [word.lower() for word in _WORD.findall(text)]


def fingerprint_of(words: Sequence[str]) -> str:
    """Return what a stretch of words is known by; the words cannot be read from it."""
    return blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=8).hexdigest()


def place_of(text: str) -> int:
    """Return a number that looks random and is always the same for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


def stretch_of(text: str, word_count: int, fingerprint: str) -> str | None:
    """Return the stretch of so many words with this fingerprint as it is written in a text."""
    spans = list(_WORD.finditer(text))
    words = [match[0].lower() for match in spans]
    for first in range(len(words) - word_count + 1):
        if fingerprint_of(words[first : first + word_count]) == fingerprint:
            stretch = text[spans[first].start() : spans[first + word_count - 1].end()]
            return " ".join(stretch.split())
    return None


def beginning_of(text: str, word_count: int) -> str:
    """Return the first so many words of a text as they are written there."""
    spans = list(_WORD.finditer(text))[:word_count]
    return " ".join(text[spans[0].start() : spans[-1].end()].split()) if spans else ""
