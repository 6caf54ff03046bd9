"""Words as the ranking counts them: in one case, without endings, identifiers in their parts."""

import re
import zlib
from collections.abc import Sequence
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

_FAR = 1_000_000
"""More words than any two may be apart to count as near one another."""

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
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
        neighbours: Likewise when words such as "the" between them are left out.
    """

    def __init__(self, question: str) -> None:
        words = words_of(question)
        told = [word for word in words if word not in _stop_words] or words
        self._stems = np.unique(np.array([_stem(word) for word in told], dtype=np.uint32))
        self.count = len(self._stems)
        numbers = self.numbers(stems_of(question))
        self.pairs = _pairs_in(numbers)
        self.neighbours = _pairs_in(numbers[numbers != NO_TERM])

    def numbers(self, stems: Stems) -> Integers:
        """Return the number of each word; `NO_TERM` for a word that the question does not have."""
        if not self.count:
            return np.full(len(stems), NO_TERM, dtype=np.int64)
        places = np.searchsorted(self._stems, stems).clip(max=self.count - 1)
        return np.where(self._stems[places] == stems, places, NO_TERM)


class Occurrences:
    """Where the terms of a question stand in some texts."""

    def __init__(self, terms: Terms, texts: Sequence[Stems]) -> None:
        self._text_count, self._term_count = len(texts), terms.count
        numbers = terms.numbers(np.concatenate([np.zeros(0, dtype=np.uint32), *texts]))
        word_counts = np.array([len(text) for text in texts], dtype=np.int64)
        is_term = numbers != NO_TERM
        self._terms = numbers[is_term]
        self._texts = np.repeat(np.arange(len(texts)), word_counts)[is_term]
        # The end of a text and the beginning of the next one are not near one another.
        self._places = np.flatnonzero(is_term) + _FAR * self._texts

    def frequencies(self) -> Numbers:
        """Return how often each text has each term; of shape `(texts, terms)`."""
        frequencies = np.zeros((self._text_count, self._term_count))
        np.add.at(frequencies, (self._texts, self._terms), 1)
        return frequencies

    def following(self, pairs: Integers, words: int) -> Numbers:
        """Return 1 where a text has the second of a pair at most `words` words after the first.

        Args:
            pairs: Of terms; of shape `(pairs, 2)`.
            words: 1 where they have to stand side by side.

        Returns:
            Of shape `(texts, pairs)`; 0 where a text does not have a pair so.
        """
        is_near = np.zeros((self._text_count, len(pairs)))
        for column, (first, second) in enumerate(pairs.tolist()):
            firsts, is_second = self._places[self._terms == first], self._terms == second
            seconds = self._places[is_second]
            before = np.append(-_FAR, firsts)[np.searchsorted(firsts, seconds)]
            is_near[self._texts[is_second][seconds - before <= words], column] = 1
        return is_near

    def most_within(self, words: int, worth: Numbers) -> Numbers:
        """Return the most that the terms within so many words of each text are worth together.

        Args:
            words: In a row, terms or not.
            worth: Of each term, wherever and however often it stands; of shape `(terms,)`.

        Returns:
            Of shape `(texts,)`.
        """
        worth_up_to = np.zeros(len(self._places))
        for term, worth_of_term in enumerate(worth.tolist()):
            latest = np.maximum.accumulate(np.where(self._terms == term, self._places, -_FAR))
            worth_up_to[self._places - latest < words] += worth_of_term
        most = np.zeros(self._text_count)
        np.maximum.at(most, self._texts, worth_up_to)
        return most


def _pairs_in(numbers: Integers) -> Integers:
    """Return each pair of terms that follow one another once; of shape `(pairs, 2)`."""
    pairs = np.stack([numbers[:-1], numbers[1:]], axis=1)
    return np.unique(pairs[(pairs != NO_TERM).all(axis=1)], axis=0)


@lru_cache(50_000)
def _stem(word: str) -> int:
    return zlib.crc32(Stemmer("english", 0).stemWord(word).encode(errors="surrogatepass"))
