"""Parts of a page, from its blocks or its Markdown, to sections: each heading begins a section."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vector_assets.core.documents import Section
from vector_assets.sources.notion.rich_text import SITE

MAX_INDENT_LEVELS = 8
"""Deeper levels are indented like this one, to save white space in chunks."""

_LINK = re.compile(r"\[[^\[\]]*\]\((?:[^()\s]|\([^()\s]*\))+\)")


@dataclass(frozen=True, slots=True)
class Part:
    """A heading, or Markdown below one.

    Attributes:
        text: Markdown, indented; empty for a heading.
        title: Of a heading, without marks.
        level: Of a heading, from 1; 0 for everything else.
        link: To this heading; empty where it is not known.
        is_list_item: Whether no blank line separates it from a neighbouring list item.
        depth: Levels below the page.
    """

    text: str
    title: str = ""
    level: int = 0
    link: str = ""
    is_list_item: bool = False
    depth: int = 0


def sections_of(parts: Iterable[Part]) -> Iterator[Section]:
    """Yield the sections of a page, each headed by its path of headings."""
    path: list[tuple[int, str]] = []
    link = ""
    texts: list[str] = []
    was_list_item = is_below_heading = False
    for part in parts:
        if part.level:
            if texts or is_below_heading:
                yield Section("\n\n".join(texts), _joined(path), link)
            path = [heading for heading in path if heading[0] < part.level] + [
                (part.level, part.title)
            ]
            link, texts, is_below_heading = part.link, [], True
            continue
        if not part.text:
            continue
        if texts and part.is_list_item and was_list_item:
            texts[-1] += f"\n{part.text}"
        else:
            texts.append(part.text)
        was_list_item = part.is_list_item
    if texts or is_below_heading:
        yield Section("\n\n".join(texts), _joined(path), link)


def heading_parts(title: str, markdown: str, level: int, link: str = "") -> Iterator[Part]:
    """Yield a heading and, as text below it, the links in its Markdown."""
    yield Part("", title=title, level=level, link=link)
    if links := _LINK.findall(markdown):
        yield Part(", ".join(links))


def indented(text: str, depth: int) -> str:
    """Return Markdown, indented by its depth below the page."""
    indent = "  " * min(depth, MAX_INDENT_LEVELS)
    return "\n".join(indent + line for line in text.split("\n")) if text else ""


def link_to(identity: str) -> str:
    """Return the address of a page, database or block."""
    return f"{SITE}/{identity.replace('-', '')}"


def table_markdown(rows: list[list[str]], *, has_header: bool) -> str:
    """Return a table of Markdown cells; empty when it has no rows."""
    cells = [[cell.replace("|", "\\|").replace("\n", "<br>") for cell in row] for row in rows]
    if not cells:
        return ""
    width = max(map(len, cells))
    if not has_header:
        cells.insert(0, [""] * width)
    lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _joined(path: list[tuple[int, str]]) -> str:
    return " > ".join(title for _, title in path if title)
