"""The one job: every source's documents, and the checks on them.

Keep out: when it runs (`schedules.py`).
"""

from collections.abc import Sequence

import dagster as dg

# The type of what `define_asset_job` returns; Dagster has no public name for it.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NIGHTLY_INGESTION = "nightly_ingestion"

# Errors that may pass are tried again within the run; a new run is for a worker that was killed.
_RETRY_TAGS = {"dagster/retry_on_asset_or_op_failure": "false"}


def build_nightly_ingestion(
    assets: Sequence[dg.AssetsDefinition],
) -> UnresolvedAssetJobDefinition:
    """Return the job over the sources' assets."""
    return dg.define_asset_job(
        NIGHTLY_INGESTION,
        selection=dg.AssetSelection.assets(*assets),
        description="Bring the index up to date with every source, for one day or a range.",
        tags=_RETRY_TAGS,
    )
