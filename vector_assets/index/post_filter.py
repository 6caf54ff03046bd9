"""Applies to ranked documents what no store filters by: people, phrases, words, statuses, order."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from vector_assets.index.question.names import authors_called, plain_name
from vector_assets.index.question.order import NewestFirst
from vector_assets.index.question.parse import (
    FILLING_WORDS,
    NOTHING_LEFT,
    ParsedQuestion,
)
from vector_assets.index.question.parsed import Constraint
from vector_assets.index.question.people import Person
from vector_assets.index.question.phrases import Phrase, Without
from vector_assets.index.question.places import ContainerLimit
from vector_assets.index.question.statuses import StatusLimit
from vector_assets.index.ranking import Ranked
from vector_assets.stores.base import Hit

_AND = re.compile(r"\s+(?:and|or)\s+", re.IGNORECASE)

FITTING_SHARE = 0.5
"""A document fits well when it scores at least this share of the best."""

MAX_SHOWN_NAMES = 3


def post_filtered(
    ranked: Sequence[Ranked], parsed: ParsedQuestion
) -> tuple[list[Ranked], ParsedQuestion]:
    """Return the documents that a question asks for, best first, and what came of its limits.

    A limit that leaves nothing is not applied. Names count as names when an author of these
    documents is called so: their reader may read them all.
    """
    left = list(ranked)
    constraints: list[Constraint] = []
    for constraint in parsed.constraints:
        result: Constraint | None = constraint
        if not constraint.not_applied and left:
            left, result = _applied(left, constraint)
        constraints += [result] if result is not None else []
    if any(isinstance(constraint.limit, NewestFirst) for constraint in parsed.applied):
        left = newest_first(left, parsed.text)
    return left, parsed.with_constraints(constraints)


def _applied(
    ranked: list[Ranked], constraint: Constraint
) -> tuple[list[Ranked], Constraint | None]:
    """Return what a limit leaves, and the limit as it is shown; None for no limit after all."""
    wanted = constraint.limit
    if isinstance(wanted, Person):
        return _by_person(ranked, constraint, wanted)
    if isinstance(wanted, Phrase):
        return _narrowed(
            _preferring(ranked, lambda hit: wanted.is_in(_text(hit))), constraint, is_phrase(wanted)
        )
    if isinstance(wanted, Without):
        return _narrowed(ranked, constraint, lambda document: not _shows(document, wanted))
    if isinstance(wanted, StatusLimit):
        return _narrowed(
            ranked, constraint, lambda document: wanted.lets_pass(_field(document, "status"))
        )
    if isinstance(wanted, ContainerLimit) and not wanted.is_exact:
        name = plain_name(wanted.name)
        return _narrowed(
            ranked,
            constraint,
            lambda document: (
                _field(document, "source") == wanted.source
                and name in plain_name(_field(document, "container"))
            ),
        )
    return ranked, constraint


def searched_alone(constraint: Constraint) -> tuple[str, Callable[[Ranked], bool]] | None:
    """Return what to search for when a question found nothing of it, and what tells it apart."""
    wanted = constraint.limit
    if isinstance(wanted, Phrase):
        return wanted.words, is_phrase(wanted)
    if isinstance(wanted, Person) and wanted.is_sure:
        return wanted.name, lambda document: bool(_called(wanted, _authors(document)))
    return None


def _called(person: Person, authors: Sequence[str]) -> tuple[str, ...]:
    """Return the authors whom a name may mean, or the names that `and` joins."""
    return authors_called(person.name, authors) or tuple(
        name for part in _AND.split(person.name) for name in authors_called(part, authors)
    )


def is_phrase(limit: Phrase) -> Callable[[Ranked], bool]:
    """Return what tells whether a document has a phrase in the passages that were found."""
    return lambda document: any(limit.is_in(_text(hit)) for hit in document.hits)


def _narrowed(
    ranked: list[Ranked], constraint: Constraint, passes: Callable[[Ranked], bool]
) -> tuple[list[Ranked], Constraint]:
    left = [document for document in ranked if passes(document)]
    return (left, constraint) if left else (ranked, constraint.dropped(NOTHING_LEFT))


def _by_person(
    ranked: list[Ranked], constraint: Constraint, person: Person
) -> tuple[list[Ranked], Constraint | None]:
    """Return the documents by a person, those first in which the person speaks."""
    names = _called(person, [name for document in ranked for name in _authors(document)])
    if not names:
        return ranked, constraint.dropped(NOTHING_LEFT) if person.is_sure else None
    wanted = set(names)
    left = [document for document in ranked if not wanted.isdisjoint(_authors(document))]
    left = _preferring(left, lambda hit: _speaks(hit, names))
    shown = " or ".join(names[:MAX_SHOWN_NAMES]) + (" or others" if names[MAX_SHOWN_NAMES:] else "")
    left.sort(key=lambda document: not _speaks_in(document, names))
    return left, replace(constraint, meaning=f"what {shown} wrote or said")


def _speaks_in(document: Ranked, names: Iterable[str]) -> bool:
    """Tell whether a person began a document, or speaks in its best passage."""
    return _authors(document)[:1] in [[name] for name in names] or _speaks(document.hits[0], names)


def _speaks(hit: Hit, names: Iterable[str]) -> bool:
    """Tell whether one of these stands above a message, a comment or a turn of a passage."""
    text = _text(hit)
    return any(f"{name}, " in text for name in names)


def _preferring(ranked: Iterable[Ranked], is_wanted: Callable[[Hit], bool]) -> list[Ranked]:
    """Return documents with the wanted ones of their passages first."""
    return [
        replace(document, hits=tuple(sorted(document.hits, key=lambda hit: not is_wanted(hit))))
        for document in ranked
    ]


def newest_first(ranked: Sequence[Ranked], text: str) -> list[Ranked]:
    """Return the documents that fit well, the newest first, and then the others.

    Those whose title has every word that is searched for fit best, if there are any.
    """
    if not ranked:
        return []
    least = ranked[0].score * FITTING_SHARE
    words = set(_words_of(text))
    named = [
        document
        for document in ranked
        if words and words <= set(_words_of(_field(document, "title")))
    ]
    fitting = named or [document for document in ranked if document.score >= least]
    first = sorted(fitting, key=lambda document: -_updated_at(document))
    ids = {document.document_id for document in first}
    return [*first, *(document for document in ranked if document.document_id not in ids)]


_IN_NO_TITLE = FILLING_WORDS.union({
    "a", "about", "an", "at", "call", "calls", "for", "from", "issue", "issues", "meeting",
    "meetings", "page", "thread", "ticket", "tickets", "to", "with",
})  # fmt: skip
"""Words of a question that a title need not have."""


def _words_of(text: str) -> list[str]:
    plain = "".join(c if c.isalnum() else " " for c in plain_name(text))
    return [word for word in plain.split() if word not in _IN_NO_TITLE]


def _shows(document: Ranked, limit: Without) -> bool:
    texts = (_field(document, "title"), *map(_text, document.hits))
    return any(map(limit.is_in, texts))


def _text(hit: Hit) -> str:
    return str(hit.metadata.get("text", ""))


def _field(document: Ranked, name: str) -> str:
    return str(document.hits[0].metadata.get(name) or "")


def _authors(document: Ranked) -> list[str]:
    authors = document.hits[0].metadata.get("authors")
    return list(authors) if isinstance(authors, list) else []


def _updated_at(document: Ranked) -> float:
    value = document.hits[0].metadata.get("updated_at")
    return float(value) if isinstance(value, int | float) else 0.0
