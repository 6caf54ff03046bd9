"""Stand-ins for resources, and helpers that read what a run recorded in Dagster."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.orchestration.io_managers import LanceDBIOManager
from vector_assets.orchestration.partitions import range_tags
from vector_assets.sources.base import Source
from vector_assets.sources.items import SourceItem
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder

JIRA = dg.AssetKey("jira_documents")


class GivenSources:
    """Stands in for `SourcesResource`: one source per attempt; the last one is repeated."""

    def __init__(self, *sources: Source) -> None:
        self._sources = list(sources)

    def connect(self, name: str, meter: Meter) -> Source:
        meter.count(f"{name} list")
        return self._sources.pop(0) if len(self._sources) > 1 else self._sources[0]


class GivenEmbedder:
    """Stands in for `EmbedderResource`."""

    def __init__(self) -> None:
        self.embedder = TinyEmbedder()

    def connect(self, meter: Meter) -> TinyEmbedder:
        return self.embedder


class Location:
    """A code location over a LanceDB in a folder, with an instance."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.uri = str(folder / "lancedb")
        self.instance = instance
        self.embedder = GivenEmbedder()

    def run(
        self,
        days: Days,
        *sources: Source,
        job: str = "nightly_ingestion",
        config: Mapping[str, Any] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Run a job for Jira over some days, with one source per attempt."""
        given = GivenSources(*sources)
        return self.run_with(days, Settings(), job=job, config=config, sources=given)

    def run_all(self, days: Days, **overrides: object) -> dg.ExecuteInProcessResult:
        """Run over some days, all sources in one run."""
        return self.run_with(days, Settings(), selection=None, **overrides)

    def run_with(
        self,
        days: Days,
        settings: Settings,
        *,
        job: str = "nightly_ingestion",
        selection: Sequence[dg.AssetKey] | None = (JIRA,),
        config: Mapping[str, Any] | None = None,
        **overrides: object,
    ) -> dg.ExecuteInProcessResult:
        """Run over some days with the settings' resources, except index and embedder."""
        defs = build_defs(
            settings,
            resource_overrides={
                "embedder": self.embedder,
                "vector_index": LanceDBIOManager(uri=self.uri, retry_delay_seconds=0),
                **overrides,
            },
        )
        return defs.resolve_job_def(job).execute_in_process(
            run_config={"ops": {"jira_documents": {"config": dict(config)}}} if config else None,
            asset_selection=selection,
            tags=dict(range_tags(days)),
            instance=self.instance,
            raise_on_error=False,
        )

    def sync(self, days: Days, *items: SourceItem | Exception) -> dg.ExecuteInProcessResult:
        """Run over some days with a source of these items."""
        return self.run(days, ListSource(items))

    def recorded(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return day and metadata of every materialization, oldest event first."""
        events = self.instance.fetch_materializations(JIRA, limit=1000, ascending=True).records
        materializations = [record.asset_materialization for record in events]
        return [
            (str(event.partition), {name: plain(value) for name, value in event.metadata.items()})
            for event in materializations
            if event is not None
        ]


def days(first: str, last: str = "") -> Days:
    """Return the span of `2025-03-01` to `2025-03-07`, or one day."""
    return Days(date.fromisoformat(first), date.fromisoformat(last or first))


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    """Return the error message of a run's failed step."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data
    if data.user_failure_data is not None:
        return str(data.user_failure_data.description)
    return str(data.error)


def plain(value: dg.MetadataValue) -> Any:
    """Return the plain value of metadata; of a table, its rows."""
    if isinstance(value, dg.TableMetadataValue):
        return [dict(record.data) for record in value.records]
    return value.value


def check_of(
    result: dg.ExecuteInProcessResult, name: str = "no_failed_documents"
) -> dg.AssetCheckEvaluation:
    """Return the only evaluation of an asset check in a run."""
    (evaluation,) = [
        check for check in result.get_asset_check_evaluations() if check.check_name == name
    ]
    return evaluation
