"""The canary in Dagster: a run of its own, a failing check, and an alert by name."""

from pathlib import Path

import dagster as dg
import pytest

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.index.generations import Index
from vector_assets.maintenance.canary import last_found
from vector_assets.orchestration.io_managers import LanceDBIOManager
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.test_canary import Constant, Forgetful
from vector_assets_tests.orchestration.parts import GivenEmbedder, failure_text
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.receiver import running_receiver
from vector_assets_tests.support.targets import recorded_index
from vector_assets_tests.support.tiny import TinyEmbedder

CANARY_KEY = dg.AssetKey("index_canary")


class ForgetfulIndex(LanceDBIOManager):
    """An index that throws away what it takes."""

    def build_index(self, meter: Meter) -> Index:
        store = Forgetful(self.uri)
        store.is_forgetting = False
        index = recorded_index(store, TinyEmbedder())
        store.is_forgetting = True
        return index


class Garbage(GivenEmbedder):
    """An embedder whose vectors are all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.embedder = Constant()


def run(
    instance: dg.DagsterInstance, settings: Settings, **resources: object
) -> dg.ExecuteInProcessResult:
    job = build_defs(settings, resource_overrides=resources).resolve_job_def("nightly_ingestion")
    return job.execute_in_process(
        asset_selection=[CANARY_KEY], instance=instance, raise_on_error=False
    )


def test_a_canary_that_is_found_materializes_its_asset(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    uri = str(tmp_path / "index")
    index = LanceDBIOManager(uri=uri)
    # No source is on: whatever the vendors do, the canary is tried.
    result = run(instance, Settings(), embedder=GivenEmbedder(), vector_index=index)
    assert result.success
    [check] = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("canary_is_found", True)
    [event] = result.get_asset_materialization_events()
    assert event.asset_key == CANARY_KEY
    assert last_found(LanceDBStore(uri)) is not None


@pytest.mark.parametrize("fault", ["index", "embedder"])
def test_a_canary_that_is_not_found_fails_its_check_and_alerts_by_name(
    fault: str, tmp_path: Path
) -> None:
    uri = str(tmp_path / "index")
    faulty = {
        "index": {"embedder": GivenEmbedder(), "vector_index": ForgetfulIndex(uri=uri)},
        "embedder": {"embedder": Garbage(), "vector_index": LanceDBIOManager(uri=uri)},
    }[fault]
    with running_receiver() as receiver, dagster_instance() as instance:
        settings = Settings.model_validate({"alert_webhook_url": receiver.url})
        result = run(instance, settings, **faulty)
        assert not result.success
        [check] = result.get_asset_check_evaluations()
        assert not check.passed
        assert (check.description or "") == failure_text(result)
        failure = next(event for event in result.all_events if event.is_run_failure)
        context = dg.build_run_status_sensor_context(
            "run_failure_alert_sensor", failure, instance, result.dagster_run
        ).for_run_failure()
        build_defs(settings).resolve_sensor_def("run_failure_alert_sensor")(context)
        [told] = receiver.alerts
        assert (told["event"], told["key"]) == ("opened", "run:canary")
        assert told["detail"] == failure_text(result)
