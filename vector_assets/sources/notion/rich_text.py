"""Notion's rich text to Markdown: marks, links, mentions and equations.

Shapes: developers.notion.com/reference/rich-text, 2026-11.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

RichText = Iterable[Mapping[str, Any]]

SITE = "https://www.notion.so"
"""Links between pages come without it."""

_SIGNS = (("bold", "**"), ("italic", "*"), ("strikethrough", "~~"), ("code", "`"))


class Namer(Protocol):
    """Knows names for ids; empty where it may not see what the id stands for."""

    def user(self, user: Mapping[str, Any]) -> str:
        """Return the name of a user or group."""

    def page(self, page_id: str) -> str:
        """Return the title of a page."""


def markdown(rich_text: RichText | None) -> str:
    """Return rich text as Markdown."""
    return "".join(map(_part, rich_text or ()))


def plain(rich_text: RichText | None) -> str:
    """Return rich text without marks, as in titles and code."""
    return "".join(map(_said, rich_text or ()))


def absolute(address: str) -> str:
    """Return an address with the site that links between pages leave out."""
    return f"{SITE}{address}" if address.startswith("/") else address


def quoted(text: str) -> str:
    """Return Markdown as a quotation."""
    return "\n".join(f"> {line}" for line in text.split("\n"))


def _said(part: Mapping[str, Any]) -> str:
    """Return the words of a part: as they are shown, or else as they were written."""
    shown, written = part.get("plain_text"), part.get("text")
    content = written.get("content") if isinstance(written, Mapping) else None
    for text in (shown, content):
        if isinstance(text, str) and text:
            return text
    return str(shown or "")


def _part(part: Mapping[str, Any]) -> str:
    if part.get("type") == "equation":
        return f"${(part.get('equation') or {}).get('expression', '')}$"
    text = _said(part)
    core = text.strip()
    if not core:
        return text
    before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
    annotations = part.get("annotations") or {}
    marked = core
    for name, sign in reversed(_SIGNS):
        if annotations.get(name):
            marked = f"{sign}{marked}{sign}"
    href = absolute(str(part.get("href") or ""))
    if href and href != core:
        marked = f"[{marked}]({href})"
    return before + marked + after
