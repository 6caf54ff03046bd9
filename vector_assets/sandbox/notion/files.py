"""Notion's files on localhost: signed addresses of an object store, which expire.

As there, a request that carries another authorization than its signature is refused.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.workspace import Workspace

EXPIRED = "expired"
"""The signature of an address that is no longer valid; any other is."""


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace; a file is found by its id."""

    async def download(request: Request) -> Response:
        if "authorization" in request.headers:
            return Response("<Error><Code>InvalidArgument</Code></Error>", status_code=400)
        signature = request.query_params.get("X-Amz-Signature", EXPIRED)
        content = workspace.files.get(request.path_params["id"])
        if signature == EXPIRED or content is None:
            return Response("<Error><Code>AccessDenied</Code></Error>", status_code=403)
        return Response(content, media_type="application/octet-stream")

    return [Route("/{id}/{name}", download)]
