"""Freshness that is evaluated without a run: which day is expected, and what the sensor records."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.dagster_state.names import FRESHNESS_CHECK
from vector_assets.orchestration.freshness import expected_day
from vector_assets.orchestration.partitions import daily_partitions
from vector_assets.sources import SOURCE_NAMES
from vector_assets_tests.orchestration.parts import JIRA
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.dagster_private import check_planned
from vector_assets_tests.support.patience import first_answer
from vector_assets_tests.support.tiny import utc

CHECK = dg.AssetCheckKey(JIRA, FRESHNESS_CHECK)
SETTINGS = Settings(
    jira_server="https://x.example", jira_email="a@x.example", jira_api_token="t",
    nightly_cron="0 0 * * *",
)  # fmt: skip


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dagster_instance() as opened:
        yield opened


@pytest.mark.parametrize(
    ("cron", "now", "day"),
    [
        ("0 6 * * *", "2025-03-10T07:59", "2025-03-08"),
        ("0 6 * * *", "2025-03-10T08:00", "2025-03-09"),
        ("0 23 * * *", "2025-03-10T00:30", "2025-03-07"),
        ("0 23 * * *", "2025-03-10T01:00", "2025-03-08"),
        ("*/30 * * * *", "2025-03-10T01:59", "2025-03-08"),
        ("*/30 * * * *", "2025-03-10T02:00", "2025-03-09"),
        ("0 6 * * 1-5", "2025-03-09T12:00", "2025-03-06"),
        ("0 6 1 * *", "2025-03-09T12:00", "2025-02-28"),
        ("0 6 * * *", "2025-02-02T07:00", None),
    ],
)
def test_a_day_is_expected_two_hours_after_its_nightly_tick(
    cron: str, now: str, day: str | None
) -> None:
    expected = expected_day(daily_partitions("2025-02-01"), cron, utc(now))
    assert expected == (day and date.fromisoformat(day))


def newest_day() -> date:
    day = expected_day(daily_partitions("2024-01-01"), SETTINGS.nightly_cron, datetime.now(UTC))
    assert day is not None
    return day


def evaluated(
    instance: dg.DagsterInstance, settings: Settings = SETTINGS
) -> list[dg.AssetCheckEvaluation]:
    """Evaluate the sensor, record what it says as the daemon does, and return it."""
    sensor = build_defs(settings).resolve_sensor_def("freshness_checks_sensor")
    data = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    for event in data.asset_events:
        instance.report_runless_asset_event(event)
    return [event for event in data.asset_events if isinstance(event, dg.AssetCheckEvaluation)]


def settles(instance: dg.DagsterInstance) -> bool:
    """Tell whether the sensor records nothing more, once a second has passed.

    Dagster dates a result to the second, and shows none that is not after the materialization.
    """
    return bool(first_answer(lambda: not evaluated(instance)))


def materialize(instance: dg.DagsterInstance, day: date) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(JIRA, partition=day.isoformat()))


def test_a_day_that_does_not_come_turns_the_asset_red_and_green_when_it_comes(
    instance: dg.DagsterInstance,
) -> None:
    newest = newest_day()
    materialize(instance, newest - timedelta(days=1))
    (red,) = evaluated(instance)
    assert (red.asset_check_key, red.passed) == (CHECK, False)
    assert f"{newest} is not materialized" in str(red.description)
    assert f"the newest day is {newest - timedelta(days=1)}" in str(red.description)
    assert settles(instance)

    # A backfill of an old day makes nothing fresh; the UI wants a result that is newer than it.
    materialize(instance, newest - timedelta(days=9))
    (still_red,) = evaluated(instance)
    assert not still_red.passed
    assert settles(instance)

    materialize(instance, newest)
    (green,) = evaluated(instance)
    assert green.passed
    assert settles(instance)


def test_a_run_that_was_killed_before_its_result_freezes_nothing(
    instance: dg.DagsterInstance,
) -> None:
    newest = newest_day()
    materialize(instance, newest)
    assert [result.passed for result in evaluated(instance)] == [True]
    assert settles(instance)
    defs = build_defs(SETTINGS)
    run = instance.create_run_for_job(
        defs.resolve_implicit_global_asset_job_def(), status=dg.DagsterRunStatus.STARTED
    )
    instance.report_dagster_event(check_planned(CHECK, run.job_name), run.run_id)
    instance.report_run_failed(run, "the worker was killed")
    assert [result.passed for result in evaluated(instance)] == [True]
    assert settles(instance)


def test_sources_that_are_off_and_days_that_are_not_due_are_left_alone(
    instance: dg.DagsterInstance,
) -> None:
    assert [result.asset_key for result in evaluated(instance)] == [JIRA]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert evaluated(instance, SETTINGS.model_copy(update={"partitions_start": tomorrow})) == []


@pytest.mark.parametrize("is_due", [False, True])
def test_a_run_of_chosen_assets_evaluates_it_also_while_no_day_is_due(
    instance: dg.DagsterInstance, *, is_due: bool
) -> None:
    start = (datetime.now(UTC) - timedelta(days=40 if is_due else 1)).date()
    # Yesterday is due in January; the day before was never there.
    cron = SETTINGS.nightly_cron if is_due else "0 0 1 1 *"
    settings = SETTINGS.model_copy(
        update={"partitions_start": start.isoformat(), "nightly_cron": cron}
    )
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    result = job.get_subset(
        asset_selection=set(), asset_check_selection={CHECK}
    ).execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    wanted = "is not materialized" if is_due else "No day is due yet"
    assert (evaluation.passed, wanted in str(evaluation.description)) == (not is_due, True)


def test_the_sensor_runs_by_default_and_no_job_evaluates_freshness() -> None:
    defs = build_defs(SETTINGS)
    sensor = defs.resolve_sensor_def("freshness_checks_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    for job in ("nightly_ingestion", "weekly_rescan"):
        checks = defs.resolve_job_def(job).asset_layer.asset_graph.asset_check_keys
        assert CHECK not in checks
        assert dg.AssetCheckKey(JIRA, "no_failed_documents") in checks
    by_hand = defs.resolve_implicit_global_asset_job_def().asset_layer.asset_graph
    assert CHECK in by_hand.asset_check_keys


def test_assets_without_partitions_have_a_freshness_policy() -> None:
    policies = {
        spec.key.to_user_string(): spec.freshness_policy
        for spec in build_defs(SETTINGS).resolve_all_asset_specs()
        if spec.freshness_policy is not None
    }
    assert policies == {
        **{
            name: dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36))
            for name in ("index_canary", "answer_quality")
        },
        **{
            f"{source}_prune": dg.FreshnessPolicy.time_window(fail_window=timedelta(days=8))
            for source in SOURCE_NAMES
        },
    }
