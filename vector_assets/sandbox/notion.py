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
    data_source_id,
    data_source_object,
    database_object,
    page_object,
    user_object,
)
from vector_assets.sandbox.workspace import Json, Workspace

MAX_PAGE_ITEMS = 100

_TOKEN = "Bearer ntn_sandbox"  # noqa: S105 - of the sandbox, which guards nothing

Handler = Callable[[Request], Awaitable[Response]]


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace."""
    vendor = _Notion(workspace)
    return [
        Route("/users", _signed_in(vendor.users)),
        Route("/users/me", _signed_in(vendor.me)),
        Route("/search", _signed_in(vendor.search), methods=["POST"]),
        Route("/blocks/{id}/children", _signed_in(vendor.children)),
        Route("/pages/{id}", _signed_in(vendor.page)),
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
        return _listed([user_object(one) for one in sorted(people)], dict(request.query_params))

    async def search(self, request: Request) -> Response:
        asked = json.loads(await request.body() or b"{}")
        kind = (asked.get("filter") or {}).get("value")
        found: list[Json] = []
        if kind in (None, "page"):
            hidden = set(self._workspace.site.notion_hidden_page_ids)
            found += [one for one in self._pages() if one["id"] not in hidden]
        if kind in (None, "data_source"):
            found += [data_source_object(one) for one in self._workspace.databases]
        wanted = str(asked.get("query") or "").lower()
        found = [one for one in found if wanted in json.dumps(one, ensure_ascii=False).lower()]
        is_ascending = (asked.get("sort") or {}).get("direction") == "ascending"
        found.sort(key=lambda one: (one["last_edited_time"], one["id"]), reverse=not is_ascending)
        return _listed(found, asked)

    async def children(self, request: Request) -> Response:
        found = self._block_children(request.path_params["id"])
        return _gone("block") if found is None else _listed(found, dict(request.query_params))

    async def page(self, request: Request) -> Response:
        raw = self._raw_page(request.path_params["id"])
        return _gone("page") if raw is None else JSONResponse(page_object(raw))

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
        rows.sort(key=lambda one: (one["last_edited_time"], one["id"]), reverse=True)
        return _listed(rows, asked)

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
        for page in self._workspace.pages:
            if page["id"] == identity:
                return [block_object(one, page) for one in page.get("blocks") or []]
            stack = list(page.get("blocks") or [])
            while stack:
                block = stack.pop()
                below = (block.get(block["type"]) or {}).get("children") or []
                if block["id"] == identity:
                    return [block_object(one, page) for one in below]
                stack += below
        return None


def _signed_in(handler: Handler) -> Handler:
    async def serve(request: Request) -> Response:
        if request.headers.get("authorization") != _TOKEN:
            return _refused(401, "unauthorized", "API token is invalid.")
        if not request.headers.get("notion-version"):
            return _refused(400, "missing_version", "Notion-Version header failed validation.")
        return await handler(request)

    return serve


def _meets(page: Json, condition: Json | None) -> bool:
    """Tell whether a page meets a filter on its time of last edit, or a compound of such."""
    if not condition:
        return True
    for word, combine in (("and", all), ("or", any)):
        if word in condition:
            return combine(_meets(page, one) for one in condition[word])
    edited = datetime.fromisoformat(page["last_edited_time"])
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


def _listed(found: list[Json], asked: dict[str, Any]) -> Response:
    """Return a page of a list; the cursor is the offset, written as an opaque id."""
    size = int(asked.get("page_size") or MAX_PAGE_ITEMS)
    if not 1 <= size <= MAX_PAGE_ITEMS:
        return _refused(400, "validation_error", f"page_size should be at most {MAX_PAGE_ITEMS}.")
    start = int(str(asked.get("start_cursor") or "0").rpartition("-")[2])
    page = found[start : start + size]
    has_more = start + size < len(found)
    kind = page[0]["object"] if page else "block"
    kind = "page_or_data_source" if kind in ("page", "data_source") else kind
    return JSONResponse(
        {
            "object": "list",
            "results": page,
            "next_cursor": f"00000000-0000-4000-8000-{start + size:012d}" if has_more else None,
            "has_more": has_more,
            "type": kind,
            kind: {},
        }
    )


def _gone(kind: str) -> Response:
    return _refused(404, "object_not_found", f"Could not find {kind}. Is it shared with you?")


def _refused(status: int, code: str, message: str) -> Response:
    body = {"object": "error", "status": status, "code": code, "message": message}
    return JSONResponse(body, status_code=status)
