"""Puts together what a question says about itself, and what is left to search for."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from vector_assets.index.question import statuses
from vector_assets.index.question.order import parse_order
from vector_assets.index.question.parsed import (
    NO_FILTERS_GIVEN,
    PARSE_ALL,
    Constraint,
    GivenFilters,
    Kind,
    ParseOptions,
    Understood,
    masked,
)
from vector_assets.index.question.people import parse_people
from vector_assets.index.question.phrases import parse_exclusions, parse_phrases
from vector_assets.index.question.places import (
    ALL_SOURCES,
    ContainerLimit,
    SourceLimit,
    parse_containers,
    parse_sources,
)
from vector_assets.index.question.spans import TimeLimit
from vector_assets.index.question.times import parse_times
from vector_assets.stores.base import Filter

MAX_PARSED_CHARACTERS = 400
"""A longer question is a text that was pasted: it is taken word for word."""

_STATED = re.compile(r";\s|^[^#?\"]{1,40}:\s[^?]*$")
"""A sentence that states and does not ask, such as the title of an issue: `Android: ...`."""

_FIRST_WORDS = re.compile(
    r"^(?:[\s,.;:?!-]+|(?:about|regarding|concerning|mentioning|where|in\s+which|on|of|in|for|that)\s+)+",
    re.IGNORECASE,
)
_DANGLING = re.compile(r"\s+([?!.,;:])")
_LAST_WORDS = re.compile(
    r"(?:\s+(?:in|on|from|by|at|of|the|and|with|for|about|during|since|a|an))+(?=\s*[?!.]*$)",
    re.IGNORECASE,
)
_TURNED = re.compile(
    r"(?:\b(?:not(?:\s+yet)?|no\s+longer|neither|nor|never|except(?:\s+for)?|excluding|without|"
    r"besides|instead\s+of|(?:other|rather|older|newer|later|more|less|longer)\s+than|"
    r"apart\s+from|outside(?:\s+of)?)\s+|(?<!\S)-(?:in:)?)$",
    re.IGNORECASE,
)
_CONTRACTED = re.compile(r"n['’]t\s+$", re.IGNORECASE)
_PLACED = re.compile(r"(?:in|on|from|by)\b", re.IGNORECASE)


FILLING_WORDS = frozenset({
    "all", "and", "any", "are", "did", "do", "find", "give", "has", "have", "how", "in", "is",
    "list", "many", "me", "much", "of", "on", "our", "show", "the", "there", "these", "they", "us",
    "was", "we", "were", "what", "when", "which", "who", "why",
})  # fmt: skip
"""Words that find nothing by themselves."""


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """What a question says about itself.

    Attributes:
        question: As it was asked.
        constraints: Its parts, in the order of the question.
        namespaces: Those to search.
    """

    question: str
    constraints: tuple[Constraint, ...]
    namespaces: tuple[str, ...]

    @property
    def applied(self) -> tuple[Constraint, ...]:
        """What changes the answers."""
        return tuple(constraint for constraint in self.constraints if not constraint.not_applied)

    @property
    def understood(self) -> tuple[Understood, ...]:
        """What is shown of it."""
        return tuple(constraint.understood(self.question) for constraint in self.constraints)

    @property
    def text(self) -> str:
        """What to search for: the question without what limits it, but never without a word."""
        if not self.applied:
            return self.question
        parts, place = [], 0
        for constraint in self.applied:
            parts += [self.question[place : constraint.start], " ", constraint.searched, " "]
            place = constraint.end
        parts.append(self.question[place:])
        text = _DANGLING.sub(r"\1", " ".join("".join(parts).split()))
        text = _LAST_WORDS.sub("", _FIRST_WORDS.sub("", text))
        words = re.findall(r"\w\w+", text.casefold())
        return text if any(word not in FILLING_WORDS for word in words) else self.question

    @property
    def sources(self) -> tuple[str, ...]:
        """The namespaces that its limits leave, at least one."""
        left = self.namespaces
        for limit in (_sources_of(self.applied, kind) for kind in _SOURCE_KINDS):
            left = tuple(name for name in left if name in limit) if limit else left
        return left

    @property
    def is_post_filtered(self) -> bool:
        """Whether documents that are found are left out afterwards."""
        return any(_is_post_filter(constraint) for constraint in self.applied)

    def narrowed(self, where: Filter) -> Filter:
        """Return a filter with the limits that a store applies."""
        for constraint in self.applied:
            if isinstance(constraint.limit, TimeLimit):
                since, until = constraint.limit.since, constraint.limit.until
                where = replace(
                    where,
                    since=where.since if since is None else max(since, where.since or since),
                    until=where.until if until is None else min(until, where.until or until),
                )
            elif isinstance(constraint.limit, ContainerLimit) and constraint.limit.is_exact:
                where = replace(where, containers=(*where.containers, constraint.limit.name))
        return where

    def with_constraints(self, constraints: Iterable[Constraint]) -> "ParsedQuestion":
        """Return it with other parts."""
        return replace(self, constraints=tuple(constraints))

    def wider(self) -> "ParsedQuestion | None":
        """Return it without the limit that most likely left nothing; None when there is none."""
        for kind in (Kind.CONTAINER, Kind.TIME, Kind.STATUS, Kind.SOURCE):
            if any(constraint.kind is kind for constraint in self.applied):
                return self.with_constraints(
                    constraint.dropped(NOTHING_LEFT)
                    if constraint.kind is kind and not constraint.not_applied
                    else constraint
                    for constraint in self.constraints
                )
        return None

    def without_lost(self, left: "ParsedQuestion") -> "ParsedQuestion | None":
        """Return it without the limits to sources that left nothing; None when there are none.

        Args:
            left: What came of it once all limits were applied to what was found.
        """
        lost = {
            constraint.start
            for constraint in left.constraints
            if constraint.not_applied == NOTHING_LEFT and constraint.kind in _SOURCE_KINDS
        }
        if lost.isdisjoint(constraint.start for constraint in self.applied):
            return None
        return self.with_constraints(
            constraint.dropped(NOTHING_LEFT) if constraint.start in lost else constraint
            for constraint in self.constraints
        )

    def warnings(self) -> Iterator[str]:
        """Yield which limits were given up because nothing was left."""
        for constraint in self.constraints:
            if constraint.not_applied == NOTHING_LEFT:
                words = self.question[constraint.start : constraint.end]
                yield (
                    f'Nothing that you may read was left with "{words}" as {constraint.meaning}: '
                    f"searched without that limit."
                )


NOTHING_LEFT = "nothing that you may read was left"


def parse_question(
    question: str,
    namespaces: Sequence[str],
    *,
    given: GivenFilters = NO_FILTERS_GIVEN,
    parse_options: ParseOptions = PARSE_ALL,
) -> ParsedQuestion:
    """Return what a question says about itself.

    Args:
        question: As it was asked.
        namespaces: That would be searched.
        given: The interface's own filters: they win.
        parse_options: What is left as words, and what today is.
    """
    if parse_options.literal or len(question) > MAX_PARSED_CHARACTERS:
        return ParsedQuestion(question, (), tuple(namespaces))
    constraints: list[Constraint] = []
    is_stated = _STATED.search(question) is not None
    nameable = ALL_SOURCES if given.sources else namespaces
    rules = _rules(nameable, parse_options.now or datetime.now(UTC))
    for rule in _RULES_OF_STATEMENTS if is_stated else rules:
        for constraint in list(rule(masked(question, constraints))):
            constraints += [] if any(map(constraint.overlaps, constraints)) else [constraint]
    kept = [
        constraint
        for constraint in constraints
        if constraint.kind not in parse_options.ignored and not _is_turned(question, constraint)
    ]
    kept.sort(key=lambda constraint: constraint.start)
    return ParsedQuestion(
        question, tuple(_bounded(_without_given(kept, given), namespaces)), tuple(namespaces)
    )


_RULES_OF_STATEMENTS = (partial(parse_phrases, least_words=3), parse_exclusions)
"""In a title, fewer words in quotes are a name that others may write otherwise."""


def _is_turned(question: str, constraint: Constraint) -> bool:
    """Tell whether what stands before a constraint turns it round: `not in jira`, `-"key"`.

    Such a part stays words: to apply it would show what was to be left out, and nothing else.
    """
    head = question[: constraint.start]
    if _TURNED.search(head[-24:]):
        return True
    return bool(_CONTRACTED.search(head[-8:]) and _PLACED.match(question, constraint.start))


def given_by(where: Filter, *, is_source_given: bool) -> GivenFilters:
    """Return which kinds of filters an interface was given."""
    has_times = where.since is not None or where.until is not None
    return GivenFilters(times=has_times, sources=is_source_given, containers=bool(where.containers))


def _rules(
    namespaces: Sequence[str], now: datetime
) -> tuple[Callable[[str], Iterable[Constraint]], ...]:
    today = now.astimezone(UTC).date()
    return (
        parse_phrases,
        parse_exclusions,
        parse_containers,
        lambda text: parse_times(text, today),
        statuses.parse_statuses,
        parse_people,
        parse_order,
        lambda text: parse_sources(text, namespaces),
    )


def _without_given(constraints: Iterable[Constraint], given: GivenFilters) -> Iterator[Constraint]:
    reasons = {
        Kind.TIME: "a filter by time is given" if given.times else "",
        Kind.SOURCE: "a filter by source is given" if given.sources else "",
        Kind.CONTAINER: "a filter by container is given" if given.containers else "",
    }
    for constraint in constraints:
        reason = reasons.get(constraint.kind, "")
        yield constraint.dropped(reason) if reason else constraint


_SOURCE_KINDS = (Kind.SOURCE, Kind.CONTAINER, Kind.STATUS)


def _bounded(constraints: Iterable[Constraint], namespaces: Sequence[str]) -> Iterator[Constraint]:
    """Yield parts; those that contradict the sources that are searched are not applied."""
    constraints = list(constraints)
    left = set(namespaces)
    refused: set[Kind] = set()
    for kind in _SOURCE_KINDS:
        if wanted := _sources_of(
            (constraint for constraint in constraints if not constraint.not_applied), kind
        ):
            refused |= set() if left & wanted else {kind}
            left = left & wanted or left
    for constraint in constraints:
        is_refused = constraint.kind in refused and not constraint.not_applied
        yield constraint.dropped("its source is not searched") if is_refused else constraint


def _sources_of(constraints: Iterable[Constraint], kind: Kind) -> set[str]:
    """Return the sources that the limits of a kind leave; none when nothing is limited."""
    sources: set[str] = set()
    for constraint in constraints:
        if constraint.kind is not kind:
            continue
        if isinstance(constraint.limit, SourceLimit):
            sources.update(constraint.limit.sources)
        elif isinstance(constraint.limit, ContainerLimit):
            sources.add(constraint.limit.source)
        elif isinstance(constraint.limit, statuses.StatusLimit):
            sources.add(statuses.SOURCE)
    return sources


def _is_post_filter(constraint: Constraint) -> bool:
    return constraint.kind in {Kind.PERSON, Kind.PHRASE, Kind.WITHOUT, Kind.STATUS} or _is_late(
        constraint
    )


def _is_late(constraint: Constraint) -> bool:
    """Tell whether a limit is applied to what was found, and not by the store."""
    return isinstance(constraint.limit, ContainerLimit) and not constraint.limit.is_exact
