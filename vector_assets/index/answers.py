"""Answers to a question: documents with their passages, and how fresh their sources are."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from vector_assets.index.passages import Passage
from vector_assets.index.question.parsed import Understood
from vector_assets.index.verdicts import Confirmation

NOTHING_FITS = (
    "Nothing in the index fits this question well; these are the nearest documents. Ask with words "
    "that stand in what you look for."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A document that answers, with the passages that do so.

    Attributes:
        passage: The best of `passages`: a chunk's text without the head, in Markdown; the title
            when there is no text.
        url: Link to the passage, or to the document.
        updated_at: Last activity, UTC.
        score: From 0 to 1, comparable between questions. 1 for a key that was asked for.
        chunk: The passage's place in the document, from 0.
        passages: Up to three, in the order of the document, each with its own link.
    """

    document_id: str
    source: str
    title: str
    passage: str
    url: str
    authors: tuple[str, ...]
    container: str
    created_at: datetime
    updated_at: datetime
    score: float
    chunk: int
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """What a question found.

    Attributes:
        as_of: By source that was asked, the newest activity that the index knows; None when the
            index holds nothing of it.
        is_complete: Whether every source was searched, by meaning and by words.
        fits_well: Whether the best document fits, or there is none; if not, the answers are only
            the nearest that the index has.
        confirmation: What the vendors said of these documents; None when they were not asked.
        understood: What the question was taken to say about itself, in its order.
    """

    answers: tuple[Answer, ...]
    as_of: Mapping[str, datetime | None]
    warnings: tuple[str, ...] = ()
    is_complete: bool = True
    fits_well: bool = True
    confirmation: Confirmation | None = None
    understood: tuple[Understood, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it with times as ISO 8601 text, and what vendors said where they were asked."""
        return {
            "answers": [self._answer_as_json(answer) for answer in self.answers],
            "as_of": {
                source: instant.isoformat() if instant else None
                for source, instant in self.as_of.items()
            },
            "warnings": list(self.warnings),
            "fits_well": self.fits_well,
            "understood": [constraint.as_json() for constraint in self.understood],
            **(
                {"left_out": {str(k): n for k, n in self.confirmation.left_out.items()}}
                if self.confirmation
                else {}
            ),
        }

    def _answer_as_json(self, answer: Answer) -> dict[str, object]:
        fields = asdict(answer)
        if self.confirmation is not None:
            confirmed = self.confirmation.by_document[answer.document_id]
            fields |= {
                "confirmed": str(confirmed.verdict),
                "edited_at": confirmed.edited_at,
                "not_confirmed_because": confirmed.reason,
            }
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in fields.items()
        }
