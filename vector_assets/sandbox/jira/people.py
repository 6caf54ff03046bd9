"""Jira's users and groups, and who belongs to a project, a security level or a role.

As at the vendor, only administrators may read them. The users are those of groups and issues.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vector_assets.sandbox.workspace import Json, Workspace

MAX_PAGE_PEOPLE = 50

Answer = Callable[[Workspace, Request], Awaitable[Response]]


def page_of(
    request: Request, items: list[Json], *, max_items: int = 100, list_name: str = "values"
) -> Response:
    """Return the page of a list that `startAt` and `maxResults` select."""
    start = int(request.query_params.get("startAt", 0))
    count = min(int(request.query_params.get("maxResults", 50)), max_items)
    page: Json = {"startAt": start, "maxResults": count, "total": len(items)}
    if list_name == "values":
        page["isLast"] = start + count >= len(items)
    return JSONResponse({list_name: items[start : start + count], **page})


def refused(status: int, message: str) -> Response:
    """Return an error in the vendor's shape."""
    return JSONResponse({"errorMessages": [message], "errors": {}}, status_code=status)


def _for_admins(answer: Answer) -> Answer:
    async def serve(workspace: Workspace, request: Request) -> Response:
        if not workspace.site.jira_is_admin:
            return refused(403, "You are not authorized to perform this operation.")
        return await answer(workspace, request)

    return serve


@_for_admins
async def _level_members(workspace: Workspace, request: Request) -> Response:
    level = request.query_params["levelId"]
    holders = workspace.site.jira_level_holders.get(level, [])
    scheme = {"issueSecurityLevelId": level, "issueSecuritySchemeId": "10010", "managed": False}
    members = [
        {"id": str(30_000 + n), "holder": holder, **scheme} for n, holder in enumerate(holders)
    ]
    return page_of(request, members, max_items=MAX_PAGE_PEOPLE)


@_for_admins
async def _group_members(workspace: Workspace, request: Request) -> Response:
    members = workspace.site.jira_group_members.get(request.query_params["groupId"])
    if members is None:
        return refused(404, "The group was not found.")
    return page_of(request, members, max_items=MAX_PAGE_PEOPLE)


@_for_admins
async def _role(workspace: Workspace, request: Request) -> Response:
    project, role = request.path_params["project"], request.path_params["role"]
    actors = workspace.site.jira_role_actors.get(f"{project}/{role}")
    if actors is None:
        return refused(404, "The project or role was not found.")
    return JSONResponse({"id": int(role), "name": f"Role {role}", "actors": actors})


@_for_admins
async def _permission_scheme(workspace: Workspace, request: Request) -> Response:
    """Show who may browse a project; by default every logged-in user."""
    project = request.path_params["project"]
    holders = workspace.site.jira_project_browsers.get(project, [{"type": "applicationRole"}])
    grants = [
        *({"permission": "BROWSE_PROJECTS", "holder": holder} for holder in holders),
        {"permission": "ADMINISTER_PROJECTS", "holder": {"type": "applicationRole"}},
    ]
    shown = [{"id": 40_000 + n, **grant} for n, grant in enumerate(grants)]
    scheme = {"id": 10_000, "name": f"Scheme of {project}"}
    is_expanded = "expand" in request.query_params
    return JSONResponse(scheme | ({"permissions": shown} if is_expanded else {}))


@_for_admins
async def _user(workspace: Workspace, request: Request) -> Response:
    wanted = request.query_params["accountId"]
    for person in _people(workspace):
        if person.get("accountId") == wanted:
            return JSONResponse(person)
    return refused(404, "Specified user does not exist or you do not have permission.")


def _people(workspace: Workspace) -> Iterator[Json]:
    for members in workspace.site.jira_group_members.values():
        yield from members
    for issue in workspace.issues:
        fields: dict[str, Any] = issue["fields"]
        yield from filter(None, map(fields.get, ("reporter", "assignee", "creator")))


ANSWERS: Mapping[str, Answer] = {
    "issuesecurityschemes/level/member": _level_members,
    "group/member": _group_members,
    "project/{project}/role/{role}": _role,
    "project/{project}/permissionscheme": _permission_scheme,
    "user": _user,
}
"""By path, relative to the API's root."""
