"""Pages, blocks and databases as a Notion export holds them, for tests of source and sandbox."""

import uuid
from typing import Any

Json = dict[str, Any]

ANN = {"object": "user", "id": "a0000000-0000-4000-8000-000000000001"}
BO = {"object": "user", "id": "b0000000-0000-4000-8000-000000000002"}

_PLAIN = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}


def identity(name: str) -> str:
    """Return the id that a thing of this name has in tests."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def text(content: str, *marks: str, href: str | None = None) -> Json:
    """Return a piece of rich text."""
    return {
        "type": "text",
        "text": {"content": content, "link": {"url": href} if href else None},
        "annotations": {**_PLAIN, **dict.fromkeys(marks, True)},
        "plain_text": content,
        "href": href,
    }


def mention(content: str, href: str | None = None, **inner: Any) -> Json:
    """Return a mention: `user=`, `page=`, `date=` or `database=`."""
    [kind] = inner
    return {
        "type": "mention",
        "mention": {"type": kind, **inner},
        "annotations": _PLAIN,
        "plain_text": content,
        "href": href,
    }


def block(kind: str, words: str | list[Json] = "", *children: Json, **body: Any) -> Json:
    """Return a block with rich text, other fields and children; its id comes from its words."""
    rich = [text(words)] if isinstance(words, str) else words
    name = "".join(part["plain_text"] for part in rich)
    inner: Json = {"rich_text": rich, "color": "default"} if words else {}
    if kind.startswith("heading"):
        inner["is_toggleable"] = False
    if children:
        inner["children"] = list(children)
    return {
        "object": "block",
        "id": identity(f"{kind} {name} {sorted(body.items())!r} {len(children)}"),
        "type": kind,
        kind: inner | body,
    }


def paragraph(words: str | list[Json], *children: Json) -> Json:
    """Return a paragraph."""
    return block("paragraph", words, *children)


def child_page(page: Json) -> Json:
    """Return the block by which a page stands in its parent."""
    return {
        "object": "block",
        "id": page["id"],
        "type": "child_page",
        "child_page": {"title": title(page)},
        "has_children": True,
    }


def title(page: Json) -> str:
    """Return the title of a page."""
    return str(page["properties"]["Name"]["title"][0]["plain_text"])


def child_database(database: Json) -> Json:
    """Return the block by which a database, or a view of it, stands in a page."""
    return {**block("child_database", title=database["title"]), "id": database["id"]}


def database(name: str, *data_sources: str) -> Json:
    """Return a database; it has one data source of its own name, or those that are named."""
    raw = {"object": "database", "id": identity(name), "title": name}
    return raw | ({"data_sources": list(data_sources)} if data_sources else {})


def row_of(database: Json, data_source: str = "") -> Json:
    """Return the parent of a row."""
    return {
        "type": "database_id",
        "database_id": database["id"],
        "data_source": data_source,
    }


def comment(words: str, by: Json = ANN, at: str = "2026-03-02T10:15:30.000Z") -> Json:
    """Return a comment, to stand in `comments` of a page or block."""
    return {"text": words, "by": by["id"], "at": at}


def synced(name: str, *children: Json) -> Json:
    """Return a synced block that others may copy."""
    return {
        **block("synced_block", synced_from=None, children=list(children)),
        "id": identity(name),
    }


def copy_of(original: Json, name: str) -> Json:
    """Return a copy of a synced block."""
    source = {"type": "block_id", "block_id": original["id"]}
    return {
        **block("synced_block", synced_from=source),
        "id": identity(name),
        "has_children": True,
    }


def meeting(words: str, summary: Json, notes: Json, transcript: Json) -> Json:
    """Return notes of a meeting, whose three parts hold a block each."""
    parts = [
        block("paragraph", part, inner)
        for part, inner in (("summary", summary), ("notes", notes), ("transcript", transcript))
    ]
    return block("meeting_notes", title=[text(words)], children=parts, status="notes_ready")


def page(
    name: str,
    *blocks: Json,
    edited: str = "2026-03-02T10:00:30.000Z",
    parent: Json | None = None,
    **properties: Json,
) -> Json:
    """Return a page; its properties are given as `Status={"type": …, …}`."""
    return {
        "object": "page",
        "id": identity(name),
        "created_time": "2026-01-01T08:00:00.000Z",
        "last_edited_time": edited,
        "created_by": ANN,
        "last_edited_by": BO,
        "archived": False,
        "in_trash": False,
        "parent": parent or {"type": "workspace", "workspace": True},
        "url": f"https://www.notion.so/{identity(name).replace('-', '')}",
        "properties": {
            "Name": {"id": "title", "type": "title", "title": [text(name)]},
            **{key: {"id": identity(key)[:4], **value} for key, value in properties.items()},
        },
        "blocks": list(blocks),
    }
