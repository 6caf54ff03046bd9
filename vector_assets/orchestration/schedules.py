"""The nightly sync and examination, the weekly rescan and the weekly prune.

Dagster's own schedules do not catch up after an outage, so the nightly one checks the instance for
missing days.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from vector_assets.core.days import spans_of
from vector_assets.core.settings import CREDENTIALS_BY_SOURCE, Settings
from vector_assets.maintenance.canary import CANARY
from vector_assets.monitoring.dagster_state.asset_keys import (
    asset_key,
    canary_key,
    prune_key,
)
from vector_assets.monitoring.dagster_state.instance import days_with_failures, materialized_days
from vector_assets.monitoring.dagster_state.names import (
    EXAMINATION_SCHEDULE,
    NIGHTLY_EXAMINATION,
    NIGHTLY_INGESTION,
    PRUNE_SCHEDULE,
    RESCAN_SCHEDULE,
    RESCAN_TAG,
    SCHEDULE,
    WEEKLY_PRUNE,
    WEEKLY_RESCAN,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.orchestration.freshness import deadline_of
from vector_assets.orchestration.partitions import days_of, range_tags

RESCAN_CRON = "0 12 * * 6"
"""Saturdays at noon, UTC: away from the nightly run, when few people write."""

PRUNE_CRON = "0 12 * * 0"
"""Sundays at noon, UTC: a day after the rescan, and away from the nightly run."""


def build_schedules(
    partitions: dg.DailyPartitionsDefinition,
    settings: Settings,
    naming: Naming = APPLICATION,
) -> list[dg.ScheduleDefinition]:
    """Return all schedules, running by default."""
    return [
        build_nightly_schedule(partitions, settings, naming),
        build_examination_schedule(settings, naming),
        build_rescan_schedule(partitions, settings, naming),
        build_prune_schedule(settings, naming),
    ]


def build_nightly_schedule(
    partitions: dg.DailyPartitionsDefinition,
    settings: Settings,
    naming: Naming = APPLICATION,
) -> dg.ScheduleDefinition:
    """Return the schedule of the nightly sync."""

    @dg.schedule(
        name=naming.named(SCHEDULE),
        job_name=naming.named(NIGHTLY_INGESTION),
        cron_schedule=settings.nightly_cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Requests yesterday, and days that are missing or had failures.",
    )
    def nightly_ingestion_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        sources = settings.enabled_sources
        if not sources:
            return dg.SkipReason(_no_source_enabled())
        tick = context.scheduled_execution_time
        keys = partitions.get_partition_keys(current_time=tick)[-settings.catch_up_days :]
        days = [date.fromisoformat(key) for key in keys]
        if not days:
            return dg.SkipReason(_no_complete_day(settings))
        at = tick.isoformat()
        requests = [
            request
            for source in sources
            for request in _requests(source, days, context.instance, at, naming)
        ]
        canary = dg.RunRequest(
            run_key=naming.named(f"{CANARY} at {at}"), asset_selection=[canary_key(naming)]
        )
        return [*requests, canary]

    return nightly_ingestion_schedule


def build_examination_schedule(
    settings: Settings, naming: Naming = APPLICATION
) -> dg.ScheduleDefinition:
    """Return the schedule of the examination: when the nightly sync should be over."""

    @dg.schedule(
        name=naming.named(EXAMINATION_SCHEDULE),
        job_name=naming.named(NIGHTLY_EXAMINATION),
        cron_schedule=deadline_of(settings.nightly_cron),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Asks the index questions whose answer is known, after the nightly sync.",
    )
    def nightly_examination_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        at = context.scheduled_execution_time.isoformat()
        return dg.RunRequest(run_key=naming.named(f"examination at {at}"))

    return nightly_examination_schedule


def build_rescan_schedule(
    partitions: dg.DailyPartitionsDefinition,
    settings: Settings,
    naming: Naming = APPLICATION,
) -> dg.ScheduleDefinition:
    """Return the schedule of the weekly rescan."""

    @dg.schedule(
        name=naming.named(RESCAN_SCHEDULE),
        job_name=naming.named(WEEKLY_RESCAN),
        cron_schedule=RESCAN_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reads the last {settings.rescan_days} days again, for edits and deletions.",
    )
    def weekly_rescan_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        tick = context.scheduled_execution_time
        keys = partitions.get_partition_keys(current_time=tick)[-settings.rescan_days :]
        if not settings.enabled_sources:
            return dg.SkipReason(_no_source_enabled())
        if not keys:
            return dg.SkipReason(_no_complete_day(settings))
        return [
            dg.RunRequest(
                run_key=naming.named(f"{source} rescan at {tick.isoformat()}"),
                asset_selection=[asset_key(source, naming)],
                tags={
                    **range_tags(days_of(keys)),
                    "source": naming.named(source),
                    RESCAN_TAG: "true",
                },
            )
            for source in settings.enabled_sources
        ]

    return weekly_rescan_schedule


def build_prune_schedule(settings: Settings, naming: Naming = APPLICATION) -> dg.ScheduleDefinition:
    """Return the schedule of the weekly prune."""

    @dg.schedule(
        name=naming.named(PRUNE_SCHEDULE),
        job_name=naming.named(WEEKLY_PRUNE),
        cron_schedule=PRUNE_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes from the index what is gone at its source, one run per source.",
    )
    def weekly_prune_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        if not settings.enabled_sources:
            return dg.SkipReason(_no_source_enabled())
        tick = context.scheduled_execution_time
        return [
            dg.RunRequest(
                run_key=naming.named(f"{source} prune at {tick.isoformat()}"),
                asset_selection=[prune_key(source, naming)],
                tags={"source": naming.named(source)},
            )
            for source in settings.enabled_sources
        ]

    return weekly_prune_schedule


def days_due(instance: dg.DagsterInstance, key: dg.AssetKey, days: list[date]) -> list[date]:
    """Return the days that are missing or had failures, and the newest, for later edits."""
    done = materialized_days(instance, key)
    failed = days_with_failures(instance, key, days)
    return [day for day in days if day not in done or day in failed or day == days[-1]]


def _requests(
    source: str, days: list[date], instance: dg.DagsterInstance, tick: str, naming: Naming
) -> Iterator[dg.RunRequest]:
    """Yield one run for each span of days that is due.

    The run key contains the tick, so that a failed day is requested again at the next tick.
    """
    key = asset_key(source, naming)
    for span in spans_of(days_due(instance, key, days)):
        yield dg.RunRequest(
            run_key=naming.named(f"{source} {span.first}..{span.last} at {tick}"),
            asset_selection=[key],
            tags={**range_tags(span), "source": naming.named(source)},
        )


def _no_complete_day(settings: Settings) -> str:
    return f"no day is complete yet since PARTITIONS_START, {settings.partitions_start}"


def _no_source_enabled() -> str:
    variables = "; ".join(
        f"{source}: {', '.join(field.upper() for field in fields)}"
        for source, fields in CREDENTIALS_BY_SOURCE.items()
    )
    return f"no source is on: set the credentials of at least one ({variables})"
