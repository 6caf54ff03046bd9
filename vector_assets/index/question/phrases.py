"""Reads quoted phrases and excluded words out of a question: `"carrier key"`, `-android`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vector_assets.index.question.parsed import Constraint, Kind

_QUOTED = re.compile(
    r'(?<![\w"])"(?=\S)([^"\n]{2,120}?)"(?!\w)|“([^”\n]{2,120})”|«([^»\n]{2,120})»'
)
_WITHOUT = re.compile(r"(?<=\s)-(?P<word>[^\W\d_][\w.]{2,40})(?=\s*(?:$|[|?.!]|\s-\w))")
_FLAGS = frozenset({
    "all", "debug", "dry", "encoding", "file", "force", "global", "help", "jar", "json", "log",
    "output", "port", "quiet", "recursive", "save", "type", "verbose", "version", "exec", "name",
    "platform", "target", "build", "config", "rf", "user", "watch", "test",
})  # fmt: skip
"""What follows a dash on command lines more often than it is to be left out."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand in a document in this order, regardless of case and of white space."""

    words: str

    def is_in(self, text: str) -> bool:
        """Tell whether a text contains the phrase."""
        return _holds(_plain(text), _plain(self.words))


@dataclass(frozen=True, slots=True)
class Without:
    """A word that documents must not show."""

    word: str

    def is_in(self, text: str) -> bool:
        """Tell whether a text contains the word."""
        return _holds(text.casefold(), self.word.casefold())


def parse_phrases(text: str, least_words: int = 1) -> Iterator[Constraint]:
    """Yield the quoted phrases of so many words; they are searched for as words too."""
    for match in _QUOTED.finditer(text):
        words = " ".join((match[1] or match[2] or match[3]).split())
        if len(re.findall(r"\w+", words)) >= least_words:
            meaning = "documents that contain exactly these words"
            yield Constraint(Kind.PHRASE, *match.span(), Phrase(words), meaning, words)


def parse_exclusions(text: str) -> Iterator[Constraint]:
    """Yield the words to leave out, which stand last; flags of a command line are none."""
    for match in _WITHOUT.finditer(text):
        word = match["word"].rstrip(".")
        before = re.findall(r"\w+", text[: match.start()])
        if before and word.casefold() not in _FLAGS:
            meaning = f"no documents that show the word {word}"
            yield Constraint(Kind.WITHOUT, *match.span(), Without(word), meaning)


def _holds(text: str, words: str) -> bool:
    """Tell whether words stand in a text, and not as part of a longer word."""
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
