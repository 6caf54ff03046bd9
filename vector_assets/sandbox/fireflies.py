"""Fireflies on localhost."""

from starlette.routing import BaseRoute

from vector_assets.sandbox.workspace import Workspace


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace."""
    return []
