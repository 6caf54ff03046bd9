"""Reads the wish for the newest out of a question: `latest`, `last ACDE meeting`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vector_assets.index.question.parsed import Constraint, Kind

_NOUNS = (
    r"(?:meetings?|calls?|stand-?ups?|retros?|syncs?|sessions?|issues?|tickets?|bugs?|threads?|"
    r"messages?|posts?|discussions?|conversations?|pages?|docs?|documents?|notes|minutes|updates?|"
    r"news|decisions?|incidents?|outages?|comments?|transcripts?|recordings?|post-?mortems?|"
    r"reports?|announcements?|breakouts?|activity|changes)"
)
_NAMES = r"(?:(?!version|release|sdk|build|of\b|and\b|the\b|in\b)[\w&#/.'+-]+\s+){0,3}?"
_NEWEST = re.compile(
    rf"(?<![\w-])(?:the\s+)?(?P<word>latest|newest|most\s+recent(?:ly\s+(?:updated|changed))?)"
    rf"(?=\s+(?:{_NAMES}{_NOUNS}\b|on\b|about\b|regarding\b|from\b|with\b|in\s+#))",
    re.IGNORECASE,
)
_LAST = re.compile(
    rf"(?<![\w-])(?:the\s+|our\s+)?(?P<word>last|previous)(?=\s+{_NAMES}"
    r"(?:meetings?|calls?|stand-?ups?|retros?|syncs?|breakouts?|discussions?|incidents?|outages?|"
    r"threads?|post-?mortems?|messages?|announcements?|updates?)\b)"
    r"(?!\s+(?:\d|few|couple|two|three|day|week|month|quarter|year))",
    re.IGNORECASE,
)
_NEWEST_FIRST = re.compile(
    r"(?<![\w-])(?:newest|latest|most\s+recent)\s+first\b|\bsort(?:ed)?\s+by\s+(?:date|time)\b",
    re.IGNORECASE,
)
_ASKS_WHATS_NEW = re.compile(
    r"^\W*(?:what(?:'s|\s+is|\s+are)\s+(?:new|the\s+latest|the\s+news)|any(?:thing)?\s+new(?:s)?)"
    r"(?=\s+(?:on|about|with|regarding|in|from)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """The newest first among what fits well."""


def parse_order(text: str) -> Iterator[Constraint]:
    """Yield the first sign that the newest is wanted; of versions and builds it is none."""
    for pattern in (_NEWEST_FIRST, _ASKS_WHATS_NEW, _NEWEST, _LAST):
        if match := pattern.search(text):
            meaning = "the newest first among what fits well"
            yield Constraint(Kind.ORDER, *match.span(), NewestFirst(), meaning)
            return
