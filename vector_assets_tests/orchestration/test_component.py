"""The component in other people's projects: merged, twice in one, and without an environment."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster.components.resolved.errors import ResolutionException
from pydantic import SecretStr

from vector_assets import VectorIndexComponent
from vector_assets.core.errors import SettingsError
from vector_assets.core.meter import Meter
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.orchestration.catch_up import missed_requests
from vector_assets.orchestration.resources import shown_and_nested
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.dagster_private import RepositorySnap

pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`"),
]

DOCUMENT = Path(__file__).parents[2] / "docs" / "component.md"
JIRA = {"server": "https://team.atlassian.net", "email": "a@b.example"}


def component(**attributes: object) -> VectorIndexComponent:
    return VectorIndexComponent.resolve_from_dict(attributes)


def team(name: str, **attributes: object) -> VectorIndexComponent:
    jira = {**JIRA, "api_token": "{{ env." + name.upper() + "_JIRA_TOKEN }}"}
    return component(name=name, sources={"jira": jira}, **attributes)


def defs_of(wanted: VectorIndexComponent) -> dg.Definitions:
    return dg.build_defs_for_component(wanted)


def snapshot(defs: dg.Definitions) -> str:
    return dg.serialize_value(RepositorySnap.from_def(defs.get_repository_def()))


def test_the_example_of_the_documents_loads_without_its_variables() -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert example is not None
    written = yaml.safe_load(example[1])
    defs = defs_of(component(**written["attributes"]))
    dg.Definitions.validate_loadable(defs)
    spec = defs.resolve_assets_def(["support", "jira_documents"]).specs_by_key[
        dg.AssetKey(["support", "jira_documents"])
    ]
    assert (spec.group_name, list(spec.owners), spec.tags["domain"]) == (
        "knowledge", ["team:support"], "support",
    )  # fmt: skip
    assert spec.kinds == {"jira", "pinecone"}
    schedule = defs.resolve_schedule_def("support_nightly_ingestion_schedule")
    assert schedule.cron_schedule == "0 5 * * *"
    told = snapshot(defs)
    assert [name for name in written["requirements"]["env"] if name not in told] == []


def test_it_merges_with_a_host_that_has_the_same_names() -> None:
    @dg.asset(group_name="vector_index", required_resource_keys={"embedder"})
    def jira_documents(context: dg.AssetExecutionContext) -> str:
        return str(context.resources.embedder)

    host = dg.Definitions(
        assets=[jira_documents],
        jobs=[dg.define_asset_job("nightly_ingestion", selection=[jira_documents])],
        resources={"embedder": "the host's", "vector_index": dg.mem_io_manager, "sources": 1},
        executor=dg.multiprocess_executor,
    )
    for merged in (
        dg.Definitions.merge(host, defs_of(team("support", group="vector_index"))),
        dg.Definitions.merge(defs_of(team("support", group="vector_index")), host),
    ):
        dg.Definitions.validate_loadable(merged)
        assert merged.executor is dg.multiprocess_executor
        assert merged.resources is not None
        assert merged.resources["embedder"] == "the host's"
        job = merged.resolve_job_def("support_nightly_ingestion")
        assert job.executor_def is dg.multiprocess_executor


def names(defs: dg.Definitions) -> dict[str, set[str]]:
    repository = defs.get_repository_def()
    assets = list(defs.resolve_asset_graph().get_all_asset_keys())
    return {
        "assets": {key.to_user_string() for key in assets},
        "groups": {str(spec.group_name) for spec in defs.resolve_all_asset_specs()},
        "pools": {
            str(pool)
            for key in assets
            if defs.resolve_assets_def(key).is_executable
            and (pool := defs.resolve_assets_def(key).op.pool) is not None
        },
        "jobs": {name for name in repository.job_names if not name.startswith("__")},
        "schedules": {schedule.name for schedule in repository.schedule_defs},
        "sensors": {
            sensor.name for sensor in repository.sensor_defs if "default" not in sensor.name
        },
        "resources": set(defs.resources or {}),
    }


def test_two_teams_share_no_name() -> None:
    one, other = defs_of(team("support")), defs_of(team("sales"))
    dg.Definitions.validate_loadable(dg.Definitions.merge(one, other))
    other_names = names(other)
    for kind, mine in names(one).items():
        assert mine, kind
        assert mine & other_names[kind] == set(), kind


def test_what_one_team_has_done_is_not_taken_for_the_others() -> None:
    now = datetime(2026, 3, 3, 7, tzinfo=UTC)
    due = now - timedelta(hours=1)
    support, sales = team("support"), team("sales")
    done = asset_key("jira", support.naming())
    run_keys: dict[str, set[str | None]] = {}
    with dagster_instance() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(done, partition="2026-03-02"))
        for wanted in (support, sales):
            missed = missed_requests(
                instance, wanted.settings(), ["2026-03-02"], due=due, now=now, note="",
                naming=wanted.naming(),
            )  # fmt: skip
            is_done = wanted.name == "support"
            assert set(missed.missing_since) == (set() if is_done else {"jira 2026-03-02"})
            context = dg.build_schedule_context(
                instance=instance,
                scheduled_execution_time=now,
                repository_def=defs_of(wanted).get_repository_def(),
            )
            schedule = defs_of(wanted).resolve_schedule_def(f"{wanted.name}_weekly_prune_schedule")
            (request,) = schedule.evaluate_tick(context).run_requests or ()
            assert request.tags["source"] == f"{wanted.name}_jira"
            run_keys[wanted.name] = {request.run_key}
    assert run_keys["support"] & run_keys["sales"] == set()


SECRET_FIELDS = [
    {"sources": {"jira": {**JIRA, "api_token": "secret-itself-1"}}},
    {"sources": {"slack": {"bot_token": "x{{ env.TOKEN }}secret-itself-1"}}},
    {"sources": {"notion": {"token": "secret-itself-1"}}},
    {"sources": {"fireflies": {"api_key": "secret-itself-1"}}},
    {"store": {"pinecone": {"api_key": "secret-itself-1", "index": "i"}}},
    {"store": {"lancedb": {"uri": "s3://key:secret-itself-1@bucket/i"}}},
    {"embedder": {"api_key": "secret-itself-1"}},
    {"embedder": {"base_url": "https://ops:secret-itself-1@proxy.example/v1"}},
    {"alerts": {"webhook_url": "https://hooks.example/secret-itself-1"}},
]


@pytest.mark.parametrize("attributes", SECRET_FIELDS, ids=str)
def test_a_credential_is_refused_and_not_repeated(attributes: dict[str, object]) -> None:
    with pytest.raises(ResolutionException, match=r"environment variable.*\{\{ env\.NAME \}\}") as (
        refused
    ):
        component(**attributes)
    assert "secret-itself-1" not in str(refused.value)


def test_no_value_of_a_variable_reaches_the_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORT_JIRA_TOKEN", "secret-itself-2")
    monkeypatch.setenv("URI", "s3://key:secret-itself-3@bucket/index")
    defs = defs_of(team("support", store={"lancedb": {"uri": "{{ env.URI }}"}}))
    told = snapshot(defs)
    assert "SUPPORT_JIRA_TOKEN" in told
    assert "https://team.atlassian.net" in told
    assert "secret-itself" not in told


EVERY_VARIABLE = {
    "jira": {"server": "https://jira.example", "email": "bot@example.com", "api_token": "t1"},
    "slack": {"bot_token": "t2", "base_url": "https://slack.example/api/"},
    "notion": {"token": "t3", "base_url": "https://notion.example"},
    "fireflies": {"api_key": "t4", "url": "https://fireflies.example/graphql"},
    "files": {"path": "/srv/files"},
}


def test_every_field_that_a_variable_holds_reaches_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {
        source: {field: "{{ env.MY_" + f"{source}_{field}".upper() + " }}" for field in fields}
        for source, fields in EVERY_VARIABLE.items()
    }
    held = {
        f"{source}_{field}": value
        for source, fields in EVERY_VARIABLE.items()
        for field, value in fields.items()
    } | {"openai_api_key": "t5", "openai_base_url": "https://openai.example/v1"}
    embedder = {
        "provider": "openai",
        "api_key": "{{ env.MY_OPENAI_API_KEY }}",
        "base_url": "{{ env.MY_OPENAI_BASE_URL }}",
    }
    resources = defs_of(component(name="support", sources=written, embedder=embedder)).resources
    assert resources is not None
    for name, value in held.items():
        monkeypatch.setenv(f"MY_{name.upper()}", value)
    for key in ("support_sources", "support_embedder"):
        settings = shown_and_nested(resources[key])
        read = {name: getattr(settings, name) for name in held}
        plain = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in read.items()
        }
        assert plain == held, key


@pytest.mark.parametrize("field", ["bot_token", "base_url"])
def test_a_variable_that_is_not_set_is_named_and_no_default_takes_its_place(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    fields = {name: "{{ env.MY_" + name.upper() + " }}" for name in ("bot_token", "base_url")}
    resources = defs_of(component(name="support", sources={"slack": fields})).resources
    assert resources is not None
    for name in fields:
        monkeypatch.setenv(f"MY_{name.upper()}", "http://127.0.0.1:9/api/")
    monkeypatch.delenv(f"MY_{field.upper()}")
    with pytest.raises(SettingsError, match=rf"^slack needs MY_{field.upper()}: not set"):
        resources["support_sources"].connect("slack", Meter())


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"name": "our team"}, r"name is 'our team': write letters"),
        ({"nightly_cron": "at six"}, r"NIGHTLY_CRON is 'at six'"),
        ({"partitions_start": "early"}, r"PARTITIONS_START is 'early'"),
        ({"prune_max_share": 3.0}, r"PRUNE_MAX_SHARE is 3.0"),
        ({"embedder": {"provider": "x"}}, r"EMBEDDING_PROVIDER is 'x'"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(attributes: dict[str, object], error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        defs_of(component(**attributes))


def test_the_environment_is_no_setting_of_a_component(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CATCH_UP_DAYS", "a fortnight")
    monkeypatch.setenv("JIRA_PROJECTS", "OTHER")
    monkeypatch.setenv("PINECONE_API_KEY", "other")
    (tmp_path / ".env").write_text("RESCAN_DAYS=3\nNOTION_TOKEN=other\n")
    settings = team("support").settings()
    assert (settings.catch_up_days, settings.rescan_days, settings.jira_projects) == (14, 30, ())
    assert (settings.vector_store, settings.enabled_sources) == ("lancedb", ("jira",))
    assert "NOTION_TOKEN" not in os.environ


def test_importing_the_package_reads_no_environment_and_no_file(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "import vector_assets\n"
        "assert 'dagster' not in sys.modules and 'pydantic' not in sys.modules\n"
        "import dagster, pydantic_settings, cronsim, httpx, requests\n"
        "from dotenv import main\n"
        "def refuse(*_, **__): raise AssertionError('a file of settings was looked for')\n"
        "main.find_dotenv = main.load_dotenv = refuse\n"
        "read = []\n"
        "ask = type(os.environ).__getitem__\n"
        "type(os.environ).__getitem__ = lambda env, key: read.append(key) or ask(env, key)\n"
        "component = vector_assets.VectorIndexComponent(name='support')\n"
        "print(sorted(set(read)))\n"
        "component.build_defs(None)\n"
        "print('vector_assets.definitions' in sys.modules)\n"
    )
    (tmp_path / ".env").write_text("CATCH_UP_DAYS=a fortnight\n")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "NIGHTLY_CRON": "at six"},
    )  # fmt: skip
    names_of_settings = re.compile(r"JIRA|SLACK|NOTION|CRON|TOKEN|KEY|URL|CATCH|PROXY|AWS")
    assert done.returncode == 0, done.stderr
    read, loaded = done.stdout.splitlines()[-2:]
    assert names_of_settings.findall(read) == []
    assert loaded == "False"
