"""One asset a source, partitioned by UTC day: its documents in the index."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from vector_assets.core.concurrency import run_both
from vector_assets.core.meter import Meter
from vector_assets.index.targets import WriteTarget, write_target
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.names import RESCAN_TAG
from vector_assets.orchestration.errors import failing_by_name
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.partitions import days_of
from vector_assets.orchestration.resources import EmbedderResource, SourcesResource
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sources import SOURCES

GROUP = "vector_index"

IO_MANAGER_KEY = "vector_index"

PENDING_REINDEX = "pending_reindex"
"""Key of how the index differs from what the settings mean; there only while it does."""


@contextmanager
def _beta_accepted() -> Iterator[None]:
    """Keep Dagster from warning at each load that `backfill_policy` is beta, as it is since 2023.

    One run for a range of days rests on it, and the release of Dagster is pinned.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)
        yield


@_beta_accepted()
def build_documents_asset(
    source: str, partitions: dg.DailyPartitionsDefinition, index_kind: str
) -> dg.AssetsDefinition:
    """Return the asset of a source.

    Args:
        source: Name, such as `jira`; also the namespace in the index and the pool of its runs.
        partitions: Days.
        index_kind: What the UI shows as the kind of index, such as `pinecone`.
    """

    @dg.asset(
        key=asset_key(source),
        description=SOURCES[source].description,
        group_name=GROUP,
        kinds={source, index_kind},
        metadata={"namespace": source},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        io_manager_key=IO_MANAGER_KEY,
        pool=source,
    )
    def documents(
        context: dg.AssetExecutionContext,
        sources: SourcesResource,
        embedder: EmbedderResource,
        vector_index: dg.ResourceParam[VectorIndexIOManager],
    ) -> dg.MaterializeResult[EmbeddedDocuments]:
        with failing_by_name(vector_index.attempt(context)):
            meter = Meter()
            connected = sources.connect(source, meter)
            target, _ = run_both(lambda: _opened(vector_index, embedder, meter), connected.prepare)
            stream = Pipeline(source=connected, target=target, meter=meter).embedded_documents(
                days_of(context.partition_keys),
                is_rescan=context.run.tags.get(RESCAN_TAG) == "true",
            )
            metadata = {"embedding": target.embedder.identity}
            if target.pending:
                metadata[PENDING_REINDEX] = str(target.pending)
                context.log.warning(str(target.pending))
            return dg.MaterializeResult(value=stream, metadata=metadata)

    return documents


def _opened(
    vector_index: VectorIndexIOManager, embedder: EmbedderResource, meter: Meter
) -> WriteTarget:
    """Open the live index, which decides the model."""
    return write_target(
        vector_index.build_index(meter),
        embedder.connect(meter),
        lambda spec: embedder.connect_spec(spec, meter),
    )
