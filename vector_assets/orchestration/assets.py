"""One asset per source, partitioned by UTC day: the source's documents in the index."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from vector_assets.core.concurrency import run_both
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.names import RESCAN_TAG
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.addresses import uri_of
from vector_assets.orchestration.code_version import code_version
from vector_assets.orchestration.errors import converted_errors
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.partitions import days_of
from vector_assets.orchestration.resources import EmbedderResource, SourcesResource, open_index
from vector_assets.orchestration.run_config import DocumentsConfig
from vector_assets.orchestration.upstream import upstream_key
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sources import SOURCES

PENDING_REINDEX = "pending_reindex"
"""How the index differs from the settings; written only while it does."""


def connected_pipeline(context: dg.AssetExecutionContext, source: str, naming: Naming) -> Pipeline:
    """Return the pipeline of a source from a step's resources, connected to both ends."""
    sources: SourcesResource = getattr(context.resources, naming.sources)
    embedder: EmbedderResource = getattr(context.resources, naming.embedder)
    vector_index: VectorIndexIOManager = getattr(context.resources, naming.vector_index)
    meter = Meter()
    connected = sources.connect(source, meter)
    target, _ = run_both(
        lambda: open_index(vector_index.connect(meter), embedder, meter), connected.prepare
    )
    return Pipeline(source=connected, target=target, meter=meter)


@contextmanager
def _beta_accepted() -> Iterator[None]:
    """Suppress the warning that `backfill_policy`, which single runs for a range need, is beta."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)
        yield


@_beta_accepted()
def build_documents_asset(
    source: str,
    partitions: dg.DailyPartitionsDefinition,
    settings: Settings,
    naming: Naming = APPLICATION,
) -> dg.AssetsDefinition:
    """Return the asset of a source."""
    uri = uri_of(source, settings)

    @dg.asset(
        key=asset_key(source, naming),
        description=SOURCES[source].description,
        group_name=naming.group,
        owners=naming.owners,
        tags=naming.tags,
        kinds={source, settings.vector_store},
        metadata={"namespace": source, **({"dagster/uri": uri} if uri else {})},
        deps=[upstream_key(source, naming)],
        code_version=code_version(settings),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        io_manager_key=naming.vector_index,
        required_resource_keys={naming.sources, naming.embedder, naming.vector_index},
        pool=naming.named(source),
    )
    def documents(
        context: dg.AssetExecutionContext, config: DocumentsConfig
    ) -> dg.MaterializeResult[EmbeddedDocuments]:
        vector_index: VectorIndexIOManager = getattr(context.resources, naming.vector_index)
        with converted_errors(vector_index.attempt(context)):
            pipeline = connected_pipeline(context, source, naming)
            target = pipeline.target
            stream = pipeline.embedded_documents(
                days_of(context.partition_keys),
                is_rescan=config.rescan or context.run.tags.get(RESCAN_TAG) == "true",
                audits_events=source in settings.pushed_sources,
            )
            metadata = {"embedding": target.embedder.identity}
            if target.pending:
                metadata[PENDING_REINDEX] = str(target.pending)
                context.log.warning(str(target.pending))
            return dg.MaterializeResult(value=stream, metadata=metadata)

    return documents
