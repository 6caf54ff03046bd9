"""Notion's rich text to Markdown: marks, links, mentions and equations.

Shapes: developers.notion.com/reference/rich-text, 2026-11.
"""

from collections.abc import Iterable, Mapping
from typing import Any

RichText = Iterable[Mapping[str, Any]]

SITE = "https://www.notion.so"
"""Links between pages come without it."""

_SIGNS = (("bold", "**"), ("italic", "*"), ("strikethrough", "~~"), ("code", "`"))


def markdown(rich_text: RichText | None) -> str:
    """Return rich text as Markdown."""
    return "".join(map(_part, rich_text or ()))


def plain(rich_text: RichText | None) -> str:
    """Return rich text without marks, as in titles and code."""
    return "".join(str(part.get("plain_text") or "") for part in rich_text or ())


def _part(part: Mapping[str, Any]) -> str:
    if part.get("type") == "equation":
        return f"${(part.get('equation') or {}).get('expression', '')}$"
    text = str(part.get("plain_text") or "")
    core = text.strip()
    if not core:
        return text
    before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
    annotations = part.get("annotations") or {}
    marked = core
    for name, sign in reversed(_SIGNS):
        if annotations.get(name):
            marked = f"{sign}{marked}{sign}"
    href = str(part.get("href") or "")
    if href.startswith("/"):
        href = f"{SITE}{href}"
    if href and href != core:
        marked = f"[{marked}]({href})"
    return before + marked + after
