"""The canary as an unpartitioned asset, run each night independently of the sources."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from vector_assets.core.errors import CanaryError, LostWriteError
from vector_assets.core.meter import Meter
from vector_assets.maintenance.canary import try_canary
from vector_assets.monitoring.dagster_state.asset_keys import canary_key
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.errors import converted_errors
from vector_assets.orchestration.freshness import CANARY_FRESHNESS
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.resources import EmbedderResource, open_index

CHECK = "canary_is_found"


def build_canary_asset(index_kind: str, naming: Naming = APPLICATION) -> dg.AssetsDefinition:
    """Return the asset."""
    key = canary_key(naming)

    @dg.asset(
        key=key,
        description=(
            "A document that is written each night and found by search: an end-to-end test of "
            "embedder, index and search."
        ),
        group_name=naming.group,
        owners=naming.owners,
        tags=naming.tags,
        required_resource_keys={naming.embedder, naming.vector_index},
        kinds={index_kind},
        freshness_policy=CANARY_FRESHNESS,
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=key, description="Search finds the newest canary.")
        ],
    )
    def index_canary(context: dg.AssetExecutionContext) -> Iterator[Any]:
        embedder: EmbedderResource = getattr(context.resources, naming.embedder)
        vector_index: VectorIndexIOManager = getattr(context.resources, naming.vector_index)
        with converted_errors(vector_index.attempt(context)):
            meter = Meter()
            try:
                target = open_index(vector_index.build_index(meter), embedder, meter)
                trial = try_canary(target.store, target.embedder)
            except (CanaryError, LostWriteError) as error:
                yield dg.AssetCheckResult(passed=False, check_name=CHECK, description=str(error))
                raise
            yield dg.MaterializeResult(
                metadata={
                    "waited_seconds": round(trial.waited_seconds, 3),
                    "score": round(trial.score, 4),
                },
                check_results=[dg.AssetCheckResult(passed=True, check_name=CHECK)],
            )

    return index_canary
