"""One asset per source that changes come from between nights: documents said to have changed.

A sensor launches it as soon as something waits in the queue. Vendors' events fill the queue, and a
second sensor does for sources that are polled. It completes no day of the source's
own asset; it adds an observation there, so that its page tells of the run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

import dagster as dg

from vector_assets.core.errors import cause_of
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import build_index
from vector_assets.index.queue import Change, ChangeQueue, Waiting
from vector_assets.maintenance.prune.prune import Prune
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, changes_key
from vector_assets.monitoring.dagster_state.names import (
    CHANGES_INGESTION,
    CHANGES_SENSOR,
    POLLING_SENSOR,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.private import UnresolvedAssetJobDefinition
from vector_assets.orchestration.assets import connected_pipeline
from vector_assets.orchestration.cursors import fields_in, instants_in
from vector_assets.orchestration.errors import converted_errors
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.jobs import UNFINISHED_RUNS, run_tags
from vector_assets.orchestration.upstream import upstream_key
from vector_assets.pipeline.arrivals import add_brought
from vector_assets.pipeline.changes import ChangesReport, run_changes
from vector_assets.sources import build_source

INTERVAL_SECONDS = 30

FAILED_WAIT = timedelta(minutes=5)
"""Between a run that failed and the next for its source: what waits is not lost meanwhile."""


def build_changes_asset(
    source: str, settings: Settings, naming: Naming = APPLICATION
) -> dg.AssetsDefinition:
    """Return the asset of a source's changes."""

    @dg.asset(
        key=changes_key(source, naming),
        description=f"Documents of {source} that an event said have changed, read at once.",
        group_name=naming.group,
        owners=naming.owners,
        tags=naming.tags,
        required_resource_keys={naming.sources, naming.embedder, naming.vector_index},
        kinds={source, settings.vector_store},
        deps=[upstream_key(source, naming)],
        pool=naming.named(source),
    )
    def changes(context: dg.AssetExecutionContext) -> Iterator[Any]:
        vector_index: VectorIndexIOManager = getattr(context.resources, naming.vector_index)
        with converted_errors(vector_index.attempt(context)):
            now = datetime.now(UTC)
            pipeline = connected_pipeline(context, source, naming)
            ledger = pipeline.target.ledger
            queue = ChangeQueue(ledger)
            waiting = [entry for entry in queue.waiting() if entry.source == source]
            report = run_changes(pipeline, waiting)
            prune = Prune(pipeline.source, pipeline.target.store, pipeline.meter, max_share=0)
            deleted = len(prune.delete_confirmed(report.gone).deleted)
            add_brought(ledger, source, report.changed_documents, report.lag_seconds, now)
            # Last, so that a run that is killed leaves what it has read to the next one.
            queue.remove(report.processed)
        metadata = _metadata(report, deleted, len(waiting))
        context.log_event(dg.AssetObservation(asset_key(source, naming), metadata=metadata))
        yield dg.MaterializeResult(metadata=metadata)

    return changes


def build_changes_job(
    changes: Sequence[dg.AssetsDefinition], max_hours: float, naming: Naming = APPLICATION
) -> UnresolvedAssetJobDefinition:
    """Return the job over all sources whose events are received."""
    return dg.define_asset_job(
        naming.named(CHANGES_INGESTION),
        selection=dg.AssetSelection.assets(*changes),
        description="Read the documents that events said have changed.",
        tags=run_tags(max_hours),
    )


def build_changes_sensor(
    sources: Sequence[str], settings: Settings, naming: Naming = APPLICATION
) -> dg.SensorDefinition:
    """Return the sensor that launches a run for each source of which something waits."""

    @dg.sensor(
        name=naming.named(CHANGES_SENSOR),
        job_name=naming.named(CHANGES_INGESTION),
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Launches a run for the documents that events said have changed.",
    )
    def changes_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        index = build_index(settings.with_credentials(), Meter())
        waiting = ChangeQueue(index.ledger).waiting() if index.live() else []
        by_source: dict[str, list[Waiting]] = {}
        for entry in waiting:
            if entry.source in sources:
                by_source.setdefault(entry.source, []).append(entry)
        busy = _busy(context.instance, naming, datetime.now(UTC))
        requests = [
            dg.RunRequest(
                asset_selection=[changes_key(source, naming)],
                tags={"source": naming.named(source)},
            )
            for source in by_source
            if naming.named(source) not in busy
        ]
        words = ", ".join(
            f"{source} {len(entries)}" for source, entries in sorted(by_source.items())
        )
        reason = f"waiting: {words}; their runs are not over" if words else "nothing waits"
        return dg.SensorResult(
            run_requests=requests, skip_reason=None if requests else dg.SkipReason(reason)
        )

    return changes_sensor


def build_polling_sensor(
    sources: Sequence[str], settings: Settings, naming: Naming = APPLICATION
) -> dg.SensorDefinition:
    """Return the sensor that asks sources for news, with one request each."""

    @dg.sensor(
        name=naming.named(POLLING_SENSOR),
        minimum_interval_seconds=int(settings.sync_every_minutes * 60),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Queues what is new at sources that send no events.",
    )
    def polling_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        active = settings.with_credentials()
        index = build_index(active, Meter())
        if index.live() is None:
            return dg.SkipReason("the index is empty: the nightly run fills it")
        seen = instants_in(fields_in(context.cursor))
        words: list[str] = []
        for source in sources:
            try:
                newest = build_source(source, active, Meter()).newest()
            except Exception as error:  # noqa: BLE001 - one source's error must not stop the others
                words.append(f"{source}: {cause_of(error)}")
                continue
            last = seen.get(source)
            if newest is None or (last and newest <= last):
                words.append(f"{source}: nothing new")
                continue
            # At first the last day: nobody knows what the night before has read.
            since = last or newest - timedelta(days=1)
            ChangeQueue(index.ledger).add([Change(f"{source}:", since)])
            seen[source] = newest
            words.append(f"{source}: news of {newest:%Y-%m-%d %H:%M} UTC")
        context.update_cursor(json.dumps({name: at.isoformat() for name, at in seen.items()}))
        return dg.SkipReason("; ".join(words))

    return polling_sensor


def _busy(instance: dg.DagsterInstance, naming: Naming, now: datetime) -> set[str]:
    """Return the `source` tags of runs that are not over, or failed a short time ago."""
    job = naming.named(CHANGES_INGESTION)
    unfinished = instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED_RUNS))
    failed = instance.get_runs(
        dg.RunsFilter(
            job_name=job,
            statuses=[dg.DagsterRunStatus.FAILURE],
            updated_after=now - FAILED_WAIT,
        )
    )
    return {run.tags.get("source", "") for run in (*unfinished, *failed)}


def _metadata(report: ChangesReport, deleted: int, waiting: int) -> Mapping[str, dg.MetadataValue]:
    total = report.sync.total
    metadata = {
        "run_changes": dg.MetadataValue.int(len(report.processed)),
        "run_documents": dg.MetadataValue.int(total.documents),
        "run_embedded_chunks": dg.MetadataValue.int(total.embedded_chunks),
        "run_failed_documents": dg.MetadataValue.int(total.failed_documents),
        "run_deleted_documents": dg.MetadataValue.int(deleted),
        "run_requests": dg.MetadataValue.int(report.sync.request_count),
        "run_seconds": dg.MetadataValue.float(report.sync.seconds),
        "still_waiting": dg.MetadataValue.int(waiting - len(report.processed)),
    }
    if lags := sorted(report.lag_seconds):
        # From the change, as its event dates it, to the moment when search finds it.
        middle, high = (lags[0],) * 2 if len(lags) == 1 else _median_and_p95(lags)
        metadata["lag_median_seconds"] = dg.MetadataValue.float(round(middle, 1))
        metadata["lag_p95_seconds"] = dg.MetadataValue.float(round(high, 1))
    return metadata


def _median_and_p95(values: Sequence[float]) -> tuple[float, float]:
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]
