"""What a file of Markdown or plain text says: title, properties, and a section a heading."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, Self

import yaml
from markdown_it import MarkdownIt

from vector_assets.core.documents import Section

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.M)
_CREATED_KEYS = ("date", "created", "created_at")


@dataclass(frozen=True, slots=True)
class Page:
    """What a file says.

    Attributes:
        title: From its properties, or its first heading; empty when it has neither.
        properties: From its front matter.
        sections: Properties as they are written, then the text, a section a heading.
    """

    title: str
    properties: Mapping[str, Any]
    sections: tuple[Section, ...]

    @classmethod
    def of(cls, text: str, *, is_markdown: bool) -> Self:
        """Take a text apart; plain text is one section."""
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
    """Return a page's properties, the lines that hold them, and the body.

    What stands between two lines of dashes and is no YAML mapping is text like any other.
    """
    found = _FRONT_MATTER.match(text)
    if found is None:
        return {}, "", text
    try:
        properties = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, "", text
    if not isinstance(properties, dict):
        return {}, "", text
    return properties, found[1].strip(), text[found.end() :]


def _sections(body: str, *, is_titled: bool) -> tuple[str, tuple[Section, ...]]:
    """Return the first heading of a body, and a section for each heading, named with those above.

    Args:
        body: Markdown.
        is_titled: Whether the page has a title already; else the first heading is that, and stands
            above no section.
    """
    lines = body.split("\n")
    headings = list(_headings(body))
    title = headings[0].text if headings and not is_titled else ""
    sections = [Section("\n".join(lines[: headings[0].begin if headings else None]).strip())]
    above: list[_Heading] = []
    for heading, following in pairwise([*headings, None]):
        assert heading is not None
        above = [one for one in above if one.level < heading.level] + [heading]
        path = " > ".join(one.text for one in above if is_titled or one is not headings[0])
        text = "\n".join(lines[heading.end : following.begin if following else None]).strip()
        has_children = following is not None and following.level > heading.level
        sections.append(Section(text, "" if has_children and not text else path))
    return title, tuple(one for one in sections if one.text or one.heading)


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading and the lines that it takes, from `begin` to before `end`."""

    level: int
    text: str
    begin: int
    end: int


def _headings(body: str) -> Iterator[_Heading]:
    """Yield the headings that part a page: not those within quotes or lists, and no code."""
    for token, inline in pairwise(MarkdownIt("commonmark").parse(body)):
        if token.type == "heading_open" and token.level == 0 and token.map:
            yield _Heading(int(token.tag[1:]), inline.content.strip(), *token.map)


def authors_of(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names under `authors` or `author`: a text, a list, or mappings with a name."""
    value = properties.get("authors") or properties.get("author") or []
    named = [
        one.get("name") if isinstance(one, dict) else one
        for one in (value if isinstance(value, list) else [value])
    ]
    return tuple(
        dict.fromkeys(one.strip() for one in named if isinstance(one, str) and one.strip())
    )


def created_at_of(properties: Mapping[str, Any]) -> datetime | None:
    """Return when a page says that it was made, UTC; None when it does not, or not as a date."""
    for value in map(properties.get, _CREATED_KEYS):
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else value
            if isinstance(found, datetime):
                return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
        if isinstance(found, date):
            return datetime(found.year, found.month, found.day, tzinfo=UTC)
    return None
