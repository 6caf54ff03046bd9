"""A fifth source the whole way: command line, asset, HTTP, and out of sight until it is set up."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
from pydantic import SecretStr

from vector_assets.cli.main import main
from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, load_settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.doctor import examine
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources import SOURCE_NAMES, SOURCES, shown_sources, source_class
from vector_assets.stores import build_store
from vector_assets_tests.api.test_app import served
from vector_assets_tests.orchestration.parts import check_of, plain
from vector_assets_tests.support.dates import yesterday_noon

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """A folder with a page of yesterday and one of the day before, named as people name things."""
    root = tmp_path / "handbook"
    noon = yesterday_noon()
    for name, text, at in (
        (
            "port/crane's #1 übung.md",
            "# Cranes\n\nThe crane at quay four is late.",
            noon,
        ),
        (
            "travel.md",
            "---\ntitle: Travel\n---\nTrains before planes.",
            noon - timedelta(days=1),
        ),
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (at.timestamp(), at.timestamp()))
    return root


@pytest.fixture
def environment(handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "FILES_PATH": str(handbook),
        "LANCEDB_URI": str(tmp_path / "lancedb"),
        "EMBEDDING_PROVIDER": "local",
        "DAGSTER_GRAPHQL_URL": "http://127.0.0.1:9/graphql",
        "READ_API_KEY": "read",
        "ADMIN_API_KEY": "admin",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], environment: None) -> Run:
    """Run a command; returns exit code, stdout and stderr."""

    def call(*words: str) -> tuple[int, str, str]:
        code: Any = 0
        try:
            main(words)
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return int(code or 0), printed.out, printed.err

    return call


def test_it_is_synced_found_fresh_and_examined_by_the_command_line(
    run: Run, handbook: Path
) -> None:
    code, out, _ = run("sync", "files", "--days", "2", "--json")
    [report] = json.loads(out)
    assert (code, report["source"], report["documents"]) == (0, "files", 2)
    [again] = json.loads(run("sync", "--days", "2", "--json")[1])
    assert again["unchanged_documents"] == 2

    code, out, _ = run(
        "find", "which crane is late?", "--source", "files", "--limit", "1", "--json"
    )
    [answer] = json.loads(out)["answers"]
    assert (code, answer["title"], answer["container"]) == (0, "Cranes", "port")
    assert answer["url"] == (handbook / "port" / "crane's #1 übung.md").as_uri()

    code, out, _ = run("status", "--json")
    assert code == 0
    assert [(source["source"], source["verdict"]) for source in json.loads(out)["sources"]] == [
        ("files", "fresh")
    ]
    findings = {check["service"]: check for check in json.loads(run("doctor", "--json")[1])}
    assert findings["files"]["state"] == "ok"
    assert findings["files"]["line"] == f"{handbook}: 2 files"


def test_pinecone_takes_the_names_of_all_files(
    run: Run, handbook: Path, serve: Callable[[Workspace], Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("it's 100% a+b & c.md", 'say "hi"; drop/ü#1.md', "a/b.md", "a/b/c.md"):
        (handbook / name).parent.mkdir(parents=True, exist_ok=True)
        (handbook / name).write_text(f"# {name}\n\n" + "Many words of one file. " * 400)
    for name, value in serve(Workspace()).environment.items():
        if name.startswith("PINECONE_"):
            monkeypatch.setenv(name, value)
    [first] = json.loads(run("sync", "files", "--days", "2", "--json")[1])
    assert first["documents"] == 6
    assert first["chunks"] > 12
    [again] = json.loads(run("sync", "files", "--days", "2", "--json")[1])
    assert again["unchanged_documents"] == 6
    (handbook / "a" / "b.md").write_text("# Short")
    [shrunk] = json.loads(run("sync", "files", "--days", "2", "--json")[1])
    assert shrunk["deleted_chunks"] > 0
    assert shrunk["unchanged_documents"] == 5


def test_what_is_edited_replaces_what_was(run: Run, handbook: Path) -> None:
    run("sync", "files", "--days", "2")
    (handbook / "travel.md").write_text("# Travel\n\nPlanes after all.")
    [report] = json.loads(run("sync", "files", "--json")[1])
    assert report["chunks"] == 1
    _, out, _ = run("find", "planes after all", "--json")
    titles = [answer["title"] for answer in json.loads(out)["answers"]]
    assert sorted(titles) == ["Cranes", "Travel"]
    assert "Planes after all." in out
    assert "Trains before planes." not in out


def test_a_folder_that_is_gone_is_no_empty_night(run: Run, handbook: Path) -> None:
    run("sync", "files", "--days", "2")
    handbook.rename(handbook.with_name("elsewhere"))
    code, _, err = run("sync", "files")
    assert code == 1
    assert f"FILES_PATH is '{handbook}': no such folder" in err
    code, out, _ = run("status")
    assert code == 1
    assert "files: the source cannot be read: FILES_PATH is" in out


def test_its_asset_brings_each_day_its_own_and_names_what_cannot_be_read(
    environment: None, handbook: Path
) -> None:
    bad = handbook / "bad.md"
    bad.write_bytes(b"\xff")
    settings = load_settings()
    defs = build_defs(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        two_days = Days.newest(2, datetime.now(UTC))
        result = materialize_in_process(defs, "files", two_days, instance=instance)
        assert result.success
        documents_by_day = {
            str(event.partition): plain(event.metadata["documents"])
            for event in result.asset_materializations_for_node("files_documents")
        }
        assert documents_by_day == {str(day): 1 for day in two_days}
        check = check_of(result)
        assert not check.passed
        assert plain(check.metadata["failures"])[0]["document"] == "files:bad.md"
        bad.write_text("# Mended")
        again = materialize_in_process(defs, "files", two_days, instance=instance)
        assert check_of(again).passed
    store = build_store(settings, Meter())
    assert len(dict(store.documents("files"))) == 3


def test_it_is_found_and_judged_over_http(run: Run, tmp_path: Path) -> None:
    run("sync", "files", "--days", "2")
    read, admin = {"Authorization": "Bearer read"}, {"X-Admin-Key": "admin"}
    with served(load_settings(), tmp_path) as (url, watcher):
        watcher.check_once()
        asked = {"q": "which crane is late?", "source": "files", "limit": "1"}
        answer_body = requests.get(
            f"{url}/api/find-context", asked, headers=read, timeout=60
        ).json()
        assert [answer["title"] for answer in answer_body["answers"]] == ["Cranes"]
        status = requests.get(f"{url}/api/sync-status", headers=read, timeout=60).json()
        assert [(source["source"], source["verdict"]) for source in status["sources"]] == [
            ("files", "fresh")
        ]
        refused = requests.post(f"{url}/api/backfill/files", headers=admin, timeout=60)
        assert refused.status_code == 503  # for want of a Dagster, and of nothing else
        assert "DAGSTER_GRAPHQL_URL" in refused.text


def test_over_http_it_is_off_until_somebody_sets_it_up(tmp_path: Path) -> None:
    settings = Settings(admin_api_key=SecretStr("admin"), lancedb_uri=str(tmp_path / "lancedb"))
    with served(settings, tmp_path) as (url, _):
        refused = requests.post(
            f"{url}/api/backfill/files", headers={"X-Admin-Key": "admin"}, timeout=60
        )
    assert (refused.status_code, refused.json()["detail"]) == (
        503,
        "files is off: FILES_PATH not set",
    )


SET_UP = [
    pytest.param({"files_path": "/srv/handbook"}, id="its folder is set"),
    pytest.param({"vector_assets_sources": ("jira", "files")}, id="it is listed"),
]


KINDS = ("documents", "prune")


def assets(settings: Settings) -> set[str]:
    """Return the names of the assets, without those of the index and the vendors' own."""
    keys = build_defs(settings).resolve_all_asset_keys()
    return {key.to_user_string() for key in keys} - {"index_canary", "answer_quality", *SOURCES}


def test_it_is_out_of_sight_until_somebody_sets_it_up() -> None:
    settings = Settings()
    four = ("jira", "slack", "notion", "fireflies")
    assert SOURCE_NAMES == shown_sources(settings) == four
    assert assets(settings) == {f"{name}_{kind}" for name in four for kind in KINDS}
    assert [check.service for check in examine(settings)][: len(four) + 1] == [*four, "embedding"]


@pytest.mark.parametrize("fields", SET_UP)
def test_it_has_an_asset_like_any_other_once(fields: dict[str, Any]) -> None:
    settings = Settings(**fields)
    assert shown_sources(settings) == tuple(SOURCES)
    defs = build_defs(settings)
    assert assets(settings) == {f"{name}_{kind}" for name in SOURCES for kind in KINDS}
    job = defs.resolve_job_def("nightly_ingestion")
    assert asset_key("files") in job.asset_layer.selected_asset_keys
    spec = defs.resolve_assets_def("files_documents").specs_by_key[asset_key("files")]
    assert spec.description == SOURCES["files"].description


def test_each_line_of_the_registry_names_a_class_of_that_name() -> None:
    for name, entry in SOURCES.items():
        assert source_class(name).name == name
        assert entry.description.endswith(".")
