"""Values of Notion's properties to text, whatever their type.

Types: developers.notion.com/reference/page-property-values, 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vector_assets.sources.notion.rich_text import Namer, plain

MAX_REFERENCES = 25
"""Most people, relations and mentions of a property that a page shows
(developers.notion.com/reference/retrieve-a-page, "Limits", 2026-11)."""

Value = Any


def property_text(value: Mapping[str, Any], names: Namer) -> str:
    """Return the text of a property's value; empty when it has none."""
    kind = str(value.get("type"))
    inner = value.get(kind)
    if inner is None or inner == []:
        return ""
    if kind == "relation":
        return ", ".join(names.page(str(page["id"])) or str(page["id"]) for page in inner)
    if kind == "people":
        return ", ".join(names.user(person) or str(person.get("id", "")) for person in inner)
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


def _name(inner: Mapping[str, Any]) -> str:
    return str(inner.get("name") or "")


def _date(inner: Mapping[str, Any]) -> str:
    span = " to ".join(filter(None, (inner.get("start"), inner.get("end"))))
    return f"{span} ({zone})" if (zone := inner.get("time_zone")) else span


def _files(inner: list[Mapping[str, Any]]) -> str:
    """Return names, and addresses of external files; signed addresses expire."""
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
    """Return the text of a value of an unknown type."""
    if isinstance(inner, str | int | float):
        return str(inner)
    if isinstance(inner, Mapping):
        return str(inner.get("name") or inner.get("plain_text") or inner.get("url") or "")
    return ", ".join(filter(None, map(_unknown, inner))) if isinstance(inner, list) else ""


def _yes_or_no(inner: Value) -> str:
    return "yes" if inner else "no"


_RENDER: dict[str, Callable[[Value], str]] = {
    **dict.fromkeys(("title", "rich_text"), plain),
    **dict.fromkeys(("number", "string", "url", "email", "phone_number"), str),
    **dict.fromkeys(("created_time", "last_edited_time"), str),
    **dict.fromkeys(("boolean", "checkbox"), _yes_or_no),
    **dict.fromkeys(("select", "status"), _name),
    "multi_select": lambda inner: ", ".join(map(_name, inner)),
    "date": _date,
    "files": _files,
    "unique_id": _unique_id,
    "place": lambda inner: ", ".join(filter(None, (inner.get("name"), inner.get("address")))),
    "button": lambda _: "",
}
