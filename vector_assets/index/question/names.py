"""Compares a name in a question with the authors of documents, regardless of case and accents."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_APART = re.compile(r"\s*[|(,/]")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "đ": "d", "æ": "ae", "œ": "oe"})


def is_called(author: str, name: str) -> bool:
    """Tell whether a name is the author's: whole, or some of its words, as they follow each other.

    What stands behind a bar or in brackets, such as a team, counts only in a whole name.
    """
    wanted = _words(name)
    if not wanted:
        return False
    if wanted == _words(author) or _plain(name) == _plain(author):
        return True
    person = _words(_APART.split(author)[0])
    starts = range(len(person) - len(wanted) + 1)
    return any(person[start : start + len(wanted)] == wanted for start in starts)


def authors_called(name: str, authors: Iterable[str]) -> tuple[str, ...]:
    """Return the authors whom a name may mean, each once; those whose whole name it is, if any."""
    called = [author for author in dict.fromkeys(authors) if is_called(author, name)]
    whole = [author for author in called if _words(author) == _words(name)]
    return tuple(whole or called)


def plain_name(name: str) -> str:
    """Return a name in lower case, without accents."""
    return _plain(name)


# Each question compares the same few authors.
@lru_cache(10_000)
def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[\w'-]+", _plain(name).replace("’", "'")))


@lru_cache(10_000)
def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    return " ".join("".join(c for c in folded if not unicodedata.combining(c)).split())
