"""The record of the examination in the ledger: fingerprints of its questions, and its scores.

No words are kept, and a bounded number of nights: `KEPT_NIGHTS` to compare with, `HISTORY_NIGHTS`
to draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from vector_assets.index.ledger import Ledger
from vector_assets.maintenance.quality.asking import Ranks
from vector_assets.maintenance.quality.panel import KEPT_FOR, Entry, Night
from vector_assets.maintenance.quality.questions import Kind, Question
from vector_assets.maintenance.quality.scores import Scores

QUALITY = "quality"
"""Kind of the ledger's entries about scores, and key of the problem in alerts."""

QUESTIONS = "questions"
"""Kind of the ledger's entries about questions."""

KEPT_NIGHTS = 7
HISTORY_NIGHTS = 90

_OF_AN_ENTRY = 20
_LATEST = ""


class Outcome(StrEnum):
    """What an examination says of the answers."""

    SAME = "not worse"
    WORSE = "worse"
    FIRST = "nothing to compare with yet"
    TOO_FEW = "not enough to examine"


@dataclass(frozen=True, slots=True)
class Quality:
    """What the ledger says of the examinations.

    Attributes:
        examined_at: When the newest ended, UTC.
        detail: What became worse, or why nothing is said.
        history: By source, the scores of each night, oldest first.
    """

    examined_at: datetime
    outcome: Outcome
    detail: str = ""
    history: Mapping[str, Mapping[date, Scores]] = field(default_factory=dict)

    def of(self, source: str) -> Scores | None:
        """Return the scores of a source in the newest examination; None when it had none."""
        return self.history.get(source, {}).get(self.examined_at.date())

    @property
    def groups(self) -> dict[str, Scores]:
        """The scores of the newest examination, by source."""
        return {source: scores for source in self.history if (scores := self.of(source))}

    def as_json(self) -> dict[str, Any]:
        """Return the newest examination with times as ISO text."""
        return {
            "examined_at": self.examined_at.isoformat(),
            "outcome": str(self.outcome),
            "detail": self.detail,
            "sources": {source: asdict(scores) for source, scores in self.groups.items()},
        }


def quality_of(entries: Mapping[str, Mapping[str, Any]]) -> Quality | None:
    """Return what the entries of the kind `QUALITY` say; None before the first examination."""
    latest = entries.get(_LATEST)
    if latest is None:
        return None
    return Quality(
        datetime.fromisoformat(str(latest["examined_at"])),
        Outcome(latest["outcome"]),
        str(latest["detail"]),
        {
            key: {
                date.fromordinal(day): Scores(asked, *shares)
                for day, asked, *shares in entry["nights"]
            }
            for key, entry in entries.items()
            if key != _LATEST
        },
    )


def entries_of(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Entry]]:
    """Return the questions of each source from the entries of the kind `QUESTIONS`."""
    entries: dict[str, list[Entry]] = {}
    for key, part in sorted(plain.items(), key=lambda item: _part_of(item[0])):
        entries.setdefault(_part_of(key)[0], []).extend(map(_read, part["questions"]))
    return entries


def write_questions(ledger: Ledger, groups: Mapping[str, Sequence[Entry]]) -> None:
    """Replace the questions of some sources."""
    written = {
        f"{source} {number}": {
            "questions": list(map(_plain, entries[at : at + _OF_AN_ENTRY])),
        }
        for source, entries in groups.items()
        for number, at in enumerate(range(0, len(entries), _OF_AN_ENTRY))
    }
    known = {key for key in ledger.entries(QUESTIONS) if _part_of(key)[0] in groups}
    ledger.put(QUESTIONS, written)
    ledger.remove(QUESTIONS, sorted(known - written.keys()))


def write_quality(ledger: Ledger, quality: Quality) -> None:
    """Replace what is said of the answers, with the newest nights of the history."""
    latest = {
        "examined_at": quality.examined_at.isoformat(),
        "outcome": str(quality.outcome),
        "detail": quality.detail,
    }
    history = {
        source: {
            "nights": [
                [day.toordinal(), scores.asked, *(round(value, 4) for value in _shares(scores))]
                for day, scores in sorted(nights.items())[-HISTORY_NIGHTS:]
            ]
        }
        for source, nights in quality.history.items()
    }
    ledger.put(QUALITY, {_LATEST: latest, **history})


def nights_before(entry: Entry, day: date) -> list[Ranks]:
    """Return the ranks that a night is compared with."""
    return [night.ranks for night in entry.nights if day - KEPT_FOR <= night.day < day]


def with_night(entry: Entry, night: Night) -> tuple[Night, ...]:
    """Return the nights of a question with this one, in place of another of the same day."""
    others = [known for known in entry.nights if night.day - KEPT_FOR <= known.day != night.day]
    return (*others, night)[-KEPT_NIGHTS:]


def _shares(scores: Scores) -> tuple[float, ...]:
    return scores.hit_at_1, scores.hit_at_10, scores.mrr, scores.p95_seconds


def _part_of(key: str) -> tuple[str, int]:
    source, _, number = key.rpartition(" ")
    return source, int(number)


def _plain(entry: Entry) -> list[Any]:
    question = entry.question
    nights = [
        [night.day.toordinal(), night.ranks.answers, night.ranks.meaning, night.ranks.words]
        for night in entry.nights
    ]
    return [
        list(question.documents), str(question.kind), question.fingerprint, question.word_count,
        question.chunk, question.updated_at, nights,
    ]  # fmt: skip


def _read(plain: Sequence[Any]) -> Entry:
    documents, kind, fingerprint, word_count, chunk, updated_at, nights = plain
    question = Question(
        tuple(documents), Kind(kind), fingerprint, word_count, chunk, float(updated_at)
    )
    return Entry(
        question,
        tuple(Night(date.fromordinal(day), Ranks(*ranks)) for day, *ranks in nights),
    )
