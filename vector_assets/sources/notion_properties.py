"""Values of page properties as text; every type that the API names, and unknown ones by their text.

Keep out: which properties a page shows (`notion.py`).
Types: developers.notion.com/reference/page-property-values, 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vector_assets.sources.notion_text import plain

Value = Any


def property_text(value: Mapping[str, Any]) -> str:
    """Return the text of a property's value; empty when it has none."""
    kind = str(value.get("type"))
    inner = value.get(kind)
    if inner is None or inner == []:
        return ""
    return _RENDER.get(kind, _unknown)(inner)


def title_of(properties: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the title, whatever its property is called."""
    for value in properties.values():
        if value.get("type") == "title":
            return plain(value.get("title"))
    return ""


def _name(inner: Mapping[str, Any]) -> str:
    return str(inner.get("name") or "")


def _names(inner: list[Mapping[str, Any]]) -> str:
    return ", ".join(filter(None, (_name(one) or str(one.get("id", "")) for one in inner)))


def _date(inner: Mapping[str, Any]) -> str:
    return " to ".join(filter(None, (inner.get("start"), inner.get("end"))))


def _files(inner: list[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{_name(one)} {(one.get('external') or {}).get('url', '')}".strip() for one in inner
    )


def _computed(inner: Mapping[str, Any]) -> str:
    """Return a formula's or rollup's result, which is a value with a type of its own."""
    kind = str(inner.get("type"))
    if kind == "array":
        return ", ".join(filter(None, map(property_text, inner.get("array") or [])))
    if kind == "string":
        return str(inner.get("string") or "")
    return property_text(inner)


def _unique_id(inner: Mapping[str, Any]) -> str:
    return "-".join(str(part) for part in (inner.get("prefix"), inner.get("number")) if part)


def _verification(inner: Mapping[str, Any]) -> str:
    by = _name(inner.get("verified_by") or {})
    return f"{inner.get('state', '')}{f' by {by}' if by else ''}"


def _relation(inner: list[Mapping[str, Any]]) -> str:
    return ", ".join(str(one.get("title") or one.get("id", "")) for one in inner)


def _unknown(inner: Value) -> str:
    """Return what text there is in a value whose type is newer than this module."""
    if isinstance(inner, str | int | float):
        return str(inner)
    if isinstance(inner, Mapping):
        return str(inner.get("name") or inner.get("plain_text") or inner.get("url") or "")
    return ", ".join(filter(None, map(_unknown, inner))) if isinstance(inner, list) else ""


_RENDER: dict[str, Callable[[Value], str]] = {
    "title": plain,
    "rich_text": plain,
    "number": str,
    "boolean": lambda inner: "yes" if inner else "no",
    "checkbox": lambda inner: "yes" if inner else "no",
    "select": _name,
    "status": _name,
    "multi_select": _names,
    "people": _names,
    "created_by": _name,
    "last_edited_by": _name,
    "created_time": str,
    "last_edited_time": str,
    "date": _date,
    "files": _files,
    "url": str,
    "email": str,
    "phone_number": str,
    "formula": _computed,
    "rollup": _computed,
    "relation": _relation,
    "unique_id": _unique_id,
    "verification": _verification,
    "button": lambda _: "",
}
