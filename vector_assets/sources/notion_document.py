"""A Notion page to a Document: its properties, then its blocks.

Keep out: single properties and blocks (`notion_properties.py`, `notion_blocks.py`), and what to
read when (`notion.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vector_assets.documents import Document, Section
from vector_assets.sources.notion_api import Json, NotionApi, instant, last_edit
from vector_assets.sources.notion_blocks import Placed, sections_of
from vector_assets.sources.notion_names import Names
from vector_assets.sources.notion_properties import is_cut, property_text, title_of

SOURCE = "notion"
NO_CONTAINER = "Notion"
"""Container of a page at the top of the workspace, or below what is not shared with us."""

Properties = Mapping[str, Json]


def document_of(page: Json, blocks: Iterable[Placed], names: Names, api: NotionApi) -> Document:
    """Return a page as a document.

    Args:
        page: As the API gives it.
        blocks: All of it, in reading order.
        names: For people, related pages and what the page stands in.
        api: Asked for what is left out of long properties.
    """
    properties = {
        name: _whole(page, value, api) for name, value in (page.get("properties") or {}).items()
    }
    url = str(page.get("url") or "")
    parent = page.get("parent") or {}
    container = names.container(parent)
    is_row = parent.get("type") == "data_source_id"
    return Document(
        source=SOURCE,
        native_id=str(page["id"]),
        title=title_of(properties) or "Untitled",
        sections=(*_facts(properties, names), *sections_of(blocks, url)),
        url=url,
        container=container or NO_CONTAINER,
        authors=_authors(page, names),
        created_at=instant(page["created_time"]),
        updated_at=last_edit(page),
        extra={"page_id": str(page["id"]), "database": container if is_row else ""},
    )


def _whole(page: Json, value: Json, api: NotionApi) -> Json:
    """Return a property with all that it holds."""
    if not is_cut(value):
        return value
    kind = str(value["type"])
    items: list[Any] = [one[kind] for one in api.property_items(page["id"], value["id"])]
    return {**value, kind: items}


def _facts(properties: Properties, names: Names) -> Iterator[Section]:
    """Yield one section with a page's properties, those without a value left out."""
    lines = [
        f"- {name}: {text}"
        for name, value in properties.items()
        if value.get("type") != "title" and (text := property_text(value, names))
    ]
    if lines:
        yield Section("\n".join(lines), "Properties")


def _authors(page: Json, names: Names) -> tuple[str, ...]:
    found = (names.user(page.get(role) or {}) for role in ("created_by", "last_edited_by"))
    return tuple(dict.fromkeys(filter(None, found)))
