"""No face shows a title or a text of a document that failed, also not of an earlier release."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import requests

from vector_assets.core.days import Days
from vector_assets.core.settings import load_settings
from vector_assets.definitions import build_defs
from vector_assets.index.ledger import Ledger
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.pipeline.quarantine import KIND, quarantined
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.api.test_app import READ, served
from vector_assets_tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.support.dates import yesterday_noon
from vector_assets_tests.support.environment import use_environment

SECRET = "Layoffs at the Rotterdam depot"


@pytest.fixture
def broken_jira(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    """A Jira with an issue that cannot be read, and whose every word is secret."""
    broken = issue(1, updated=yesterday_noon(), summary=SECRET, status=SECRET, created=SECRET)
    sandbox.workspace.issues = [broken | {"key": ""}, issue(2, updated=yesterday_noon())]
    use_environment(monkeypatch, sandbox, tmp_path, "JIRA", "OPENAI")
    return sandbox


@pytest.mark.usefixtures("broken_jira")
def test_command_line_http_and_metrics_do_not_tell_it(
    run: Run,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = [run("sync", "--json"), run("sync"), run("status"), run("status", "--json")]
    assert json.loads(told[0][1])[0]["quarantined_documents"] == 1
    with served(load_settings(), tmp_path) as (url, watcher):
        watcher.check_once()
        for path in ("/api/sync-status", "/metrics"):
            told.append((0, requests.get(f"{url}{path}", headers=READ, timeout=30).text, ""))
    assert "jira:10001" in told[4][1]
    assert SECRET not in f"{told} {caplog.text}"


@pytest.mark.usefixtures("broken_jira")
def test_dagsters_records_do_not_tell_it(capfd: pytest.CaptureFixture[str]) -> None:
    defs = build_defs(load_settings())
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize_in_process(
            defs, "jira", Days.newest(1, datetime.now(UTC)), instance=instance
        )
        told = [str(event) for event in instance.all_logs(result.run_id)]
    assert any("jira:10001" in event for event in told)
    printed = capfd.readouterr()
    assert SECRET not in f"{told} {printed.out} {printed.err}"


def test_a_cause_of_an_earlier_release_is_not_shown(tmp_path: Path) -> None:
    ledger = Ledger(LanceDBStore(str(tmp_path / "index")), 8)
    entry = {
        "cause": f"it has no transcript yet, 3 days after {SECRET} of 2026-03-02",
        "day": "2026-03-02",
        "window": ["2026-03-02T00:00:00+00:00", None],
        "first_seen_at": "2026-03-05T00:00:00+00:00",
        "last_seen_at": "2026-03-05T00:00:00+00:00",
        "attempts": 3,
    }
    ledger.put(KIND, {"fireflies:1": entry})
    [held] = quarantined(ledger)
    assert (held.document_id, held.attempts) == ("fireflies:1", 3)
    assert held.cause.startswith("an earlier release recorded why")
