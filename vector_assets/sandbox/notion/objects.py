"""Turns the objects of an export into Notion's API objects, with the fields that exports lack."""

import uuid
from typing import Any

from vector_assets.sandbox.workspace import Json

_IDS = uuid.UUID("2f0b2b44-5a0e-4b1c-9c0b-6d1f6a3f9d10")
_SANDBOX_USER = {"object": "user", "id": str(uuid.uuid5(_IDS, "sandbox"))}
_LONG_AGO = "2020-01-01T00:00:00.000Z"
_IN_WORKSPACE = {"type": "workspace", "workspace": True}

RENAMED_MEETINGS_VERSION = "2026-03-11"
"""From this version of the API the type is `meeting_notes`; before, `transcription`."""

MAX_REFERENCES = 25
"""Most people or relations of a property on a page ("Retrieve a page", "Limits")."""

BOT: Json = {
    **_SANDBOX_USER,
    "type": "bot",
    "name": "Sandbox",
    "avatar_url": None,
    "bot": {
        "owner": _IN_WORKSPACE,
        "workspace_id": str(uuid.uuid5(_IDS, "workspace")),
        "workspace_limits": {"max_file_upload_size_in_bytes": 5_242_880},
        "workspace_name": "Sandbox",
    },
}


def data_source_id(database_id: str, name: str = "") -> str:
    """Return the id of a database's data source; a single data source has no name."""
    return str(uuid.uuid5(_IDS, f"{database_id}{name}"))


def data_sources_of(raw: Json) -> list[Json]:
    """Return ids and names of a database's data sources; by default one with its own name."""
    if names := raw.get("data_sources"):
        return [{"id": data_source_id(raw["id"], name), "name": name} for name in names]
    return [{"id": data_source_id(raw["id"]), "name": raw["title"]}]


def user_object(user_id: str) -> Json:
    """Return a person; the name derives from the id, as exports hold no names."""
    return {
        "object": "user",
        "id": user_id,
        "type": "person",
        "person": {},
        "name": f"Person {user_id[:4]}",
        "avatar_url": None,
    }


def page_object(raw: Json) -> Json:
    """Return a page as the API gives it, without its blocks."""
    parent = raw["parent"]
    if parent["type"] == "database_id":
        database = parent["database_id"]
        parent = {
            "type": "data_source_id",
            "data_source_id": data_source_id(database, parent.get("data_source", "")),
            "database_id": database,
        }
    return {
        "object": "page",
        "id": raw["id"],
        "created_time": floored(raw["created_time"]),
        "last_edited_time": floored(raw["last_edited_time"]),
        "created_by": raw["created_by"],
        "last_edited_by": raw["last_edited_by"],
        "cover": raw.get("cover"),
        "icon": raw.get("icon"),
        "parent": parent,
        "archived": raw.get("archived", False),
        "in_trash": raw.get("in_trash", False),
        "is_archived": raw.get("archived", False),
        "is_locked": False,
        "properties": {name: _property(value) for name, value in raw["properties"].items()},
        "url": raw["url"],
        "public_url": None,
    }


MEETING_PARTS = ("summary_block_id", "notes_block_id", "transcript_block_id")
"""The names of the three child blocks of a meeting."""


def children_of(raw: Json) -> list[Json]:
    """Return the children of a block of an export."""
    return (raw.get(raw["type"]) or {}).get("children") or []


def block_object(raw: Json, parent: Json, page: Json, version: str) -> Json:
    """Return a block without its children; it takes the times of its page, as exports hold none."""
    kind = raw["type"]
    body = {name: value for name, value in (raw.get(kind) or {}).items() if name != "children"}
    if kind == "meeting_notes":
        parts = zip(MEETING_PARTS, children_of(raw), strict=False)
        body["children"] = {name: part["id"] for name, part in parts}
        kind = kind if version >= RENAMED_MEETINGS_VERSION else "transcription"
    parent_kind = "page_id" if parent["object"] == "page" else "block_id"
    return {
        "object": "block",
        "id": raw["id"],
        "parent": {"type": parent_kind, parent_kind: parent["id"]},
        "created_time": floored(page["created_time"]),
        "last_edited_time": floored(page["last_edited_time"]),
        "created_by": page["created_by"],
        "last_edited_by": page["last_edited_by"],
        "has_children": bool(children_of(raw)) or bool(raw.get("has_children")),
        "archived": False,
        "in_trash": False,
        "type": kind,
        kind: body,
    }


def database_object(raw: Json) -> Json:
    """Return a database with the names of its data sources."""
    return {
        "object": "database",
        "id": raw["id"],
        "title": rich_text(raw["title"]),
        "description": [],
        "parent": _IN_WORKSPACE,
        "is_inline": False,
        "archived": False,
        "in_trash": bool(raw.get("in_trash")),
        "is_locked": False,
        "data_sources": data_sources_of(raw),
        **_container(raw),
    }


def data_source_object(raw: Json, source: Json) -> Json:
    """Return a data source of a database."""
    return {
        "object": "data_source",
        "id": source["id"],
        "title": rich_text(source["name"]),
        "description": [],
        "parent": {"type": "database_id", "database_id": raw["id"]},
        "database_parent": _IN_WORKSPACE,
        "is_inline": False,
        "archived": False,
        "in_trash": False,
        "is_archived": False,
        "created_by": _SANDBOX_USER,
        "last_edited_by": _SANDBOX_USER,
        "properties": {
            "title": {
                "id": "title",
                "name": "title",
                "type": "title",
                "title": {},
                "description": None,
            },
            **{
                name: {"id": name, "name": name, "description": None, **column}
                for name, column in (raw.get("schema") or {}).items()
            },
        },
        **_container(raw),
    }


def _container(raw: Json) -> Json:
    """Return the fields that databases and data sources share."""
    return {
        "created_time": _LONG_AGO,
        "last_edited_time": _LONG_AGO,
        "icon": None,
        "cover": None,
        "url": f"https://www.notion.so/{raw['id'].replace('-', '')}",
        "public_url": None,
    }


def rich_text(text: str) -> list[Json]:
    """Return plain text as rich text."""
    marks = ("bold", "italic", "strikethrough", "underline", "code")
    part = {
        "type": "text",
        "text": {"content": text, "link": None},
        "annotations": {**dict.fromkeys(marks, False), "color": "default"},
        "plain_text": text,
        "href": None,
    }
    return [part]


def floored(text: str) -> str:
    """Return an instant floored to the minute, as the vendor does."""
    return f"{text[:16]}:00.000Z"


def comment_object(raw: Json, holder: Json) -> Json:
    """Return the comment of a page or block, of its `text`, author (`by`) and time (`at`)."""
    kind = "page_id" if holder["object"] == "page" else "block_id"
    identity = str(uuid.uuid5(_IDS, f"{holder['id']}{raw['text']}{raw['at']}"))
    return {
        "object": "comment",
        "id": identity,
        "parent": {"type": kind, kind: holder["id"]},
        "discussion_id": str(uuid.uuid5(_IDS, identity)),
        "created_time": floored(raw["at"]),
        "last_edited_time": floored(raw["at"]),
        "created_by": {"object": "user", "id": raw["by"]},
        "rich_text": rich_text(raw["text"]) if raw["text"] else [],
        "attachments": raw.get("attachments") or [],
        "display_name": {"type": "user", "resolved_name": raw.get("name")},
    }


def item_objects(value: Json) -> list[Json]:
    """Return the items of a list property."""
    kind, head = value["type"], {"object": "property_item", "id": value["id"]}
    if kind == "rollup":
        return [{**head, **item} for item in value["rollup"]["array"]]
    return [{**head, "type": kind, kind: item} for item in value[kind]]


def item_head(value: Json) -> Json:
    """Return how a list of property items describes its property."""
    kind = value["type"]
    about = {"type": "array", "array": [], "function": "show_original"} if kind == "rollup" else {}
    return {"id": value["id"], "next_url": None, "type": kind, kind: about}


def _property(value: Json) -> Json:
    """Return a property, truncated, with the ids and colors of options that exports lack."""
    kind = value["type"]
    inner: Any = value[kind]
    if kind in ("select", "status") and inner:
        inner = _option(inner)
    if kind == "multi_select":
        inner = [_option(option) for option in inner]
    if kind in ("relation", "people"):
        inner = inner[:MAX_REFERENCES]
    if kind == "rollup" and inner["type"] == "array":
        inner = {**inner, "array": list(map(_property, inner["array"][:MAX_REFERENCES]))}
    more = {"has_more": len(value[kind]) > MAX_REFERENCES} if kind == "relation" else {}
    return {**value, kind: inner, **more}


def _option(option: Json) -> Json:
    return {"id": str(uuid.uuid5(_IDS, option["name"])), "color": "default", **option}
