"""Which sources and days a run of Dagster is about, whoever launched it."""

from collections.abc import Iterable
from datetime import date, timedelta

import dagster as dg

from vector_assets.orchestration.assets import asset_key
from vector_assets.orchestration.jobs import NIGHTLY_INGESTION, WEEKLY_PRUNE, WEEKLY_RESCAN
from vector_assets.orchestration.partitions import ONE_DAY_TAG, RANGE_END_TAG, RANGE_START_TAG
from vector_assets.orchestration.prune_assets import prune_key


def sources_of(run: dg.DagsterRun, sources: Iterable[str]) -> tuple[str, ...]:
    """Return those of some sources that a run materializes; none for a run of checks alone."""
    if run.asset_selection is not None:
        return tuple(source for source in sources if asset_key(source) in run.asset_selection)
    return tuple(sources) if run.job_name in (NIGHTLY_INGESTION, WEEKLY_RESCAN) else ()


def pruned_sources_of(run: dg.DagsterRun, sources: Iterable[str]) -> tuple[str, ...]:
    """Return those of some sources whose documents a run prunes."""
    if run.asset_selection is not None:
        return tuple(source for source in sources if prune_key(source) in run.asset_selection)
    return tuple(sources) if run.job_name == WEEKLY_PRUNE else ()


def days_of_run(run: dg.DagsterRun) -> tuple[date, ...]:
    """Return the days that a run materializes; none when it says nothing of days."""
    first = run.tags.get(RANGE_START_TAG) or run.tags.get(ONE_DAY_TAG)
    last = run.tags.get(RANGE_END_TAG) or run.tags.get(ONE_DAY_TAG)
    if not first or not last:
        return ()
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return tuple(begin + timedelta(days=n) for n in range((end - begin).days + 1))


def in_words(days: tuple[date, ...]) -> str:
    """Return days as a person says them."""
    if not days:
        return "some days"
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
