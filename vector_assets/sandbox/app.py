"""Serves all vendors in one ASGI application, each under its own prefix, and the control routes.

Prefixes: `/jira`, `/slack/api`, `/slack/files`, `/slack/socket`, `/notion/v1`, `/notion/files`,
`/fireflies/graphql`, `/openai/v1`, `/pinecone`, `/compatible/{server}`.
Controls: `/_sandbox/conditions` (GET, PATCH), `/_sandbox/requests` (GET, DELETE).
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from vector_assets.sandbox import compatible, fireflies, openai, slack, slack_files
from vector_assets.sandbox.faults import CONTROL_PREFIX, FaultMiddleware, Faults, Rule
from vector_assets.sandbox.jira import routes as jira
from vector_assets.sandbox.limits import Limit, Limiter
from vector_assets.sandbox.notion import files as notion_files
from vector_assets.sandbox.notion import routes as notion
from vector_assets.sandbox.pinecone import routes as pinecone
from vector_assets.sandbox.slack_socket import SocketHub
from vector_assets.sandbox.workspace import Workspace


def build_app(workspace: Workspace, faults: Faults, sockets: SocketHub) -> ASGIApp:
    """Return the application; it sees changes of its arguments while it serves."""
    vendors: list[BaseRoute] = [
        Mount("/jira", routes=jira.routes(workspace)),
        *sockets.routes(),
        Mount("/slack/api", routes=slack.routes(workspace)),
        Mount("/slack/files", routes=slack_files.routes(workspace)),
        Mount("/notion/files", routes=notion_files.routes(workspace)),
        Mount("/notion/v1", routes=notion.routes(workspace)),
        Mount("/fireflies", routes=fireflies.routes(workspace)),
        Mount("/openai/v1", routes=openai.routes()),
        Mount("/compatible", routes=compatible.routes()),
        Mount("/pinecone", routes=pinecone.routes(faults)),
    ]
    controls = Mount(CONTROL_PREFIX, routes=_controls(faults))
    return FaultMiddleware(Starlette(routes=[controls, *vendors]), faults)


def _controls(faults: Faults) -> list[BaseRoute]:
    async def show(_: Request) -> JSONResponse:
        return JSONResponse(faults.as_json())

    async def change(request: Request) -> JSONResponse:
        changes = await request.json()
        faults.latency_seconds = changes.get("latency_seconds", faults.latency_seconds)
        faults.index_lag_seconds = changes.get("index_lag_seconds", faults.index_lag_seconds)
        if "limits" in changes:
            faults.limiter = Limiter([Limit(**limit) for limit in changes["limits"]])
        if "rules" in changes:
            faults.rules[:] = [Rule(**rule) for rule in changes["rules"]]
        return JSONResponse(faults.as_json())

    async def requests(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            faults.log.clear()
        return JSONResponse(dict(faults.requests()))

    return [
        Route("/conditions", show, methods=["GET"]),
        Route("/conditions", change, methods=["PATCH"]),
        Route("/requests", requests, methods=["GET", "DELETE"]),
    ]
