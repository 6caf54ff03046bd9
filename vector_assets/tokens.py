"""What a tokenizer has to be, for the chunker that asks and the embedders that bring one.

Both sides lean on these two protocols and neither on the other.
"""

from typing import Protocol


class Splitter(Protocol):
    """Cuts one Markdown text into pieces that each fit a budget of tokens."""

    def chunks(self, text: str) -> list[str]:
        """Return the pieces in order, each without white space around it."""
        ...


class Tokenizer(Protocol):
    """Counts tokens as the model does, so that a budget means what it says."""

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without the model's own frame tokens."""
        ...

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter whose pieces hold at most so many tokens; cheap to repeat."""
        ...
