"""Words as the ranking counts them: in one case, without endings, identifiers in their parts."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from Stemmer import Stemmer

from vector_assets.core.stop_words import STOP_WORDS

# What has no spaces between words is counted by character; its words are pairs of neighbours.
_BY_CHARACTER = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_BY_CHARACTER}]|[^\W_{_BY_CHARACTER}]+")

_stop_words = frozenset(STOP_WORDS)

NO_TERM = -1

Pair = tuple[int, int]


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, in one case."""
    return _WORD.findall(text.casefold())


class Terms:
    """The different words of a question that mean something, each known by a number from 0.

    A question that has only words such as "the" is taken with all of them.

    Attributes:
        count: How many there are.
        pairs: Terms that follow one another in the question.
    """

    def __init__(self, question: str) -> None:
        words = words_of(question)
        stems = dict.fromkeys(
            _stem(word) for word in words if word not in _stop_words
        ) or dict.fromkeys(map(_stem, words))
        self._number_of_stem = {stem: number for number, stem in enumerate(stems)}
        self._number_of_word: dict[str, int] = {}
        self.count = len(stems)
        self.pairs = frozenset(_neighbours(self.numbers(words)))

    def numbers(self, words: Iterable[str]) -> list[int]:
        """Return each word's number; `NO_TERM` for a word that the question does not have."""
        known = self._number_of_word
        numbers = []
        for word in words:
            number = known.get(word)
            if number is None:
                number = known[word] = self._number_of_stem.get(_stem(word), NO_TERM)
            numbers.append(number)
        return numbers

    def pairs_in(self, numbers: Sequence[int]) -> frozenset[Pair]:
        """Return the pairs of the question that stand side by side in a text."""
        return self.pairs.intersection(_neighbours(numbers)) if self.pairs else frozenset()


def _neighbours(numbers: Sequence[int]) -> Iterable[Pair]:
    return (
        (first, second)
        for first, second in pairwise(numbers)
        if first != NO_TERM and second != NO_TERM
    )


@lru_cache(50_000)
def _stem(word: str) -> str:
    return str(Stemmer("english", 0).stemWord(word))
