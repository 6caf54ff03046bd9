"""Jira Cloud on localhost: the parts of REST v3 that our source uses.

As the vendor does, a search reads JQL dates in the account's time zone, pages by token and ignores
`startAt`, truncates comments, and answers only `id` when the request names no fields.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.jira import people as jira_people
from vector_assets.sandbox.jira.jql import BadQueryError, Place, place, select, visible
from vector_assets.sandbox.jira.people import Answer, page_of, refused
from vector_assets.sandbox.workspace import Json, Workspace

COMMENTS_IN_SEARCH = 20  # `total` is the number of all.
MAX_PAGE_ISSUES = 100
MAX_PAGE_IDS = 5000
MAX_PROJECT_KEYS = 50

_CREDENTIALS = base64.b64encode(b"sandbox@example.com:sandbox-jira-token").decode()
_SYSTEM_FIELDS = ("summary", "description", "status", "updated", "created", "comment", "project")

Handler = Callable[[Request], Awaitable[Response]]


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace."""

    def route(path: str, answer: Answer, *methods: str) -> Route:
        handler = _signed_in(partial(answer, workspace))
        return Route(f"/rest/api/3/{path}", handler, methods=methods or None)

    return [
        route("serverInfo", _server_info),
        route("myself", _myself),
        route("field", _fields),
        route("project/search", _projects),
        route("search/jql", _search, "GET", "POST"),
        route("issue/bulkfetch", _bulk_fetch, "POST"),
        route("attachment/content/{id}", _attachment),
        route("issue/{issue}", _issue),
        route("issue/{issue}/comment", _comments),
        *(route(path, answer) for path, answer in jira_people.ANSWERS.items()),
        Route("/media/{id}", partial(_media, workspace)),
    ]


def _signed_in(handler: Handler) -> Handler:
    async def serve(request: Request) -> Response:
        if request.headers.get("authorization") != f"Basic {_CREDENTIALS}":
            return refused(401, "Client must be authenticated to access this resource.")
        return await handler(request)

    return serve


async def _server_info(workspace: Workspace, request: Request) -> Response:
    server = {
        "baseUrl": str(request.base_url).rstrip("/"),
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": workspace.site.jira_deployment,
        "buildNumber": 100300,
        "serverTitle": "Jira",
    }
    return JSONResponse(server)


async def _myself(workspace: Workspace, _: Request) -> Response:
    account = {
        "accountId": "5b10a2844c20165700ede21g",
        "accountType": "atlassian",
        "active": True,
        "displayName": "Sandbox",
        "emailAddress": "sandbox@example.com",
        "timeZone": workspace.site.jira_time_zone,
    }
    return JSONResponse(account)


async def _fields(workspace: Workspace, _: Request) -> Response:
    rights = {"orderable": True, "navigable": True, "searchable": True}
    system = [
        {"id": n, "key": n, "name": n.capitalize(), "custom": False, "clauseNames": [n], **rights}
        for n in _SYSTEM_FIELDS
    ]
    return JSONResponse(system + workspace.site.jira_custom_fields)


async def _projects(workspace: Workspace, request: Request) -> Response:
    site = workspace.site
    projects = {
        key: {"id": str(20_000 + n), "key": key, "name": key}
        for n, key in enumerate(site.jira_projects)
        if key not in site.jira_hidden_projects
    }
    for issue in visible(workspace):
        project = issue["fields"]["project"]
        projects[project["key"]] = {name: project[name] for name in ("id", "key", "name")}
    asked = request.query_params.getlist("keys")
    if len(asked) > MAX_PROJECT_KEYS:
        return refused(400, f"{len(asked)} keys: at most {MAX_PROJECT_KEYS} are allowed")
    wanted = projects.keys() & asked if asked else projects
    return page_of(request, [projects[key] for key in sorted(wanted)])


async def _search(workspace: Workspace, request: Request) -> Response:
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
    is_last = count >= len(issues)
    next_page = {} if is_last else {"nextPageToken": _token(place(page[-1], jql))}
    shown = [_shown(issue, fields) for issue in page]
    return JSONResponse({"issues": shown, "isLast": is_last, **next_page})


async def _issue(workspace: Workspace, request: Request) -> Response:
    issue = _find(workspace, request.path_params["issue"])
    return JSONResponse(_shown(issue, ["*all"])) if issue else _gone()


async def _bulk_fetch(workspace: Workspace, request: Request) -> Response:
    """Answer issues by id or key; the answer omits those that are missing or hidden."""
    body = json.loads(await request.body())
    names = body["issueIdsOrKeys"]
    if not 1 <= len(names) <= MAX_PAGE_ISSUES:
        return refused(400, f"{len(names)} issues: 1 to {MAX_PAGE_ISSUES} are allowed")
    shown_issues = {issue[name]: issue for issue in visible(workspace) for name in ("id", "key")}
    issues = [shown_issues[name] for name in names if name in shown_issues]
    fields = body.get("fields") or ["*all"]
    shown = [_shown(issue, fields) for issue in issues]
    return JSONResponse({"issues": shown, "issueErrors": []})


async def _comments(workspace: Workspace, request: Request) -> Response:
    issue = _find(workspace, request.path_params["issue"])
    if issue is None:
        return _gone()
    comments = issue["fields"]["comment"]["comments"]
    return page_of(request, comments, list_name="comments")


async def _attachment(workspace: Workspace, request: Request) -> Response:
    """Answer the content of an attachment, or a redirect to it unless that is declined."""
    identity = request.path_params["id"]
    attachments = (
        attachment
        for issue in visible(workspace)
        for attachment in issue["fields"].get("attachment") or []
    )
    if identity not in workspace.files or identity not in {
        attachment["id"] for attachment in attachments
    }:
        return refused(404, "The attachment was not found.")
    is_declined = request.query_params.get("redirect") == "false"
    if workspace.site.jira_redirects_downloads or not is_declined:
        site = str(request.url).partition("/rest/api/3/")[0]
        location = f"{site}/media/{identity}?token=signed"
        return Response(status_code=303, headers={"Location": location})
    return Response(workspace.files[identity], media_type="application/octet-stream")


async def _media(workspace: Workspace, request: Request) -> Response:
    """Answer an attachment at its signed address, which takes no other authorization."""
    is_signed = request.query_params.get("token") == "signed"
    content = workspace.files.get(request.path_params["id"])
    if "authorization" in request.headers or not is_signed or content is None:
        return Response(status_code=403)
    return Response(content, media_type="application/octet-stream")


async def _parameters(request: Request) -> Mapping[str, Any]:
    """Return the parameters of a search, from the body or the query string."""
    if request.method == "POST":
        parameters: dict[str, Any] = json.loads(await request.body())
    else:
        parameters = dict(request.query_params)
        names = ",".join(request.query_params.getlist("fields"))
        parameters["fields"] = names.split(",") if names else []
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
