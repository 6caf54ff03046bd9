"""Renders pages as Notion's enhanced Markdown.

The format: developers.notion.com/guides/data-apis/enhanced-markdown and
reference/retrieve-page-markdown, 2026-11. Where these are silent, it follows published answers: no
blank line between blocks, and table rows are not indented.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from vector_assets.sandbox.workspace import Json

Text = list[Json]

SITE = "https://www.notion.so"
NOT_RENDERED = {
    "bookmark": "bookmark",
    "embed": "embed",
    "link_preview": "link_preview",
    "breadcrumb": "breadcrumb",
    "template": "button",
    "link_to_page": "alias",
    "tab": "tab",
    "unsupported": "unsupported",
}
"""The `alt` of the `<unknown>` tag that replaces a block of each type."""

MAX_DEPTH = 100
"""Deepest level of blocks; deeper blocks become `<unknown>` tags."""

_MEDIA = ("audio", "video", "file", "pdf")
_BEFORE = {
    "bulleted_list_item": "- ",
    "quote": "> ",
    "divider": "---",
    "table_of_contents": "<table_of_contents/>",
}
_MARKS = (("bold", "**"), ("italic", "*"), ("strikethrough", "~~"))


class Renderer:
    """Renders the blocks of a page; `unknown_ids` are the blocks that it left out.

    Args:
        is_shared: Tells whether a page or database may be read.
        max_blocks: The rest become `<unknown>` tags.
        with_transcripts: Whether to render the transcripts of meetings.
    """

    def __init__(
        self,
        page_id: str,
        *,
        children_of: Callable[[Json], list[Json]],
        is_shared: Callable[[str], bool],
        max_blocks: int,
        with_transcripts: bool,
    ) -> None:
        self._page_id = page_id
        self._children_of = children_of
        self._is_shared = is_shared
        self._left = max_blocks
        self._with_transcripts = with_transcripts
        self._open: list[str] = []
        self.unknown_ids: list[str] = []

    def lines(self, blocks: list[Json], depth: int = 0) -> Iterator[str]:
        """Yield the lines of sibling blocks."""
        number = 0
        for block in blocks:
            number = number + 1 if block["type"] == "numbered_list_item" else 0
            yield from ("\t" * depth + line for line in self._block(block, number))

    def _block(self, block: Json, number: int) -> Iterator[str]:
        kind, body = block["type"], block.get(block["type"]) or {}
        if (
            self._left <= 0
            or len(self._open) >= MAX_DEPTH
            or (kind in ("child_page", "child_database") and not self._is_shared(block["id"]))
        ):
            self.unknown_ids.append(block["id"])
            yield self._unknown(block, "page" if kind == "child_page" else kind)
            return
        self._left -= 1
        if kind in NOT_RENDERED:
            yield self._unknown(block, NOT_RENDERED[kind])
        elif kind in _STRUCTURES:
            yield from _STRUCTURES[kind](self, block, body)
        else:
            yield _first_line(kind, body, block, number) + _attributes(kind, body)
            if kind not in ("child_page", "child_database"):
                yield from self._below(block)

    def _below(self, block: Json) -> Iterator[str]:
        if block["id"] in self._open:
            return
        self._open.append(block["id"])
        yield from self.lines(self._children_of(block), 1)
        self._open.pop()

    def _unknown(self, block: Json, alt: str) -> str:
        block_id = block["id"].replace("-", "")
        path = block_id if alt == "page" else f"{self._page_id.replace('-', '')}#{block_id}"
        return f'<unknown url="{SITE}/{path}" alt="{alt}"/>'

    def _tagged(self, block: Json, tag: str, attribute: str = "", *first: str) -> Iterator[str]:
        yield f"<{tag}{attribute}>"
        yield from first
        yield from self._below(block)
        yield f"</{tag}>"

    def _toggle(self, block: Json, body: Json) -> Iterator[str]:
        summary = f"<summary>{written(body.get('rich_text'))}</summary>"
        return self._tagged(block, "details", "", summary)

    def _callout(self, block: Json, body: Json) -> Iterator[str]:
        icon = (body.get("icon") or {}).get("emoji") or ""
        text = [f"\t{written(body['rich_text'])}"] if body.get("rich_text") else []
        return self._tagged(block, "callout", f' icon="{icon}"' if icon else "", *text)

    def _container(self, block: Json, _: Json) -> Iterator[str]:
        return self._tagged(block, {"column_list": "columns", "column": "column"}[block["type"]])

    def _synced(self, block: Json, body: Json) -> Iterator[str]:
        original = (body.get("synced_from") or {}).get("block_id")
        tag = "synced_block_reference" if original else "synced_block"
        address = (original or block["id"]).replace("-", "")
        url = f"{SITE}/{self._page_id.replace('-', '')}#{address}"
        return self._tagged(block, tag, f' url="{url}"')

    def _code(self, _: Json, body: Json) -> Iterator[str]:
        text = _plain(body.get("rich_text"))
        fence = "`" * max(3, _longest_ticks(text) + 1)
        yield f"{fence}{body.get('language') or ''}"
        yield from text.split("\n")
        yield fence

    def _equation(self, _: Json, body: Json) -> Iterator[str]:
        yield "$$"
        yield from body.get("expression", "").split("\n")
        yield "$$"

    def _table(self, block: Json, body: Json) -> Iterator[str]:
        header = ' header-row="true"' if body.get("has_column_header") else ""
        yield f"<table{header}>"
        for row in self._children_of(block):
            self._left -= 1
            yield "<tr>"
            yield from (f"<td>{written(cell)}</td>" for cell in row["table_row"]["cells"])
            yield "</tr>"
        yield "</table>"

    def _meeting(self, block: Json, body: Json) -> Iterator[str]:
        yield "<meeting-notes>"
        yield f"\t{written(body.get('title'))}"
        for tag, part in zip(("summary", "notes", "transcript"), body["children"], strict=False):
            if tag == "transcript" and not self._with_transcripts:
                yield f"\tTranscript: {SITE}/{block['id'].replace('-', '')}"
                continue
            yield f"\t<{tag}>"
            yield from self.lines(self._children_of(part), 2)
            yield f"\t</{tag}>"
        yield "</meeting-notes>"


_STRUCTURES: dict[str, Callable[[Renderer, Json, Json], Iterator[str]]] = {
    "toggle": Renderer._toggle,
    "callout": Renderer._callout,
    "column_list": Renderer._container,
    "column": Renderer._container,
    "synced_block": Renderer._synced,
    "code": Renderer._code,
    "equation": Renderer._equation,
    "table": Renderer._table,
    "meeting_notes": Renderer._meeting,
}


def _first_line(kind: str, body: Json, block: Json, number: int) -> str:
    """Return the line of a block without its children."""
    text = written(body.get("rich_text"))
    if text and block.get("comments"):
        text = f'<span discussion-urls="discussion://{block["id"]}">{text}</span>'
    address = f"{SITE}/{block['id'].replace('-', '')}"
    if kind.startswith("heading_"):
        return f"{'#' * int(kind[-1])} {text}"
    if kind in _MEDIA:
        return f'<{kind} src="{_address(body)}">{written(body.get("caption"))}</{kind}>'
    match kind:
        case "paragraph":
            return text or "<empty-block/>"
        case "numbered_list_item":
            return f"{number}. {text}"
        case "to_do":
            return f"- [{'x' if body.get('checked') else ' '}] {text}"
        case "image":
            return f"![{written(body.get('caption'))}]({_address(body)})"
        case "child_page":
            return f'<page url="{address}">{_escaped(body["title"])}</page>'
        case "child_database":
            return f'<database url="{address}" inline="true">{_escaped(body["title"])}</database>'
    return _BEFORE.get(kind, "") + text


def _attributes(kind: str, body: Json) -> str:
    listed = []
    if kind.startswith("heading_") and body.get("is_toggleable"):
        listed.append('toggle="true"')
    color = body.get("color") or "default"
    if color != "default" and "rich_text" in body:
        listed.append(f'color="{color.replace("_background", "_bg")}"')
    return f" {{{' '.join(listed)}}}" if listed else ""


def written(rich_text: Text | None) -> str:
    """Return rich text on one line."""
    return "".join(map(_part, rich_text or [])).replace("\n", "<br>")


def _part(part: Json) -> str:
    if part["type"] == "equation":
        return f"$`{part['equation']['expression']}`$"
    if part["type"] == "mention":
        return _mention(part)
    marks = part["annotations"]
    text = part["plain_text"]
    ticks = "`" * (_longest_ticks(text) + 1)
    text = f"{ticks}{text}{ticks}" if marks["code"] else _escaped(text)
    for name, sign in _MARKS:
        if marks[name]:
            text = f"{sign}{text}{sign}"
    if marks["underline"]:
        text = f'<span underline="true">{text}</span>'
    if marks["color"] != "default":
        text = f'<span color="{marks["color"].replace("_background", "_bg")}">{text}</span>'
    return f"[{text}]({part['href']})" if part.get("href") else text


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _mention(part: Json) -> str:
    mention = part["mention"]
    kind = mention["type"]
    inner: dict[str, Any] = mention[kind]
    if kind == "date":
        start, end = (str(inner.get(edge) or "") for edge in ("start", "end"))
        values = {
            "start": start[:10],
            "startTime": start[11:16],
            "end": end[:10],
            "endTime": end[11:16],
            "timeZone": inner.get("time_zone") or "",
        }
        given = " ".join(f'{name}="{value}"' for name, value in values.items() if value)
        return f"<mention-date {given}/>"
    if kind not in ("user", "page", "database"):
        return _escaped(part["plain_text"])
    url = f"user://{inner['id']}" if kind == "user" else f"{SITE}/{inner['id'].replace('-', '')}"
    name = part["plain_text"].removeprefix("@")
    return f'<mention-{kind} url="{url}">{_escaped(name)}</mention-{kind}>'


def _address(body: Json) -> str:
    return str((body.get("external") or body.get("file") or {}).get("url", ""))


def _plain(rich_text: Text | None) -> str:
    return "".join(part["plain_text"] for part in rich_text or [])


def _escaped(text: str) -> str:
    return re.sub(r"([\\*~`$\[\]<>{}|^])", r"\\\1", text)
