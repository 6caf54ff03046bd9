"""A secret's place in a text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a text.

    Attributes:
        start: Index of its first character.
        end: Index after its last.
        kind: What it is, for a person: `password`.
    """

    start: int
    end: int
    kind: str
