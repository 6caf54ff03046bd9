"""Reads Dagster's state from its own records, for sensors and without a webserver."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import dagster as dg

# What an instance answers with; Dagster has no public names for them.
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickStatus
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from vector_assets.documents import Gap
from vector_assets.nights import complete_days
from vector_assets.observation import (
    PRUNE_CHECK,
    RECENT_DAYS,
    WATCHED_CHECKS,
    AssetHistory,
    DayRecord,
    Instigator,
    Observation,
    gap_of,
)
from vector_assets.orchestration.assets import asset_key
from vector_assets.orchestration.history import materialized_days, newest_events
from vector_assets.orchestration.metadata import DOCUMENTS, FAILED_DOCUMENTS, GAPS
from vector_assets.orchestration.prune_assets import prune_key

_FAILED = AssetCheckExecutionRecordStatus.FAILED


def observe_records(
    instance: dg.DagsterInstance,
    sources: Iterable[str],
    recent_days: Sequence[date],
    *,
    webserver_error: str = "",
) -> Observation:
    """Return what an instance remembers; whether the code location loads is not among it.

    Args:
        instance: Asked.
        sources: Names.
        recent_days: Whose records are wanted.
        webserver_error: Why the webserver was not asked; empty when there was no need.
    """
    return Observation(
        assets={source: _history_of(instance, source, recent_days) for source in sources},
        instigators={
            state.name: _instigator(instance, state) for state in instance.all_instigator_state()
        },
        heartbeats=_heartbeats(instance),
        webserver_error=webserver_error,
    )


def _history_of(
    instance: dg.DagsterInstance, source: str, recent_days: Sequence[date]
) -> AssetHistory:
    """Return what an instance remembers of a source: of its documents, and of its prune."""
    history = asset_history(instance, asset_key(source), recent_days)
    pruned = _failed_checks(instance, prune_key(source), [PRUNE_CHECK])
    return replace(history, failed_checks={**history.failed_checks, **pruned})


def asset_history(
    instance: dg.DagsterInstance, key: dg.AssetKey, recent_days: Sequence[date] | None = None
) -> AssetHistory:
    """Return what an instance remembers of an asset.

    Args:
        instance: Asked.
        key: Of the asset.
        recent_days: Whose records are wanted; the last `RECENT_DAYS` if None.
    """
    if recent_days is None:
        recent_days = complete_days(datetime.now(UTC), RECENT_DAYS)
    records = [
        DayRecord(
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


def _failed_checks(
    instance: dg.DagsterInstance, key: dg.AssetKey, names: Iterable[str]
) -> dict[str, str]:
    keys = [dg.AssetCheckKey(key, name) for name in names]
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    found = {}
    for check, record in newest.items():
        if record.status != _FAILED:
            continue
        event = record.event.dagster_event if record.event else None
        evaluation = event.event_specific_data if event else None
        description = getattr(evaluation, "description", None)
        found[check.name] = str(description or record.status.value.lower())
    return found


def _instigator(instance: dg.DagsterInstance, state: InstigatorState) -> Instigator:
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    is_running = state.status != InstigatorStatus.STOPPED
    if not ticks:
        return Instigator(is_running)
    error = ticks[0].error if ticks[0].status == TickStatus.FAILURE else None
    words = error.message.strip().split("\n")[-1] if error else ""
    return Instigator(is_running, datetime.fromtimestamp(ticks[0].timestamp, UTC), words)


def _gaps(record: dg.EventLogRecord) -> tuple[Gap, ...] | None:
    event = record.asset_materialization
    table = event.metadata.get(GAPS) if event is not None else None
    if not isinstance(table, dg.TableMetadataValue):
        return None
    return tuple(gap_of(row.data) for row in table.records)


def _number(record: dg.EventLogRecord, name: str) -> int:
    event = record.asset_materialization
    value = event.metadata.get(name) if event is not None else None
    return int(str(value.value)) if value is not None else 0
