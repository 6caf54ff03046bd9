"""A Notion page to a Document: its properties, its body, its comments."""

from collections.abc import Iterator, Mapping

from vector_assets.core.documents import Document, Section
from vector_assets.sources.notion.client import Json, NotionApi, instant, last_edit
from vector_assets.sources.notion.comments import Comments
from vector_assets.sources.notion.names import Names
from vector_assets.sources.notion.properties import is_cut, property_text, title_of

SOURCE = "notion"
NO_CONTAINER = "Notion"
"""Container of a page at the top of the workspace, or below a page that is not shared."""

Properties = Mapping[str, Json]


def document_of(
    page: Json, body: tuple[Section, ...], comments: Comments, names: Names, api: NotionApi
) -> Document:
    """Return a page as a document; asks the API for what long properties leave out."""
    properties = {
        name: _whole(page, value, api) for name, value in (page.get("properties") or {}).items()
    }
    parent = page.get("parent") or {}
    container = names.container(parent)
    is_row = parent.get("type") == "data_source_id"
    return Document(
        source=SOURCE,
        native_id=str(page["id"]),
        title=title_of(properties) or "Untitled",
        sections=(*_facts(properties, names), *body, *comments.sections),
        url=str(page.get("url") or ""),
        container=container or NO_CONTAINER,
        authors=_authors(page, comments, names),
        created_at=instant(page["created_time"]),
        updated_at=last_edit(page),
        extra={"page_id": str(page["id"]), "database": container if is_row else ""},
    )


def _whole(page: Json, value: Json, api: NotionApi) -> Json:
    """Return a property with all its items."""
    if not is_cut(value):
        return value
    kind = str(value["type"])
    items = list(api.property_items(page["id"], value["id"]))
    if kind == "rollup":
        return {**value, kind: {"type": "array", "array": items}}
    return {**value, kind: [item[kind] for item in items]}


def _facts(properties: Properties, names: Names) -> Iterator[Section]:
    """Yield one section with the properties that have a value."""
    lines = [
        f"- {name}: {text}"
        for name, value in properties.items()
        if value.get("type") != "title" and (text := property_text(value, names))
    ]
    if lines:
        yield Section("\n".join(lines), "Properties")


def _authors(page: Json, comments: Comments, names: Names) -> tuple[str, ...]:
    editors = (names.user(page.get(role) or {}) for role in ("created_by", "last_edited_by"))
    return tuple(dict.fromkeys(filter(None, (*editors, *comments.authors))))
