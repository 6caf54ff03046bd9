"""The schedule: each night asks for yesterday, and for whatever earlier nights left undone.

Nothing that Dagster brings catches up after an outage, so the schedule asks the instance.
Keep out: what a run does (`assets.py`).
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from vector_assets.observation import SCHEDULE
from vector_assets.orchestration.assets import asset_key
from vector_assets.orchestration.history import days_with_failures, materialized_days
from vector_assets.orchestration.jobs import NIGHTLY_INGESTION
from vector_assets.orchestration.partitions import contiguous, range_tags
from vector_assets.settings import CREDENTIALS_BY_SOURCE, Settings


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
            return dg.SkipReason(
                f"no day is complete yet since PARTITIONS_START, {settings.partitions_start}"
            )
        return [
            request
            for source in sources
            for request in _requests(source, days, context.instance, tick.isoformat())
        ]

    return nightly_ingestion_schedule


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
    for span in contiguous(days_due(instance, key, days)):
        yield dg.RunRequest(
            run_key=f"{source} {span.first}..{span.last} at {tick}",
            asset_selection=[key],
            tags={**range_tags(span), "source": source},
        )


def _nothing_is_on() -> str:
    wanted = "; ".join(
        f"{source}: {', '.join(field.upper() for field in fields)}"
        for source, fields in CREDENTIALS_BY_SOURCE.items()
    )
    return f"no source is on: set the credentials of at least one ({wanted})"
