"""The jobs over every source's documents, and the checks on them.

`nightly_ingestion` reads what has changed; `weekly_rescan` reads the same days whether they seem
changed or not, for what no listing of a vendor shows; `weekly_prune` deletes what is gone.
"""

from collections.abc import Sequence

import dagster as dg

# The type of what `define_asset_job` returns; Dagster has no public name for it.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from vector_assets.monitoring.dagster_state.names import (
    NIGHTLY_INGESTION,
    RESCAN_TAG,
    WEEKLY_PRUNE,
    WEEKLY_RESCAN,
)

# Errors that may pass are tried again within the run; a new run is for a worker that was killed.
_RETRY_TAGS = {"dagster/retry_on_asset_or_op_failure": "false"}


def build_nightly_ingestion(
    assets: Sequence[dg.AssetsDefinition],
) -> UnresolvedAssetJobDefinition:
    """Return the job over the sources' assets and the canary."""
    return dg.define_asset_job(
        NIGHTLY_INGESTION,
        selection=dg.AssetSelection.assets(*assets),
        description="Bring the index up to date with every source, for one day or a range.",
        tags=_RETRY_TAGS,
    )


def build_weekly_rescan(assets: Sequence[dg.AssetsDefinition]) -> UnresolvedAssetJobDefinition:
    """Return the job that reads again what seems unchanged: edits and deletions among it.

    It materializes the days that it reads, for it reads them whole; fingerprints make what is the
    same cost neither embedding nor a write.
    """
    return dg.define_asset_job(
        WEEKLY_RESCAN,
        selection=dg.AssetSelection.assets(*assets),
        description="Read the days again, for edits and deletions that no listing shows.",
        tags={**_RETRY_TAGS, RESCAN_TAG: "true"},
    )


def build_weekly_prune(assets: Sequence[dg.AssetsDefinition]) -> UnresolvedAssetJobDefinition:
    """Return the job that deletes from the index what is gone at its source."""
    return dg.define_asset_job(
        WEEKLY_PRUNE,
        selection=dg.AssetSelection.assets(*assets),
        description="Delete from the index what is gone at its source, by complete listings.",
        tags=_RETRY_TAGS,
    )
