"""Asset names as Dagster's keys."""

import dagster as dg

from vector_assets.monitoring.dagster_state.names import (
    QUALITY_ASSET,
    changes_asset,
    documents_asset,
    prune_asset,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming


def asset_key(source: str, naming: Naming = APPLICATION) -> dg.AssetKey:
    """Return the key of the asset that holds a source's documents."""
    return dg.AssetKey(naming.path(documents_asset(source)))


def prune_key(source: str, naming: Naming = APPLICATION) -> dg.AssetKey:
    """Return the key of the asset that a prune of a source materializes."""
    return dg.AssetKey(naming.path(prune_asset(source)))


def changes_key(source: str, naming: Naming = APPLICATION) -> dg.AssetKey:
    """Return the key of the asset of the changes that events tell of a source."""
    return dg.AssetKey(naming.path(changes_asset(source)))


def canary_key(naming: Naming = APPLICATION) -> dg.AssetKey:
    """Return the key of the canary's asset."""
    return dg.AssetKey(naming.path("index_canary"))


def quality_key(naming: Naming = APPLICATION) -> dg.AssetKey:
    """Return the key of the asset that the nightly examination materializes."""
    return dg.AssetKey(naming.path(QUALITY_ASSET))
