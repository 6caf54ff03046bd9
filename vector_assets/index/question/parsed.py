"""What is read out of a question: its constraints, as they are applied and as they are shown."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

MASK = "|"
"""Stands for the characters of other constraints: no rule takes it for part of a word."""


class Kind(StrEnum):
    """Kinds of constraints; `ignore` names them."""

    TIME = "time"
    ORDER = "order"
    PERSON = "person"
    SOURCE = "source"
    CONTAINER = "container"
    PHRASE = "phrase"
    WITHOUT = "without"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """How far a question is parsed.

    Attributes:
        literal: Whether the question is taken word for word.
        ignored: Kinds that stay words.
        now: What `today` means, UTC; None for the clock's now.
    """

    literal: bool = False
    ignored: frozenset[Kind] = frozenset()
    now: datetime | None = None

    @classmethod
    def of(cls, *, literal: bool = False, ignore: Iterable[str] = ()) -> "ParseOptions":
        """Return it from what an interface was given.

        Raises:
            ValueError: A kind is none.
        """
        return cls(literal, frozenset(map(Kind, ignore)))


PARSE_ALL = ParseOptions()
"""All kinds of constraints are read."""


@dataclass(frozen=True, slots=True)
class GivenFilters:
    """Which filters the interface was given: constraints of the same kind are not applied."""

    times: bool = False
    sources: bool = False
    containers: bool = False


NO_FILTERS_GIVEN = GivenFilters()


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
class Constraint:
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

    def overlaps(self, other: "Constraint") -> bool:
        """Tell whether some of its words are those of another part."""
        return self.start < other.end and other.start < self.end

    def dropped(self, reason: str) -> "Constraint":
        """Return it as not applied."""
        return replace(self, not_applied=reason)

    def understood(self, question: str) -> Understood:
        """Return it as it is shown."""
        words = question[self.start : self.end]
        if self.not_applied:
            meaning = f"{self.meaning}; not applied: {self.not_applied}"
            return Understood(words, self.kind, meaning, is_applied=False)
        return Understood(words, self.kind, self.meaning)


def masked(text: str, constraints: Iterable[Constraint]) -> str:
    """Return a text of the same length without these constraints."""
    for constraint in constraints:
        text = (
            text[: constraint.start]
            + MASK * (constraint.end - constraint.start)
            + text[constraint.end :]
        )
    return text
