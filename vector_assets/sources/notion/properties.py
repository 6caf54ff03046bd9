"""Values of Notion's properties to text, whatever their type.

Types: developers.notion.com/reference/page-property-values, 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from vector_assets.sources.notion.rich_text import plain

MAX_REFERENCES = 25
"""A page shows no more of a property's people, relations and mentions; the rest has to be asked for
(developers.notion.com/reference/retrieve-a-page, "Limits", 2026-11)."""

Value = Any


class Namer(Protocol):
    """Knows names for ids; an empty one where it may not see what the id stands for."""

    def user(self, user: Mapping[str, Any]) -> str:
        """Return the name of a user or group."""

    def page(self, page_id: str) -> str:
        """Return the title of a page."""


def property_text(value: Mapping[str, Any], names: Namer) -> str:
    """Return the text of a property's value; empty when it has none.

    Args:
        value: With its `type`, and what it holds under the name of that type.
        names: Asked for people and related pages.
    """
    kind = str(value.get("type"))
    inner = value.get(kind)
    if inner is None or inner == []:
        return ""
    if kind in ("relation", "people"):
        return _named(inner, names.page if kind == "relation" else None, names)
    if kind in ("created_by", "last_edited_by"):
        return names.user(inner)
    if kind == "verification":
        return _verification(inner, names)
    if kind in ("formula", "rollup"):
        return _computed(inner, names)
    return _RENDER.get(kind, _unknown)(inner)


def title_of(properties: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the title, whatever its property is called."""
    for value in properties.values():
        if value.get("type") == "title":
            return plain(value.get("title"))
    return ""


def is_cut(value: Mapping[str, Any]) -> bool:
    """Tell whether a property may hold more than a page shows of it."""
    kind = str(value.get("type"))
    inner = value.get(kind)
    if kind in ("title", "rich_text"):
        return sum(1 for part in inner or () if part.get("type") == "mention") >= MAX_REFERENCES
    if kind in ("relation", "people"):
        return bool(value.get("has_more")) or len(inner or ()) >= MAX_REFERENCES
    if kind == "rollup":
        return len((inner or {}).get("array") or ()) >= MAX_REFERENCES
    return False


def _named(
    inner: list[Mapping[str, Any]], title_of_id: Callable[[str], str] | None, names: Namer
) -> str:
    values = (
        (title_of_id(str(value["id"])) if title_of_id else names.user(value))
        or str(value.get("id", ""))
        for value in inner
    )
    return ", ".join(values)


def _name(inner: Mapping[str, Any]) -> str:
    return str(inner.get("name") or "")


def _date(inner: Mapping[str, Any]) -> str:
    span = " to ".join(filter(None, (inner.get("start"), inner.get("end"))))
    return f"{span} ({zone})" if (zone := inner.get("time_zone")) else span


def _files(inner: list[Mapping[str, Any]]) -> str:
    """Return names and addresses; the address of a file in Notion is signed anew at each look."""
    return ", ".join(
        f"{_name(file)} {(file.get('external') or {}).get('url', '')}".strip() for file in inner
    )


def _computed(inner: Mapping[str, Any], names: Namer) -> str:
    """Return a formula's or rollup's result, which is a value with a type of its own."""
    kind = str(inner.get("type"))
    if kind == "array":
        texts = (property_text(item, names) for item in inner.get("array") or [])
        return ", ".join(filter(None, texts))
    return property_text(inner, names)


def _unique_id(inner: Mapping[str, Any]) -> str:
    parts = (inner.get("prefix"), inner.get("number"))
    return "-".join(str(part) for part in parts if part is not None)


def _verification(inner: Mapping[str, Any], names: Namer) -> str:
    by = names.user(inner.get("verified_by") or {})
    return f"{inner.get('state', '')}{f' by {by}' if by else ''}"


def _unknown(inner: Value) -> str:
    """Return what text there is in a value whose type is newer than this module."""
    if isinstance(inner, str | int | float):
        return str(inner)
    if isinstance(inner, Mapping):
        return str(inner.get("name") or inner.get("plain_text") or inner.get("url") or "")
    return ", ".join(filter(None, map(_unknown, inner))) if isinstance(inner, list) else ""


def _yes_or_no(inner: Value) -> str:
    return "yes" if inner else "no"


_RENDER: dict[str, Callable[[Value], str]] = {
    "title": plain,
    "rich_text": plain,
    "number": str,
    "string": str,
    "boolean": _yes_or_no,
    "checkbox": _yes_or_no,
    "select": _name,
    "status": _name,
    "multi_select": lambda inner: ", ".join(map(_name, inner)),
    "created_time": str,
    "last_edited_time": str,
    "date": _date,
    "files": _files,
    "url": str,
    "email": str,
    "phone_number": str,
    "unique_id": _unique_id,
    "place": lambda inner: ", ".join(filter(None, (inner.get("name"), inner.get("address")))),
    "button": lambda _: "",
}
