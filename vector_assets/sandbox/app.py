"""All vendors in one ASGI application, each under its own prefix, and the controls beside them.

Prefixes: `/jira`, `/slack/api`, `/notion/v1`, `/fireflies/graphql`, `/openai/v1`, `/pinecone`.
Controls: `/_sandbox/conditions` (GET, PATCH), `/_sandbox/requests` (GET, DELETE).
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from vector_assets.sandbox import fireflies, openai, slack
from vector_assets.sandbox.faults import CONTROL_PREFIX, Conditions, Rule, Weather
from vector_assets.sandbox.jira import routes as jira
from vector_assets.sandbox.limits import Limit, Limiter
from vector_assets.sandbox.notion import routes as notion
from vector_assets.sandbox.pinecone import routes as pinecone
from vector_assets.sandbox.workspace import Workspace


def build_app(workspace: Workspace, conditions: Conditions) -> ASGIApp:
    """Return the application over a workspace; both arguments may be changed while it serves."""
    vendors: list[BaseRoute] = [
        Mount("/jira", routes=jira.routes(workspace)),
        Mount("/slack/api", routes=slack.routes(workspace)),
        Mount("/notion/v1", routes=notion.routes(workspace)),
        Mount("/fireflies", routes=fireflies.routes(workspace)),
        Mount("/openai/v1", routes=openai.routes()),
        Mount("/pinecone", routes=pinecone.routes(conditions)),
    ]
    controls = Mount(CONTROL_PREFIX, routes=_controls(conditions))
    return Weather(Starlette(routes=[controls, *vendors]), conditions)


def _controls(conditions: Conditions) -> list[BaseRoute]:
    async def show(_: Request) -> JSONResponse:
        return JSONResponse(conditions.as_json())

    async def change(request: Request) -> JSONResponse:
        asked = await request.json()
        conditions.latency_seconds = asked.get("latency_seconds", conditions.latency_seconds)
        conditions.index_lag_seconds = asked.get("index_lag_seconds", conditions.index_lag_seconds)
        if "limits" in asked:
            conditions.limiter = Limiter([Limit(**limit) for limit in asked["limits"]])
        if "rules" in asked:
            conditions.rules[:] = [Rule(**rule) for rule in asked["rules"]]
        return JSONResponse(conditions.as_json())

    async def requests(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            conditions.log.clear()
        return JSONResponse(dict(conditions.requests()))

    return [
        Route("/conditions", show, methods=["GET"]),
        Route("/conditions", change, methods=["PATCH"]),
        Route("/requests", requests, methods=["GET", "DELETE"]),
    ]
