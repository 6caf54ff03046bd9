"""The jobs over all sources."""

from collections.abc import Sequence

import dagster as dg

from vector_assets.monitoring.dagster_state.names import (
    NIGHTLY_EXAMINATION,
    NIGHTLY_INGESTION,
    RESCAN_TAG,
    WEEKLY_PRUNE,
    WEEKLY_RESCAN,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.private import UnresolvedAssetJobDefinition
from vector_assets.orchestration.freshness import freshness_check_keys

UNFINISHED_RUNS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Statuses of a run that may still do something."""


def run_tags(max_hours: float) -> dict[str, str]:
    """Return the tags of every job; a run that takes more than `max_hours` is ended."""
    return {
        # Temporary errors are retried within the run; a new run is only for a killed worker.
        "dagster/retry_on_asset_or_op_failure": "false",
        # A run that hangs would keep its source's pool slot for ever.
        "dagster/max_runtime": str(int(max_hours * 3600)),
    }


def build_jobs(
    documents: Sequence[dg.AssetsDefinition],
    prunes: Sequence[dg.AssetsDefinition],
    canary: dg.AssetsDefinition,
    quality: dg.AssetsDefinition,
    max_hours: float,
    naming: Naming = APPLICATION,
) -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs; a run that takes more than `max_hours` is ended.

    They leave freshness out: a sensor evaluates it, whether or not a job runs. (Dagster adds all
    checks again to a run for some of a job's assets; the result is the same.) The rescan
    materializes the days that it reads, without embedding unchanged documents again.
    """
    tags = run_tags(max_hours)
    freshness = dg.AssetSelection.checks(
        *freshness_check_keys([key for asset in documents for key in asset.keys])
    )
    return [
        dg.define_asset_job(
            naming.named(NIGHTLY_INGESTION),
            selection=dg.AssetSelection.assets(*documents, canary) - freshness,
            description="Bring the index up to date with every source, for one day or a range.",
            tags=tags,
        ),
        dg.define_asset_job(
            naming.named(NIGHTLY_EXAMINATION),
            selection=dg.AssetSelection.assets(quality),
            description="Ask the index questions whose answer is known; compare with other nights.",
            tags=tags,
        ),
        dg.define_asset_job(
            naming.named(WEEKLY_RESCAN),
            selection=dg.AssetSelection.assets(*documents) - freshness,
            description="Read the days again, for edits and deletions that no listing shows.",
            tags={**tags, RESCAN_TAG: "true"},
        ),
        dg.define_asset_job(
            naming.named(WEEKLY_PRUNE),
            selection=dg.AssetSelection.assets(*prunes),
            description="Delete from the index what is gone at its source, by complete listings.",
            tags=tags,
        ),
    ]
