"""The application's code location: `build_defs()` for tests and programs, `defs` for Dagster."""

import logging
from collections.abc import Mapping
from dataclasses import replace

import dagster as dg

from vector_assets.core.credentials import scrub
from vector_assets.core.memory import keep_little_freed_memory
from vector_assets.core.plugins import broken_plugins
from vector_assets.core.settings import Settings, load_settings
from vector_assets.monitoring.dagster_state.naming import APPLICATION
from vector_assets.orchestration.code_location import index_definitions
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
    naming = replace(APPLICATION, owners=settings.dagster_owners)
    index = index_definitions(settings, shown_sources(settings), naming)
    for plugin in broken_plugins():
        _log.error(scrub(plugin.error))
    return dg.Definitions(
        assets=index.assets,
        asset_checks=index.asset_checks,
        jobs=index.jobs,
        schedules=index.schedules,
        sensors=index.sensors,
        resources={**(index.resources or {}), **(resource_overrides or {})},
        # The work waits on the network: a process a step would only cost memory and seconds.
        executor=dg.in_process_executor,
    )


keep_little_freed_memory()
defs = build_defs()
