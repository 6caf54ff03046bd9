"""UTC days as Dagster's partitions, and the one way to translate between the two."""

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg

from vector_assets.errors import SettingsError
from vector_assets.sync import Days

# Dagster keeps these names private, though its documents tell users to write them
# (docs.dagster.io, "Partitioning assets" and "Testing partitioned assets", 2026-11).
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
ONE_DAY_TAG = "dagster/partition"


def daily_partitions(start: str) -> dg.DailyPartitionsDefinition:
    """Return the partitions from a day on; the newest is yesterday, in UTC.

    Args:
        start: `PARTITIONS_START`, as `YYYY-MM-DD`.

    Raises:
        SettingsError: It is not a day.
    """
    try:
        first = date.fromisoformat(start)
    except ValueError as error:
        raise SettingsError(
            f"PARTITIONS_START is {start!r}: set it to a day such as 2024-01-01"
        ) from error
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone="UTC")


def days_of(partition_keys: Iterable[str]) -> Days:
    """Return the span of a run's partition keys; Dagster hands a run no gaps."""
    days = [date.fromisoformat(key) for key in partition_keys]
    return Days(min(days), max(days))


def range_tags(days: Days) -> Mapping[str, str]:
    """Return the tags that make one run of a span of days."""
    return {RANGE_START_TAG: days.first.isoformat(), RANGE_END_TAG: days.last.isoformat()}
