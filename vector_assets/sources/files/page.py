"""Parse a file of Markdown or plain text: title, properties, and a section per heading."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any, Self

import yaml
from markdown_it import MarkdownIt
from yaml.composer import ComposerError

from vector_assets.core.documents import Section

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.M)
MAX_FRONT_MATTER_CHARACTERS = 32_768
"""Longer front matter is text like any other."""

MAX_FRONT_MATTER_DEPTH = 16
"""Front matter that is nested deeper is text like any other."""

MAX_MARKDOWN_LINES = 50_000
"""A longer file is one section, without headings: a parsed line takes up to 4 KB of memory."""

MAX_HEADING_CHARACTERS = 1_000
"""A longer heading, or title in the front matter, is text: a heading stands above each section
below it."""

_CREATED_KEYS = ("date", "created", "created_at")


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed file.

    Attributes:
        title: From its properties or its first heading; empty when it has neither.
        properties: Its front matter.
        sections: The front matter as text, then a section per heading.
    """

    title: str
    properties: Mapping[str, Any]
    sections: tuple[Section, ...]

    @classmethod
    def of(cls, text: str, *, is_markdown: bool) -> Self:
        """Parse a text; plain text is one section."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not is_markdown or text.count("\n") >= MAX_MARKDOWN_LINES:
            return cls("", {}, (Section(text),) if text.strip() else ())
        properties, written, body = _front_matter(text)
        title = _title_of(properties)
        heading, sections = _sections(body, is_titled=bool(title))
        facts = (Section(written, "Properties"),) if written else ()
        return cls(title or heading, properties, (*facts, *sections))


class _FlatLoader(yaml.SafeLoader):
    """Loads YAML whose values cannot grow beyond its text.

    An alias repeats what its anchor holds, and a few lines of them make gigabytes. A tag forces a
    conversion that the text may not stand. Front matter needs neither.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node.

        Raises:
            ComposerError: It is an alias, has a tag, or is nested too deep.
        """
        peek: Callable[[], Any] = self.peek_event
        event = peek()
        place = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise ComposerError(None, None, "aliases are not read", place)
        if event.tag is not None:
            raise ComposerError(None, None, "tags are not read", place)
        if self._depth >= MAX_FRONT_MATTER_DEPTH:
            raise ComposerError(None, None, "it is nested too deep", place)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _title_of(properties: Mapping[str, Any]) -> str:
    """Return the title in the front matter; empty when there is none that fits."""
    named = properties.get("title")
    if isinstance(named, int) and named.bit_length() > MAX_HEADING_CHARACTERS:
        return ""
    title = "" if named is None or isinstance(named, list | dict | set) else str(named).strip()
    return title if len(title) <= MAX_HEADING_CHARACTERS else ""


def _front_matter(text: str) -> tuple[Mapping[str, Any], str, str]:
    """Return a page's properties, their lines, and the body.

    A block between dashes that is not a YAML mapping belongs to the body.
    """
    front_matter = _FRONT_MATTER.match(text)
    if front_matter is None or len(front_matter[1]) > MAX_FRONT_MATTER_CHARACTERS:
        return {}, "", text
    try:
        # A subclass of SafeLoader, which makes nothing but plain values.
        properties = yaml.load(front_matter[1], _FlatLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError):
        return {}, "", text
    if not isinstance(properties, dict):
        return {}, "", text
    return properties, front_matter[1].strip(), text[front_matter.end() :]


def _sections(body: str, *, is_titled: bool) -> tuple[str, tuple[Section, ...]]:
    """Return the title of a body, and a section per heading, named with the headings above it.

    Args:
        body: Markdown.
        is_titled: Whether the page has a title; otherwise the first heading is the title, and is
            left out of the sections' names.
    """
    lines = body.split("\n")
    headings = list(_headings(body))
    title = headings[0].text if headings and not is_titled else ""
    sections = [Section("\n".join(lines[: headings[0].begin if headings else None]).strip())]
    above: list[_Heading] = []
    for heading, following in pairwise([*headings, None]):
        assert heading is not None
        above = [outer for outer in above if outer.level < heading.level] + [heading]
        path = " > ".join(part.text for part in above if is_titled or part is not headings[0])
        text = "\n".join(lines[heading.end : following.begin if following else None]).strip()
        has_children = following is not None and following.level > heading.level
        sections.append(Section(text, "" if has_children and not text else path))
    return title, tuple(section for section in sections if section.text or section.heading)


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading and its lines, from `begin` to before `end`."""

    level: int
    text: str
    begin: int
    end: int


def _headings(body: str) -> Iterator[_Heading]:
    """Yield the headings of a page, without those in quotes, lists and code."""
    # What stands inside a line is not wanted, and a long line of marks would take gigabytes.
    for token, inline in pairwise(MarkdownIt("commonmark").disable("inline").parse(body)):
        if token.type == "heading_open" and token.level == 0 and token.map:
            text = inline.content.strip()
            if len(text) <= MAX_HEADING_CHARACTERS:
                yield _Heading(int(token.tag[1:]), text, *token.map)


def authors_of(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in `authors` or `author`: a text, a list, or mappings with a name."""
    value = properties.get("authors") or properties.get("author") or []
    named = [
        author.get("name") if isinstance(author, dict) else author
        for author in (value if isinstance(value, list) else [value])
    ]
    return tuple(
        dict.fromkeys(name.strip() for name in named if isinstance(name, str) and name.strip())
    )


def created_at_of(properties: Mapping[str, Any]) -> datetime | None:
    """Return the date of creation in the front matter, UTC; None when there is none."""
    for value in map(properties.get, _CREATED_KEYS):
        try:
            created_at = datetime.fromisoformat(value) if isinstance(value, str) else value
            if isinstance(created_at, date) and not isinstance(created_at, datetime):
                created_at = datetime.combine(created_at, time.min, UTC)
            if isinstance(created_at, datetime):
                aware = created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC)
                return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
