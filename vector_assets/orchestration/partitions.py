"""Translates between UTC days and Dagster's partitions, run tags and runs."""

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg

from vector_assets.core.days import Days
from vector_assets.core.settings import first_day_of
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, prune_key
from vector_assets.monitoring.dagster_state.names import (
    NIGHTLY_INGESTION,
    RANGE_END_TAG,
    RANGE_START_TAG,
    WEEKLY_PRUNE,
    WEEKLY_RESCAN,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.state import days_of_tags


def daily_partitions(start: str) -> dg.DailyPartitionsDefinition:
    """Return the daily partitions since a day; the newest is yesterday in UTC."""
    return dg.DailyPartitionsDefinition(first_day_of(start).isoformat(), timezone="UTC")


def days_of(partition_keys: Iterable[str]) -> Days:
    """Return the span of a run's partition keys, which never have gaps."""
    days = [date.fromisoformat(key) for key in partition_keys]
    return Days(min(days), max(days))


def range_tags(days: Days) -> Mapping[str, str]:
    """Return the tags of a single run for a span of days."""
    return {RANGE_START_TAG: days.first.isoformat(), RANGE_END_TAG: days.last.isoformat()}


def sources_of(
    run: dg.DagsterRun, sources: Iterable[str], naming: Naming = APPLICATION
) -> tuple[str, ...]:
    """Return the sources that a run materializes; none for a run of checks only."""
    if run.asset_selection is not None:
        selected = run.asset_selection
        return tuple(source for source in sources if asset_key(source, naming) in selected)
    jobs = {naming.named(job) for job in (NIGHTLY_INGESTION, WEEKLY_RESCAN)}
    return tuple(sources) if run.job_name in jobs else ()


def pruned_sources_of(
    run: dg.DagsterRun, sources: Iterable[str], naming: Naming = APPLICATION
) -> tuple[str, ...]:
    """Return the sources that a run prunes."""
    if run.asset_selection is not None:
        selected = run.asset_selection
        return tuple(source for source in sources if prune_key(source, naming) in selected)
    return tuple(sources) if run.job_name == naming.named(WEEKLY_PRUNE) else ()


def days_of_run(run: dg.DagsterRun) -> tuple[date, ...]:
    """Return the days that a run materializes; none when its tags name no days."""
    return tuple(sorted(days_of_tags(run.tags)))


def in_words(days: tuple[date, ...]) -> str:
    """Return a span of days in words."""
    if not days:
        return "some days"
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
