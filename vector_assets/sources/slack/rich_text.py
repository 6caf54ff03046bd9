"""The block `rich_text` as Markdown: what people type, and what apps write in the same form.

Follows docs.slack.dev/reference/block-kit/blocks/rich-text-block (2026-11). A part that is not as
documented gives the words that it has, and leaves all others as they are.
"""

import re
from collections.abc import Sequence
from typing import Any

from vector_assets.sources.slack.json_values import items_in, object_in, whole_number_in
from vector_assets.sources.slack.mrkdwn import Names, day_and_time, emoji, fenced, link
from vector_assets.sources.slack.words import shown

Json = dict[str, Any]

_INDENT = "    "
_MAX_INDENT_LEVELS = 8
"""Of a list; deeper ones are indented like this one."""

_TIMESTAMP = re.compile("[0-9]{1,10}")

_WORD_KEYS = ("text", "fallback", "value", "title", "label", "name")
"""Where an element of an unknown type has its words."""


def rich_text(block: Json, names: Names) -> str:
    """Return the words of a block `rich_text`, a line each part."""
    return "\n".join(rich_part(part, names) for part in items_in(block.get("elements")))


def quoted(text: str) -> str:
    """Return a text as a quotation."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def rich_part(part: Any, names: Names, min_indent: int = 0) -> str:
    """Return the words of a section, quotation, list or code, or of an element by itself."""
    if not isinstance(part, dict):
        return _element(part, names)
    elements = items_in(part.get("elements"))
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


def _run(elements: Sequence[Any], names: Names) -> str:
    """Return a run of elements; a part within it, such as a list, begins a line of its own."""
    text = ""
    for element in elements:
        if "elements" not in object_in(element):
            text += _element(element, names)
            continue
        text += "\n" if text and not text.endswith("\n") else ""
        text += rich_part(element, names) + "\n"
    ends_in_part = text.endswith("\n") and object_in(elements[-1]).get("elements")
    return text.rstrip("\n") if ends_in_part else text


def _list(part: Json, names: Names, min_indent: int) -> str:
    """Return a list; `offset` counts the items before it, where one of another level is between."""
    indent = min(max(whole_number_in(part.get("indent")), min_indent), _MAX_INDENT_LEVELS)
    number = whole_number_in(part.get("offset"))
    lines = []
    for item in items_in(part.get("elements")):
        if object_in(item).get("type") == "rich_text_list":
            lines.append(rich_part(item, names, indent + 1))
            continue
        number += 1
        mark = f"{number}. " if part.get("style") == "ordered" else "- "
        lines.append(_INDENT * indent + mark + rich_part(item, names))
    return "\n".join(lines)


def _element(element: Any, names: Names, *, in_code: bool = False) -> str:
    if not isinstance(element, dict):
        return shown(element)
    match element.get("type"):
        case "text":
            text = shown(element.get("text"))
            return text if in_code else _styled(text, object_in(element.get("style")))
        case "user" if user_id := shown(element.get("user_id")):
            return f"@{names.user(user_id)}"
        case "usergroup" if usergroup_id := shown(element.get("usergroup_id")):
            return f"@{names.usergroup(usergroup_id)}"
        case "channel" if channel_id := shown(element.get("channel_id")):
            return f"#{names.channel(channel_id)}"
        case "broadcast" if range_name := shown(element.get("range")):
            return f"@{range_name}"
        case "emoji" if name := shown(element.get("name")):
            return emoji(name)
        case "date" if words := shown(element.get("fallback")) or _date(element.get("timestamp")):
            return words
        case _:
            return _link_or_words(element, in_code=in_code)


def _date(timestamp: Any) -> str:
    """Return a date that has no text of its own; empty for what is none."""
    text = shown(timestamp)
    return day_and_time(int(text)) if _TIMESTAMP.fullmatch(text) else ""


def _link_or_words(element: Json, *, in_code: bool) -> str:
    """Return a link, or what an element of another type shows."""
    url = shown(element.get("url"))
    label = next(filter(None, (shown(element.get(key)) for key in _WORD_KEYS)), "")
    if not url:
        return label or shown(element)
    return (label or url) if in_code else link(url, label)


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
