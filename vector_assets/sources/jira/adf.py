"""Atlassian Document Format to Markdown; no node's text is dropped.

The nodes: developer.atlassian.com, "Atlassian Document Format", 2026-11.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Node = Mapping[str, Any]

_MARKS = {"strong": "**", "em": "*", "strike": "~~"}
_CHECKED = {"DONE": "x", "DECIDED": "x"}


def to_markdown(document: Node | None) -> str:
    """Return the Markdown of a document; empty for None."""
    return "" if document is None else _blocks(document).strip()


def _blocks(node: Node) -> str:
    """Return a node's children as blocks, an empty line between them."""
    return "\n\n".join(filter(None, map(_block, _children(node))))


def _block(node: Node) -> str:
    render = _BLOCKS.get(str(node.get("type")))
    if render is not None:
        return render(node)
    if _is_inline(node):
        return _inline(node)
    return "\n\n".join(filter(None, [_words_of_attributes(node), _blocks(node)]))


def _paragraph(node: Node) -> str:
    return _inlines(node).strip()


def _heading(node: Node) -> str:
    level = min(6, max(1, int(_attribute(node, "level") or 1)))
    return f"{'#' * level} {_paragraph(node)}"


def _bullet_list(node: Node) -> str:
    return "\n".join(_item("- ", child) for child in _children(node))


def _ordered_list(node: Node) -> str:
    start = int(_attribute(node, "order") or 1)
    return "\n".join(_item(f"{n}. ", child) for n, child in enumerate(_children(node), start))


def _task_list(node: Node) -> str:
    lines = []
    for child in _children(node):
        if child.get("type") in ("taskItem", "blockTaskItem", "decisionItem"):
            done = _CHECKED.get(str(_attribute(child, "state")), " ")
            lines.append(_item(f"- [{done}] ", child))
        else:
            lines.append(_indented(_block(child), "  "))
    return "\n".join(lines)


def _item(marker: str, node: Node) -> str:
    """Return a list's item; what is nested in it is indented under it."""
    inline = "".join(_inline(child) for child in _children(node) if _is_inline(child))
    blocks = (_block(child) for child in _children(node) if not _is_inline(child))
    body = "\n".join(filter(None, [inline.strip(), *blocks]))
    return marker + _indented(body, " " * len(marker)).lstrip()


def _code_block(node: Node) -> str:
    text = "".join(str(child.get("text", "")) for child in _children(node))
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{_attribute(node, 'language')}\n{text}\n{fence}"


def _quote(node: Node) -> str:
    return _indented(_blocks(node), "> ")


def _panel(node: Node) -> str:
    body, kind = _blocks(node), str(_attribute(node, "panelType")).capitalize()
    if kind:
        first = next(_children(node), {})
        gap = " " if first.get("type") == "paragraph" else "\n\n"
        body = f"**{kind}:**{gap}{body}"
    return _indented(body, "> ")


def _expand(node: Node) -> str:
    title = str(_attribute(node, "title"))
    return "\n\n".join(filter(None, [f"**{title}**" if title else "", _blocks(node)]))


def _table(node: Node) -> str:
    rows = [[text for cell in _children(row) for text in _cell(cell)] for row in _children(node)]
    if not rows:
        return ""
    width = max(map(len, rows))
    lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _cell(node: Node) -> list[str]:
    """Return a cell, followed by an empty cell for each further column that it spans."""
    text = _blocks(node).replace("|", "\\|").replace("\n", "<br>")
    return [text, *[""] * (int(_attribute(node, "colspan") or 1) - 1)]


def _media(node: Node) -> str:
    names = [_attribute(node, name) for name in ("alt", "__fileName", "url")]
    name = next((str(candidate) for candidate in names if candidate), "")
    return f"[{'image' if _attribute(node, 'type') != 'file' else 'file'}: {name}]" if name else ""


def _card(node: Node) -> str:
    """Return a smart link: its address, and its name where the node carries it."""
    data = _attribute(node, "data")
    data = data if isinstance(data, Mapping) else {}
    url, name = str(_attribute(node, "url") or data.get("url", "")), str(data.get("name") or "")
    return f"[{name}]({url})" if name and url else name or url


def _inline(node: Node) -> str:
    render = _INLINES.get(str(node.get("type")))
    if render is not None:
        return render(node)
    return str(node.get("text") or "") + _words_of_attributes(node) + _inlines(node)


def _text(node: Node) -> str:
    text = str(node.get("text", ""))
    marks = {str(mark.get("type")): mark for mark in node.get("marks") or ()}
    core = text.strip()
    if not core:
        return text
    before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
    if "code" in marks:
        core = f"`{core}`"
    for name, sign in _MARKS.items():
        if name in marks:
            core = f"{sign}{core}{sign}"
    if "link" in marks:
        href = str((marks["link"].get("attrs") or {}).get("href", ""))
        core = core if href in ("", core) else f"[{core}]({href})"
    return before + core + after


def _date(node: Node) -> str:
    stamp = str(_attribute(node, "timestamp"))
    if not stamp.lstrip("-").isdigit():
        return stamp
    return datetime.fromtimestamp(int(stamp) / 1000, UTC).date().isoformat()


def _words_of_attributes(node: Node) -> str:
    """Return the words in the attributes of an unknown node."""
    names = ("text", "title", "shortName", "url", "alt")
    return next((str(value) for name in names if (value := _attribute(node, name))), "")


def _inlines(node: Node) -> str:
    return "".join(map(_inline, _children(node)))


def _is_inline(node: Node) -> bool:
    return str(node.get("type")) in _INLINES


def _children(node: Node) -> Iterator[Node]:
    return (child for child in node.get("content") or () if isinstance(child, Mapping))


def _attribute(node: Node, name: str) -> Any:
    value = (node.get("attrs") or {}).get(name)
    return "" if value is None else value


def _indented(text: str, by: str) -> str:
    return "\n".join((by + line).rstrip() for line in text.split("\n"))


_BLOCKS: dict[str, Callable[[Node], str]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "bulletList": _bullet_list,
    "orderedList": _ordered_list,
    "taskList": _task_list,
    "decisionList": _task_list,
    "codeBlock": _code_block,
    "blockquote": _quote,
    "panel": _panel,
    "expand": _expand,
    "nestedExpand": _expand,
    "table": _table,
    "rule": lambda _: "---",
    "media": _media,
    "caption": _paragraph,
    "blockCard": _card,
    "embedCard": _card,
}

_INLINES: dict[str, Callable[[Node], str]] = {
    "text": _text,
    "hardBreak": lambda _: "\n",
    "mention": lambda node: str(_attribute(node, "text") or f"@{_attribute(node, 'id')}"),
    "emoji": lambda node: str(_attribute(node, "text") or _attribute(node, "shortName")),
    "date": _date,
    "status": lambda node: f"[{_attribute(node, 'text')}]",
    "inlineCard": _card,
    "mediaInline": _media,
    "placeholder": lambda node: str(_attribute(node, "text")),
}
