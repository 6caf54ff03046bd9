"""Reads sources and containers out of a question: `in #plans`, `jira tickets about`."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from vector_assets.index.question.parsed import MASK, Constraint, Kind

JIRA, SLACK, NOTION, FIREFLIES = ALL_SOURCES = ("jira", "slack", "notion", "fireflies")

_LEAD = (
    r"(?:find|show|list|give|search|me|us|all|any|some|every|recent|latest|newest|last|open|closed|"
    r"the|our|my|which|what|are|is|was|were|there|most|do|have|we|please|"
    r"how|many|look|for|up|a|an)"
)
"""Single words: of one that others make up, such as `most recent`, each would be read in two ways,
and thirty of them in a row take hours."""
_DOCUMENTS = (
    r"(?:tickets?|issues?|bugs?|stories|epics?|tasks?|threads?|messages?|posts?|conversations?|"
    r"discussions?|chats?|channels?|pages?|docs?|documents?|documentation|notes|meetings?|"
    r"transcripts?|recordings?|calls?)"
)
_TOPIC = (
    r"(?:about|regarding|concerning|mentioning|discussing|describing|explaining|covering|where|in\s+which|"
    r"(?:that|which)\s+(?:mentions?|discuss(?:es)?|describes?|explains?|covers?|talks?|says?))"
)
_JOINING = (
    r"(?:on|for|of|with|by|from|in|to|since|before|after|between|that|which|assigned|reported|"
    r"created|opened|closed|updated|last|this)"
)
_END = r"(?:$|[?!.,;:|)])"
_NAME = rf"(?:{JIRA}|{SLACK}|{NOTION}|{FIREFLIES})"
_VENDOR = rf"(?P<vendor>{_NAME})"
_VENDORS = rf"(?P<vendor>{_NAME}(?:\s*(?:,|\band\b|\bor\b|&)\s*{_NAME})*)"

_IN_VENDOR = re.compile(
    rf"(?<![\w-])(?:in|on|from|via|within|across|using|only)\s+(?:the\s+|our\s+)?{_VENDORS}"
    rf"(?=\s*{_END}|\s+(?:{_TOPIC}|{_JOINING}|what|who|when|how|did|do|does|is|are|was|were|has|have|"
    r"yesterday|today|last|this|latest|the|we|say|said|says|and|or)\b)",
    re.IGNORECASE,
)
_VENDOR_DOCUMENTS = re.compile(
    rf"(?<![\w-])(?:(?:in|on|from)\s+(?:a|an|the|our|any|which)?\s*)?{_VENDOR}\s+{_DOCUMENTS}\b"
    rf"(?=\s*(?P<end>{_END})|\s+(?P<topic>{_TOPIC})\b|\s+{_JOINING}\b)",
    re.IGNORECASE,
)
_TICKETS = re.compile(
    rf"(?<![\w-])(?:tickets|(?:a|the|any|which|what|is\s+there\s+a)\s+ticket)(?=\s+(?P<topic>{_TOPIC})\b|\s+(?:on|for|by|from|in)\b|\s*{_END})"
    rf"|(?<![\w-])(?:bugs?|issues?)\s+(?:reported|filed|opened|raised|logged|assigned)(?=\s+(?:by|in|on|since|to|for|about|last|this|yesterday)\b|\s*{_END})",
    re.IGNORECASE,
)
_VERBS = r"(?:did|do|does|is|are|was|were|has|have|had|the|we|they|you|can|will|should)"
_MEETING = r"(?:meetings?|calls?|stand-?ups?|retros?|breakouts?|transcripts?)"
_MEETINGS = re.compile(
    rf"(?<![\w-])(?:(?:in|at|during|from|of|on)\s+)?(?:(?:which|what|the|our|that|a|any|last|previous|latest|most\s+recent|all|\|+)\s+)+"
    rf"(?P<name>(?!next\b)(?:(?!{_VERBS}\b)[\w#&/'-]+\s+){{0,3}}?){_MEETING}\b"
    rf"(?=\s*{_END}|\s+(?:{_TOPIC}|{_JOINING}|at|did|was|were|had|has|have|we|say|said|decided?|covere?d?|talked|discuss(?:ed)?|mention(?:ed)?|last|this|yesterday)\b)"
    rf"|(?<![\w-]){_MEETING}(?=\s+{_TOPIC}\b)",
    re.IGNORECASE,
)
_PLURAL_MEETINGS = re.compile(rf"\bmeetings(?=\s+{_JOINING}\b)", re.IGNORECASE)
_NO_MEETINGS = re.compile(r"\b(?:next|each|every|first|this)\b", re.IGNORECASE)
_CALLED = re.compile(
    r"\b(?:api|function|method|http|rpc|system|remote|phone|rest|callback|async|service|network)\b"
)
_CALL = re.compile(r"\bcalls?\b", re.IGNORECASE)
_NAMED_CALL = re.compile(r"^[|]|[A-Z]{3}|\b(?:on|in|during|last|latest|previous)\b")

_HASH = re.compile(
    r"(?:(?<![\w-])(?:(?:in|on|from|to|at|posted\s+in|only)\s+|in:))?(?:the\s+)?(?:channel\s+)?"
    r"(?<![\w#&/])#(?P<name>[^\W\d_][\w-]{1,79})(?:\s+channel\b)?(?![\w-])",
    re.IGNORECASE,
)
_CHANNEL = re.compile(
    r"(?<![\w-])(?:in|on|from|at)\s+(?:the\s+)?(?:(?:slack\s+)?channel\s+(?P<after>[a-z0-9][\w-]{1,79})"
    r"|(?P<before>[a-z0-9][\w-]{1,79})\s+(?:slack\s+)?channel)(?![\w-])"
)
_PROJECT = re.compile(
    r"(?<![\w-])(?:in|from|of|for)\s+(?:the\s+)?(?:(?:jira\s+)?[Pp]roject\s+(?P<after>[A-Z][A-Z0-9_]{1,9})"
    r"|(?P<before>[A-Z][A-Z0-9_]{1,9})\s+(?:jira\s+)?project)(?![\w-])"
    r"|(?<![\w-])(?P<issues>[A-Z][A-Z0-9_]{1,9})\s+(?:issues|tickets|bugs)(?=\s|$|[?.,|])"
    r"|(?<![\w-])project\s*(?:=|:)\s*(?P<equal>[A-Za-z][A-Za-z0-9_]{1,9})(?![\w-])"
)
_DATABASE = re.compile(
    r"(?<![\w-])(?:in|from)\s+(?:the\s+)?(?:notion\s+)?(?:database\s+(?P<after>[\w&'/-]{2,40})"
    r"|(?P<before>[\w&'/-]{2,40}(?:\s+[\w&'/-]{2,40}){0,2}?)\s+(?:notion\s+)?database)(?![\w-])",
    re.IGNORECASE,
)
_NOT_KEYS = frozenset({"API", "SDK", "UI", "CLI", "THE", "OS", "IOS", "CI", "JIRA", "SLACK", "QA",
                       "UX", "HTTP", "JSON", "PDF", "SSL", "TLS", "SQL", "CSS", "HTML", "DB",
                       "PR", "P0", "P1", "P2", "AND", "OR", "NOT", "ALL", "OPEN"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceLimit:
    """Sources by their names."""

    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContainerLimit:
    """A container of a source.

    Attributes:
        name: As the index has it, where `is_exact`; else in any case, to compare with hits.
        is_exact: Whether a store can filter by it.
    """

    source: str
    name: str
    is_exact: bool = True


def parse_containers(text: str) -> Iterator[Constraint]:
    """Yield the channels, projects and databases that a question names."""
    spans: list[tuple[int, int]] = []
    for pattern, source, word in (
        (_HASH, SLACK, "channel #"),
        (_CHANNEL, SLACK, "channel #"),
        (_PROJECT, JIRA, "project "),
        (_DATABASE, NOTION, "database "),
    ):
        for match in pattern.finditer(text):
            name = next(filter(None, match.groupdict().values()))
            if source == SLACK:
                name = name.lower()
            elif source == JIRA:
                name = name.upper()
            if name in _NOT_KEYS or name.lower() in {"the", "a", "this", "same", "other", "new"}:
                continue
            if any(match.start() < end and start < match.end() for start, end in spans):
                continue
            spans.append(match.span())
            container = ContainerLimit(source, name, is_exact=source != NOTION)
            yield Constraint(Kind.CONTAINER, *match.span(), container, f"the {word}{name}")


def parse_sources(text: str, namespaces: Collection[str]) -> Iterator[Constraint]:
    """Yield the source that a question names, or whose documents it asks for.

    Args:
        text: A question; characters of other constraints are masked.
        namespaces: That are searched; others stay words.
    """
    for match, named in _sources(text):
        if sources := tuple(name for name in named if name in namespaces):
            meaning = f"documents of {' and '.join(sources)}"
            start = match.end() - len(match[0].rpartition(MASK)[2].lstrip())
            named_sources = SourceLimit(sources)
            yield Constraint(
                Kind.SOURCE, start, match.end(), named_sources, meaning, _searched(match)
            )
            return


def _sources(text: str) -> Iterator[tuple[re.Match[str], tuple[str, ...]]]:
    for match in _VENDOR_DOCUMENTS.finditer(text):
        if match["topic"] or _is_led(text, match.start()):
            yield match, (match["vendor"].lower(),)
    for match in _IN_VENDOR.finditer(text):
        yield match, tuple(re.findall(_NAME, match["vendor"].lower()))
    for match in _TICKETS.finditer(text):
        if match["topic"] or _is_led(text, match.start()):
            yield match, (JIRA,)
    for match in _PLURAL_MEETINGS.finditer(text):
        if _is_led(text, match.start()):
            yield match, (FIREFLIES,)
    for match in _MEETINGS.finditer(text):
        is_call = _CALL.search(match[0]) is not None
        is_named = _NAMED_CALL.search(match[0]) and not _CALLED.search(match[0])
        if not _NO_MEETINGS.search(match[0]) and (is_named or not is_call):
            yield match, (FIREFLIES,)


def _is_led(text: str, start: int) -> bool:
    """Tell whether only words that ask for documents stand before a place."""
    return re.fullmatch(rf"(?:[\W_]|{_LEAD}(?!\w))*", text[:start], re.IGNORECASE) is not None


def _searched(match: re.Match[str]) -> str:
    """Return the words of a meeting's name, which its title has."""
    return (match.groupdict().get("name") or "").strip(" |")
