"""Reads Dagster's state from an instance's storage, without a webserver."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import dagster as dg

from vector_assets.core.days import complete_days
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, prune_key
from vector_assets.monitoring.dagster_state.names import (
    DOCUMENTS,
    FAILED_DOCUMENTS,
    GAPS,
    PRUNE_CHECK,
    WATCHED_CHECKS,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.private import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
    InstigatorState,
    InstigatorStatus,
    TickStatus,
)
from vector_assets.monitoring.dagster_state.state import (
    ACTIVE_STATUSES,
    FINISHED_TICKS,
    RECENT_DAYS,
    ActiveRun,
    AssetHistory,
    DagsterState,
    Instigator,
    PartitionRecord,
    days_of_tags,
    gap_of,
    tick_error,
)
from vector_assets.sources.items import Gap


def materialized_days(instance: dg.DagsterInstance, key: dg.AssetKey) -> set[date]:
    """Return the days that have been materialized at least once."""
    return {date.fromisoformat(day) for day in instance.get_materialized_partitions(key)}


def days_with_failures(
    instance: dg.DagsterInstance, key: dg.AssetKey, days: Iterable[date] | None = None
) -> dict[date, Mapping[str, dg.MetadataValue]]:
    """Return the metadata of each day whose newest materialization has failed documents."""
    failed_days: dict[date, Mapping[str, dg.MetadataValue]] = {}
    for day, record in newest_events(instance, key, days).items():
        if _number(record, FAILED_DOCUMENTS):
            failed_days[day] = metadata_of(record)
    return failed_days


def metadata_of(record: dg.EventLogRecord) -> Mapping[str, dg.MetadataValue]:
    """Return the metadata of a materialization."""
    event = record.asset_materialization
    return event.metadata if event is not None else {}


def newest_events(
    instance: dg.DagsterInstance, key: dg.AssetKey, days: Iterable[date] | None = None
) -> dict[date, dg.EventLogRecord]:
    """Return the newest materialization of each day that has one, oldest day first."""
    partitions = None if days is None else {day.isoformat() for day in days}
    newest = instance.get_latest_storage_id_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION, partitions
    )
    if not newest:
        return {}
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, storage_ids=list(newest.values())),
        limit=len(newest),
    ).records
    by_day = {
        date.fromisoformat(record.partition_key): record
        for record in records
        if record.partition_key is not None
    }
    return dict(sorted(by_day.items()))


_FAILED = AssetCheckExecutionRecordStatus.FAILED
_FINISHED_TICKS = [TickStatus(name) for name in FINISHED_TICKS]
_RESULTS = (AssetCheckExecutionRecordStatus.SUCCEEDED, _FAILED)
_MAX_PLANNED = 20
"""How many runs in a row may have ended before they evaluated a check."""


def observe_records(
    instance: dg.DagsterInstance,
    sources: Iterable[str],
    recent_days: Sequence[date],
    *,
    webserver_error: str = "",
    naming: Naming = APPLICATION,
) -> DagsterState:
    """Return the state that an instance stores; whether the code location loads is not stored."""
    runs = _active_runs(instance)
    return DagsterState(
        assets={
            source: _history_of(instance, source, recent_days, runs, naming) for source in sources
        },
        instigators=_instigators(instance),
        heartbeats=_heartbeats(instance),
        webserver_error=webserver_error,
    )


def _history_of(
    instance: dg.DagsterInstance,
    source: str,
    recent_days: Sequence[date],
    runs: Sequence[ActiveRun],
    naming: Naming,
) -> AssetHistory:
    """Return the history of a source's documents, with its runs and its prune's failed checks."""
    history = asset_history(instance, asset_key(source, naming), recent_days)
    pruned = _failed_checks(instance, prune_key(source, naming), [PRUNE_CHECK])
    return replace(
        history,
        failed_checks={**history.failed_checks, **pruned},
        active_runs=tuple(run for run in runs if run.materializes(source, naming)),
    )


def _active_runs(instance: dg.DagsterInstance) -> list[ActiveRun]:
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus(name) for name in ACTIVE_STATUSES])
    return [
        ActiveRun(
            assets=None if selected is None else frozenset("/".join(key.path) for key in selected),
            job=record.dagster_run.job_name,
            days=days_of_tags(record.dagster_run.tags),
            created_at=record.create_timestamp.replace(tzinfo=UTC),
            started_at=_utc(record.start_time),
        )
        for record in instance.get_run_records(filters)
        for selected in [record.dagster_run.asset_selection]
    ]


def _utc(epoch_seconds: float | None) -> datetime | None:
    return None if epoch_seconds is None else datetime.fromtimestamp(epoch_seconds, UTC)


def asset_history(
    instance: dg.DagsterInstance, key: dg.AssetKey, recent_days: Sequence[date] | None = None
) -> AssetHistory:
    """Return the history of an asset, by default with the records of the last `RECENT_DAYS`."""
    if recent_days is None:
        recent_days = complete_days(datetime.now(UTC), RECENT_DAYS)
    records = [
        PartitionRecord(
            day=day,
            recorded_at=datetime.fromtimestamp(record.timestamp, UTC),
            documents=_number(record, DOCUMENTS),
            failed_documents=_number(record, FAILED_DOCUMENTS),
            gaps=_gaps(record),
        )
        for day, record in newest_events(instance, key, recent_days).items()
    ]
    return AssetHistory(
        days=frozenset(materialized_days(instance, key)),
        recent=tuple(records),
        failed_checks=_failed_checks(instance, key, WATCHED_CHECKS),
    )


def _heartbeats(instance: dg.DagsterInstance) -> dict[str, datetime | None]:
    beats = instance.get_daemon_heartbeats()
    return {
        name: datetime.fromtimestamp(beats[name].timestamp, UTC) if name in beats else None
        for name in instance.get_required_daemon_types()
    }


def newest_result(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey
) -> AssetCheckExecutionRecord | None:
    """Return the newest result of a check; None when it has none.

    A run that is to evaluate it records it as planned, and leaves it so when it ends before that.
    """
    records = instance.event_log_storage.get_asset_check_execution_history(
        check, limit=_MAX_PLANNED
    )
    return next((record for record in records if record.status in _RESULTS), None)


def _failed_checks(
    instance: dg.DagsterInstance, key: dg.AssetKey, names: Iterable[str]
) -> dict[str, str]:
    keys = [dg.AssetCheckKey(key, name) for name in names]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    failed = {}
    for check, planned in latest.items():
        record = planned if planned.status in _RESULTS else newest_result(instance, check)
        if record is None or record.status != _FAILED:
            continue
        event = record.event.dagster_event if record.event else None
        evaluation = event.event_specific_data if event else None
        description = getattr(evaluation, "description", None)
        failed[check.name] = str(description or record.status.value.lower())
    return failed


def _instigators(instance: dg.DagsterInstance) -> dict[str, Instigator]:
    """Return schedules and sensors by name, of two code locations the one that ticked last.

    The records keep those of a location that was renamed or removed.
    """
    never = datetime.min.replace(tzinfo=UTC)
    instigators: dict[str, Instigator] = {}
    for state in instance.all_instigator_state():
        instigator, known = _instigator(instance, state), instigators.get(state.name)
        if known is None or (known.last_tick_at or never) < (instigator.last_tick_at or never):
            instigators[state.name] = instigator
    return instigators


def _instigator(instance: dg.DagsterInstance, state: InstigatorState) -> Instigator:
    ticks = instance.get_ticks(
        state.instigator_origin_id, state.selector_id, limit=1, statuses=_FINISHED_TICKS
    )
    is_running = state.status != InstigatorStatus.STOPPED
    if not ticks:
        return Instigator(is_running)
    at = datetime.fromtimestamp(ticks[0].timestamp, UTC)
    error = ticks[0].error if ticks[0].status == TickStatus.FAILURE else None
    messages: list[str] = []
    while error is not None:
        messages.append(error.message)
        error = error.cause
    return Instigator(is_running, at, tick_error(messages))


def _gaps(record: dg.EventLogRecord) -> tuple[Gap, ...] | None:
    table = metadata_of(record).get(GAPS)
    if not isinstance(table, dg.TableMetadataValue):
        return None
    return tuple(gap_of(row.data) for row in table.records)


def _number(record: dg.EventLogRecord, name: str) -> int:
    value = metadata_of(record).get(name)
    return int(str(value.value)) if value is not None else 0
