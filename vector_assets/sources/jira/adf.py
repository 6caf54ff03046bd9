"""Atlassian Document Format to Markdown; no node's text is dropped.

The nodes: developer.atlassian.com, "Atlassian Document Format", 2026-11. Apps write what is not in
there, so every value may be of any type.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from vector_assets.sources.jira.json_values import (
    Json,
    as_list,
    as_object,
    parsed_json,
    scalar_text,
    whole_number,
    words_in,
)
from vector_assets.sources.jira.table import MAX_SPAN, Cell, table_markdown

_MARKS = {"strong": "**", "em": "*", "strike": "~~"}
_CHECKED = {"DONE": "x", "DECIDED": "x"}
_MAX_NUMBER = 10**9

_LOOKS = {
    "accessLevel", "collection", "color", "displayMode", "extensionKey", "extensionType", "height",
    "isNumberColumnEnabled", "layout", "localId", "occurrenceKey", "originalHeight",
    "originalWidth", "panelColor", "panelIcon", "panelIconId", "state", "style", "type",
    "userType", "width", "widthType",
}  # fmt: skip
"""Attributes of a node that hold no words."""

_DEEP_LOOKS = {"localId", "type"}
"""Keys within an attribute that hold no words."""

_PARTS = ("type", "version", "attrs", "marks", "text", "content")

_ISSUE_KEY = re.compile(r"\b[A-Z][A-Z0-9_]+-[0-9]+\b")
_ISSUE_URL = re.compile(
    r"(/browse/|/issues/|/portal/[0-9]+/|/queues/(\w+/)*|(selectedIssue|issueKey|issue)=)"
    r"[A-Z][A-Z0-9_]+-[0-9]+",
    re.IGNORECASE,
)


def to_markdown(document: Any, account_name: Callable[[str], str] = lambda _: "") -> str:
    """Return the Markdown of a document; empty for None.

    Args:
        document: A node, or any other value where an app wrote something else.
        account_name: Returns the name for the id of an account; empty when it is unknown.
    """
    try:
        return _Renderer(account_name).blocks({"content": document}).strip()
    except RecursionError:
        return " ".join(words_in(document, without=_LOOKS))


class _Renderer:
    """Turns nodes into Markdown.

    Args:
        account_name: As in `to_markdown`.
    """

    def __init__(self, account_name: Callable[[str], str]) -> None:
        self._account_name = account_name
        self._blocks: dict[str, Callable[[Json], str]] = {
            **dict.fromkeys(_CONTAINERS, self.blocks),
            "paragraph": self._paragraph,
            "caption": self._paragraph,
            "heading": self._heading,
            "bulletList": self._bullet_list,
            "orderedList": self._ordered_list,
            "taskList": self._task_list,
            "decisionList": self._task_list,
            "codeBlock": self._code_block,
            "blockquote": self._quote,
            "panel": self._panel,
            "expand": self._expand,
            "nestedExpand": self._expand,
            "table": self._table,
        }
        self._inlines: dict[str, Callable[[Json], str]] = {
            "mention": self._mention,
        }

    def blocks(self, node: Json) -> str:
        """Return a node's children as blocks, an empty line between them."""
        return "\n\n".join(filter(None, map(self._block, _children(node))))

    def _block(self, node: Json) -> str:
        kind = _kind(node)
        if kind in _BLOCK_LEAVES:
            text = _joined(_linked(_BLOCK_LEAVES[kind](node), node), self.blocks(node))
        elif kind in self._blocks:
            text = _linked(self._blocks[kind](node), node)
        elif self._is_inline(node):
            text = self._inline(node)
        else:
            words = filter(None, [_text_of(node), *_words_of_attributes(node, self._account_name)])
            text = _linked(_joined(*words, self.blocks(node)), node)
        return text if text.strip() else ""

    def _inline(self, node: Json) -> str:
        kind = _kind(node)
        if kind in _INLINE_LEAVES:
            text = _INLINE_LEAVES[kind](node)
        elif kind in self._inlines:
            text = self._inlines[kind](node)
        elif kind in self._blocks:
            return f"\n{self._block(node)}\n"
        else:
            text = _text_of(node) + " ".join(_words_of_attributes(node, self._account_name))
        text = text if kind == "text" else _linked(text, node)
        return text + self._inline_children(node)

    def _inline_children(self, node: Json) -> str:
        return "".join(map(self._inline, _children(node)))

    def _is_inline(self, node: Json) -> bool:
        return _kind(node) in _INLINE_LEAVES or _kind(node) in self._inlines

    def _mention(self, node: Json) -> str:
        text, account_id = _attribute(node, "text"), _attribute(node, "id")
        if text.strip().removeprefix("@") not in ("", account_id):
            return text
        if account_id in _EVERYBODY:
            return f"@{account_id}"
        return f"@{self._account_name(account_id) or account_id or 'someone'}"

    def _paragraph(self, node: Json) -> str:
        return (_text_of(node) + self._inline_children(node)).strip()

    def _heading(self, node: Json) -> str:
        level = whole_number(_value(node, "level"), default=1, at_most=6)
        return f"{'#' * level} {self._paragraph(node)}"

    def _bullet_list(self, node: Json) -> str:
        return "\n".join(self._item("- ", child) for child in _children(node))

    def _ordered_list(self, node: Json) -> str:
        order = _value(node, "order")
        start = 0 if order == 0 else whole_number(order, default=1, at_most=_MAX_NUMBER)
        numbered = enumerate(_children(node), start)
        return "\n".join(self._item(f"{number}. ", child) for number, child in numbered)

    def _task_list(self, node: Json) -> str:
        lines = []
        for child in _children(node):
            if _kind(child) in ("taskItem", "blockTaskItem", "decisionItem"):
                done = _CHECKED.get(_attribute(child, "state"), " ")
                lines.append(self._item(f"- [{done}] ", child))
            else:
                lines.append(_indented(self._block(child), "  "))
        return "\n".join(lines)

    def _item(self, marker: str, node: Json) -> str:
        """Return a list's item; what is nested in it is indented under it."""
        if _kind(node) not in _ITEMS:
            node = {"content": [node]}
        parts, line = [], _text_of(node)
        for child in _children(node):
            if self._is_inline(child):
                line += self._inline(child)
            else:
                parts += [line.strip(), self._block(child)]
                line = ""
        body = "\n".join(filter(None, [*parts, line.strip()]))
        return marker + _indented(body, " " * len(marker)).lstrip()

    def _code_block(self, node: Json) -> str:
        text = "".join(
            # Marks are no code; a text that holds nodes of its own is odd, and read as a whole.
            _text_of(child)
            if _kind(child) == "text" and not _children(child)
            else self._inline(child)
            for child in _children(node)
        )
        longest = max(map(len, re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}{_attribute(node, 'language')}\n{text}\n{fence}"

    def _quote(self, node: Json) -> str:
        return _indented(self.blocks(node), "> ")

    def _panel(self, node: Json) -> str:
        body, kind = self.blocks(node), _attribute(node, "panelType")
        # A panel of the writer's own shows an icon alone.
        name = f"**{kind.capitalize()}:**" if kind else ""
        head = _attribute(node, "panelIconText") if kind == "custom" else name
        if head:
            first = next(_children(node), {})
            gap = " " if _kind(first) == "paragraph" else "\n\n"
            body = f"{head}{gap}{body}"
        return _indented(body, "> ")

    def _expand(self, node: Json) -> str:
        title = _attribute(node, "title")
        return _joined(f"**{title}**" if title else "", self.blocks(node))

    def _table(self, node: Json) -> str:
        return table_markdown([self._cells(row) for row in _children(node)])

    def _cells(self, row: Json) -> list[Cell]:
        """Return the cells of a row; anything that is no cell is taken for one."""
        cells = list(_children(row)) if _kind(row) == "tableRow" else [row]
        return [
            Cell(
                self.blocks(cell if _kind(cell) in _CELLS else {"content": [cell]}),
                whole_number(_value(cell, "colspan"), default=1, at_most=MAX_SPAN),
                whole_number(_value(cell, "rowspan"), default=1, at_most=MAX_SPAN),
            )
            for cell in cells
        ]


def _media(node: Json) -> str:
    names = filter(None, (_attribute(node, name) for name in ("alt", "__fileName")))
    name, url = ", ".join(dict.fromkeys(names)), _attribute(node, "url")
    if not (name or url):
        return ""
    shown = f"[{'image' if _attribute(node, 'type') != 'file' else 'file'}: {name or url}]"
    return f"{shown}({url})" if name and url else shown


def _card(node: Json) -> str:
    """Return a smart link: its address, and its name and summary where the node carries them.

    An issue's summary is left out: not everyone who may read this text may read that issue.
    """
    data = as_object(_value(node, "data"))
    url = _attribute(node, "url") or scalar_text(data.get("url"))
    name = scalar_text(data.get("name"))
    if _ISSUE_URL.search(url):
        return url
    if issue_key := _ISSUE_KEY.match(name):
        return url or issue_key.group()
    shown = f"[{name}]({url})" if name and url else name or url
    if shown and (summary := scalar_text(data.get("summary"))):
        return f"{shown}: {summary}"
    return shown or " ".join(_words_of_attributes(node, lambda _: ""))


def _text(node: Json) -> str:
    text = _text_of(node)
    marks = {_kind(mark): mark for mark in map(as_object, as_list(node.get("marks")))}
    core = text.strip()
    if not core:
        return text
    before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
    if "code" in marks:
        core = f"`{core}`"
    for name, sign in _MARKS.items():
        if name in marks:
            core = f"{sign}{core}{sign}"
    if _attribute(marks.get("subsup", {}), "type") == "sup":
        core = f"^{core}"
    if "link" in marks:
        href, title = _attribute(marks["link"], "href"), _attribute(marks["link"], "title")
        # The title of a link to an issue is its summary; see `_card`.
        has_title = title not in ("", href, text.strip()) and not _ISSUE_URL.search(href)
        target = f'{href} "{title}"' if has_title else href
        core = core if target in ("", core) else f"[{core}]({target})"
    return before + core + after


def _linked(text: str, node: Json) -> str:
    """Return the text of a node that is no text, with the address that it links to."""
    marks = [as_object(mark) for mark in as_list(node.get("marks"))]
    for href in (_attribute(mark, "href") for mark in marks if _kind(mark) == "link"):
        if not href or href in text:
            continue
        if "\n" in text:
            text = f"{text}\n\n{href}"
        elif text.startswith("[") and text.endswith("]"):
            text = f"{text}({href})"
        else:
            text = f"[{text}]({href})" if text else href
    return text


def _date(node: Json) -> str:
    stamp = _attribute(node, "timestamp")
    try:
        return datetime.fromtimestamp(int(stamp) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return stamp


def _status(node: Json) -> str:
    text = _attribute(node, "text")
    return f"[{text}]" if text else ""


def _words_of_attributes(node: Json, account_name: Callable[[str], str]) -> Iterator[str]:
    """Yield the words that an unknown node or a macro has beside its text and content.

    A node within them, as macros of Confluence and unsupported nodes carry it, becomes Markdown.
    """
    attributes = node.get("attrs")
    if isinstance(attributes, Mapping):
        attributes = {name: attributes[name] for name in attributes if name not in _LOOKS}
    others = [node[name] for name in node if name not in _PARTS]
    said = _with_nodes_read([attributes, *others], account_name)
    yield from words_in(said, without=_DEEP_LOOKS)


def _with_nodes_read(value: Any, account_name: Callable[[str], str]) -> Any:
    """Return a value with the Markdown of each node in it, also of one that is written as JSON."""
    nodes = parsed_json(value) if isinstance(value, str) else value
    if _is_node(nodes) or (isinstance(nodes, list) and nodes and all(map(_is_node, nodes))):
        return to_markdown(nodes, account_name)
    if isinstance(value, Mapping):
        return {
            key: _with_nodes_read(below, account_name)
            for key, below in value.items()
            # The pictures in place of a macro.
            if not (key == "placeholder" and isinstance(below, list))
        }
    if isinstance(value, list):
        return [_with_nodes_read(below, account_name) for below in value]
    return value


def _is_node(value: Any) -> bool:
    return isinstance(value, Mapping) and (
        isinstance(value.get("content"), list)
        or (_kind(value) == "text" and "text" in value)
        or (_kind(value) != "" and isinstance(value.get("attrs"), Mapping))
    )


def _kind(node: Json) -> str:
    return scalar_text(node.get("type"))


def _text_of(node: Json) -> str:
    """Return a node's own text, with the spaces around it."""
    text = node.get("text")
    return text if isinstance(text, str) else " ".join(words_in(text)) or scalar_text(text)


def _children(node: Json) -> Iterator[Json]:
    """Yield the nodes within a node; a bare text or number counts as a node of text."""
    for child in as_list(node.get("content")):
        if isinstance(child, Mapping):
            yield child
        elif isinstance(child, list):
            yield from _children({"content": child})
        elif child is not None:
            yield {"type": "text", "text": child}


def _value(node: Json, name: str) -> Any:
    return as_object(node.get("attrs")).get(name)


def _attribute(node: Json, name: str) -> str:
    value = _value(node, name)
    return value if isinstance(value, str) else scalar_text(value) or " ".join(words_in(value))


def _joined(*blocks: str) -> str:
    return "\n\n".join(filter(None, blocks))


def _indented(text: str, by: str) -> str:
    return "\n".join((by + line).rstrip() for line in text.split("\n"))


_CONTAINERS = ("doc", "mediaSingle", "mediaGroup", "layoutSection", "layoutColumn", "listItem")
_EVERYBODY = ("all", "here")
"""Ids of mentions that are no account's."""

_ITEMS = ("listItem", "taskItem", "blockTaskItem", "decisionItem")
_CELLS = ("tableCell", "tableHeader")

_BLOCK_LEAVES: dict[str, Callable[[Json], str]] = {
    "rule": lambda _: "---",
    "media": _media,
    "blockCard": _card,
    "embedCard": _card,
}

_INLINE_LEAVES: dict[str, Callable[[Json], str]] = {
    "text": _text,
    "hardBreak": lambda _: "\n",
    "emoji": lambda node: _attribute(node, "text") or _attribute(node, "shortName"),
    "date": _date,
    "status": _status,
    "inlineCard": _card,
    "mediaInline": _media,
    "placeholder": lambda node: _attribute(node, "text"),
}
