"""The jobs over all sources."""

from collections.abc import Sequence

import dagster as dg

# What `define_asset_job` returns; Dagster has no public name for it.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from vector_assets.monitoring.dagster_state.names import (
    NIGHTLY_INGESTION,
    RESCAN_TAG,
    WEEKLY_PRUNE,
    WEEKLY_RESCAN,
)

# Temporary errors are retried within the run; a new run is only for a worker that was killed.
_RETRY_TAGS = {"dagster/retry_on_asset_or_op_failure": "false"}


def build_jobs(
    documents: Sequence[dg.AssetsDefinition],
    prunes: Sequence[dg.AssetsDefinition],
    canary: dg.AssetsDefinition,
) -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs; the rescan materializes its days, without embedding them again."""
    return [
        dg.define_asset_job(
            NIGHTLY_INGESTION,
            selection=dg.AssetSelection.assets(*documents, canary),
            description="Bring the index up to date with every source, for one day or a range.",
            tags=_RETRY_TAGS,
        ),
        dg.define_asset_job(
            WEEKLY_RESCAN,
            selection=dg.AssetSelection.assets(*documents),
            description="Read the days again, for edits and deletions that no listing shows.",
            tags={**_RETRY_TAGS, RESCAN_TAG: "true"},
        ),
        dg.define_asset_job(
            WEEKLY_PRUNE,
            selection=dg.AssetSelection.assets(*prunes),
            description="Delete from the index what is gone at its source, by complete listings.",
            tags=_RETRY_TAGS,
        ),
    ]
