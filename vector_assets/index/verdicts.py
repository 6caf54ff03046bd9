"""The verdicts of vendors on documents that a search found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What a vendor says about a document of an answer.

    Attributes:
        UNCHANGED: It is as the index has it, as far as the vendor tells.
        EDITED: It has changed since.
        DELETED: It is gone.
        UNREADABLE: The vendor does not show it to us any more.
        UNANSWERED: The vendor did not say, or cannot be asked from here.
    """

    UNCHANGED = "unchanged"
    EDITED = "edited"
    DELETED = "deleted"
    UNREADABLE = "not readable"
    UNANSWERED = "no answer"


LEFT_OUT = frozenset({Verdict.DELETED, Verdict.UNREADABLE})
"""Verdicts whose documents are not handed out."""

TO_BE_READ = frozenset({Verdict.EDITED, *LEFT_OUT})
"""Verdicts whose documents are read again, at once or in the next nightly run."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a vendor said about one document.

    Attributes:
        edited_at: Its last activity there, UTC, when it was edited and the vendor tells when.
        reason: Why there is no answer, in words; empty otherwise.
    """

    verdict: Verdict
    edited_at: datetime | None = None
    reason: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        if self.verdict is Verdict.EDITED:
            return (
                f"edited since, {self.edited_at:%Y-%m-%d %H:%M} UTC"
                if self.edited_at
                else ("edited since")
            )
        if self.verdict is Verdict.UNANSWERED:
            return f"not confirmed: {self.reason}"
        return str(self.verdict)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What vendors said about the documents of an answer.

    Attributes:
        asked_at: When they were asked, UTC.
        by_document: By id, of the documents that are handed out.
        left_out: How many are not, by verdict.
    """

    asked_at: datetime
    by_document: Mapping[str, Confirmed]
    left_out: Mapping[Verdict, int]

    @property
    def left_out_count(self) -> int:
        """How many documents are not handed out."""
        return sum(self.left_out.values())
