"""What a chunk holds: what people said, facts beside it, or next to nothing.

Records do not tell; the headings that our own sources write do, and the shape of the text.
"""

import re
from collections.abc import Sequence
from enum import IntEnum

from vector_assets.core.word_forms import stem, stems
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
_MESSAGE_HEADING = re.compile(r".+, \d{4}-\d\d-\d\d \d\d:\d\d(?: UTC)?")
"""Of a message of Slack, and of a comment."""

_LIST_OF_WORDS = {"keywords", "topics", "tags", "labels", "chapters"}
_CONTENTS = {"contents", "table of contents", "on this page"}
_ENTRY = re.compile(
    r"(?:[-*+]|\d+[.)])?\s*(?:\[[^\[\]]*\]\([^()\s]*\)[.,]?|.*(?:\.\s?){4,}\s*\d+|.*\s{3,}\d+)\s*"
)
"""A line of a table of contents: a link alone, or words and the number of a page."""

_MIN_ENTRIES = 3
_ENTRIES_SHARE = 0.8
_MIN_TOLD_WORDS = 2

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


def kind_of(fields: Metadata, body: str) -> Kind:
    """Return what the body of a chunk, its text without the head, is good for."""
    source, lines = str(fields.get("source", "")), body.splitlines()
    told = _told(fields, source, lines)
    if _is_contents(lines) or not _says_something(fields, told):
        return Kind.EMPTY
    if source == "fireflies":
        if _is_speech(fields, lines[0]):
            return Kind.SAID
        heading = lines[0].strip().lower()
        return Kind.EMPTY if heading in _LIST_OF_WORDS else Kind.FACTS
    return Kind.FACTS if _is_facts_alone(source, body) else Kind.SAID


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


def _is_speech(fields: Metadata, heading: str) -> bool:
    return bool(_SPOKEN_AT.search(str(fields.get("url", "")))) or _is_speaker(fields, heading)


def _is_speaker(fields: Metadata, line: str) -> bool:
    """Tell whether a line is the heading of a turn."""
    authors = fields.get("authors")
    is_author = isinstance(authors, list) and line in authors
    return is_author or bool(_CLOCK.search(line) or _SPEAKER.fullmatch(line))


def _is_facts_alone(source: str, body: str) -> bool:
    headings = _FACTS_HEADINGS.get(source, ())
    if body.partition("\n")[0] not in headings or facts_before_prose(source, body)[0]:
        return False
    return not any(_PROSE_HEADING.fullmatch(line) for line in body.splitlines())


def _told(fields: Metadata, source: str, lines: Sequence[str]) -> list[str]:
    """Return the lines without those that name who speaks."""
    if source == "fireflies":
        return [line for line in lines if not _is_speaker(fields, line)]
    return [line for line in lines if not _MESSAGE_HEADING.fullmatch(line)]


def _says_something(fields: Metadata, lines: Sequence[str]) -> bool:
    """Tell whether lines hold words beyond courtesies, the title and the place."""
    head = stems(f"{fields.get('title', '')} {fields.get('container', '')}")
    known = _COURTESY_STEMS.union(head)
    text = "\n".join(lines)
    new_words = {word for word in stems(text) if word not in known}
    # A script without spaces has few words.
    return len(new_words) >= _MIN_TOLD_WORDS or any(not word.isascii() for word in new_words)


def _is_contents(lines: Sequence[str]) -> bool:
    told = [line.strip() for line in lines if line.strip()]
    if told and told[0].lstrip("# ").lower() in _CONTENTS:
        return True
    entries = sum(bool(_ENTRY.fullmatch(line)) for line in told)
    return entries >= _MIN_ENTRIES and entries >= _ENTRIES_SHARE * len(told)
