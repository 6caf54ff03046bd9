"""The weekly prune in Dagster: what it asks for, what a run leaves behind, and whom it tells."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.documents import Document
from vector_assets.core.errors import UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.alerts.routing import for_sensors
from vector_assets.monitoring.dagster_state.asset_keys import prune_key
from vector_assets.monitoring.dagster_state.instance import observe_records
from vector_assets.monitoring.dagster_state.names import PRUNE_CHECK
from vector_assets.monitoring.health import measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.problems import Problem
from vector_assets.orchestration.io_managers import LanceDBIOManager
from vector_assets.orchestration.partitions import pruned_sources_of, sources_of
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.orchestration.parts import (
    GivenSources,
    Location,
    days,
    failure_text,
    plain,
)
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.tiny import ListSource, document, utc

TICK = utc("2025-03-16T12:00")
JIRA_ON = {"jira_server": "https://x.example", "jira_email": "a@x.example", "jira_api_token": "t"}
KEY = prune_key("jira")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """One on disk, which knows of schedules too."""
    with dagster_instance() as opened:
        yield opened


def evaluate(instance: dg.DagsterInstance, **settings: Any) -> tuple[list[dg.RunRequest], str]:
    defs = build_defs(Settings(**settings))
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=TICK,
        repository_def=defs.get_repository_def(),
    )
    data = defs.resolve_schedule_def("weekly_prune_schedule").evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message or ""


def numbered(count: int) -> list[Document]:
    return [document(str(n), "w " * 90, updated_at="2025-03-02T10:00") for n in range(count)]


def prune(
    location: Location, *items: Document | Exception, config: dict[str, Any] | None = None
) -> dg.ExecuteInProcessResult:
    """Run the weekly prune of Jira against a source of these items."""
    defs = build_defs(
        Settings(),
        resource_overrides={
            "sources": GivenSources(ListSource(items)),
            "vector_index": LanceDBIOManager(uri=location.uri, retry_delay_seconds=0),
        },
    )
    return defs.resolve_job_def("weekly_prune").execute_in_process(
        run_config={"ops": {"jira_prune": {"config": config or {}}}},
        asset_selection=[KEY],
        instance=location.instance,
        raise_on_error=False,
    )


def held(location: Location) -> set[str]:
    return {document_id for document_id, _ in LanceDBStore(location.uri).documents("jira")}


def recorded(location: Location) -> dict[str, Any]:
    """Return the metadata of the newest prune."""
    event = location.instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    return {name: plain(value) for name, value in event.asset_materialization.metadata.items()}


def observed(location: Location) -> dict[str, Any]:
    """Return the metadata of the newest dry run."""
    (record,) = location.instance.fetch_observations(KEY, limit=1).records
    assert record.asset_observation is not None
    return {name: plain(value) for name, value in record.asset_observation.metadata.items()}


def problems(location: Location) -> list[Problem]:
    """Return the problems that the sensors would report about prunes."""
    settings = Settings.model_validate({**JIRA_ON, "lancedb_uri": location.uri})
    state = observe_records(location.instance, ["jira"], [])
    health = measure(settings, Probes(Settings(lancedb_uri=location.uri)), state)
    reported = for_sensors(health, state, {}, settings)
    return [problem for problem in reported if problem.key.startswith("prune:")]


def test_each_source_that_is_on_is_pruned_in_a_run_of_its_own_on_sundays_at_noon(
    instance: dg.DagsterInstance,
) -> None:
    requests, _ = evaluate(instance, **JIRA_ON, slack_bot_token="xoxb-1")
    assert [request.asset_selection for request in requests] == [[KEY], [prune_key("slack")]]
    schedule = build_defs(Settings()).resolve_schedule_def("weekly_prune_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 12 * * 0", "UTC")
    assert TICK.strftime("%A %H") == "Sunday 12"


def test_nothing_is_pruned_while_no_source_is_on(instance: dg.DagsterInstance) -> None:
    requests, skipped = evaluate(instance)
    assert (requests, "no source is on" in skipped) == ([], True)


def test_a_prune_deletes_what_is_gone_and_says_so_in_its_metadata(location: Location) -> None:
    location.sync(days("2025-03-02"), *numbered(9))
    result = prune(location, *numbered(8))
    assert result.success
    assert held(location) == {f"jira:{n}" for n in range(8)}
    metadata = recorded(location)
    assert metadata["deleted_documents"] == 1
    assert metadata["deleted"] == [
        {"document": "jira:8", "container": "HAR", "updated_at": "2025-03-02 10:00"}
    ]
    assert (metadata["judged_documents"], metadata["listed_documents"]) == (9, 8)
    assert (metadata["refused_documents"], metadata["refused"]) == (0, [])
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == (PRUNE_CHECK, True)
    assert problems(location) == []


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (numbered(2), "7 of 9 documents are gone there, and at most 3 may go"),
        ([*numbered(8), UnavailableError("jira", "HTTP 503")], "broke off after 8 documents"),
    ],
    ids=["too much", "a listing that was cut"],
)
def test_a_refusal_is_reported_until_the_next_good_prune(
    location: Location, shown: list[Document | Exception], words: str
) -> None:
    location.sync(days("2025-03-02"), *numbered(9))
    assert prune(location, *shown).success
    assert len(held(location)) == 9
    metadata = recorded(location)
    assert metadata["deleted_documents"] == 0
    (row,) = metadata["refused"]
    assert (row["subject"], words in row["reason"]) == ("jira", True)
    assert metadata["refused_documents"] == row["documents"]
    (problem,) = problems(location)
    assert problem.key == "prune:jira"
    assert words in problem.detail
    assert problem.link.endswith("/assets/jira_prune")

    assert prune(location, *numbered(8)).success
    assert problems(location) == []
    assert held(location) == {f"jira:{n}" for n in range(8)}


def test_a_dry_run_shows_what_would_go_deletes_nothing_and_is_no_prune(location: Location) -> None:
    location.sync(days("2025-03-02"), *numbered(9))
    assert prune(location, *numbered(7), config={"dry_run": True}).success
    assert len(held(location)) == 9
    metadata = observed(location)
    assert [row["document"] for row in metadata["would_delete"]] == ["jira:7", "jira:8"]
    assert (metadata["would_delete_documents"], metadata["deleted_documents"]) == (2, 0)
    # The freshness of the prune counts its materializations.
    assert location.instance.get_latest_materialization_event(KEY) is None


def test_a_refused_prune_is_looked_at_and_approved_in_the_launchpad(location: Location) -> None:
    location.sync(days("2025-03-02"), *numbered(9))
    prune(location, *numbered(2))
    (refused,) = problems(location)
    assert "dry_run: true" in refused.detail

    prune(location, *numbered(2), config={"dry_run": True, "max_share": 1.0})
    assert observed(location)["would_delete_documents"] == 7
    # What a dry run does not refuse is still in the index.
    (still,) = problems(location)
    assert ("dry run" in still.detail, "7 of 9 documents are gone" in still.detail) == (True, True)

    prune(location, *numbered(2), config={"max_share": 1.0})
    assert (held(location), problems(location)) == ({"jira:0", "jira:1"}, [])


def test_a_prune_of_one_container_leaves_the_others_and_their_refusal(location: Location) -> None:
    ops = [replace(each, native_id=f"ops-{each.id}", container="OPS") for each in numbered(9)]
    location.sync(days("2025-03-02"), *numbered(9), *ops)
    prune(location, *numbered(2))
    (refused,) = problems(location)

    prune(location, *numbered(2), config={"container": ["OPS"], "max_share": 1.0})
    assert held(location) == {f"jira:{n}" for n in range(9)}
    prune(location, *numbered(2), config={"container": ["HAR"], "dry_run": True})
    (still,) = problems(location)
    assert still.key == refused.key

    prune(location, *numbered(8))
    assert (len(held(location)), problems(location)) == (8, [])


def test_the_launchpad_shows_the_share_of_the_settings() -> None:
    asset = build_defs(Settings(prune_max_share=0.05)).resolve_assets_def("jira_prune")
    fields = asset.op.config_schema.config_type.fields  # type: ignore[union-attr]
    assert {name: field.default_value for name, field in fields.items()} == {
        "dry_run": False,
        "container": [],
        "max_share": 0.05,
    }
    assert all(field.description for field in fields.values())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"max_share": 20.0}, "max_share is 20: write a share from 0 to 1"),
        ({"max_share": -0.1}, "max_share is -0.1: write a share from 0 to 1"),
        ({"max_share": float("nan")}, "max_share is nan: write a share from 0 to 1"),
        ({"container": ["HAR", "OSP"]}, "container names 'OSP'"),
        ({"container": [""]}, "choose from HAR"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name_and_deletes_nothing(
    location: Location, config: dict[str, Any], words: str
) -> None:
    location.sync(days("2025-03-02"), *numbered(9))
    result = prune(location, *numbered(8), config=config)
    assert (result.success, words in failure_text(result)) == (False, True)
    assert len(held(location)) == 9


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"dry_run": "sure"}, "dry_run"),
        ({"container": "HAR"}, "container"),
        ({"max_share": "all"}, "max_share"),
        ({"max_shares": 1.0}, "max_shares"),
    ],
)
def test_the_launchpad_refuses_what_has_another_type_or_name(
    location: Location, config: dict[str, Any], words: str
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match=words):
        prune(location, *numbered(8), config=config)


def test_a_failed_prune_is_reported_even_when_its_worker_was_killed(
    location: Location,
) -> None:
    location.sync(days("2025-03-02"), *numbered(9))
    defs = build_defs(Settings())
    job = defs.resolve_job_def("weekly_prune")
    run = location.instance.create_run_for_job(
        job, asset_selection=frozenset([KEY]), status=dg.DagsterRunStatus.STARTED
    )
    location.instance.report_run_failed(run, "the worker was killed")
    failed = location.instance.get_run_by_id(run.run_id)
    assert failed is not None
    (record,) = location.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert record.dagster_event is not None
    context = dg.build_run_status_sensor_context(
        "run_failure_alert_sensor", record.dagster_event, location.instance, failed
    ).for_run_failure()
    defs.resolve_sensor_def("run_failure_alert_sensor")(context)
    (problem,) = problems(location)
    assert (problem.key, "the worker was killed" in problem.detail) == ("prune:jira", True)
    assert prune(location, *numbered(9)).success
    assert problems(location) == []


def test_an_index_that_cannot_be_read_fails_the_run_by_name(location: Location) -> None:
    location.sync(days("2025-03-02"), *numbered(3))
    (Path(location.uri) / "jira.lance" / "data").rename(Path(location.uri) / "elsewhere")
    result = prune(location, *numbered(3))
    assert not result.success
    assert "Check that LANCEDB_URI can be read" in failure_text(result)


def test_a_source_that_refuses_does_not_stop_others(location: Location) -> None:
    location.sync(days("2025-03-02"), *numbered(9))
    defs = build_defs(
        Settings(),
        resource_overrides={
            "sources": GivenSources(ListSource(numbered(8))),
            "vector_index": LanceDBIOManager(uri=location.uri, retry_delay_seconds=0),
        },
    )
    result = defs.resolve_job_def("weekly_prune").execute_in_process(
        instance=location.instance, raise_on_error=False
    )
    assert result.success
    assert {event.asset_key for event in result.get_asset_materialization_events()} == {
        prune_key(source) for source in SOURCE_NAMES
    }


def test_a_run_of_the_prune_is_no_run_of_the_documents(location: Location) -> None:
    location.sync(days("2025-03-02"), *numbered(2))
    prune(location, *numbered(2))
    newest = location.instance.get_runs(limit=1)[0]
    assert sources_of(newest, SOURCE_NAMES) == ()
    assert pruned_sources_of(newest, SOURCE_NAMES) == ("jira",)
