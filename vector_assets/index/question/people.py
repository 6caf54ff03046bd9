"""Reads people out of a question: `what did NAME say about`, `comments by NAME`, `@name`.

Whether a name is one is told by the authors of what is found; see `index/post_filter.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vector_assets.index.question.parsed import Constraint, Kind

_WORD = r"[^\W\d_][\w.’'-]*"
_NAME = rf"(?P<name>{_WORD}(?:\s+{_WORD}){{0,3}}?)"
_PROPER = r"(?P<name>(?-i:[^\W\d_a-z])[\w.’'-]*(?:\s+(?-i:[^\W\d_a-z])[\w.’'-]*){0,3})"
_VERBS = (
    r"(?:say|says|said|think|thinks|thought|mention|mentions|mentioned|propose|proposed|suggest|"
    r"suggested|write|wrote|ask|asked|decide|decided|recommend|recommended|report|reported|argue|"
    r"argued|explain|explained|answer|answered|reply|replied|comment|commented|describe|described|"
    r"post|posted|want|wanted|plan|planned|believe|believed|prefer|preferred|feel|felt|respond|"
    r"responded|share|shared|conclude|concluded|disagree|disagreed|agree|agreed|discuss|discussed|"
    r"tell|told|promise|promised|raise|raised|object|objected|introduce|introduced|elaborate)"
)
_ABOUT = r"(?:\s+(?:about|on|of|to|that|regarding|for|towards?|with|in)\b)?"
_WORK = (
    r"(?:comments?|opinions?|thoughts?|views?|ideas?|messages?|posts?|notes?|take|suggestions?|"
    r"proposals?|repl(?:y|ies)|questions?|concerns?|feedback|tickets?|issues?|bugs?|pages?|"
    r"threads?|remarks?|attitudes?|answers?|arguments?|reports?|plans?|statements?|presentation)"
)
_DONE = (
    r"(?:written|reported|filed|posted|said|raised|opened|created|mentioned|suggested|proposed|"
    r"asked|authored|submitted|logged|commented|sent|edited|started|presented)"
)
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), is_sure)
    for pattern, is_sure in (
        ((rf"\b(?:(?:what|how|why|when|where|which\s+\w+)\s+)?(?:did|does|do|has|have)\s+{_NAME}"
         rf"\s+{_VERBS}\b{_ABOUT}"), True),
        (rf"\bwhat\s+{_NAME}\s+{_VERBS}\b{_ABOUT}", False),
        (r"(?<![\w:])from:@?(?P<name>[^\W\d_][\w.-]{1,60})", False),
        (r"(?<![\w@./-])@(?P<name>[^\W\d_][\w.-]{1,60})(?!\S*[({;=])", False),
        (rf"\b(?:summari[sz]e\s+)?{_PROPER}['’]s?\s+(?:own\s+|main\s+)?{_WORK}\b{_ABOUT}", True),
        (rf"\baccording\s+to\s+{_PROPER}", False),
        (rf"\b{_WORK}\s+(?:(?:was|were|that|is|are)\s+)?(?:{_DONE}\s+)?by\s+{_PROPER}",
         True),
        (rf"\b{_WORK}\s+from\s+{_PROPER}", False),
        (rf"\b{_DONE}\s+by\s+{_PROPER}", True),
        (rf"\b{_DONE}\s+by\s+(?P<name>{_WORD})(?=\s*(?:$|[?.,|]))", False),
        (rf"\b{_WORK}\s+(?:by|from)\s+(?P<name>{_WORD})(?=\s*(?:$|[?.,|]))", False),
        (rf"\b(?:by|from)\s+{_PROPER}(?=\s*(?:$|[?.,|]|\b(?:about|on|regarding|in)\b))", False),
        (rf"\bwho\s+is\s+{_PROPER}(?=\s*(?:$|[?.|]))", False),
    )
)  # fmt: skip
_NOBODY = frozenset(
    [
        "the",
        "a",
        "an",
        "we",
        "you",
        "i",
        "they",
        "he",
        "she",
        "it",
        "our",
        "my",
        "your",
        "his",
        "her",
        "their",
        "this",
        "that",
        "these",
        "those",
        "there",
        "anyone",
        "someone",
        "somebody",
        "anybody",
        "people",
        "everybody",
        "everyone",
        "group",
        "team",
        "users",
        "us",
        "them",
        "who",
        "what",
        "which",
        "one",
        "all",
        "any",
        "no",
        "each",
        "both",
        "some",
        "most",
        "here",
        "channel",
        "not",
        "never",
        "ever",
        "was",
        "is",
        "were",
        "are",
        "be",
        "been",
        "has",
        "had",
        "have",
        "would",
        "should",
        "can",
        "could",
        "will",
        "may",
        "might",
        "must",
        "does",
        "did",
        "exactly",
        "next",
        "new",
        "old",
    ]
)
_LAST_WORDS = frozenset(
    ["team", "group", "committee", "meeting", "company", "community", "users", "people"]
)


@dataclass(frozen=True, slots=True)
class Person:
    """A name as it is written in a question.

    Attributes:
        is_sure: Whether it is surely one, so that it is told when nothing is by that person.
    """

    name: str
    is_sure: bool


def parse_people(text: str) -> Iterator[Constraint]:
    """Yield the first name that a question seems to ask for."""
    for pattern, is_sure in _PATTERNS:
        for match in pattern.finditer(text):
            name = match["name"].rstrip(".'’-")
            words = name.casefold().split()
            if not words or words[0] in _NOBODY or words[-1] in _LAST_WORDS:
                continue
            is_proper = not name.islower()
            person = Person(name, is_sure=is_sure and is_proper)
            meaning = f"what {name} wrote or said"
            start, end = match.span()
            yield Constraint(Kind.PERSON, start, end, person, meaning, _searched(match, name))
            return


def _searched(match: re.Match[str], name: str) -> str:
    """Return the words to search for: the name, and what of a document is asked for beside it."""
    begin = re.match(rf"{_WORK}\b", match[0], re.IGNORECASE)
    return f"{begin[0]} {name}" if begin else name
