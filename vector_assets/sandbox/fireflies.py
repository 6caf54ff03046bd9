"""Fireflies on localhost: one GraphQL endpoint, executed against the vendor's own schema.

It filters by the meeting's start, lists newest first with at most 50 meetings a page, and answers
errors with HTTP 200.
"""

import json
from datetime import UTC, datetime
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import Any

from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.workspace import Json, Workspace

MAX_PAGE_TRANSCRIPTS = 50

_SCHEMA_FILE = Path(__file__).parent / "contracts" / "fireflies.2026-04.schema.graphql"
_KEY = "Bearer sandbox-fireflies-key"
_OWNER_EMAIL = "sandbox@example.com"

_FILTERS = {"fromDate", "toDate", "limit", "skip"}

# Fields that the vendor always answers and that an export lacks.
_DEFAULTS: Json = {
    "privacy": "teammates",
    "is_live": False,
    "meeting_info": {"summary_status": "processed", "fred_joined": True, "silent_meeting": False},
    "channels": [],
    "shared_with": [],
}


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the route over a workspace."""

    async def serve(request: Request) -> JSONResponse:
        if request.headers.get("authorization") != _KEY:
            return JSONResponse(_error("auth_failed", "Invalid API key"))
        body = json.loads(await request.body())
        query, variables = body.get("query") or "", body.get("variables")
        result = graphql_sync(schema(), query, _root(workspace), variable_values=variables)
        return JSONResponse(result.formatted)

    return [Route("/graphql", serve, methods=["POST"])]


@cache
def schema() -> GraphQLSchema:
    """Return the vendor's schema."""
    return build_schema(_SCHEMA_FILE.read_text(encoding="utf-8"))


def _root(workspace: Workspace) -> Json:
    def transcripts(_: Any, **arguments: Any) -> list[Json]:
        page_size = arguments.get("limit", MAX_PAGE_TRANSCRIPTS)
        if page_size > MAX_PAGE_TRANSCRIPTS:
            raise _invalid(f"limit {page_size}: at most {MAX_PAGE_TRANSCRIPTS}")
        if unknown := arguments.keys() - _FILTERS:
            raise _invalid(f"the sandbox does not filter by {', '.join(sorted(unknown))}")
        visible = filter(partial(_is_visible, workspace), workspace.transcripts)
        meetings = [_complete(meeting) for meeting in visible if _is_selected(meeting, arguments)]
        meetings.sort(key=lambda meeting: (-meeting["date"], meeting["id"]))
        return meetings[arguments.get("skip", 0) :][:page_size]

    def transcript(_: Any, **arguments: Any) -> Json:
        visible = filter(partial(_is_visible, workspace), workspace.transcripts)
        for transcript in visible:
            if transcript["id"] == arguments["id"]:
                return _complete(transcript)
        raise GraphQLError("There is no such transcript.", extensions={"code": "object_not_found"})

    def user(*_: Any, **__: Any) -> Json:
        owner = {"user_id": "sandbox", "name": "Sandbox", "email": _OWNER_EMAIL}
        return {**owner, "is_admin": workspace.site.fireflies_is_admin}

    return {"transcripts": transcripts, "transcript": transcript, "user": user}


def _is_visible(workspace: Workspace, transcript: Json) -> bool:
    """Tell whether the key's owner may see a meeting: an admin sees all, others own and shared."""
    if workspace.site.fireflies_is_admin:
        return True
    people = (transcript.get("organizer_email"), *(transcript.get("participants") or []))
    return _OWNER_EMAIL in people or _complete(transcript)["privacy"] in {"link", "teammates"}


def _is_selected(transcript: Json, arguments: Json) -> bool:
    first, last = arguments.get("fromDate"), arguments.get("toDate")
    earliest = -inf if first is None else _milliseconds(first)
    latest = inf if last is None else _milliseconds(last)
    return bool(earliest <= transcript["date"] <= latest)


def _complete(transcript: Json) -> Json:
    return {**_DEFAULTS, **transcript, "date": float(transcript["date"])}


def _milliseconds(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000


def _invalid(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "invalid_arguments", "status": 400})


def _error(code: str, message: str) -> Json:
    error = {"message": message, "code": code, "friendly": True, "extensions": {"code": code}}
    return {"data": None, "errors": [error]}
