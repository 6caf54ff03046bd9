"""Where everything is wired: `build_defs()` for tests and programs, `defs` for Dagster."""

import logging
import os
from collections.abc import Mapping

import dagster as dg

from vector_assets.core.credentials import scrub
from vector_assets.core.memory import keep_little_freed_memory
from vector_assets.core.plugins import broken_plugins
from vector_assets.core.settings import Settings, load_settings
from vector_assets.monitoring.cron import require_cron
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.orchestration.assets import IO_MANAGER_KEY, build_documents_asset
from vector_assets.orchestration.canary import build_canary_asset
from vector_assets.orchestration.checks import build_checks, build_freshness_checks
from vector_assets.orchestration.io_managers import (
    LanceDBIOManager,
    PineconeIOManager,
    VectorIndexIOManager,
)
from vector_assets.orchestration.jobs import build_jobs
from vector_assets.orchestration.partitions import daily_partitions
from vector_assets.orchestration.prune_assets import build_prune_asset
from vector_assets.orchestration.resources import EmbedderResource, SourcesResource
from vector_assets.orchestration.schedules import build_schedules
from vector_assets.orchestration.sensors import build_sensors
from vector_assets.sources import shown_sources

_log = logging.getLogger(__name__)


def build_defs(
    settings: Settings | None = None,
    *,
    resource_overrides: Mapping[str, object] | None = None,
) -> dg.Definitions:
    """Wire the code location; nothing is asked of any service, and no SDK is imported.

    Args:
        settings: Read from the environment when None.
        resource_overrides: Resources by key (`sources`, `embedder`, `vector_index`) that stand in
            for those the settings would give.

    Raises:
        SettingsError: A setting cannot be read; missing credentials fail the run that needs them.
    """
    settings = settings or load_settings()
    require_cron(settings.nightly_cron)
    partitions = daily_partitions(settings.partitions_start)
    sources = shown_sources(settings)
    for plugin in broken_plugins():
        _log.error(scrub(plugin.error))
    assets = [
        build_documents_asset(source, partitions, settings.vector_store) for source in sources
    ]
    canary = build_canary_asset(settings.vector_store)
    prunes = [
        build_prune_asset(source, settings.prune_max_share, settings.vector_store)
        for source in sources
    ]
    return dg.Definitions(
        assets=[*assets, *prunes, canary],
        asset_checks=[
            *(check for source in sources for check in build_checks(asset_key(source), source)),
            *build_freshness_checks([asset_key(source) for source in sources], settings),
        ],
        jobs=build_jobs(assets, prunes, canary, settings.run_max_hours),
        schedules=build_schedules(partitions, settings),
        sensors=build_sensors(settings, partitions),
        resources={
            "sources": SourcesResource(settings=settings),
            "embedder": EmbedderResource(settings=settings),
            IO_MANAGER_KEY: _vector_index(settings),
            **(resource_overrides or {}),
        },
        # The work waits on the network: a process a step would only cost memory and seconds.
        executor=dg.in_process_executor,
    )


def _vector_index(settings: Settings) -> VectorIndexIOManager:
    if settings.vector_store == "pinecone":
        return PineconeIOManager(settings=settings, index=settings.pinecone_index)
    uri = settings.lancedb_uri
    if scrub(uri) != uri and os.environ.get("LANCEDB_URI") == uri:
        # The UI shows a resource's configuration: so the variable, and not what stands in it.
        return LanceDBIOManager(uri=dg.EnvVar("LANCEDB_URI"))
    return LanceDBIOManager(uri=uri)


keep_little_freed_memory()
defs = build_defs()
