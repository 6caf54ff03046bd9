"""Notion on localhost, API version 2025-09-03: lists, pages, blocks, databases, data sources.

Times are floored to the minute, lists are cut to 100, search leaves out the pages that the
workspace's `site` hides, and children come one level at a time, as the vendor does.
Keep out: what an export leaves out of an object (`notion_objects.py`).
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.notion_objects import (
    BOT,
    block_object,
    children_of,
    data_source_id,
    data_source_object,
    database_object,
    item_head,
    item_objects,
    page_object,
    user_object,
)
from vector_assets.sandbox.workspace import Json, Workspace

VERSION = "2025-09-03"
MAX_PAGE_ITEMS = 100

_TOKEN = "Bearer ntn_sandbox"  # noqa: S105 - of the sandbox, which guards nothing

_CURSOR = "00000000-0000-4000-8000-"

Handler = Callable[[Request], Awaitable[Response]]


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace."""
    vendor = _Notion(workspace)
    return [
        Route("/users", _signed_in(vendor.users)),
        Route("/users/me", _signed_in(vendor.me)),
        Route("/search", _signed_in(vendor.search), methods=["POST"]),
        Route("/blocks/{id}/children", _signed_in(vendor.children)),
        Route("/blocks/{id}", _signed_in(vendor.block)),
        Route("/pages/{id}", _signed_in(vendor.page)),
        Route("/pages/{id}/properties/{property}", _signed_in(vendor.property_items)),
        Route("/databases/{id}", _signed_in(vendor.database)),
        Route("/data_sources/{id}", _signed_in(vendor.data_source)),
        Route("/data_sources/{id}/query", _signed_in(vendor.query), methods=["POST"]),
    ]


class _Notion:
    """The routes, over one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def me(self, _: Request) -> Response:
        return JSONResponse(BOT)

    async def users(self, request: Request) -> Response:
        people = {
            page[role]["id"]
            for page in self._workspace.pages
            for role in ("created_by", "last_edited_by")
        }
        found = [user_object(one) for one in sorted(people)]
        return _listed("user", found, dict(request.query_params))

    async def search(self, request: Request) -> Response:
        asked = json.loads(await request.body() or b"{}")
        kind = (asked.get("filter") or {}).get("value")
        hidden = set(self._workspace.site.notion_hidden_page_ids)
        found: list[Json] = []
        if kind in (None, "page"):
            found += [one for one in self._pages() if one["id"] not in hidden]
        if kind in (None, "data_source"):
            databases = (one for one in self._workspace.databases if one["id"] not in hidden)
            found += map(data_source_object, databases)
        wanted = str(asked.get("query") or "").lower()
        found = [one for one in found if wanted in json.dumps(one, ensure_ascii=False).lower()]
        is_ascending = (asked.get("sort") or {}).get("direction") == "ascending"
        found.sort(key=lambda one: (one["last_edited_time"], one["id"]), reverse=not is_ascending)
        return _listed("page_or_data_source", found, asked)

    async def children(self, request: Request) -> Response:
        found = self._block_children(request.path_params["id"])
        if found is None:
            return _gone("block")
        return _listed("block", found, dict(request.query_params))

    async def block(self, request: Request) -> Response:
        found = self._block(request.path_params["id"])
        return _gone("block") if found is None else JSONResponse(found)

    async def page(self, request: Request) -> Response:
        raw = self._raw_page(request.path_params["id"])
        return _gone("page") if raw is None else JSONResponse(page_object(raw))

    async def property_items(self, request: Request) -> Response:
        raw = self._raw_page(request.path_params["id"]) or {"properties": {}}
        wanted = request.path_params["property"]
        for value in raw["properties"].values():
            if value["id"] == wanted:
                found = item_objects(value)
                return _listed("property_item", found, dict(request.query_params), item_head(value))
        return _gone("property")

    async def database(self, request: Request) -> Response:
        identity = request.path_params["id"]
        found = (one for one in self._workspace.databases if one["id"] == identity)
        raw = next(found, None)
        return _gone("database") if raw is None else JSONResponse(database_object(raw))

    async def data_source(self, request: Request) -> Response:
        raw = self._raw_database_of(request.path_params["id"])
        return _gone("data source") if raw is None else JSONResponse(data_source_object(raw))

    async def query(self, request: Request) -> Response:
        raw = self._raw_database_of(request.path_params["id"])
        if raw is None:
            return _gone("data source")
        asked = json.loads(await request.body() or b"{}")
        rows = [
            page
            for page in self._pages()
            if page["parent"].get("database_id") == raw["id"] and _meets(page, asked.get("filter"))
        ]
        for order in reversed(asked.get("sorts") or []):
            rows.sort(
                key=lambda one: str(one[order["timestamp"]]),
                reverse=order["direction"] == "descending",
            )
        return _listed("page_or_data_source", rows, asked)

    def _pages(self) -> Iterator[Json]:
        return (page_object(raw) for raw in self._workspace.pages if not raw.get("in_trash"))

    def _raw_page(self, identity: str) -> Json | None:
        return next((raw for raw in self._workspace.pages if raw["id"] == identity), None)

    def _raw_database_of(self, data_source: str) -> Json | None:
        found = (
            one for one in self._workspace.databases if data_source_id(one["id"]) == data_source
        )
        return next(found, None)

    def _block_children(self, identity: str) -> list[Json] | None:
        """Return the children of a page or block; None when there is no such thing."""
        page = self._raw_page(identity)
        if page is not None:
            return self._objects(page.get("blocks") or [], page, page)
        for block, _, page in self._raw_blocks():
            if block["id"] == identity:
                return self._objects(children_of(block), block, page)
        return None

    def _block(self, identity: str) -> Json | None:
        for block, parent, page in self._raw_blocks():
            if block["id"] == identity:
                return self._objects([block], parent, page)[0]
        return None

    def _raw_blocks(self) -> Iterator[tuple[Json, Json, Json]]:
        """Yield each block once, with its parent and its page."""
        seen: set[str] = set()
        for page in self._workspace.pages:
            stack = [(block, page) for block in page.get("blocks") or []]
            while stack:
                block, parent = stack.pop()
                if block["id"] not in seen:
                    seen.add(block["id"])
                    yield block, parent, page
                    stack += [(child, block) for child in children_of(block)]

    def _objects(self, blocks: list[Json], parent: Json, page: Json) -> list[Json]:
        """Return blocks as the API gives them; the block of a child page is that page."""
        return [block_object(one, parent, self._raw_page(one["id"]) or page) for one in blocks]


def _signed_in(handler: Handler) -> Handler:
    async def serve(request: Request) -> Response:
        if request.headers.get("authorization") != _TOKEN:
            return _refused(401, "unauthorized", "API token is invalid.")
        if request.headers.get("notion-version") != VERSION:
            return _refused(400, "missing_version", f"Notion-Version should be {VERSION!r} here.")
        return await handler(request)

    return serve


def _meets(page: Json, condition: Json | None) -> bool:
    """Tell whether a page meets a filter on a time of its, or a compound of such."""
    if not condition:
        return True
    for word, combine in (("and", all), ("or", any)):
        if word in condition:
            return combine(_meets(page, one) for one in condition[word])
    edited = datetime.fromisoformat(page[condition["timestamp"]])
    for operator, bound in condition[condition["timestamp"]].items():
        instant = datetime.fromisoformat(bound)
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        is_met = {
            "on_or_after": edited >= instant,
            "after": edited > instant,
            "before": edited < instant,
            "on_or_before": edited <= instant,
        }[operator]
        if not is_met:
            return False
    return True


def _listed(
    kind: str, found: list[Json], asked: dict[str, Any], about: Json | None = None
) -> Response:
    """Return a page of a list; the cursor is the offset, written as an opaque id.

    Args:
        kind: What the list calls itself.
        found: All of it.
        asked: May hold `page_size` and `start_cursor`.
        about: What it says of itself under the name of its kind.
    """
    page_items = int(asked.get("page_size") or MAX_PAGE_ITEMS)
    if not 1 <= page_items <= MAX_PAGE_ITEMS:
        return _refused(400, "validation_error", f"page_size should be at most {MAX_PAGE_ITEMS}.")
    cursor = str(asked.get("start_cursor") or f"{_CURSOR}0")
    if not cursor.startswith(_CURSOR):
        return _refused(400, "validation_error", "The start_cursor provided is invalid.")
    start = int(cursor.removeprefix(_CURSOR))
    page = found[start : start + page_items]
    has_more = start + page_items < len(found)
    return JSONResponse(
        {
            "object": "list",
            "results": page,
            "next_cursor": f"{_CURSOR}{start + page_items:012d}" if has_more else None,
            "has_more": has_more,
            "type": kind,
            kind: about or {},
        }
    )


def _gone(kind: str) -> Response:
    return _refused(404, "object_not_found", f"Could not find {kind}. Is it shared with you?")


def _refused(status: int, code: str, message: str) -> Response:
    body = {"object": "error", "status": status, "code": code, "message": message}
    return JSONResponse(body, status_code=status)
