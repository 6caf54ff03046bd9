"""The code location as Dagster and a person see it: names, secrets, and what loading it costs."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from vector_assets.core.settings import CREDENTIALS_BY_SOURCE, Settings
from vector_assets.definitions import build_defs
from vector_assets.sources import SOURCE_NAMES, SOURCES
from vector_assets_tests.support.dagster_private import RepositorySnap

ROOT = Path(__file__).parents[2]
SECRETS = {
    name: f"the-{name}-itself"
    for name in (
        "jira_api_token", "slack_bot_token", "notion_token", "fireflies_api_key", "openai_api_key",
        "pinecone_api_key", "admin_api_key", "read_api_key", "alert_webhook_url", "heartbeat_url",
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs(Settings())


def test_each_source_has_an_asset_whether_enabled_or_not(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    kinds = ("documents", "prune")
    assert set(specs) == {
        *(f"{source}_{kind}" for source in SOURCE_NAMES for kind in kinds),
        *SOURCE_NAMES,
        "index_canary",
        "answer_quality",
    }
    assert set(SOURCES) == set(CREDENTIALS_BY_SOURCE)
    for source in SOURCE_NAMES:
        spec = specs[f"{source}_documents"]
        assert spec.group_name == "vector_index"
        assert spec.kinds == {source, "lancedb"}
        assert spec.metadata["namespace"] == source
        assert spec.description


def test_a_range_of_days_is_one_run_in_the_pool_of_its_source(defs: dg.Definitions) -> None:
    for source in SOURCE_NAMES:
        asset = defs.resolve_assets_def(f"{source}_documents")
        assert asset.backfill_policy == dg.BackfillPolicy.single_run()
        assert asset.op.pool == source
        assert defs.resolve_assets_def(f"{source}_prune").op.pool == source


def test_the_nightly_job_holds_every_asset_and_what_a_run_can_check(
    defs: dg.Definitions,
) -> None:
    job = defs.resolve_job_def("nightly_ingestion")
    assert job.executor_def == dg.in_process_executor
    layer = job.asset_layer
    keys = {
        *(dg.AssetKey(f"{source}_documents") for source in SOURCE_NAMES),
        dg.AssetKey("index_canary"),
    }
    assert layer.selected_asset_keys == keys
    assert {check.asset_key for check in layer.asset_graph.asset_check_keys} == keys
    assert {check.name for check in layer.asset_graph.asset_check_keys} == {
        "canary_is_found",
        "everything_written_is_found",
        "no_failed_documents",
        "volume_is_usual",
    }


@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`")
def test_no_secret_reaches_the_ui() -> None:
    told = dg.serialize_value(
        RepositorySnap.from_def(build_defs(Settings(**SECRETS)).get_repository_def())
    )
    assert "vector_index" in told
    assert [secret for secret in SECRETS.values() if secret in told] == []


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter with nothing of ours in its environment."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_loading_needs_no_credentials_no_network_and_no_vendor_sdk() -> None:
    heavy = "onnxruntime onnx jira slack_sdk notion_client openai pinecone lancedb"
    done = python(
        "import socket, sys\n"
        "def refuse(*_): raise OSError('the network was touched')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from vector_assets.definitions import defs\n"
        f"print([name for name in {heavy.split()!r} if name in sys.modules])\n"
        "print(len(defs.resolve_all_asset_keys()))"
    )
    assert (done.stdout.split("\n")[:2], done.stderr) == (["[]", "14"], "")


def test_a_setting_that_cannot_be_read_is_named_when_the_location_is_loaded() -> None:
    done = python("import vector_assets.definitions", CATCH_UP_DAYS="a fortnight")
    assert "SettingsError: CATCH_UP_DAYS is 'a fortnight'" in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["-w", "workspace.yaml"]], ids=["pyproject", "workspace"]
)
def test_dagster_validates_the_location(arguments: list[str]) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dagster"), "definitions", "validate", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Validation successful for code location vector_assets" in done.stderr + done.stdout
