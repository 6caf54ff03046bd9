"""Parse a file of Markdown or plain text: title, properties, and a section per heading."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any, Self

import yaml
from markdown_it import MarkdownIt

from vector_assets.core.documents import Section

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.M)
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
        if not is_markdown:
            return cls("", {}, (Section(text),) if text.strip() else ())
        properties, written, body = _front_matter(text)
        named = properties.get("title")
        title = "" if named is None or isinstance(named, list | dict) else str(named).strip()
        heading, sections = _sections(body, is_titled=bool(title))
        facts = (Section(written, "Properties"),) if written else ()
        return cls(title or heading, properties, (*facts, *sections))


def _front_matter(text: str) -> tuple[Mapping[str, Any], str, str]:
    """Return a page's properties, their lines, and the body.

    A block between dashes that is not a YAML mapping belongs to the body.
    """
    front_matter = _FRONT_MATTER.match(text)
    if front_matter is None:
        return {}, "", text
    try:
        properties = yaml.safe_load(front_matter[1])
    except (yaml.YAMLError, ValueError, RecursionError):
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
    for token, inline in pairwise(MarkdownIt("commonmark").parse(body)):
        if token.type == "heading_open" and token.level == 0 and token.map:
            yield _Heading(int(token.tag[1:]), inline.content.strip(), *token.map)


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
