"""The words of a question, and their forms in texts that English search finds as the same."""

import re
from functools import lru_cache

from vector_assets.core.stop_words import STOP_WORDS

_STOP_WORDS = frozenset(STOP_WORDS)
_MAX_WORDS = 32
_MIN_STEM_CHARACTERS = 3
_WORD = re.compile(r"\w+(?:[-.]\w+)*")
_ENDING = re.compile(r"(?:'s|ings?|ed|ers?|es|s|e)$")
_ENDINGS = r"(?:e|es|s|ed|er|ers|ing|ings)?"


def content_words(question: str) -> list[str]:
    """Return the words of a question that say something, in lower case, without duplicates."""
    words = dict.fromkeys(_WORD.findall(question.casefold()))
    return [word for word in words if word not in _STOP_WORDS][:_MAX_WORDS]


@lru_cache(maxsize=4_096)
def stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words of a text that say something, in order."""
    return tuple(filter(None, map(_content_stem, _WORD.findall(text.casefold()))))


def forms_pattern(question: str) -> re.Pattern[str] | None:
    """Return what matches the words of a question, and other forms of them; None without words."""
    words = content_words(question)
    forms = "|".join(_forms(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{forms})(?!\w)", re.IGNORECASE) if words else None


def stem(word: str) -> str:
    """Return a word in lower case without its English ending, or as it is."""
    return _stem(word) or word


@lru_cache(maxsize=50_000)
def _content_stem(word: str) -> str:
    """Return a word's stem; empty for a word that says nothing."""
    return "" if word in _STOP_WORDS else stem(word)


def _stem(word: str) -> str:
    """Return what is left of an English word; empty where too little is left, or of another."""
    short = _ENDING.sub("", word)
    if len(short) < _MIN_STEM_CHARACTERS or not (word.isascii() and word.isalpha()):
        return ""
    if short != word and short[-2] == short[-1] and len(short) > _MIN_STEM_CHARACTERS:
        # planning, plan
        return short[:-1]
    return short


def _forms(word: str) -> str:
    """Return a pattern of the forms of a word that English search finds as the same."""
    short = _stem(word)
    return f"{short}{short[-1]}?{_ENDINGS}" if short else re.escape(word)
