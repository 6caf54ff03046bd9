"""Sensors that catch up on missed days and send alerts for failed runs and stale sources.

They run in the daemon; `monitoring/watcher.py` checks the daemon itself.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import dagster as dg

from vector_assets.core.days import complete_days
from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.alerter import Alerter, build_channels
from vector_assets.monitoring.alerts.incidents import DagsterIncidentStore
from vector_assets.monitoring.alerts.routing import (
    canary_problem,
    for_sensors,
    is_already_alerted,
    quality_problem,
    run_problem,
)
from vector_assets.monitoring.cron import last_tick
from vector_assets.monitoring.dagster_state.asset_keys import (
    asset_key,
    canary_key,
    prune_key,
    quality_key,
)
from vector_assets.monitoring.dagster_state.instance import observe_records
from vector_assets.monitoring.dagster_state.names import NIGHTLY_INGESTION, PRUNE_CHECK
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.state import RECENT_DAYS
from vector_assets.monitoring.health import measure
from vector_assets.monitoring.probes import Probes
from vector_assets.orchestration.catch_up import missed_requests, note_of
from vector_assets.orchestration.partitions import (
    days_of_run,
    in_words,
    pruned_sources_of,
    sources_of,
)
from vector_assets.sources import shown_sources

REPORTER = "sensors"

CATCH_UP_INTERVAL_SECONDS = 60

ANSWER_SECONDS = 35.0
"""How long an evaluation waits for a vendor, or for the index."""

MEASURE_SECONDS = 45.0
"""How long it waits for all of them: after 60 s Dagster forgets what it says, its cursor too."""

_WILL_RETRY_TAG = "dagster/will_retry"


def build_sensors(
    settings: Settings,
    partitions: dg.DailyPartitionsDefinition,
    naming: Naming = APPLICATION,
) -> list[dg.SensorDefinition]:
    """Return the three sensors, running by default."""
    return [
        _build_missed_partitions(settings, partitions, naming),
        _build_freshness_alert(settings, naming),
        _build_run_failure_alert(settings, naming),
    ]


def _build_missed_partitions(
    settings: Settings, partitions: dg.DailyPartitionsDefinition, naming: Naming
) -> dg.SensorDefinition:
    @dg.sensor(
        name=naming.named("missed_partitions_sensor"),
        job_name=naming.named(NIGHTLY_INGESTION),
        minimum_interval_seconds=CATCH_UP_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the days that the nightly run missed, such as after an outage.",
    )
    def missed_partitions_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        due = last_tick(settings.nightly_cron, now)
        keys = partitions.get_partition_keys(current_time=due) if due else []
        missed = missed_requests(
            context.instance,
            settings,
            keys[-settings.catch_up_days :],
            due=due,
            now=now,
            note=context.cursor or "",
            naming=naming,
        )
        return dg.SensorResult(
            run_requests=missed.requests,
            skip_reason=None if missed.requests else dg.SkipReason(missed.reason),
            cursor=note_of(missed, now),
        )

    return missed_partitions_sensor


def _build_freshness_alert(settings: Settings, naming: Naming) -> dg.SensorDefinition:
    @dg.sensor(
        name=naming.named("freshness_alert_sensor"),
        minimum_interval_seconds=max(30, int(2 * settings.watch_seconds)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends alerts for late or stale sources and for failed checks.",
    )
    def freshness_alert_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = datetime.now(UTC)
        active = settings.with_credentials()
        days = complete_days(now, RECENT_DAYS)
        state = observe_records(context.instance, active.enabled_sources, days, naming=naming)
        # The daemon starts a new code server every minute, so the cache of vendors' answers is
        # kept in the cursor: vendors are asked less often than this sensor runs.
        probes = Probes(
            active,
            keeps_sources=True,
            remembered=context.cursor or "",
            answer_seconds=ANSWER_SECONDS,
            total_seconds=MEASURE_SECONDS,
        )
        health = measure(active, probes, state, now=now)
        context.update_cursor(probes.remembered)
        store = DagsterIncidentStore(context.instance.daemon_cursor_storage, naming.prefix)
        problems = for_sensors(health, state, store.read(REPORTER), active, naming)
        Alerter(REPORTER, build_channels(active), store).reconcile(problems, now)
        verdicts = ", ".join(f"{source.source} {source.verdict}" for source in health.sources)
        return dg.SkipReason(verdicts or "no source is on")

    return freshness_alert_sensor


def _build_run_failure_alert(settings: Settings, naming: Naming) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name=naming.named("run_failure_alert_sensor"),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends an alert for a run that has failed and will not be retried.",
    )
    def run_failure_alert_sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        if run.tags.get(_WILL_RETRY_TAG) == "true":
            return dg.SkipReason("a retry follows")
        active = settings.with_credentials()
        store = DagsterIncidentStore(context.instance.daemon_cursor_storage, naming.prefix)
        alerter = Alerter(REPORTER, build_channels(active), store)
        now = datetime.now(UTC)
        causes = _causes(context)
        link = f"{active.dagster_url}/runs/{run.run_id}"
        if cause := _cause_of(canary_key(naming), run, causes):
            alerter.raise_incident(canary_problem(cause, link=link), now)
        if cause := _cause_of(quality_key(naming), run, causes):
            alerter.raise_incident(quality_problem(cause, link=link), now)
        incidents = store.read(REPORTER)
        shown = shown_sources(active)
        pruned = [prune_key(source, naming) for source in pruned_sources_of(run, shown, naming)]
        _fail_prune_checks(context, pruned, causes)
        for source in sources_of(run, shown, naming):
            step = asset_key(source, naming).to_python_identifier()
            if causes and step not in causes and len(causes) < len(shown):
                # Another source of the run failed, or a check; this source succeeded.
                continue
            cause = causes.get(step) or context.failure_event.message or "it was killed"
            if is_already_alerted(source, cause, incidents):
                continue
            days = in_words(days_of_run(run))
            problem = run_problem(source, days=days, cause=cause, link=link)
            if source in active.enabled_sources:
                alerter.raise_incident(problem, now)
            else:
                # No later run would end the incident of a source that is off.
                alerter.notify_once(problem, now)
        return None

    return run_failure_alert_sensor


def _cause_of(key: dg.AssetKey, run: dg.DagsterRun, causes: Mapping[str, str]) -> str:
    """Return why a run's asset failed; empty when it succeeded or was not part of the run."""
    step = key.to_python_identifier()
    if step in causes or run.asset_selection != {key}:
        return causes.get(step, "")
    return "its run was killed"


def _fail_prune_checks(
    context: dg.RunFailureSensorContext, keys: Iterable[dg.AssetKey], causes: Mapping[str, str]
) -> None:
    """Record a failed check for each failed prune: a killed worker cannot record it."""
    for key in keys:
        step = key.to_python_identifier()
        if causes and step not in causes:
            continue
        cause = causes.get(step) or context.failure_event.message or "it was killed"
        context.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                key, PRUNE_CHECK, passed=False, description=f"the prune failed: {cause}"
            )
        )


def _causes(context: dg.RunFailureSensorContext) -> dict[str, str]:
    """Return the error message of each failed step by its key; none if the process was killed."""
    causes: dict[str, str] = {}
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        message = data.user_failure_data.description if data.user_failure_data else None
        if not message and data.error is not None:
            message = (data.error.cause or data.error).message.strip()
        causes[str(event.step_key)] = str(message or event.message)
    return causes
