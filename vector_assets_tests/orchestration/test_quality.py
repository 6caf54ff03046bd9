"""The nightly examination in Dagster: metadata that is plotted, a check, and failures by name."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.orchestration.io_managers import LanceDBIOManager, PineconeIOManager
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.quality.town import SOURCES, Town
from vector_assets_tests.orchestration.parts import GivenEmbedder, failure_text, plain
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.receiver import running_receiver
from vector_assets_tests.support.targets import recorded_index
from vector_assets_tests.support.tiny import TinyEmbedder, utc

KEY = dg.AssetKey("answer_quality")


def run(
    instance: dg.DagsterInstance, settings: Settings, index: object
) -> dg.ExecuteInProcessResult:
    defs = build_defs(
        settings, resource_overrides={"embedder": GivenEmbedder(), "vector_index": index}
    )
    return defs.resolve_job_def("nightly_examination").execute_in_process(
        instance=instance, raise_on_error=False
    )


def settled(folder: Path) -> Town:
    """Return an office that was examined yesterday, by the clock of today."""
    store = LanceDBStore(str(folder))
    recorded_index(store, TinyEmbedder())
    town = Town(store, TinyEmbedder(is_remembering=False))
    town.now = datetime.now(UTC) - timedelta(days=1)
    town.settle(36)
    town.examine()
    return town


def test_a_night_is_numbers_by_source_and_a_check_that_fails_on_a_fall(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    town = settled(tmp_path / "index")
    index = LanceDBIOManager(uri=str(tmp_path / "index"))
    own = tmp_path / "own.yml"
    own.write_text("- {question: a lost page, document: https://example.com/lost}\n")
    settings = Settings(quality_questions=str(own))

    result = run(instance, settings, index)
    assert result.success
    [event] = result.get_asset_materialization_events()
    assert event.asset_key == KEY
    metadata = {name: plain(value) for name, value in event.materialization.metadata.items()}
    assert metadata["outcome"] == "not worse"
    for prefix in ("", *(f"{source}_" for source in SOURCES)):
        assert 0.8 < metadata[f"{prefix}mrr"] <= 1.0
        assert 0 < metadata[f"{prefix}hit_at_1"] <= metadata[f"{prefix}hit_at_10"] <= 1
        assert metadata[f"{prefix}p95_seconds"] > 0
        assert metadata[f"{prefix}questions"] >= 10
    [check] = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("answers_are_not_worse", True)
    assert "has the link https://example.com/lost" in (check.description or "")

    town.swap_vectors(1)
    result = run(instance, settings, index)
    assert result.success
    [check] = result.get_asset_check_evaluations()
    assert not check.passed
    assert "worse: search by meaning: the mean reciprocal rank of" in (check.description or "")


def test_an_empty_index_is_not_enough_to_examine_and_no_failed_check(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    result = run(instance, Settings(), LanceDBIOManager(uri=str(tmp_path / "index")))
    assert result.success
    [check] = result.get_asset_check_evaluations()
    assert check.passed
    assert (check.description or "").startswith("not enough to examine: ")


def test_an_examination_that_fails_is_told_with_its_cause() -> None:
    with running_receiver() as receiver, dagster_instance() as instance:
        settings = Settings.model_validate({"alert_webhook_url": receiver.url})
        down = PineconeIOManager(
            index="i", api_key="key", controller_host="http://127.0.0.1:9", retry_delay_seconds=0
        )
        result = run(instance, settings, down)
        assert not result.success
        assert result.get_asset_check_evaluations() == []
        assert "pinecone did not answer" in failure_text(result)
        failure = next(event for event in result.all_events if event.is_run_failure)
        context = dg.build_run_status_sensor_context(
            "run_failure_alert_sensor", failure, instance, result.dagster_run
        ).for_run_failure()
        build_defs(settings).resolve_sensor_def("run_failure_alert_sensor")(context)
        [told] = receiver.alerts
        assert (told["event"], told["key"]) == ("opened", "run:quality")
        assert "pinecone did not answer" in told["detail"]


@pytest.mark.parametrize(
    ("nightly", "examination"), [("0 6 * * *", "0 8 * * *"), ("30 23 * * *", "30 23 * * *")]
)
def test_it_is_scheduled_when_the_nightly_sync_should_be_over(
    nightly: str, examination: str
) -> None:
    schedule = build_defs(Settings(nightly_cron=nightly)).resolve_schedule_def(
        "nightly_examination_schedule"
    )
    assert schedule.cron_schedule == examination
    tick = schedule.evaluate_tick(
        dg.build_schedule_context(scheduled_execution_time=utc("2026-03-10T08:00"))
    )
    assert [request.run_key for request in tick.run_requests or ()] == [
        "examination at 2026-03-10T08:00:00+00:00"
    ]
