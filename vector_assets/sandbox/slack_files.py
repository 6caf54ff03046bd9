"""Slack's files on localhost: `url_private_download`, for the bot's token with `files:read`.

As the vendor does, it sends everybody else to the page for signing in.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.slack import TEAM_URL, TOKEN
from vector_assets.sandbox.workspace import Workspace


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace; a file is found by its id."""

    async def download(request: Request) -> Response:
        is_signed_in = request.headers.get("authorization") == f"Bearer {TOKEN}"
        if not is_signed_in or "files:read" not in workspace.site.slack_scopes:
            return RedirectResponse(TEAM_URL, status_code=302)
        content = workspace.files.get(request.path_params["id"])
        if content is None:
            return Response("File not found", status_code=404)
        return Response(content, media_type="application/octet-stream")

    return [Route("/{id}/download/{name}", download)]
