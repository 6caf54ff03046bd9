"""Blocks to Markdown, type by type, from a flat list of blocks with their depths.

Types: developers.notion.com/reference/block, 2026-11.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vector_assets.sources.notion.properties import words_of
from vector_assets.sources.notion.rich_text import markdown, plain, quoted
from vector_assets.sources.notion.sections import (
    Part,
    heading_parts,
    indented,
    link_to,
    table_markdown,
)

HEADINGS = {"heading_1": 1, "heading_2": 2, "heading_3": 3, "heading_4": 4}
TRANSPARENT = {"column_list", "column", "synced_block", "template", "tab"}
"""Blocks that only hold others and add no depth."""

_SILENT = {"table_of_contents", "breadcrumb", "divider", "unsupported", *TRANSPARENT} - {"template"}
_TOLD = {"rich_text", "caption", "name", "url", "external", "file", "icon", "color", "children"}
"""Fields of a block of an unknown type that are read as in known ones, or not at all."""

_NAMED = (
    "table", "table_row", "numbered_list_item", "child_page", "child_database", "link_to_page",
)  # fmt: skip
"""Further types of blocks with words."""

_LIST_ITEMS = {"bulleted_list_item", "numbered_list_item", "to_do"}

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """A block and its place on the page.

    Attributes:
        block: As the API gives it.
        depth: Levels of indentation above it.
        number: Place in a numbered list, from 1.
        rows: Of a table.
    """

    block: Mapping[str, Any]
    depth: int = 0
    number: int = 1
    rows: tuple[Mapping[str, Any], ...] = ()


def parts_of(
    blocks: Iterable[Placed], url: str, page_title: Callable[[str], str] = lambda _: ""
) -> Iterator[Part]:
    """Yield what blocks say; of one that is not as documented, the words that it has.

    Args:
        blocks: In reading order.
        url: Of the page.
        page_title: Returns the title of a page by its id; empty when it is not shared.
    """
    for placed in blocks:
        kind = str(placed.block.get("type"))
        try:
            parts = tuple(_parts(placed, kind, url, page_title))
        except (AttributeError, TypeError, ValueError):
            text = indented(words_of(placed.block.get(kind)), placed.depth)
            parts = (Part(text, depth=placed.depth),)
        yield from parts


def _parts(placed: Placed, kind: str, url: str, page_title: Callable[[str], str]) -> Iterator[Part]:
    if kind in HEADINGS:
        text = (placed.block.get(kind) or {}).get("rich_text")
        link = f"{url}#{str(placed.block.get('id', '')).replace('-', '')}"
        yield from heading_parts(plain(text), markdown(text), HEADINGS[kind], link)
    elif text := block_markdown(placed, page_title):
        yield Part(text, is_list_item=kind in _LIST_ITEMS, depth=placed.depth)


def typed(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a block with the type whose content it has, where its own type names none."""
    kind = block.get("type")
    if isinstance(kind, str) and kind in block:
        return block
    known = (*HEADINGS, *TRANSPARENT, *_RENDER, *_NAMED)
    told = next((name for name in known if isinstance(block.get(name), Mapping)), None)
    return {**block, "type": told} if told else block


def block_markdown(placed: Placed, page_title: Callable[[str], str] = lambda _: "") -> str:
    """Return the Markdown of one block, without its children; see `parts_of`."""
    kind = str(placed.block.get("type"))
    body = placed.block.get(kind) or {}
    if kind == "table":
        text = _table(body, placed.rows)
    elif kind == "numbered_list_item":
        text = f"{placed.number}. {markdown(body.get('rich_text'))}"
    elif kind in ("child_page", "child_database"):
        text = _child(body, str(placed.block.get("id", "")))
    elif kind == "link_to_page":
        text = _link_to_page(body, page_title)
    elif kind in _SILENT:
        text = ""
    else:
        render: Callable[[Body], str] = _RENDER.get(kind, _unknown)
        text = render(body)
    return indented(text, placed.depth)


def _text(body: Body) -> str:
    return markdown(body.get("rich_text"))


def _to_do(body: Body) -> str:
    return f"- [{'x' if body.get('checked') else ' '}] {_text(body)}"


def _callout(body: Body) -> str:
    icon = (body.get("icon") or {}).get("emoji") or ""
    return quoted(f"{icon} {_text(body)}".strip())


def _code(body: Body) -> str:
    text = plain(body.get("rich_text"))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    language = body.get("language") or ""
    caption = markdown(body.get("caption"))
    code = f"{fence}{'' if language == 'plain text' else language}\n{text}\n{fence}"
    return f"{code}\n{caption}" if caption else code


def _file(body: Body) -> str:
    """Return a file or link by its caption, name and address; signed addresses expire."""
    url = words_of((body.get("external") or {}).get("url") or body.get("url"))
    name = " ".join(filter(None, (body.get("name"), markdown(body.get("caption")))))
    if name and url:
        return f"[{name}]({url})"
    return name or url


def _child(body: Body, block_id: str) -> str:
    return f"[{words_of(body.get('title')) or 'Untitled'}]({link_to(block_id)})"


def _link_to_page(body: Body, page_title: Callable[[str], str]) -> str:
    """Return a link to a page or database; the block itself gives no title."""
    kind = str(body.get("type"))
    identity = str(body.get(kind, ""))
    title = page_title(identity) if kind == "page_id" else ""
    shown = title or f"Linked {kind.removesuffix('_id')}"
    return f"[{shown}]({link_to(identity)})"


def _table(body: Body, rows: tuple[Mapping[str, Any], ...]) -> str:
    has_header = isinstance(body, Mapping) and bool(body.get("has_column_header"))
    return table_markdown(list(map(_cells, rows)), has_header=has_header)


def _cells(row: Mapping[str, Any]) -> list[str]:
    """Return the cells of a row; of what is not as documented, the words that it has."""
    body = row.get("table_row")
    cells = body.get("cells", body) if isinstance(body, Mapping) else body
    return [_cell(cell) for cell in (cells if isinstance(cells, list) else [cells])]


def _cell(cell: Any) -> str:
    try:
        return markdown(cell)
    except (AttributeError, TypeError, ValueError):
        return words_of(cell)


def _unknown(body: Any) -> str:
    """Return the text of a block of an unknown type."""
    if not isinstance(body, Mapping):
        return ""
    told = (_text(body), _file(body))
    others = {name: value for name, value in body.items() if name not in _TOLD}
    said = {name: value for name, value in others.items() if isinstance(value, str | list | dict)}
    return "\n".join(filter(None, (*told, words_of(said))))


_RENDER: dict[str, Callable[[Body], str]] = {
    **dict.fromkeys(("paragraph", "toggle"), _text),
    "bulleted_list_item": lambda body: f"- {_text(body)}",
    "to_do": _to_do,
    "quote": lambda body: quoted(_text(body)),
    "callout": _callout,
    "code": _code,
    "equation": lambda body: f"$$\n{body.get('expression', '')}\n$$",
    **dict.fromkeys(("image", "video", "audio", "file", "pdf"), _file),
    **dict.fromkeys(("bookmark", "embed", "link_preview"), _file),
    "meeting_notes": lambda body: markdown(body.get("title")),
    "transcription": lambda body: markdown(body.get("title")),
}
