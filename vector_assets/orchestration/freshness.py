"""Freshness that the UI shows while nothing runs: a sensor evaluates it, and no job.

Alerts come from `monitoring/health.py`. A check that a run evaluates is green for as long as no run
is started. Dagster's own `build_sensor_for_freshness_checks` starts a run for each evaluation, and
never another once such a run was killed (measured, 1.13.27). This sensor records the results
itself, so that they need no run.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from vector_assets.core.settings import Settings
from vector_assets.maintenance.canary import OLD_AFTER
from vector_assets.monitoring.cron import due_at, overdue
from vector_assets.monitoring.dagster_state.instance import materialized_days
from vector_assets.monitoring.dagster_state.names import FRESHNESS_CHECK, FRESHNESS_SENSOR
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.private import AssetCheckExecutionRecordStatus
from vector_assets.monitoring.verdict import RUN_TAKES

INTERVAL_SECONDS = 60

CANARY_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=OLD_AFTER)
"""Written each night; late when the alerts say so."""

QUALITY_FRESHNESS = CANARY_FRESHNESS

PRUNE_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=8))
"""A week between two prunes, and a day for the one that is late."""

_MAX_DAYS_BACK = 400
_STATUSES = {
    True: AssetCheckExecutionRecordStatus.SUCCEEDED,
    False: AssetCheckExecutionRecordStatus.FAILED,
}


def build_freshness_checks(
    keys: Sequence[dg.AssetKey], partitions: dg.DailyPartitionsDefinition, settings: Settings
) -> list[dg.AssetChecksDefinition]:
    """Return the checks that yesterday is materialized two hours after the nightly tick.

    A person can evaluate them as well, and a run of chosen assets does. Dagster's own check fails
    such a run while no day is due yet (measured, 1.13.27), and its successor judges the asset as a
    whole, which any old day makes fresh (dagster#34023).
    """
    return [_freshness_check(key, partitions, settings.nightly_cron) for key in keys]


def _freshness_check(
    key: dg.AssetKey, partitions: dg.DailyPartitionsDefinition, nightly_cron: str
) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key,
        name=FRESHNESS_CHECK,
        description="The newest day whose nightly run should be over is materialized.",
    )
    def freshness_check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        day = expected_day(partitions, nightly_cron, datetime.now(UTC))
        if day is None:
            return dg.AssetCheckResult(passed=True, description="No day is due yet.")
        check = dg.AssetCheckKey(key, FRESHNESS_CHECK)
        result = _evaluate(context.instance, check, day, nightly_cron)
        return dg.AssetCheckResult(
            passed=result.passed, description=result.description, metadata=result.metadata
        )

    return freshness_check


def freshness_check_keys(keys: Sequence[dg.AssetKey]) -> list[dg.AssetCheckKey]:
    """Return the keys of the checks of some assets."""
    return [dg.AssetCheckKey(key, FRESHNESS_CHECK) for key in keys]


def build_freshness_sensor(
    keys: Mapping[str, dg.AssetKey],
    partitions: dg.DailyPartitionsDefinition,
    settings: Settings,
    naming: Naming = APPLICATION,
) -> dg.SensorDefinition:
    """Return the sensor that evaluates the freshness of the sources that are on."""

    @dg.sensor(
        name=naming.named(FRESHNESS_SENSOR),
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Fails the freshness check of each asset whose newest day is due and not materialized, "
            "also while nothing runs."
        ),
    )
    def freshness_checks_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        day = expected_day(partitions, settings.nightly_cron, now)
        if day is None:
            return dg.SensorResult(skip_reason=dg.SkipReason("no day is due yet"))
        on = [key for source, key in keys.items() if source in settings.enabled_sources]
        events = [*_changed(context.instance, on, day, settings.nightly_cron)]
        return dg.SensorResult(
            asset_events=events,
            skip_reason=None if events else dg.SkipReason(f"nothing has changed about {day}"),
        )

    return freshness_checks_sensor


def expected_day(
    partitions: dg.DailyPartitionsDefinition, nightly_cron: str, now: datetime
) -> date | None:
    """Return the newest day whose nightly run should be over; None before the first."""
    keys = partitions.get_partition_keys(current_time=now)[-_MAX_DAYS_BACK:]
    days = map(date.fromisoformat, reversed(keys))
    return next((day for day in days if overdue(nightly_cron, [day], now, RUN_TAKES)), None)


def _changed(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey], day: date, nightly_cron: str
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield the results that differ from what the UI shows."""
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        freshness_check_keys(keys)
    )
    for check in freshness_check_keys(keys):
        result = _evaluate(instance, check, day, nightly_cron)
        record = newest.get(check)
        is_shown = (
            record is not None
            and record.status == _STATUSES[result.passed]
            and record.evaluation is not None
            # An installation before this one evaluated Dagster's own check, in other words.
            and day.isoformat() in (record.evaluation.description or "")
            # The UI shows no result that is older than the newest materialization.
            and record.create_timestamp > _materialized_at(instance, check.asset_key)
        )
        if not is_shown:
            yield result


def _evaluate(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, day: date, nightly_cron: str
) -> dg.AssetCheckEvaluation:
    days = materialized_days(instance, check.asset_key)
    due = due_at(nightly_cron, day)
    newest = f"the newest day is {max(days)}" if days else "no day ever was"
    description = (
        f"{day} is materialized."
        if day in days
        else f"{day} is not materialized, and was due at {due:%Y-%m-%d %H:%M} UTC; {newest}. Look "
        f"at the schedule and at the asset's newest run."
    )
    return dg.AssetCheckEvaluation(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=day in days,
        metadata={"expected_day": day.isoformat()},
        description=description,
    )


def _materialized_at(instance: dg.DagsterInstance, key: dg.AssetKey) -> float:
    event = instance.get_latest_materialization_event(key)
    return event.timestamp if event else 0.0


def deadline_of(cron: str) -> str:
    """Return a cron expression two hours later, or unchanged if its hour is not a plain number."""
    minute, hour, *rest = cron.split()
    hours_later = int(RUN_TAKES / timedelta(hours=1))
    if not hour.isdigit() or int(hour) + hours_later > 23:
        return cron
    return " ".join([minute, str(int(hour) + hours_later), *rest])
