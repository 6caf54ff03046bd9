"""The definitions of one index: assets, checks, jobs, schedules, sensors and resources."""

from collections.abc import Mapping

import dagster as dg

from vector_assets.core.settings import Settings
from vector_assets.monitoring.cron import require_cron
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.assets import build_documents_asset
from vector_assets.orchestration.canary import build_canary_asset
from vector_assets.orchestration.changes import (
    build_changes_asset,
    build_changes_job,
    build_changes_sensor,
    build_polling_sensor,
)
from vector_assets.orchestration.checks import build_checks
from vector_assets.orchestration.freshness import build_freshness_checks, build_freshness_sensor
from vector_assets.orchestration.io_managers import (
    LanceDBIOManager,
    PineconeIOManager,
    VectorIndexIOManager,
)
from vector_assets.orchestration.jobs import build_jobs
from vector_assets.orchestration.partitions import daily_partitions
from vector_assets.orchestration.prune_assets import build_prune_asset
from vector_assets.orchestration.quality import build_quality_asset
from vector_assets.orchestration.resources import EmbedderResource, SourcesResource, shown
from vector_assets.orchestration.schedules import build_schedules
from vector_assets.orchestration.sensors import build_sensors
from vector_assets.orchestration.upstream import build_upstream


def index_definitions(
    settings: Settings, sources: tuple[str, ...], naming: Naming = APPLICATION
) -> dg.Definitions:
    """Return everything of one index, without an executor: that is the project's to choose.

    Raises:
        SettingsError: A setting cannot be read.
    """
    require_cron(settings.nightly_cron)
    partitions = daily_partitions(settings.partitions_start)
    store = settings.vector_store
    assets = [build_documents_asset(source, partitions, settings, naming) for source in sources]
    canary = build_canary_asset(store, naming)
    quality = build_quality_asset(sources, settings, naming)
    prunes = [
        build_prune_asset(source, settings.prune_max_share, store, naming) for source in sources
    ]
    upstream = [build_upstream(source, settings, naming) for source in sources]
    polled = [source for source in sources if source in settings.polled_sources]
    changing = [source for source in sources if source in (*settings.pushed_sources, *polled)]
    changes = [build_changes_asset(source, settings, naming) for source in changing]
    keys = {source: asset_key(source, naming) for source in sources}
    return dg.Definitions(
        assets=[*upstream, *assets, *changes, *prunes, canary, quality],
        asset_checks=[
            *(
                check
                for source, key in keys.items()
                for check in build_checks(
                    key, source, naming, receives_events=source in settings.pushed_sources
                )
            ),
            *(build_freshness_checks(list(keys.values()), partitions, settings) if keys else ()),
        ],
        jobs=[
            *build_jobs(assets, prunes, canary, quality, settings.run_max_hours, naming),
            *([build_changes_job(changes, settings.run_max_hours, naming)] if changes else ()),
        ],
        schedules=build_schedules(partitions, settings, naming),
        sensors=[
            *build_sensors(settings, partitions, naming),
            *([build_changes_sensor(changing, settings, naming)] if changing else ()),
            *([build_polling_sensor(polled, settings, naming)] if polled else ()),
            *([build_freshness_sensor(keys, partitions, settings, naming)] if keys else ()),
        ],
        resources=_resources(settings, naming),
    )


def _resources(settings: Settings, naming: Naming) -> Mapping[str, object]:
    sources = shown(
        settings,
        "jira_server", "jira_email", "jira_api_token", "slack_bot_token", "notion_token",
        "fireflies_api_key", "files_path",
    )  # fmt: skip
    embedder = shown(
        settings, "embedding_provider", "embedding_model", "openai_base_url", "openai_api_key"
    )
    return {
        naming.sources: SourcesResource(
            settings=settings, enabled=", ".join(settings.enabled_sources), **sources
        ),
        naming.embedder: EmbedderResource(settings=settings, **embedder),
        naming.vector_index: _vector_index(settings),
    }


def _vector_index(settings: Settings) -> VectorIndexIOManager:
    if settings.vector_store == "pinecone":
        fields = shown(settings, "pinecone_api_key", "pinecone_host", "pinecone_controller_host")
        index = shown(settings, "pinecone_index").get("pinecone_index", settings.pinecone_index)
        return PineconeIOManager(
            settings=settings,
            index=index,
            api_key=fields.get("pinecone_api_key", ""),
            host=fields.get("pinecone_host", ""),
            controller_host=fields.get("pinecone_controller_host", ""),
        )
    uri = shown(settings, "lancedb_uri").get("lancedb_uri", settings.lancedb_uri)
    return LanceDBIOManager(settings=settings, uri=uri)
