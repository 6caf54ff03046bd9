"""What Dagster's instance remembers of an asset's days."""

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg

from vector_assets.orchestration.metadata import FAILED_DOCUMENTS


def materialized_days(instance: dg.DagsterInstance, key: dg.AssetKey) -> set[date]:
    """Return the days that have been materialized at least once."""
    return {date.fromisoformat(day) for day in instance.get_materialized_partitions(key)}


def days_with_failures(
    instance: dg.DagsterInstance, key: dg.AssetKey, days: Iterable[date] | None = None
) -> dict[date, Mapping[str, dg.MetadataValue]]:
    """Return the days on which documents failed and have not succeeded since, oldest first.

    Args:
        instance: Asked for the newest materialization of each day.
        key: Of the asset.
        days: Which to look at; None for all.

    Returns:
        The metadata of the newest materialization of each such day.
    """
    found: dict[date, Mapping[str, dg.MetadataValue]] = {}
    for day, record in newest_events(instance, key, days).items():
        event = record.asset_materialization
        assert event is not None
        failed = event.metadata.get(FAILED_DOCUMENTS)
        if failed is not None and failed.value:
            found[day] = event.metadata
    return found


def newest_events(
    instance: dg.DagsterInstance, key: dg.AssetKey, days: Iterable[date] | None = None
) -> dict[date, dg.EventLogRecord]:
    """Return the newest materialization of each day that has one, oldest day first.

    Args:
        instance: Asked.
        key: Of the asset.
        days: Which to look at; None for all.
    """
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
    found = {
        date.fromisoformat(record.partition_key): record
        for record in records
        if record.partition_key is not None
    }
    return dict(sorted(found.items()))
