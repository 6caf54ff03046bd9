"""Kinds of chunks: what people said, facts beside it, or next to nothing.

Records do not tell; the headings that our own sources write do, and the shape of the text.
"""

import re
from collections.abc import Collection, Sequence
from enum import IntEnum
from functools import lru_cache

from vector_assets.core.word_forms import stem, stems
from vector_assets.embedding.chunking import passage_of
from vector_assets.stores.base import Metadata


class Kind(IntEnum):
    """What a chunk is good for, the best first."""

    SAID = 0
    """What people wrote or said."""

    FACTS = 1
    """What stands beside it: fields of an issue, the summary of a meeting."""

    EMPTY = 2
    """A title alone, a table of contents, keywords, a pleasantry."""


_FACTS_HEADINGS = {"jira": ("Details", "Environment"), "notion": ("Properties",)}
"""Headings of sections of fields (`sources/*/document.py`)."""

_PROSE_HEADING = re.compile(r"(?:Description|Comment by .+|Attachment: .+)")
_FIELD = re.compile(r"- ([^:\n]{1,100}):")

_SPOKEN_AT = re.compile(r"[?&]t=\d+$")
_CLOCK = re.compile(r", \d{2,}:\d\d:\d\d$")
_SPEAKER = re.compile(r"Speaker(?: \d+)?")
_MESSAGE_TIME = re.compile(r", \d{4}-\d\d-\d\d \d\d:\d\d(?: UTC)?$")
"""At the end of the heading of a message of Slack, and of a comment."""

_LIST_OF_WORDS = {"keywords", "topics", "tags", "labels", "chapters"}
_CONTENTS = {"contents", "table of contents", "on this page"}
_LINK_ALONE = re.compile(r"(?:[-*+]|\d+[.)])?\s*\[[^\[\]]*\]\([^()\s]*\)[.,]?")
_PAGE_NUMBER = re.compile(r"(?:\.{4}|(?: \.){4}|\s{4})\s*\d+$")
_MAX_ENTRY_CHARACTERS = 300
_MIN_ENTRIES = 3
_ENTRIES_SHARE = 0.8
_MIN_TOLD_WORDS = 2
_MAX_LOOKED_AT = 500
"""Characters of a line: one that goes on says something."""

_COURTESIES = (
    "thank", "thanks", "bye", "goodbye", "hello", "hi", "hey", "ok", "okay", "yeah", "yes",
    "yep", "yup", "no", "nope", "great", "good", "cool", "right", "sure", "see", "later",
    "everyone", "everybody", "all", "guys", "folks", "morning", "afternoon", "evening",
    "welcome", "please", "cheers", "nice", "day", "week", "weekend", "tomorrow", "next", "time",
    "talk", "soon", "well", "alright", "fine", "perfect", "awesome", "lovely", "um", "uh",
    "hmm", "mm", "oh", "ah", "bit", "let", "go", "take", "care", "lot", "much", "um-hum",
    "uh-huh", "mhm", "wow",
)  # fmt: skip
"""Words that make a pleasantry when nothing else is said."""

_COURTESY_STEMS = frozenset(map(stem, _COURTESIES))


def body_of(fields: Metadata) -> str:
    """Return a chunk's text without the title and place above it."""
    return passage_of(str(fields.get("text", ""))).strip()


def kind_of(fields: Metadata) -> Kind:
    """Return what a chunk is good for."""
    source, authors = str(fields.get("source", "")), fields.get("authors")
    return _kind(
        body_of(fields),
        source,
        str(fields.get("title", "")),
        str(fields.get("container", "")),
        str(fields.get("url", "")),
        tuple(authors) if isinstance(authors, list) and source == "fireflies" else (),
    )


@lru_cache(maxsize=8_192)  # Questions meet the same chunks again and again.
def _kind(
    body: str, source: str, title: str, container: str, url: str, speakers: tuple[str, ...]
) -> Kind:
    lines = body.splitlines()
    told = [line for line in lines if not _is_heading(line, speakers)]
    if _is_contents(lines) or not _says_something(told, _words_of_head(title, container)):
        return Kind.EMPTY
    if source != "fireflies":
        return Kind.FACTS if _is_facts_alone(source, body) else Kind.SAID
    if _SPOKEN_AT.search(url) or _is_turn(lines[0], speakers):
        return Kind.SAID
    return Kind.EMPTY if lines[0].strip().lower() in _LIST_OF_WORDS else Kind.FACTS


def facts_before_prose(source: str, body: str) -> tuple[str, str]:
    """Split a body into the block of fields at its beginning and the prose below.

    The first is empty when it begins otherwise, or has nothing below.
    """
    heading, _, below = body.partition("\n")
    if heading not in _FACTS_HEADINGS.get(source, ()) or not _FIELD.match(below):
        return "", body
    block, _, prose = below.partition("\n\n")
    is_whole = all(line.startswith("- ") for line in block.splitlines())
    return (f"{heading}\n{block}", prose) if is_whole and prose.strip() else ("", body)


def field_names(block: str) -> list[str]:
    """Return the names of the fields of a block."""
    return [match[1] for line in block.splitlines() if (match := _FIELD.match(line))]


def _is_turn(line: str, speakers: Collection[str]) -> bool:
    """Tell whether a line is the heading of what somebody said in a meeting."""
    return line in speakers or bool(_CLOCK.search(line) or _SPEAKER.fullmatch(line))


def _is_heading(line: str, speakers: Collection[str]) -> bool:
    """Tell whether a line only says who speaks, and when."""
    return _is_turn(line, speakers) or bool(_MESSAGE_TIME.search(line))


def _is_facts_alone(source: str, body: str) -> bool:
    headings = _FACTS_HEADINGS.get(source, ())
    if body.partition("\n")[0] not in headings or facts_before_prose(source, body)[0]:
        return False
    return not any(_PROSE_HEADING.fullmatch(line) for line in body.splitlines())


def _says_something(lines: Sequence[str], known: frozenset[str]) -> bool:
    """Tell whether lines hold words beyond those that are known."""
    new_words: set[str] = set()
    for line in lines:
        new_words.update(word for word in stems(line[:_MAX_LOOKED_AT]) if word not in known)
        # A script without spaces has few words.
        if len(new_words) >= _MIN_TOLD_WORDS or not all(map(str.isascii, new_words)):
            return True
    return False


@lru_cache(maxsize=1_000)
def _words_of_head(title: str, container: str) -> frozenset[str]:
    """Return the words that tell nothing new: courtesies, and those of title and place."""
    return _COURTESY_STEMS.union(stems(f"{title} {container}"))


def _is_contents(lines: Sequence[str]) -> bool:
    told = [line.strip() for line in lines if line.strip()]
    if told and told[0].lstrip("# ").lower() in _CONTENTS:
        return True
    entries = sum(map(_is_entry, told))
    return entries >= _MIN_ENTRIES and entries >= _ENTRIES_SHARE * len(told)


def _is_entry(line: str) -> bool:
    """Tell whether a line is of a table of contents: a link alone, or words and a page's number."""
    if len(line) > _MAX_ENTRY_CHARACTERS:
        return False
    return bool(_LINK_ALONE.fullmatch(line) or _PAGE_NUMBER.search(line))
