"""Notion on localhost: lists, pages, blocks, Markdown, databases, data sources, comments.

As the vendor does, it floors times to the minute, limits lists to 100 items, and lists children one
level at a time. Search leaves out the pages that `Site` hides. All versions of the API since
2025-09-03 get the same answers, except for meetings and Markdown.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.notion.markdown import Renderer
from vector_assets.sandbox.notion.objects import (
    BOT,
    block_object,
    children_of,
    comment_object,
    data_source_object,
    data_sources_of,
    database_object,
    item_head,
    item_objects,
    page_object,
    user_object,
)
from vector_assets.sandbox.workspace import Json, Workspace

OLDEST_VERSION = "2025-09-03"
MARKDOWN_VERSION = "2026-03-11"
MAX_PAGE_ITEMS = 100

_TOKEN = "Bearer ntn_sandbox"  # noqa: S105 - a made-up token that opens nothing

_CURSOR = "00000000-0000-4000-8000-"

Handler = Callable[[Request], Awaitable[Response]]


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace."""
    vendor = _Notion(workspace)

    def route(path: str, handler: Handler, capability: str = "content", **more: Any) -> Route:
        return Route(path, _guarded(handler, workspace, capability), **more)

    return [
        route("/users", vendor.users, "users"),
        route("/users/me", vendor.me, ""),
        route("/search", vendor.search, methods=["POST"]),
        route("/blocks/{id}/children", vendor.children),
        route("/blocks/{id}", vendor.block),
        route("/pages/{id}", vendor.page),
        route("/pages/{id}/markdown", vendor.markdown),
        route("/pages/{id}/properties/{property}", vendor.property_items),
        route("/databases/{id}", vendor.database),
        route("/data_sources/{id}", vendor.data_source),
        route("/data_sources/{id}/query", vendor.query, methods=["POST"]),
        route("/comments", vendor.comments, "comments"),
    ]


class _Notion:
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
        users = [BOT, *(user_object(user_id) for user_id in sorted(people))]
        return _listed("user", users, dict(request.query_params))

    async def search(self, request: Request) -> Response:
        params = json.loads(await request.body() or b"{}")
        kind = (params.get("filter") or {}).get("value")
        hidden = set(self._workspace.site.notion_hidden_page_ids)
        items: list[Json] = []
        if kind in (None, "page"):
            items += [page for page in self._pages() if page["id"] not in hidden]
        if kind in (None, "data_source"):
            items += [
                data_source_object(database, source)
                for database in self._databases()
                if database["id"] not in hidden and not database.get("in_trash")
                for source in data_sources_of(database)
            ]
        query = str(params.get("query") or "").lower()
        hits = [item for item in items if query in json.dumps(item, ensure_ascii=False).lower()]
        is_ascending = (params.get("sort") or {}).get("direction") == "ascending"
        hits.sort(key=lambda hit: (hit["last_edited_time"], hit["id"]), reverse=not is_ascending)
        return _listed("page_or_data_source", hits, params)

    async def children(self, request: Request) -> Response:
        children = self._block_children(request.path_params["id"], _version(request))
        if children is None:
            return _gone("block")
        return _listed("block", children, dict(request.query_params))

    async def block(self, request: Request) -> Response:
        block = self._block(request.path_params["id"], _version(request))
        return _gone("block") if block is None else JSONResponse(block)

    async def page(self, request: Request) -> Response:
        identity = request.path_params["id"]
        raw = self._raw_page(identity)
        if raw is None and self._raw_database(identity) is not None:
            return _of_another_kind(identity, "database", "page")
        return _gone("page") if raw is None else JSONResponse(page_object(raw))

    async def markdown(self, request: Request) -> Response:
        identity = request.path_params["id"]
        if _version(request) < MARKDOWN_VERSION:
            return _refused(400, "invalid_request_url", "Invalid request URL.")
        raw = self._raw_page(identity)
        page, blocks = raw, (raw or {}).get("blocks") or []
        if raw is None and (placed := self._placed(identity)):
            blocks, page = [placed[0]], placed[2]
        if page is None:
            return _gone("page")
        renderer = Renderer(
            page["id"],
            children_of=self._raw_children,
            is_shared=self._is_shared,
            max_blocks=self._workspace.site.notion_markdown_max_blocks,
            with_transcripts=request.query_params.get("include_transcript") == "true",
        )
        text = "\n".join(renderer.lines(blocks))
        unknown = renderer.unknown_ids
        answer = {"object": "page_markdown", "id": identity, "markdown": text}
        return JSONResponse({**answer, "truncated": bool(unknown), "unknown_block_ids": unknown})

    async def comments(self, request: Request) -> Response:
        """List the comments of this page or block, without those of blocks below it."""
        identity = request.query_params["block_id"]
        holder = self._raw_page(identity) or self._raw_block(identity)
        if holder is None:
            return _gone("block")
        comments = [comment_object(raw, holder) for raw in holder.get("comments") or []]
        return _listed("comment", comments, dict(request.query_params))

    async def property_items(self, request: Request) -> Response:
        raw = self._raw_page(request.path_params["id"]) or {"properties": {}}
        wanted = request.path_params["property"]
        for value in raw["properties"].values():
            if value["id"] == wanted:
                items = item_objects(value)
                return _listed("property_item", items, dict(request.query_params), item_head(value))
        return _gone("property")

    async def database(self, request: Request) -> Response:
        identity = request.path_params["id"]
        raw = self._raw_database(identity)
        if raw is None and self._raw_page(identity) is not None:
            return _of_another_kind(identity, "page", "database")
        return _gone("database") if raw is None else JSONResponse(database_object(raw))

    async def data_source(self, request: Request) -> Response:
        raw = self._raw_data_source(request.path_params["id"])
        return _gone("data source") if raw is None else JSONResponse(data_source_object(*raw))

    async def query(self, request: Request) -> Response:
        identity = request.path_params["id"]
        if self._raw_data_source(identity) is None:
            return _gone("data source")
        params = json.loads(await request.body() or b"{}")
        rows = [
            page
            for page in self._pages()
            if page["parent"].get("data_source_id") == identity
            and _meets(page, params.get("filter"))
        ]
        for order in reversed(params.get("sorts") or []):
            is_descending = order["direction"] == "descending"
            rows.sort(key=lambda row: str(row[order["timestamp"]]), reverse=is_descending)
        return _listed("page_or_data_source", rows, params)

    def _pages(self) -> Iterator[Json]:
        return (page_object(raw) for raw in self._shared_pages() if not raw.get("in_trash"))

    def _is_shared(self, identity: str) -> bool:
        return identity not in self._workspace.site.notion_unshared_ids

    def _shared_pages(self) -> Iterator[Json]:
        return (raw for raw in self._workspace.pages if self._is_shared(raw["id"]))

    def _databases(self) -> Iterator[Json]:
        return (raw for raw in self._workspace.databases if self._is_shared(raw["id"]))

    def _raw_page(self, identity: str) -> Json | None:
        return next((raw for raw in self._shared_pages() if raw["id"] == identity), None)

    def _raw_database(self, identity: str) -> Json | None:
        return next((raw for raw in self._databases() if raw["id"] == identity), None)

    def _raw_data_source(self, identity: str) -> tuple[Json, Json] | None:
        """Return a database and its data source with this id."""
        for raw in self._databases():
            for source in data_sources_of(raw):
                if source["id"] == identity:
                    return raw, source
        return None

    def _placed(self, identity: str) -> tuple[Json, Json, Json] | None:
        """Return a block with its parent and its page."""
        return next((place for place in self._raw_blocks() if place[0]["id"] == identity), None)

    def _raw_block(self, identity: str) -> Json | None:
        placed = self._placed(identity)
        return placed[0] if placed else None

    def _raw_children(self, block: Json) -> list[Json]:
        """Return the children of a block; the copy of a synced block has those of its original."""
        source = (block.get("synced_block") or {}).get("synced_from") or {}
        original = self._raw_block(source["block_id"]) if source else None
        return children_of(original or block)

    def _block_children(self, identity: str, version: str) -> list[Json] | None:
        """Return the children of a page or block; None if it does not exist."""
        if page := self._raw_page(identity):
            return self._objects(page.get("blocks") or [], page, page, version)
        if placed := self._placed(identity):
            block, _, page = placed
            return self._objects(self._raw_children(block), block, page, version)
        return None

    def _block(self, identity: str, version: str) -> Json | None:
        if placed := self._placed(identity):
            return self._objects([placed[0]], *placed[1:], version)[0]
        return None

    def _raw_blocks(self) -> Iterator[tuple[Json, Json, Json]]:
        """Yield each block once, with its parent and its page."""
        seen: set[str] = set()
        for page in self._shared_pages():
            stack = [(block, page) for block in page.get("blocks") or []]
            while stack:
                block, parent = stack.pop()
                if block["id"] not in seen:
                    seen.add(block["id"])
                    yield block, parent, page
                    stack += [(child, block) for child in children_of(block)]

    def _objects(self, blocks: list[Json], parent: Json, page: Json, version: str) -> list[Json]:
        """Return blocks as the API gives them; the block of a child page is that page."""
        return [
            block_object(block, parent, self._raw_page(block["id"]) or page, version)
            for block in blocks
        ]


def _guarded(handler: Handler, workspace: Workspace, capability: str) -> Handler:
    """Return a handler that requires the token, a version and a capability."""

    async def serve(request: Request) -> Response:
        if request.headers.get("authorization") != _TOKEN:
            return _refused(401, "unauthorized", "API token is invalid.")
        if not (version := _version(request)):
            return _refused(400, "missing_version", "Notion-Version header should be defined.")
        if not OLDEST_VERSION <= version <= workspace.site.notion_newest_version:
            return _refused(400, "validation_error", f"Notion-Version {version!r} is not served.")
        if capability and capability not in workspace.site.notion_capabilities:
            return _refused(403, "restricted_resource", "Insufficient permissions.")
        return await handler(request)

    return serve


def _version(request: Request) -> str:
    return request.headers.get("notion-version", "")


def _meets(page: Json, condition: Json | None) -> bool:
    """Tell whether a page meets a timestamp filter, or a compound of such filters."""
    if not condition:
        return True
    for word, combine in (("and", all), ("or", any)):
        if word in condition:
            return combine(_meets(page, part) for part in condition[word])
    edited = datetime.fromisoformat(page[condition["timestamp"]])
    bounds = condition[condition["timestamp"]].items()
    return all(_COMPARISONS[operator](edited, _instant(bound)) for operator, bound in bounds)


_COMPARISONS = {"on_or_after": ge, "after": gt, "before": lt, "on_or_before": le}


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _listed(
    kind: str, items: list[Json], params: dict[str, Any], about: Json | None = None
) -> Response:
    """Return a page of a list, as `page_size` and `start_cursor` say.

    The cursor is the offset, written as an opaque id; `about` is the field named after the type.
    """
    page_items = int(params.get("page_size") or MAX_PAGE_ITEMS)
    if not 1 <= page_items <= MAX_PAGE_ITEMS:
        return _refused(400, "validation_error", f"page_size should be at most {MAX_PAGE_ITEMS}.")
    cursor = str(params.get("start_cursor") or f"{_CURSOR}0")
    if not cursor.startswith(_CURSOR):
        return _refused(400, "validation_error", "The start_cursor provided is invalid.")
    start = int(cursor.removeprefix(_CURSOR))
    end = start + page_items
    has_more = end < len(items)
    body = {
        "object": "list",
        "results": items[start:end],
        "next_cursor": f"{_CURSOR}{end:012d}" if has_more else None,
        "has_more": has_more,
        "type": kind,
        kind: about or {},
    }
    return JSONResponse(body)


def _gone(kind: str) -> Response:
    return _refused(404, "object_not_found", f"Could not find {kind}. Is it shared with you?")


def _of_another_kind(identity: str, kind: str, wanted: str) -> Response:
    """Return the vendor's answer to the id of a page where a database is wanted, or the reverse."""
    words = f"Provided ID {identity} is a {kind}, not a {wanted}."
    return _refused(400, "validation_error", f"{words} Use the retrieve {kind} API instead.")


def _refused(status: int, code: str, message: str) -> Response:
    body = {"object": "error", "status": status, "code": code, "message": message}
    return JSONResponse(body, status_code=status)
