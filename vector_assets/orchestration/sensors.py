"""What heals and what rings: missed days are asked for, failures and stale sources are told of.

All of them live in the daemon; that it lives is the watcher's to see (`monitoring/watcher.py`).
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
    is_told_already,
    run_problem,
)
from vector_assets.monitoring.cron import last_tick
from vector_assets.monitoring.dagster_state.asset_keys import asset_key, prune_key
from vector_assets.monitoring.dagster_state.instance import observe_records
from vector_assets.monitoring.dagster_state.names import NIGHTLY_INGESTION, PRUNE_CHECK
from vector_assets.monitoring.dagster_state.state import RECENT_DAYS
from vector_assets.monitoring.health import measure
from vector_assets.monitoring.probes import Probes
from vector_assets.orchestration.canary import CANARY_KEY
from vector_assets.orchestration.catch_up import missed_requests, note_of
from vector_assets.orchestration.partitions import (
    days_of_run,
    in_words,
    pruned_sources_of,
    sources_of,
)
from vector_assets.sources import shown_sources

REPORTER = "sensors"

LOOK_FOR_MISSED_SECONDS = 60

_WILL_RETRY_TAG = "dagster/will_retry"


def build_sensors(
    settings: Settings, partitions: dg.DailyPartitionsDefinition
) -> list[dg.SensorDefinition]:
    """Return the three sensors, running unless a person has switched them off."""
    return [
        _build_missed_partitions(settings, partitions),
        _build_freshness_alert(settings),
        _build_run_failure_alert(settings),
    ]


def _build_missed_partitions(
    settings: Settings, partitions: dg.DailyPartitionsDefinition
) -> dg.SensorDefinition:
    @dg.sensor(
        name="missed_partitions_sensor",
        job_name=NIGHTLY_INGESTION,
        minimum_interval_seconds=LOOK_FOR_MISSED_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="After an outage, asks for the days that the night should have brought.",
    )
    def missed_partitions_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        due = last_tick(settings.nightly_cron, now)
        keys = partitions.get_partition_keys(current_time=due) if due else []
        found = missed_requests(
            context.instance,
            settings,
            keys[-settings.catch_up_days :],
            due=due,
            now=now,
            note=context.cursor or "",
        )
        return dg.SensorResult(
            run_requests=found.requests,
            skip_reason=None if found.requests else dg.SkipReason(found.reason),
            cursor=note_of(found, now),
        )

    return missed_partitions_sensor


def _build_freshness_alert(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="freshness_alert_sensor",
        minimum_interval_seconds=max(30, int(2 * settings.watch_seconds)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people of sources that are late or stale, and of failed checks.",
    )
    def freshness_alert_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = datetime.now(UTC)
        days = complete_days(now, RECENT_DAYS)
        observation = observe_records(context.instance, settings.enabled_sources, days)
        # The daemon starts a new code server every minute, so what vendors answered is kept in
        # the cursor: they are asked less often than this looks.
        probes = Probes(settings, keeps_sources=True, remembered=context.cursor or "")
        health = measure(settings, probes, observation, now=now)
        context.update_cursor(probes.remembered)
        store = DagsterIncidentStore(context.instance.daemon_cursor_storage)
        problems = for_sensors(health, observation, store.read(REPORTER), settings)
        Alerter(REPORTER, build_channels(settings), store).report(problems, now)
        verdicts = ", ".join(f"{one.source} {one.verdict}" for one in health.sources)
        return dg.SkipReason(verdicts or "no source is on")

    return freshness_alert_sensor


def _build_run_failure_alert(settings: Settings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="run_failure_alert_sensor",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people of a run that has failed and will not be tried again.",
    )
    def run_failure_alert_sensor(
        context: dg.RunFailureSensorContext,
    ) -> dg.SkipReason | None:
        run = context.dagster_run
        if run.tags.get(_WILL_RETRY_TAG) == "true":
            return dg.SkipReason("a retry follows")
        store = DagsterIncidentStore(context.instance.daemon_cursor_storage)
        alerter = Alerter(REPORTER, build_channels(settings), store)
        now = datetime.now(UTC)
        causes = _causes(context)
        link = f"{settings.dagster_url}/runs/{run.run_id}"
        if canary := _cause_of_canary(run, causes):
            alerter.open(canary_problem(canary, link=link), now)
        incidents = store.read(REPORTER)
        shown = shown_sources(settings)
        _note_prunes(context, pruned_sources_of(run, shown), causes)
        for source in sources_of(run, shown):
            step = asset_key(source).to_python_identifier()
            if causes and step not in causes and len(causes) < len(shown):
                # Another source of the same run failed, or a check did; this one is well.
                continue
            cause = causes.get(step) or context.failure_event.message or "it was killed"
            if is_told_already(source, cause, incidents):
                continue
            alerter.open(
                run_problem(
                    source,
                    days=in_words(days_of_run(run)),
                    cause=cause,
                    link=link,
                ),
                now,
            )
        return None

    return run_failure_alert_sensor


def _cause_of_canary(run: dg.DagsterRun, causes: Mapping[str, str]) -> str:
    """Return why the canary of a run failed; empty when it did not, or was not part of it."""
    step = CANARY_KEY.to_python_identifier()
    if step in causes or run.asset_selection != {CANARY_KEY}:
        return causes.get(step, "")
    return "its run was killed"


def _note_prunes(
    context: dg.RunFailureSensorContext, sources: Iterable[str], causes: Mapping[str, str]
) -> None:
    """Let the check of each prune that has failed say so, until the next one is good.

    The step itself cannot: a worker that was killed says nothing any more.
    """
    for source in sources:
        key = prune_key(source)
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
    """Return the words of each step that failed, by its key; none when the process was killed."""
    found: dict[str, str] = {}
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        words = data.user_failure_data.description if data.user_failure_data else None
        if not words and data.error is not None:
            words = (data.error.cause or data.error).message.strip()
        found[str(event.step_key)] = str(words or event.message)
    return found
