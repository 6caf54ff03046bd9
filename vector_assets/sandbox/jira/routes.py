"""Jira Cloud on localhost: the parts of REST v3 that our source uses.

As the vendor does, a search reads JQL dates in the account's time zone, pages by token and ignores
`startAt`, truncates comments, and answers only `id` when the request names no fields.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.jira import people as jira_people
from vector_assets.sandbox.jira.jql import BadQueryError, Place, place, select, visible
from vector_assets.sandbox.jira.people import page_of, refused
from vector_assets.sandbox.workspace import Json, Workspace

COMMENTS_IN_SEARCH = 20
"""Most comments of an issue in a search result; `total` is the number of all."""

MAX_PAGE_ISSUES = 100
MAX_PAGE_IDS = 5000
MAX_PAGE_COMMENTS = 100
MAX_PAGE_PROJECTS = 100

_CREDENTIALS = base64.b64encode(b"sandbox@example.com:sandbox-jira-token").decode()
_SYSTEM_FIELDS = ("summary", "description", "status", "updated", "created", "comment", "project")

Handler = Callable[[Request], Awaitable[Response]]


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace."""
    api = "/rest/api/3"
    return [
        Route(f"{api}/serverInfo", _signed_in(_server_info(workspace))),
        Route(f"{api}/myself", _signed_in(_myself(workspace))),
        Route(f"{api}/field", _signed_in(_fields(workspace))),
        Route(f"{api}/project/search", _signed_in(_projects(workspace))),
        Route(f"{api}/search/jql", _signed_in(_search(workspace)), methods=["GET", "POST"]),
        Route(f"{api}/issue/bulkfetch", _signed_in(_bulk_fetch(workspace)), methods=["POST"]),
        Route(f"{api}/issue/{{issue}}", _signed_in(_issue(workspace))),
        Route(f"{api}/issue/{{issue}}/comment", _signed_in(_comments(workspace))),
        *(
            Route(f"{api}/{path}", _signed_in(handler))
            for path, handler in jira_people.handlers(workspace).items()
        ),
    ]


def _signed_in(handler: Handler) -> Handler:
    async def serve(request: Request) -> Response:
        if request.headers.get("authorization") != f"Basic {_CREDENTIALS}":
            return refused(401, "Client must be authenticated to access this resource.")
        return await handler(request)

    return serve


def _server_info(workspace: Workspace) -> Handler:
    async def serve(request: Request) -> Response:
        return JSONResponse(
            {
                "baseUrl": str(request.base_url).rstrip("/"),
                "version": "1001.0.0-SNAPSHOT",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": workspace.site.jira_deployment,
                "buildNumber": 100300,
                "serverTitle": "Jira",
            }
        )

    return serve


def _myself(workspace: Workspace) -> Handler:
    async def serve(_: Request) -> Response:
        return JSONResponse(
            {
                "accountId": "5b10a2844c20165700ede21g",
                "accountType": "atlassian",
                "active": True,
                "displayName": "Sandbox",
                "emailAddress": "sandbox@example.com",
                "timeZone": workspace.site.jira_time_zone,
            }
        )

    return serve


def _fields(workspace: Workspace) -> Handler:
    async def serve(_: Request) -> Response:
        system = [
            {
                "id": name,
                "key": name,
                "name": name.capitalize(),
                "custom": False,
                "orderable": True,
                "navigable": True,
                "searchable": True,
                "clauseNames": [name],
            }
            for name in _SYSTEM_FIELDS
        ]
        return JSONResponse(system + workspace.site.jira_custom_fields)

    return serve


def _projects(workspace: Workspace) -> Handler:
    async def serve(request: Request) -> Response:
        site = workspace.site
        projects = {
            key: {"id": str(20_000 + n), "key": key, "name": key}
            for n, key in enumerate(site.jira_projects)
            if key not in site.jira_hidden_projects
        }
        for issue in visible(workspace):
            project = issue["fields"]["project"]
            projects[project["key"]] = {name: project[name] for name in ("id", "key", "name")}
        ordered = [projects[key] for key in sorted(projects)]
        return page_of(request, ordered, max_items=MAX_PAGE_PROJECTS)

    return serve


def _search(workspace: Workspace) -> Handler:
    async def serve(request: Request) -> Response:
        if workspace.site.jira_deployment != "Cloud":
            return refused(404, "null for uri: /rest/api/3/search/jql")
        try:
            parameters = await _parameters(request)
            jql = parameters["jql"]
            issues = select(workspace, jql, after=_place(parameters.get("nextPageToken")))
        except BadQueryError as error:
            return refused(400, str(error))
        fields = parameters.get("fields") or ["id"]
        max_issues = MAX_PAGE_IDS if fields == ["id"] else MAX_PAGE_ISSUES
        count = min(max(1, int(parameters.get("maxResults") or 50)), max_issues)
        page = issues[:count]
        answer: Json = {
            "issues": [_shown(issue, fields) for issue in page],
            "isLast": count >= len(issues),
        }
        if not answer["isLast"]:
            answer["nextPageToken"] = _token(place(page[-1], jql))
        return JSONResponse(answer)

    return serve


def _issue(workspace: Workspace) -> Handler:
    async def serve(request: Request) -> Response:
        issue = _find(workspace, request.path_params["issue"])
        return JSONResponse(_shown(issue, ["*all"])) if issue else _gone()

    return serve


def _bulk_fetch(workspace: Workspace) -> Handler:
    """Answer issues by id or key; the answer omits those that are missing or hidden."""

    async def serve(request: Request) -> Response:
        body = json.loads(await request.body())
        names = body["issueIdsOrKeys"]
        if not 1 <= len(names) <= MAX_PAGE_ISSUES:
            return refused(400, f"{len(names)} issues: 1 to {MAX_PAGE_ISSUES} are allowed")
        issues = [issue for name in names if (issue := _find(workspace, name)) is not None]
        fields = body.get("fields") or ["*all"]
        answer = {"issues": [_shown(issue, fields) for issue in issues], "issueErrors": []}
        return JSONResponse(answer)

    return serve


def _comments(workspace: Workspace) -> Handler:
    async def serve(request: Request) -> Response:
        issue = _find(workspace, request.path_params["issue"])
        if issue is None:
            return _gone()
        comments = issue["fields"]["comment"]["comments"]
        return page_of(request, comments, max_items=MAX_PAGE_COMMENTS, list_name="comments")

    return serve


async def _parameters(request: Request) -> Mapping[str, Any]:
    """Return the parameters of a search, from the body or the query string."""
    if request.method == "POST":
        parameters: dict[str, Any] = json.loads(await request.body())
    else:
        parameters = dict(request.query_params)
        lists = request.query_params.getlist("fields")
        parameters["fields"] = [name for names in lists for name in names.split(",")]
    if not parameters.get("jql"):
        raise BadQueryError("Unbounded JQL queries are not allowed here.")
    return parameters


def _shown(issue: Json, names: list[str]) -> Json:
    """Return an issue with the requested fields, its comments truncated."""
    if names == ["id"]:
        return {"id": issue["id"]}
    everything = "*all" in names or "*navigable" in names
    fields = {n: v for n, v in issue["fields"].items() if everything or n in names}
    if "comment" in fields:
        comments = fields["comment"]["comments"]
        shown = comments[:COMMENTS_IN_SEARCH]
        fields["comment"] = {
            "comments": shown,
            "self": f"{issue['self']}/comment",
            "maxResults": len(shown),
            "total": len(comments),
            "startAt": 0,
        }
    return {"id": issue["id"], "key": issue["key"], "self": issue["self"], "fields": fields}


def _find(workspace: Workspace, name: str) -> Json | None:
    issues = (issue for issue in visible(workspace) if name in (issue["id"], issue["key"]))
    return next(issues, None)


def _token(last: Place) -> str:
    """Encode a place in the order as a page token, so that no edit moves the next page."""
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode()


def _place(token: str | None) -> Place | None:
    if not token:
        return None
    try:
        seconds, issue_id = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise BadQueryError("The provided next page token is invalid or expired.") from None
    return float(seconds), int(issue_id)


def _gone() -> Response:
    return refused(404, "Issue does not exist or you do not have permission to see it.")
