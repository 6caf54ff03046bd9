"""Asset names as Dagster's keys."""

import dagster as dg

from vector_assets.monitoring.dagster_state.names import documents_asset, prune_asset


def asset_key(source: str) -> dg.AssetKey:
    """Return the key of the asset that holds a source's documents."""
    return dg.AssetKey(documents_asset(source))


def prune_key(source: str) -> dg.AssetKey:
    """Return the key of the asset that a prune of a source materializes."""
    return dg.AssetKey(prune_asset(source))
