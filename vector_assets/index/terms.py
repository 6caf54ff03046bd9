"""Words as the ranking counts them: in one case, without endings, identifiers in their parts."""

import re
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from Stemmer import Stemmer

from vector_assets.core.stop_words import STOP_WORDS

# What has no spaces between words is counted by character; its words are pairs of neighbours.
_BY_CHARACTER = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_BY_CHARACTER}]|[^\W_{_BY_CHARACTER}]+")

_KEPT_TEXTS = 16_384
"""Recent texts of which the stems are kept, in some 2 KB each: questions meet the same chunks again
and again, and to cut a text takes longer than to compare it."""

_stop_words = frozenset(STOP_WORDS)

NO_TERM = -1

Integers = npt.NDArray[np.int64]
Stems = npt.NDArray[np.uint32]


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, in one case."""
    return _WORD.findall(text.casefold())


@lru_cache(_KEPT_TEXTS)
def stems_of(text: str) -> Stems:
    """Return a number for each word of a text; forms of one word have the same."""
    return np.array([_stem(word) for word in words_of(text)], dtype=np.uint32)


class Terms:
    """The different words of a question that mean something, each known by a number from 0.

    A question that has only words such as "the" is taken with all of them.

    Attributes:
        count: How many there are.
        pairs: Pairs of terms that follow one another in the question; of shape `(pairs, 2)`.
    """

    def __init__(self, question: str) -> None:
        words = words_of(question)
        told = [word for word in words if word not in _stop_words] or words
        self._stems = np.unique(np.array([_stem(word) for word in told], dtype=np.uint32))
        self.count = len(self._stems)
        numbers = self.numbers(stems_of(question))
        neighbours = np.stack([numbers[:-1], numbers[1:]], axis=1)
        self.pairs: Integers = np.unique(neighbours[(neighbours != NO_TERM).all(axis=1)], axis=0)

    def numbers(self, stems: Stems) -> Integers:
        """Return the number of each word; `NO_TERM` for a word that the question does not have."""
        if not self.count:
            return np.full(len(stems), NO_TERM, dtype=np.int64)
        places = np.searchsorted(self._stems, stems).clip(max=self.count - 1)
        return np.where(self._stems[places] == stems, places, NO_TERM)


@lru_cache(50_000)
def _stem(word: str) -> int:
    return zlib.crc32(Stemmer("english", 0).stemWord(word).encode(errors="surrogatepass"))
