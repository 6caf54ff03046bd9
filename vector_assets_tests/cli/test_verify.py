"""`vector-assets verify` and `doctor --canary` against a sandbox: output and exit codes."""

import json
import os

import lancedb
import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.cli.conftest import Run
from vector_assets_tests.support.indexes import assert_same, contents

SPAN = ("--days", "60")


def damage() -> None:
    """Damage the index of each source within the verified days."""
    connection = lancedb.connect(os.environ["LANCEDB_URI"])
    connection.open_table("jira").delete("chunk = 0")
    connection.open_table("slack").update(
        # Documents about channels belong to the days on which the channels were created.
        "chunk = 0 AND partition > '2025-01-01'",
        {"document_fingerprint": ""},
    )
    connection.open_table("notion").update("chunk = 0", {"title": "lies"})
    connection.open_table("fireflies").delete("chunk = 0")


def test_an_index_of_all_vendors_is_verified_damaged_and_repaired(
    run: Run, office: Sandbox
) -> None:
    run("sync", *SPAN)
    uri = os.environ["LANCEDB_URI"]
    whole = contents(uri)
    code, out, err = run("verify", *SPAN, "--json")
    reports = {report["source"]: report for report in json.loads(out)}
    assert {name: (report["counts"], report["unread"]) for name, report in reports.items()} == {
        name: ({}, []) for name in ("jira", "slack", "notion", "fireflies")
    }
    assert code == 0
    assert all(report["documents"] for report in reports.values())
    damage()
    code, out, _ = run("verify", *SPAN, "--json")
    kinds = {report["source"]: set(report["counts"]) for report in json.loads(out)}
    assert code == 1
    assert kinds == {
        "jira": {"missing"},
        "slack": {"stale"},
        "notion": {"mismatched"},
        "fireflies": {"missing"},
    }
    code, out, err = run("verify", *SPAN, "--repair")
    assert code == 0, out + err
    assert "repaired: " in out
    assert "nothing is wrong" in out
    assert_same(contents(uri), whole)
    assert run("verify", *SPAN)[0] == 0


def test_orphans_are_listed_with_the_command_that_deletes_them(run: Run, office: Sandbox) -> None:
    run("sync", "jira", *SPAN)
    gone = office.workspace.issues.pop()
    code, out, _ = run("verify", "jira", *SPAN, "--repair")
    assert code == 1
    [line] = [line for line in out.splitlines() if line.startswith("orphaned")]
    assert f"jira:{gone['id']}" in line
    assert "`vector-assets prune jira --from" in out


def test_damage_is_listed_with_the_command_that_repairs_it(run: Run, office: Sandbox) -> None:
    run("sync", "jira", *SPAN)
    lancedb.connect(os.environ["LANCEDB_URI"]).open_table("jira").delete("chunk = 0")
    code, out, err = run("verify", "jira", *SPAN)
    assert code == 1
    assert "missing" in out
    assert "--repair` repairs them" in out
    assert "walking the index" in err or "looking again" in err


def test_a_vendor_that_is_down_does_not_stop_other_verifies(run: Run, office: Sandbox) -> None:
    run("sync", "jira", "notion", *SPAN)
    office.faults.fail("/jira", status=403)
    code, out, err = run("verify", "jira", "notion", *SPAN, "--json")
    assert code == 1
    assert [report["source"] for report in json.loads(out)] == ["notion"]
    assert "jira" in err


@pytest.mark.parametrize("words", [("--days", "0"), ("--from", "2999-01-01"), ("nobody",)])
def test_invalid_days_and_sources_are_refused(
    run: Run, office: Sandbox, words: tuple[str, ...]
) -> None:
    code, _, err = run("verify", *words)
    assert code == 2
    assert err.startswith("error: ")


def test_the_doctor_tries_the_canary_when_it_is_asked_to(run: Run, office: Sandbox) -> None:
    code, out, _ = run("doctor", "--json")
    assert "canary" not in {check["service"] for check in json.loads(out)}
    code, out, _ = run("doctor", "--canary")
    assert code == 0
    assert "canary     ok      written, and found after" in out
    assert "canary last found" in run("status")[1]
    office.faults.fail("/openai", status=401)
    code, out, _ = run("doctor", "--canary")
    assert code == 1
    assert "canary     broken" in out
