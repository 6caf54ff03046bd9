"""`vector-assets prune` against a sandbox: exit codes, output, options."""

import json

import pytest

from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.cli.conftest import Run
from vector_assets_tests.maintenance.prune.pruning import held


@pytest.fixture
def synced(run: Run, office: Sandbox) -> LanceDBStore:
    """An index of the office's Jira."""
    assert run("sync", "jira", "--days", "60")[0] == 0
    return LanceDBStore(Settings().lancedb_uri)


def delete_oldest(office: Sandbox) -> str:
    issues = office.workspace.issues
    oldest = min(issues, key=lambda issue: str(issue["fields"]["updated"]))
    issues.remove(oldest)
    return f"jira:{oldest['id']}"


def test_a_dry_run_names_what_is_gone_and_a_prune_deletes_it(
    run: Run, office: Sandbox, synced: LanceDBStore
) -> None:
    before = held(synced)
    gone = delete_oldest(office)
    code, out, _ = run("prune", "jira", "--dry-run")
    assert (code, f"gone {gone} (" in out, "1 to delete" in out) == (0, True, True)
    assert held(synced) == before

    code, out, _ = run("prune", "jira")
    assert (code, "1 deleted" in out) == (0, True)
    assert held(synced) == before - {gone}
    assert run("find", "anything", "--source", "jira", "--json")[0] == 0


def test_json_names_everything_that_was_deleted(
    run: Run, office: Sandbox, synced: LanceDBStore
) -> None:
    gone = delete_oldest(office)
    code, out, _ = run("prune", "jira", "--json")
    (report,) = json.loads(out)
    assert code == 0
    assert (report["source"], report["deleted"], report["refusals"]) == ("jira", [gone], [])
    assert report["requests"]


def test_a_refusal_is_exit_code_one_and_says_what_to_do(
    run: Run, office: Sandbox, synced: LanceDBStore
) -> None:
    before = held(synced)
    delete_oldest(office)
    delete_oldest(office)
    office.faults.fail("/jira/rest/api/3/search", status=403)
    code, out, _ = run("prune", "jira")
    assert code == 1
    assert "refused jira, " in out
    assert "broke off" in out
    assert held(synced) == before


def test_the_share_comes_from_the_settings_and_from_the_command(
    run: Run, office: Sandbox, synced: LanceDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {delete_oldest(office) for _ in range(4)}
    before = held(synced)
    monkeypatch.setenv("PRUNE_MAX_SHARE", "0")
    code, out, _ = run("prune", "jira")
    assert (code, "at most 3 may go (PRUNE_MAX_SHARE is 0.0)" in out) == (1, True)
    assert held(synced) == before
    assert run("prune", "jira", "--max-share", "0.9")[0] == 0
    assert held(synced) == before - gone


def test_a_source_that_is_down_does_not_stop_others(run: Run, office: Sandbox) -> None:
    assert run("sync", "jira", "slack", "--days", "60")[0] == 0
    gone = delete_oldest(office)
    office.faults.fail("/slack", status=200, body={"ok": False, "error": "invalid_auth"})
    code, out, _ = run("prune", "slack", "jira", "--json")
    slack, jira = json.loads(out)
    assert (code, jira["deleted"]) == (1, [gone])
    assert "SLACK_BOT_TOKEN" in slack["refusals"][0]["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--days", "3", "--to", "2026-01-01"), "use one or the other"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "swap them"),
        (("--max-share", "2"), "is not in the range"),
        (("jirra",), "unknown source 'jirra'"),
    ],
)
def test_contradicting_options_are_exit_code_two(
    run: Run, office: Sandbox, words: tuple[str, ...], said: str
) -> None:
    code, _, err = run("prune", *words)
    assert (code, said in err) == (2, True)


def test_days_limit_what_is_compared(run: Run, office: Sandbox, synced: LanceDBStore) -> None:
    gone = delete_oldest(office)
    assert run("prune", "jira", "--days", "1")[0] == 0
    assert gone in held(synced)
    assert run("prune", "jira", "--from", "2020-01-01")[0] == 0
    assert gone not in held(synced)
