"""Measures whether questions are understood as people mean them, and answered so.

Reads `typed_questions.yml`: questions with all constraints in them, and documents that
answer them. Exits 1 when fewer than `PROMISED_UNDERSTOOD` are understood rightly, or fewer than
`PROMISED_ANSWERED` have a right document among the first three.

    python benchmarks/typed_questions.py [--index data/real_input/lancedb]
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.index.question.order import NewestFirst
from vector_assets.index.question.parse import parse_question
from vector_assets.index.question.parsed import Constraint, ParseOptions
from vector_assets.index.question.people import Person
from vector_assets.index.question.phrases import Phrase, Without
from vector_assets.index.question.places import ContainerLimit, SourceLimit
from vector_assets.index.question.spans import TimeLimit
from vector_assets.index.question.statuses import StatusLimit
from vector_assets.index.search import find_in
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store

PROMISED_UNDERSTOOD = 55
PROMISED_ANSWERED = 48

FIRST_ANSWERS = 3

_FILE = Path(__file__).with_suffix(".yml")
_TODAY = date(2026, 8, 12)
"""What `today` means in a question that does not say: the last day of the data."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is typed, and what is right.

    Attributes:
        understood: All its constraints, as `spelled` says it.
        documents: Patterns of ids of documents that answer it.
    """

    text: str
    now: datetime
    understood: frozenset[str]
    documents: tuple[str, ...]

    @property
    def parse_options(self) -> ParseOptions:
        """How it is listened to."""
        return ParseOptions(now=self.now)

    def is_answered_by(self, document_id: str) -> bool:
        """Tell whether a document answers it."""
        return any(fnmatchcase(document_id, pattern) for pattern in self.documents)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--index", default="data/real_input/lancedb", help="URI of a LanceDB")
    parser.add_argument("--embedder", choices=("local", "openai"), default="local")
    options = parser.parse_args()
    settings = Settings(
        vector_store="lancedb", lancedb_uri=options.index, embedding_provider=options.embedder
    )
    store, embedder = build_store(settings, Meter()), build_embedder(settings, Meter())
    understood = answered = literally_answered = 0
    questions = list(read_questions())
    for question in questions:
        constraints = constraints_in(question)
        is_understood = constraints == question.understood
        understood += is_understood
        if not is_understood:
            print(f"misunderstood: {question.text!r} as {sorted(constraints)}")
        first = {}
        for parse_options in (question.parse_options, ParseOptions(literal=True)):
            answers = find_in(
                question.text,
                SOURCE_NAMES,
                store=store,
                embedder=embedder,
                limit=FIRST_ANSWERS,
                parse_options=parse_options,
            )
            first[parse_options.literal] = answers.answers
        is_answered, is_literally_answered = (
            any(question.is_answered_by(answer.document_id) for answer in first[is_literal])
            for is_literal in (False, True)
        )
        answered += is_answered
        literally_answered += is_literally_answered
        if not is_answered:
            ids = [f"{answer.document_id} {answer.title[:40]}" for answer in first[False]]
            print(f"not answered: {question.text!r}: {ids}")
    print(f"{understood} of {len(questions)} understood rightly, {PROMISED_UNDERSTOOD} promised")
    print(
        f"{answered} of {len(questions)} with a right document among the first {FIRST_ANSWERS}, "
        f"{PROMISED_ANSWERED} promised; word for word {literally_answered}"
    )
    sys.exit(understood < PROMISED_UNDERSTOOD or answered < PROMISED_ANSWERED)


def read_questions() -> Iterator[Question]:
    """Yield the questions of the file beside this one."""
    for raw in yaml.safe_load(_FILE.read_text(encoding="utf-8")):
        yield Question(
            raw["question"],
            datetime.combine(raw.get("now", _TODAY), time(12), UTC),
            frozenset(raw["understood"]),
            tuple(raw["documents"]),
        )


def constraints_in(question: Question) -> frozenset[str]:
    """Return the constraints of a question, spelled."""
    parsed = parse_question(question.text, SOURCE_NAMES, parse_options=question.parse_options)
    return frozenset(spelled(constraint) for constraint in parsed.applied)


def spelled(constraint: Constraint) -> str:
    """Return a constraint in short, such as `time 2026-07-06..2026-07-13`."""
    match constraint.limit:
        case TimeLimit(first=first, end=end):
            return f"time {first or ''}..{end or ''}"
        case NewestFirst():
            return "order"
        case Person(name=name) | ContainerLimit(name=name):
            return f"{constraint.kind} {name}"
        case SourceLimit(sources=sources):
            return f"source {' '.join(sources)}"
        case Phrase(words=words):
            return f"phrase {words}"
        case Without(word=word):
            return f"without {word}"
        case StatusLimit(is_open=is_open, is_closed=is_closed, name=name):
            return f"status {'open' if is_open else 'closed' if is_closed else name}"
    raise TypeError(f"{constraint.limit!r} cannot be spelled")


if __name__ == "__main__":
    main()
