"""The block `rich_text` as Markdown: what people type, and what apps write in the same form.

Follows docs.slack.dev/reference/block-kit/blocks/rich-text-block (2026-11).
"""

from collections.abc import Sequence
from typing import Any

from vector_assets.sources.slack.mrkdwn import Names, day_and_time, emoji, fenced, link

Json = dict[str, Any]

_INDENT = "    "

_WORD_KEYS = ("text", "fallback", "value", "title", "label", "name")
"""Where an element of an unknown type has its words."""


def rich_text(block: Json, names: Names) -> str:
    """Return the words of a block `rich_text`, a line each part."""
    return "\n".join(rich_part(part, names) for part in block.get("elements") or [])


def quoted(text: str) -> str:
    """Return a text as a quotation."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def rich_part(part: Json, names: Names, min_indent: int = 0) -> str:
    """Return the words of a section, quotation, list or code, or of an element by itself."""
    elements = part.get("elements") or []
    match part.get("type"):
        case "rich_text_preformatted":
            return fenced("".join(_element(e, names, in_code=True) for e in elements))
        case "rich_text_quote":
            return quoted(_run(elements, names))
        case "rich_text_list":
            return _list(part, names, min_indent)
        case _ if "elements" in part:
            return _run(elements, names)
        case _:
            return _element(part, names)


def _run(elements: Sequence[Json], names: Names) -> str:
    """Return a run of elements; a part within it, such as a list, begins a line of its own."""
    text = ""
    for element in elements:
        if "elements" not in element:
            text += _element(element, names)
            continue
        text += "\n" if text and not text.endswith("\n") else ""
        text += rich_part(element, names) + "\n"
    return text.rstrip("\n") if text.endswith("\n") and elements[-1].get("elements") else text


def _list(part: Json, names: Names, min_indent: int) -> str:
    """Return a list; `offset` counts the items before it, where one of another level is between."""
    indent = max(int(part.get("indent") or 0), min_indent)
    number = int(part.get("offset") or 0)
    lines = []
    for item in part.get("elements") or []:
        if item.get("type") == "rich_text_list":
            lines.append(rich_part(item, names, indent + 1))
            continue
        number += 1
        mark = f"{number}. " if part.get("style") == "ordered" else "- "
        lines.append(_INDENT * indent + mark + rich_part(item, names))
    return "\n".join(lines)


def _element(element: Json, names: Names, *, in_code: bool = False) -> str:
    match element.get("type"):
        case "text":
            text = _string(element, "text")
            return text if in_code else _styled(text, element.get("style") or {})
        case "user":
            return f"@{names.user(str(element.get('user_id')))}"
        case "usergroup":
            return f"@{names.usergroup(str(element.get('usergroup_id')))}"
        case "channel":
            return f"#{names.channel(str(element.get('channel_id')))}"
        case "broadcast":
            return f"@{element.get('range')}"
        case "emoji":
            return emoji(str(element.get("name")))
        case "date":
            return _string(element, "fallback") or day_and_time(int(element.get("timestamp") or 0))
        case _:
            return _link_or_words(element, in_code=in_code)


def _link_or_words(element: Json, *, in_code: bool) -> str:
    """Return a link, or what an element of another type shows."""
    url = _string(element, "url")
    label = next(filter(None, (_string(element, key) for key in _WORD_KEYS)), "")
    if not url:
        return label
    return (label or url) if in_code else link(url, label)


def _string(value: Json, key: str) -> str:
    """Return a field as text; a text object gives its text."""
    field = value.get(key)
    return str((field.get("text") if isinstance(field, dict) else field) or "")


def _styled(text: str, style: Json) -> str:
    """Return a run of text with its marks, which Markdown wants next to a character."""
    words = text.strip()
    if not words:
        return text
    before, _, after = text.partition(words)
    for name, mark in (("code", "`"), ("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if style.get(name):
            words = f"{mark}{words}{mark}"
    return f"{before}{words}{after}"
