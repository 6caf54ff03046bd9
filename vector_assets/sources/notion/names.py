"""Names for what Notion's objects mention by id alone: users, pages, databases.

Each name is requested once a crawl. An id has the same name whichever pages are read with it, so a
document does not depend on what else is in its window.
"""

import threading
from collections.abc import Mapping

from vector_assets.sources.notion.client import PARTIAL, Json, NotionApi, fields_of
from vector_assets.sources.notion.inline import is_id
from vector_assets.sources.notion.properties import title_of

UNTITLED = "Untitled"
"""What Notion calls a page without a title."""


class Names:
    """Names by id; empty where the integration may not see what the id stands for.

    Attributes:
        has_no_users: Whether Notion refused to list people; False before the first request.
    """

    def __init__(self, api: NotionApi) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._users: dict[str, str] | None = None
        self.has_no_users = False
        self._pages: dict[str, str] = {}
        self._data_sources: dict[str, str] = {}
        self._number_formats: dict[str, dict[str, str]] = {}
        self._parents: dict[str, Json] = {}

    def learn_page(self, page: Json) -> None:
        """Keep the title of a page that has been fetched."""
        title = title_of(page.get("properties"))
        self._pages[str(page["id"])] = title or ("" if page.keys() <= PARTIAL else UNTITLED)

    def learn_data_source(self, data_source: Json) -> None:
        """Keep what a data source is called and, where it is whole, the formats of its numbers."""
        identity = str(data_source["id"])
        title = title_of({"": {"type": "title", "title": data_source.get("title")}})
        if isinstance(name := data_source.get("name"), str):
            title = name or title
        self._data_sources[identity] = title or self._data_sources.get(identity, "")
        schema = data_source.get("properties")
        if isinstance(schema, Mapping):
            self._number_formats[identity] = {
                name: str(fields_of(fields_of(column).get("number")).get("format") or "")
                for name, column in schema.items()
            }

    def user(self, user: Json) -> str:
        """Return the name of a user or group."""
        name = user.get("name")
        if isinstance(name, str) and name:
            return name
        return self._all_users().get(str(user["id"]), "") if user.get("id") else ""

    def page(self, page_id: str) -> str:
        """Return the title of a page; empty when it is not shared."""
        if is_id(page_id) and page_id not in self._pages:
            self.learn_page(self._api.page(page_id) or {"id": page_id})
        return self._pages.get(page_id, "")

    def number_formats(self, parent: Json) -> Mapping[str, str]:
        """Return the formats of numbers, by property, of the rows that have this parent."""
        identity = str(parent.get("data_source_id") or "")
        if is_id(identity) and identity not in self._number_formats:
            data_source = self._api.data_source(identity) or {"id": identity}
            self.learn_data_source({"properties": {}, **data_source})
        return self._number_formats.get(identity, {})

    def data_source(self, data_source_id: str) -> str:
        """Return the title of a data source."""
        if data_source_id not in self._data_sources:
            self.learn_data_source(self._api.data_source(data_source_id) or {"id": data_source_id})
        return self._data_sources[data_source_id]

    def _all_users(self) -> dict[str, str]:
        with self._lock:
            if self._users is None:
                users = self._api.user_names()
                self.has_no_users = users is None
                self._users = users or {}
            return self._users

    def container(self, parent: Json) -> str:
        """Return the title of the page or database that a parent names or stands in."""
        parent = self._above_blocks(parent)
        kind, identity = parent.get("type"), _id_of(parent)
        if kind == "data_source_id" and identity:
            return self.data_source(identity)
        return self.page(identity) if kind == "page_id" else ""

    def _above_blocks(self, parent: Json) -> Json:
        """Return the nearest parent that is no block, such as a column or toggle."""
        climbed: set[str] = set()
        while parent.get("type") == "block_id" and (block_id := _id_of(parent)) not in climbed:
            climbed.add(block_id)
            if block_id not in self._parents:
                block = (self._api.block(block_id) if block_id else None) or {}
                self._parents[block_id] = fields_of(block.get("parent"))
            parent = self._parents[block_id]
        return parent


def _id_of(parent: Json) -> str:
    """Return the id that a parent names by its type; empty for what is no id."""
    identity = parent.get(str(parent.get("type")))
    return identity if isinstance(identity, str) and is_id(identity) else ""


class Nameless:
    """Returns empty names without requests, for listing what pages hold."""

    def user(self, user: Json) -> str:
        """Return nothing."""
        return ""

    def page(self, page_id: str) -> str:
        """Return nothing."""
        return ""
