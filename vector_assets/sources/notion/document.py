"""A Notion page to a Document: its properties, its body, its comments."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from vector_assets.core.documents import Document, Section
from vector_assets.sources.notion.client import Json, NotionApi, fields_of, instant, last_edit
from vector_assets.sources.notion.comments import Comments
from vector_assets.sources.notion.names import UNTITLED, Names
from vector_assets.sources.notion.properties import (
    is_cut,
    linked_title_of,
    property_text,
    title_of,
)

SOURCE = "notion"
NO_CONTAINER = "Notion"
"""Container of a page at the top of the workspace, or below a page that is not shared."""

Properties = Mapping[str, Json]


def document_of(
    page: Json,
    body: tuple[Section, ...],
    comments: Comments,
    names: Names,
    api: NotionApi,
    *,
    stamp: str = "",
) -> Document:
    """Return a page as a document; asks the API for what long properties leave out."""
    properties = {
        name: _whole(page, value, api) for name, value in fields_of(page.get("properties")).items()
    }
    parent = fields_of(page.get("parent"))
    container = names.container(parent)
    is_row = parent.get("type") == "data_source_id"
    return Document(
        source=SOURCE,
        native_id=str(page["id"]),
        title=title_of(properties) or UNTITLED,
        sections=(*_facts(properties, parent, names), *body, *comments.sections),
        url=url if isinstance(url := page.get("url"), str) else "",
        container=container or NO_CONTAINER,
        authors=_authors(page, comments, names),
        created_at=_created_at(page),
        updated_at=last_edit(page),
        stamp=stamp,
        extra={"page_id": str(page["id"]), "database": container if is_row else ""},
    )


def _created_at(page: Json) -> datetime:
    """Return when a page was made; its last edit where that cannot be read."""
    created = page.get("created_time")
    try:
        return instant(created) if isinstance(created, str) else last_edit(page)
    except ValueError:
        return last_edit(page)


def _whole(page: Json, value: Json, api: NotionApi) -> Json:
    """Return a property with all its items."""
    if not is_cut(value) or not isinstance(value.get("id"), str):
        return value
    kind = str(value["type"])
    items = list(api.property_items(page["id"], value["id"]))
    if kind == "rollup":
        return {**value, kind: {"type": "array", "array": items}}
    return {**value, kind: [item.get(kind, item) for item in items]}


def _facts(properties: Properties, parent: Json, names: Names) -> Iterator[Section]:
    """Yield one section with the properties that have a value, and the links in the title."""
    lines = []
    for name, value in properties.items():
        kind = fields_of(value).get("type")
        if kind == "title":
            text = linked_title_of({name: value})
        else:
            has_number = kind == "number" and value.get("number") is not None
            formats = names.number_formats(parent) if has_number else {}
            text = property_text(value, names, formats.get(name, ""))
        if text:
            lines.append(f"- {name}: {text}")
    if lines:
        yield Section("\n".join(lines), "Properties")


def _authors(page: Json, comments: Comments, names: Names) -> tuple[str, ...]:
    editors = (names.user(fields_of(page.get(role))) for role in ("created_by", "last_edited_by"))
    return tuple(dict.fromkeys(filter(None, (*editors, *comments.authors))))
