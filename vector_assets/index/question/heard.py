"""A part of a question that was heard as more than words, and who takes it back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

MASK = "|"
"""Stands for characters that were heard already: no rule takes it for part of a word."""


class Kind(StrEnum):
    """Kinds of what is heard; `ignore` names them."""

    TIME = "time"
    ORDER = "order"
    PERSON = "person"
    SOURCE = "source"
    CONTAINER = "container"
    PHRASE = "phrase"
    WITHOUT = "without"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Listening:
    """How far a question is listened to.

    Attributes:
        literal: Whether the question is taken word for word.
        ignored: Kinds that are not heard.
        now: What `today` means, UTC; None for the clock's now.
    """

    literal: bool = False
    ignored: frozenset[Kind] = frozenset()
    now: datetime | None = None

    @classmethod
    def of(cls, *, literal: bool = False, ignore: Iterable[str] = ()) -> "Listening":
        """Return it from what an interface was given.

        Raises:
            ValueError: A kind is none.
        """
        return cls(literal, frozenset(map(Kind, ignore)))


ATTENTIVE = Listening()
"""Everything is heard."""


@dataclass(frozen=True, slots=True)
class Given:
    """Which filters the interface was given; what is heard of the same kind is not applied."""

    times: bool = False
    sources: bool = False
    containers: bool = False


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class Understood:
    """A part of a question as a reader is shown it.

    Attributes:
        words: As they stand in the question.
        meaning: What they are understood as, such as `activity from 2026-11-16 to ...`.
        is_applied: Whether the answers are narrowed or ordered by it.
    """

    words: str
    kind: Kind
    meaning: str
    is_applied: bool = True

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {
            "words": self.words,
            "kind": str(self.kind),
            "meaning": self.meaning,
            "applied": self.is_applied,
        }

    def __str__(self) -> str:
        return f'"{self.words}" as {self.meaning}'


@dataclass(frozen=True, slots=True)
class Heard:
    """A part of a question, `[start, end)`, that limits or orders the answers.

    Attributes:
        limit: What it does; its type is one of the modules beside this one.
        meaning: See `Understood`.
        searched: What is searched for in place of its words; empty for nothing.
        not_applied: Why it changes nothing, so that its words are words; empty when it does.
    """

    kind: Kind
    start: int
    end: int
    limit: object
    meaning: str
    searched: str = ""
    not_applied: str = ""

    def overlaps(self, other: "Heard") -> bool:
        """Tell whether some of its words are those of another part."""
        return self.start < other.end and other.start < self.end

    def dropped(self, reason: str) -> "Heard":
        """Return it as heard and not applied."""
        return replace(self, not_applied=reason)

    def understood(self, question: str) -> Understood:
        """Return it as it is shown."""
        words = question[self.start : self.end]
        if self.not_applied:
            meaning = f"{self.meaning}; not applied: {self.not_applied}"
            return Understood(words, self.kind, meaning, is_applied=False)
        return Understood(words, self.kind, self.meaning)


def masked(text: str, heard: Iterable[Heard]) -> str:
    """Return a text of the same length without what was heard."""
    for each in heard:
        text = text[: each.start] + MASK * (each.end - each.start) + text[each.end :]
    return text
