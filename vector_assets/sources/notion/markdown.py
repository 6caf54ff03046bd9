"""A page as Notion's enhanced Markdown to the parts that its blocks would give.

Lines are read in order: tabs nest, tags hold structures, and a heading begins a section anywhere.
Format: developers.notion.com/guides/data-apis/enhanced-markdown, 2026-11.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from vector_assets.sources.notion.files import FILE_BLOCKS, NotionFile
from vector_assets.sources.notion.inline import (
    ATTRIBUTE,
    TAG,
    id_in,
    inline,
    plain_inline,
)
from vector_assets.sources.notion.properties import file_name
from vector_assets.sources.notion.rich_text import Namer, quoted
from vector_assets.sources.notion.sections import (
    Part,
    heading_parts,
    indented,
    link_to,
    table_markdown,
)

_ATTRIBUTE_LIST = re.compile(r'\s*\{(?:\s*[\w-]+="[^"]*")+\s*\}$')
_HEADING = re.compile(r"(#{1,4}) (.*)$")
_LIST_ITEM = re.compile(r"(?:[-*]|\d+[.)]) ")
_FENCE = re.compile(r"(`{3,})(.*)$")
_IMAGE = re.compile(r"!\[(.*)\]\((\S*)\)$")
_WHOLE_TAG = re.compile(rf"{TAG}(?:(?P<inner>.*)</(?P=tag)>)?$")
_CELL_TOKEN = re.compile(rf"\\.|(`+)[^`]*\1|\$`[^`]*`\$|{TAG}|.", re.DOTALL)
_DISCUSSION = re.compile(r'\bdiscussion-urls="')
_SIGNED = re.compile(r"[?&](X-Amz-|expirationTimestamp=|signature=)", re.IGNORECASE)

Lines = deque[str]

_HOLDERS = {"details", "columns", "column", "synced_block", "synced_block_reference", "callout"}
_MEETING = {"meeting-notes", "summary", "notes", "transcript"}
_SILENT = {"table_of_contents", "empty-block"}


@dataclass
class MarkdownPage:
    """The text of a page, and what it holds besides.

    Attributes:
        parts: In reading order.
        pages: Ids of the pages right below it.
        databases: Ids of the databases right below it, and of views of others.
        unknown: Parts to fill in, by the ids of blocks that Notion left out.
        files: In reading order.
        discussions: Number of passages with comments of their own.
        shows_copies: Whether it shows synced blocks of other pages.
    """

    parts: list[Part] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    databases: list[str] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    files: list[NotionFile] = field(default_factory=list)
    discussions: int = 0
    shows_copies: bool = False


@dataclass(frozen=True)
class _Holder:
    """An open tag at `tabs`; its children are deeper, and quoted when it is a callout."""

    tag: str
    tabs: int


def read_markdown(text: str, names: Namer) -> MarkdownPage:
    """Return the parts of a page from its enhanced Markdown."""
    reader = _Reader(names)
    lines = deque(text.split("\n"))
    while lines:
        reader.take(lines.popleft(), lines)
    reader.page.discussions = len(_DISCUSSION.findall(text))
    return reader.page


class _Reader:
    def __init__(self, names: Namer) -> None:
        self.page = MarkdownPage()
        self._names = names
        self._holders: list[_Holder] = []
        self._synced: set[str] = set()
        self._icon = ""

    def take(self, line: str, rest: Lines) -> None:
        """Read a line, and the lines of `rest` that belong to it."""
        text = line.lstrip("\t")
        tabs = len(line) - len(text)
        if not text.strip():
            return
        while self._holders and tabs <= self._holders[-1].tabs:
            self._holders.pop()
        if fence := _FENCE.match(text):
            self._say(_code(fence, tabs, rest), tabs)
        elif text == "$$":
            self._say(_fenced(rest, "$$", tabs, "$$"), tabs)
        elif tag := _WHOLE_TAG.match(text):
            self._tag(tag, tabs, rest)
        else:
            self._line(text, tabs)

    def _line(self, text: str, tabs: int) -> None:
        text = _ATTRIBUTE_LIST.sub("", text)
        if heading := _HEADING.match(text):
            title, said = (render(heading[2], self._names) for render in (plain_inline, inline))
            self.page.parts += heading_parts(title, said, level=len(heading[1]))
            # Children of a toggle heading are one tab deeper, but at the same depth.
            self._holders.append(_Holder("heading", tabs))
        elif text == "---":
            return
        elif image := _IMAGE.match(text):
            self._say(self._file(image[1], image[2], "image"), tabs)
        elif text.startswith("> "):
            self._say(quoted(inline(text[2:], self._names)), tabs)
        else:
            self._say(inline(text, self._names), tabs, is_list_item=bool(_LIST_ITEM.match(text)))

    def _tag(self, tag: re.Match[str], tabs: int, rest: Lines) -> None:
        name, inner = tag["tag"], tag["inner"]
        attributes = dict(ATTRIBUTE.findall(tag["attributes"]))
        if tag["close"] or name in _SILENT:
            return
        if name == "table":
            has_header = attributes.get("header-row") == "true"
            rows = _until(rest, "\t" * tabs + "</table>") or []
            self._say(self._table(rows, has_header=has_header), tabs)
        elif name == "summary" and inner is not None:
            self._say(inline(inner, self._names), tabs)
        elif name in _HOLDERS or name in _MEETING:
            self._hold(name, attributes, tabs, rest)
        elif name == "page":
            self.page.pages.append(id_in(attributes.get("url", "")))
            self._say(self._link(inner, attributes), tabs)
        elif name == "database":
            self.page.databases.append(id_in(attributes.get("url", "")))
            self._say(self._link(inner, attributes), tabs)
        elif name == "unknown":
            self._unknown(attributes, tabs)
        elif name in FILE_BLOCKS:
            self._say(self._file(inner or "", attributes.get("src", ""), name), tabs)
        elif name.startswith("mention-") or name == "span":
            self._say(inline(tag[0], self._names), tabs)
        else:
            # A block of an unknown type: its text, or its address.
            address = attributes.get("url") or attributes.get("src") or ""
            self._say(self._file(inner or "", address), tabs)

    def _hold(self, name: str, attributes: dict[str, str], tabs: int, rest: Lines) -> None:
        address = attributes.get("url", "")
        self.page.shows_copies |= name == "synced_block_reference"
        if name.startswith("synced_block") and address:
            inside = _until(rest, "\t" * tabs + f"</{name}>")
            if inside == [] and name == "synced_block_reference":
                # Its original is on another page and not in this Markdown.
                self._unknown(attributes, tabs)
            if address in self._synced:
                return
            self._synced.add(address)
            rest.extendleft(reversed(inside or ()))
        if name == "callout":
            self._icon = attributes.get("icon", "")
            self._icon = "" if ":" in self._icon else self._icon
        # The label of a toggle has the tabs of its tag, and its children are one level deeper.
        if name != "details":
            self._holders.append(_Holder(name, tabs))

    def _unknown(self, attributes: dict[str, str], tabs: int) -> None:
        identity = id_in(attributes.get("url", ""))
        if identity:
            self.page.unknown[identity] = len(self.page.parts)
            self.page.parts.append(Part("", depth=self._depth(tabs)))

    def _say(self, text: str, tabs: int, *, is_list_item: bool = False) -> None:
        is_quoted = any(holder.tag == "callout" for holder in self._holders)
        if is_quoted:
            text = f"{self._icon} {text}".strip() if self._icon else text
            self._icon = ""
            text = quoted(text)
        if text.strip():
            depth = self._depth(tabs)
            said = indented(text, depth)
            self.page.parts.append(Part(said, is_list_item=is_list_item, depth=depth))

    def _depth(self, tabs: int) -> int:
        return tabs - sum(1 for holder in self._holders if holder.tabs < tabs)

    def _link(self, inner: str | None, attributes: dict[str, str]) -> str:
        title = plain_inline(inner or "", self._names) or "Untitled"
        return f"[{title}]({link_to(id_in(attributes.get('url', '')))})"

    def _file(self, caption: str, address: str, kind: str = "") -> str:
        """Return a file by its caption and address; by its name where the address expires."""
        said = inline(caption, self._names)
        is_nameless, is_signed = address.startswith("file:"), bool(_SIGNED.search(address))
        name = file_name(address)
        if is_nameless or is_signed:
            name = re.split(r"[/:]", unquote(_path_of(address) or address))[-1].split('"')[0]
        if kind:
            own = address if is_signed else ""
            is_elsewhere = not (is_nameless or is_signed)
            self.page.files.append(NotionFile(name, own, is_elsewhere, kind))
        if is_nameless or is_signed:
            return " ".join(filter(None, (name if not said else "", said))).strip()
        return f"[{said}]({address})" if said and address else said or address

    def _table(self, lines: list[str], *, has_header: bool) -> str:
        rows: list[list[str]] = []
        for token in _CELL_TOKEN.finditer("\n".join(lines)):
            if token["tag"] == "tr" and not token["close"]:
                rows.append([])
            elif token["tag"] == "td" and rows:
                rows[-1] += [] if token["close"] else [""]
            elif rows and rows[-1] and token["tag"] not in ("tr", "col", "colgroup"):
                rows[-1][-1] += token[0]
        cells = [[inline(cell.strip(), self._names) for cell in row] for row in rows]
        return table_markdown(cells, has_header=has_header)


def _path_of(address: str) -> str:
    """Return the path of an address; empty for what is none."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _code(fence: re.Match[str], tabs: int, rest: Lines) -> str:
    language = fence[2].strip()
    language = "" if language == "plain text" else language
    return _fenced(rest, fence[1], tabs, fence[1] + language)


def _fenced(rest: Lines, fence: str, tabs: int, first: str) -> str:
    """Return fenced lines without the tabs of their block."""
    lines = [first]
    while rest and lines[1:][-1:] != [fence]:
        line = rest.popleft()
        lines.append(line[tabs:] if line[:tabs] == "\t" * tabs else line.lstrip("\t"))
    return "\n".join(lines)


def _until(rest: Lines, end: str) -> list[str] | None:
    """Take the lines up to an end, and the end; None, and take nothing, where there is none."""
    if end not in rest:
        return None
    lines = [rest.popleft() for _ in range(rest.index(end))]
    rest.popleft()
    return lines
