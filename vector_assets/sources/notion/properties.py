"""Values of Notion's properties to text, whatever their type and shape.

A value that is not as documented shows the words that it has, and never costs another property.
Types: developers.notion.com/reference/page-property-values, 2026-11.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from vector_assets.sources.notion.numbers import number_text
from vector_assets.sources.notion.rich_text import Namer, absolute

MAX_REFERENCES = 25
"""Most people, relations and mentions of a property that a page shows
(developers.notion.com/reference/retrieve-a-page, "Limits", 2026-11)."""

Value = Any
Fields = Mapping[str, Any]

_NO_NAME = ("someone whose name is not shown", "people whose names are not shown")
"""For people who left, guests whom Notion does not list, and where users may not be read."""

_NOT_SHARED = ("a page that is not shared", "pages that are not shared")

_MAX_DEPTH = 20
"""Deeper values of an unknown type are left out."""

_SILENT = {"id", "object", "type", "color", "annotations", "has_more", "next_url", "expiry_time"}
"""Fields of a value of an unknown type that say nothing to people."""

_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


def property_text(value: Value, names: Namer, number_format: str = "") -> str:
    """Return the text of a property's value; empty when it has none.

    Args:
        value: As a page, a formula or a rollup gives it.
        names: Of people and pages.
        number_format: Of a number, from the data source.
    """
    return _text(value, names, number_format, 0)


def title_of(properties: Value) -> str:
    """Return the title, whatever its property is called, without addresses."""
    return "".join(map(_plain, _list(_title(properties).get("title"))))


def linked_title_of(properties: Value) -> str:
    """Return the title with its links as Markdown; empty when it has none."""
    linked = _rich_text(_list(_title(properties).get("title")))
    return linked if linked != title_of(properties) else ""


def file_name(address: Value) -> str:
    """Return the name of a file at a signed address, of which all but the path expires."""
    if not isinstance(address, str):
        return ""
    try:
        return unquote(urlsplit(address).path.rpartition("/")[2])
    except ValueError:
        return ""


def words_of(value: Value) -> str:
    """Return the words of a value of any shape, without ids and addresses that expire."""
    return _unknown(value)


def is_cut(value: Value) -> bool:
    """Tell whether a property may hold more than a page shows of it."""
    fields = _fields(value)
    kind = _string(fields.get("type"))
    inner = fields.get(kind)
    if kind in ("title", "rich_text"):
        mentions = [part for part in _list(inner) if _fields(part).get("type") == "mention"]
        return len(mentions) >= MAX_REFERENCES
    if kind in ("relation", "people"):
        has_more = fields.get("has_more") is True
        return has_more or len(_list(inner)) >= MAX_REFERENCES
    if kind == "rollup":
        return len(_list(_fields(inner).get("array"))) >= MAX_REFERENCES
    return False


def _text(value: Value, names: Namer, number_format: str, depth: int) -> str:
    fields = _fields(value)
    kind = _string(fields.get("type"))
    if depth > _MAX_DEPTH or kind not in fields:
        return _unknown(value, depth)
    inner = fields[kind]
    if inner is None or inner in ([], {}, ""):
        return ""
    if kind in _OF_TEXT and isinstance(inner, str):
        return inner
    if kind == "number" and _is_number(inner):
        return number_text(inner, number_format)
    if kind in ("formula", "rollup") and isinstance(inner, Mapping):
        return _computed(inner, names, depth)
    if kind in _OF_LIST and isinstance(inner, list):
        return _OF_LIST[kind](inner, names)
    if kind in _OF_OBJECT and isinstance(inner, Mapping):
        return _OF_OBJECT[kind](inner, names)
    return _unknown(inner, depth)


def _computed(inner: Fields, names: Namer, depth: int) -> str:
    """Return a formula's or rollup's result, which is a value with a type of its own."""
    if inner.get("type") == "array":
        items = _list(inner.get("array"))
        return _joined(_text(item, names, "", depth + 1) for item in items)
    is_share = _string(inner.get("function")).startswith("percent_")
    return _text(inner, names, "percent" if is_share else "", depth + 1)


def _rich_text(parts: Iterable[Value]) -> str:
    """Return rich text without marks, with its links as Markdown."""
    return "".join(map(_linked, parts))


def _linked(part: Value) -> str:
    text, fields = _plain(part), _fields(part)
    link = _fields(_fields(fields.get("text")).get("link")).get("url")
    address = absolute(_string(fields.get("href")) or _string(link))
    core = text.strip()
    if not address or not core or address == core:
        return text
    return text.replace(core, f"[{core}]({address})")


def _plain(part: Value) -> str:
    return _string(_fields(part).get("plain_text")) or _unknown(part)


def _multi_select(options: list[Value], _: Namer) -> str:
    return _joined(map(_name, options))


def _people(people: list[Value], names: Namer) -> str:
    return _named(map(_fields, people), names.user, _NO_NAME)


def _relation(pages: list[Value], names: Namer) -> str:
    ids = (_string(_fields(page).get("id")) for page in pages)
    return _named(ids, names.page, _NOT_SHARED)


def _named(values: Iterable[Any], name_of: Callable[[Any], str], nameless: tuple[str, str]) -> str:
    """Return the names of values, and at the end how many have none."""
    names = [name_of(value) for value in values]
    count = names.count("")
    singular, plural = nameless
    rest = {0: "", 1: singular}.get(count, f"{count} {plural}")
    return _joined([*names, rest])


def _files(files: list[Value], _: Namer) -> str:
    """Return names, and addresses of external files; signed addresses expire."""
    return _joined(map(_file, files))


def _file(file: Value) -> str:
    fields = _fields(file)
    external = _string(_fields(fields.get("external")).get("url"))
    name = _string(fields.get("name"))
    if not name and not external:
        name = file_name(_fields(fields.get("file")).get("url"))
    return " ".join(filter(None, (name, external))) or _unknown(file)


def _name(inner: Value, _: Namer | None = None) -> str:
    return _string(_fields(inner).get("name")) or _unknown(inner)


def _user(inner: Fields, names: Namer) -> str:
    return _people([inner], names)


def _date(inner: Fields, _: Namer | None = None) -> str:
    span = _joined((_string(inner.get(edge)) for edge in ("start", "end")), " to ")
    zone = _string(inner.get("time_zone"))
    return (f"{span} ({zone})" if zone else span) or _unknown(inner)


def _unique_id(inner: Fields, _: Namer) -> str:
    parts = (inner.get("prefix"), inner.get("number"))
    return _joined(map(_unknown, parts), "-")


def _verification(inner: Fields, names: Namer) -> str:
    """Return state, who verified it, and until when that counts."""
    by, until = inner.get("verified_by"), _fields(inner.get("date")).get("end")
    return _joined(
        (
            _string(inner.get("state")),
            f"by {_user(by, names)}" if isinstance(by, Mapping) else "",
            f"until {until}" if isinstance(until, str) else "",
        ),
        " ",
    ) or _unknown(inner)


def _place(inner: Fields, _: Namer) -> str:
    words = _joined(_string(inner.get(field)) for field in ("name", "address"))
    return words or _joined(_unknown(inner.get(field)) for field in ("lat", "lon"))


def _unknown(value: Value, depth: int = 0) -> str:
    """Return the words of a value of an unknown type or shape; ids and addresses that expire not.

    Addresses expire where their query holds a signature.
    """
    if value is None or depth > _MAX_DEPTH:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        return number_text(value)
    if isinstance(value, str):
        if _ID.fullmatch(value):
            return ""
        return file_name(value) if "X-Amz-Signature=" in value else value
    if isinstance(value, Mapping):
        if _string(value.get("plain_text")):
            return _string(value["plain_text"])
        said = (inner for field, inner in value.items() if field not in _SILENT)
        return _joined(_unknown(inner, depth + 1) for inner in said)
    return _joined(_unknown(inner, depth + 1) for inner in _list(value))


def _title(properties: Value) -> Fields:
    values = map(_fields, _fields(properties).values())
    titles = (value for value in values if value.get("type") == "title")
    return next((value for value in titles if isinstance(value.get("title"), list)), {})


def _joined(texts: Iterable[str], separator: str = ", ") -> str:
    return separator.join(filter(None, texts))


def _fields(value: Value) -> Fields:
    return value if isinstance(value, Mapping) else {}


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _string(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OF_TEXT = {"string", "url", "email", "phone_number", "created_time", "last_edited_time"}
_OF_LIST: Mapping[str, Callable[[list[Value], Namer], str]] = {
    "title": lambda parts, _: _rich_text(parts),
    "rich_text": lambda parts, _: _rich_text(parts),
    "multi_select": _multi_select,
    "people": _people,
    "relation": _relation,
    "files": _files,
}
_OF_OBJECT: Mapping[str, Callable[[Fields, Namer], str]] = {
    "select": _name,
    "status": _name,
    "date": _date,
    "created_by": _user,
    "last_edited_by": _user,
    "unique_id": _unique_id,
    "verification": _verification,
    "place": _place,
    "button": lambda *_: "",
}
"""How a documented shape is shown; any other shows its words."""
