"""Reads the wanted status of issues out of a question: `open issues`, `closed bugs`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vector_assets.index.question.parsed import Constraint, Kind

SOURCE = "jira"
"""The source whose documents have a status."""

CLOSED = frozenset({
    "closed", "resolved", "done", "fixed", "complete", "completed", "finished", "released",
    "verified", "canceled", "cancelled", "rejected", "declined", "duplicate", "archived",
    "won't do", "won't fix", "not doing", "deployed", "shipped",
})  # fmt: skip
"""Names of statuses that count as closed, in lower case; all others are open."""

_ISSUES = r"(?:issues?|tickets?|bugs?|stories|epics|tasks|feature\s+requests)"
_OPEN = r"open|unresolved|unfixed|outstanding"
_CLOSED = r"closed|resolved|completed"
_PROGRESS = r"in[- ]progress"
_BEFORE_NOUN = re.compile(
    rf"(?<![\w-])(?:still[- ])?"
    rf"(?:(?P<open>{_OPEN})|(?P<closed>{_CLOSED})|(?P<progress>{_PROGRESS}))"
    rf"\s+(?:jira\s+|[A-Z][A-Z0-9]+\s+)?{_ISSUES}\b(?!\s+(?:tracker|template|form|button|page|list))",
    re.IGNORECASE,
)
_VERB_BEFORE = re.compile(
    r"\b(?:to|i|we|you|they|can|can't|cannot|could|should|will|users?|please|automatically|and)\s+$",
    re.IGNORECASE,
)
_AFTER_NOUN = re.compile(
    rf"\b{_ISSUES}\b\s+(?:(?:that|which)\s+)?(?:is|are|were|was|remain|still)\s+(?:still\s+)?"
    rf"(?:(?P<open>{_OPEN}|not\s+(?:yet\s+)?(?:closed|resolved|fixed|done)(?:\s+yet)?)"
    rf"|(?P<closed>{_CLOSED}|fixed|done)|(?P<progress>{_PROGRESS}))(?![\w-])(?!\s+(?:source|the|a|an)\b)",
    re.IGNORECASE,
)
_CLOSED_THEN = re.compile(
    rf"\b{_ISSUES}\s+(?:(?:that|which)\s+)?(?:got\s+)?(?P<closed>closed|resolved|fixed)"
    r"(?=\s+(?:last|this|since|on|yesterday|today|before|after|between)\b|\s*\|)",
    re.IGNORECASE,
)
_STILL = re.compile(
    r"(?<![\w-])(?:(?:is|are)\s+)?(?:still|yet)\s+(?P<open>open|unresolved|unfixed|not\s+(?:closed|resolved|fixed))"
    r"(?![\w-])(?!\s+(?:source|the|a|an)\b)",
    re.IGNORECASE,
)
_ASKS_WHICH = re.compile(rf"^\W*(?:what|what's|which|anything)\b|\b{_ISSUES}\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatusLimit:
    """A status: that counts as open, that counts as closed, or one by its name in lower case."""

    is_open: bool = False
    is_closed: bool = False
    name: str = ""

    def lets_pass(self, status: str) -> bool:
        """Tell whether a document of this status is asked for; one without a status is not."""
        plain = " ".join(status.casefold().replace("’", "'").split())
        if not plain:
            return False
        if self.name:
            return plain == self.name
        return (plain in CLOSED) is self.is_closed


def parse_statuses(text: str) -> Iterator[Constraint]:
    """Yield the first status that is clearly one of issues; `open source` is none."""
    for pattern in (_AFTER_NOUN, _BEFORE_NOUN, _CLOSED_THEN, _STILL):
        for match in pattern.finditer(text):
            is_verb = pattern is _BEFORE_NOUN and _VERB_BEFORE.search(text[: match.start()][-20:])
            is_other = pattern is _STILL and not _ASKS_WHICH.search(text)
            if not is_verb and not is_other:
                yield _constraint(match)
                return


def _constraint(match: re.Match[str]) -> Constraint:
    named = match.groupdict()
    if named.get("progress"):
        limit, words = StatusLimit(name="in progress"), "in progress"
    elif named.get("closed"):
        limit, words = StatusLimit(is_closed=True), "closed"
    else:
        limit, words = StatusLimit(is_open=True), "open"
    meaning = f"Jira issues that are {words}"
    return Constraint(Kind.STATUS, *match.span(), limit, meaning)
