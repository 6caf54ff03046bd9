"""Names of assets as Dagster's keys."""

import dagster as dg


def asset_key(source: str) -> dg.AssetKey:
    """Return the key of a source's asset."""
    return dg.AssetKey(f"{source}_documents")


def prune_key(source: str) -> dg.AssetKey:
    """Return the key of the asset that a prune of a source materializes."""
    return dg.AssetKey(f"{source}_prune")
