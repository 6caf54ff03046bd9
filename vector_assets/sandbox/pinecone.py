"""Pinecone on localhost."""

from starlette.routing import BaseRoute

from vector_assets.sandbox.conditions import Conditions


def routes(conditions: Conditions) -> list[BaseRoute]:
    """Return the routes; writes stay unseen for `conditions.index_lag_seconds`."""
    return []
