"""The schedules: each night what is new, each week all of it again, and what is gone.

Nothing that Dagster brings catches up after an outage, so the night's asks the instance.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from vector_assets.core.days import spans_of
from vector_assets.core.settings import CREDENTIALS_BY_SOURCE, Settings
from vector_assets.maintenance.canary import CANARY
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, prune_key
from vector_assets.monitoring.dagster_state.instance import days_with_failures, materialized_days
from vector_assets.monitoring.dagster_state.names import (
    NIGHTLY_INGESTION,
    PRUNE_SCHEDULE,
    RESCAN_SCHEDULE,
    RESCAN_TAG,
    SCHEDULE,
    WEEKLY_PRUNE,
    WEEKLY_RESCAN,
)
from vector_assets.orchestration.canary import CANARY_KEY
from vector_assets.orchestration.partitions import days_of, range_tags

RESCAN_CRON = "0 12 * * 6"
"""Saturdays at noon, UTC: when no night is due, and few people write."""

PRUNE_CRON = "0 12 * * 0"
"""Sundays at noon, UTC: a day after the rescan, and when no night is due either."""

RESCAN_DAYS = 30
"""How long what was said may be edited or deleted, and the index still learns of it."""


def build_schedules(
    partitions: dg.DailyPartitionsDefinition, settings: Settings
) -> list[dg.ScheduleDefinition]:
    """Return all of them, running unless a person has switched one off."""
    return [
        build_nightly_schedule(partitions, settings),
        build_rescan_schedule(partitions, settings),
        build_prune_schedule(settings),
    ]


def build_nightly_schedule(
    partitions: dg.DailyPartitionsDefinition, settings: Settings
) -> dg.ScheduleDefinition:
    """Return the schedule, running unless a person has switched it off."""

    @dg.schedule(
        name=SCHEDULE,
        job_name=NIGHTLY_INGESTION,
        cron_schedule=settings.nightly_cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Asks for yesterday, and for the days that earlier nights left undone.",
    )
    def nightly_ingestion_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        sources = settings.enabled_sources
        if not sources:
            return dg.SkipReason(_nothing_is_on())
        tick = context.scheduled_execution_time
        keys = partitions.get_partition_keys(current_time=tick)[-settings.catch_up_days :]
        days = [date.fromisoformat(key) for key in keys]
        if not days:
            return dg.SkipReason(_nothing_is_complete(settings))
        canary = dg.RunRequest(
            run_key=f"{CANARY} at {tick.isoformat()}", asset_selection=[CANARY_KEY]
        )
        return [
            *(
                request
                for source in sources
                for request in _requests(source, days, context.instance, tick.isoformat())
            ),
            canary,
        ]

    return nightly_ingestion_schedule


def build_rescan_schedule(
    partitions: dg.DailyPartitionsDefinition, settings: Settings
) -> dg.ScheduleDefinition:
    """Return the schedule of the rescan, running unless a person has switched it off."""

    @dg.schedule(
        name=RESCAN_SCHEDULE,
        job_name=WEEKLY_RESCAN,
        cron_schedule=RESCAN_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reads the last {RESCAN_DAYS} days again, for what was edited or deleted.",
    )
    def weekly_rescan_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        tick = context.scheduled_execution_time
        keys = partitions.get_partition_keys(current_time=tick)[-RESCAN_DAYS:]
        if not settings.enabled_sources:
            return dg.SkipReason(_nothing_is_on())
        if not keys:
            return dg.SkipReason(_nothing_is_complete(settings))
        return [
            dg.RunRequest(
                run_key=f"{source} rescan at {tick.isoformat()}",
                asset_selection=[asset_key(source)],
                tags={**range_tags(days_of(keys)), "source": source, RESCAN_TAG: "true"},
            )
            for source in settings.enabled_sources
        ]

    return weekly_rescan_schedule


def build_prune_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule of the prune, running unless a person has switched it off."""

    @dg.schedule(
        name=PRUNE_SCHEDULE,
        job_name=WEEKLY_PRUNE,
        cron_schedule=PRUNE_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes from the index what is gone at its source; a run a source.",
    )
    def weekly_prune_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        if not settings.enabled_sources:
            return dg.SkipReason(_nothing_is_on())
        tick = context.scheduled_execution_time
        return [
            dg.RunRequest(
                run_key=f"{source} prune at {tick.isoformat()}",
                asset_selection=[prune_key(source)],
                tags={"source": source},
            )
            for source in settings.enabled_sources
        ]

    return weekly_prune_schedule


def days_due(instance: dg.DagsterInstance, key: dg.AssetKey, days: list[date]) -> list[date]:
    """Return which of some days to sync: those missing, those with failures, always the newest.

    The newest is due even when it is materialized, for what was edited since.

    Args:
        instance: Asked what has been materialized, and how it went.
        key: Of the asset.
        days: Candidates, oldest first, at least one.
    """
    done = materialized_days(instance, key)
    failed = days_with_failures(instance, key, days)
    return [day for day in days if day not in done or day in failed or day == days[-1]]


def _requests(
    source: str, days: list[date], instance: dg.DagsterInstance, tick: str
) -> Iterator[dg.RunRequest]:
    """Yield one run for each span of days that is due.

    The tick is part of the key: a day that failed last night is a new request tonight.
    """
    key = asset_key(source)
    for span in spans_of(days_due(instance, key, days)):
        yield dg.RunRequest(
            run_key=f"{source} {span.first}..{span.last} at {tick}",
            asset_selection=[key],
            tags={**range_tags(span), "source": source},
        )


def _nothing_is_complete(settings: Settings) -> str:
    return f"no day is complete yet since PARTITIONS_START, {settings.partitions_start}"


def _nothing_is_on() -> str:
    wanted = "; ".join(
        f"{source}: {', '.join(field.upper() for field in fields)}"
        for source, fields in CREDENTIALS_BY_SOURCE.items()
    )
    return f"no source is on: set the credentials of at least one ({wanted})"
