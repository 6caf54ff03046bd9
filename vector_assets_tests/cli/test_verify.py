"""`vector-assets verify` and `doctor --canary` over the sandbox's vendors: words and exit codes."""

import json
import os

import lancedb
import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.cli.test_main import Run, office, run
from vector_assets_tests.support.indexes import assert_same, contents

__all__ = ["office", "run"]

SPAN = ("--days", "60")


def damage() -> None:
    """Do something to the index of each source, of the days that are verified."""
    connection = lancedb.connect(os.environ["LANCEDB_URI"])
    connection.open_table("jira").delete("chunk = 0")
    connection.open_table("slack").update(
        # What Slack says of a channel is of the day on which that was made.
        "chunk = 0 AND partition > '2025-01-01'",
        {"document_fingerprint": ""},
    )
    connection.open_table("notion").update("chunk = 0", {"title": "lies"})
    connection.open_table("fireflies").delete("chunk = 0")


def test_an_index_of_all_vendors_is_right_damaged_and_mended(run: Run, office: Sandbox) -> None:
    run("sync", *SPAN)
    uri = os.environ["LANCEDB_URI"]
    whole = contents(uri)
    code, out, err = run("verify", *SPAN, "--json")
    reports = {one["source"]: one for one in json.loads(out)}
    assert {name: (one["counts"], one["unread"]) for name, one in reports.items()} == {
        name: ({}, []) for name in ("jira", "slack", "notion", "fireflies")
    }
    assert code == 0
    assert all(one["documents"] for one in reports.values())
    damage()
    code, out, _ = run("verify", *SPAN, "--json")
    found = {one["source"]: set(one["counts"]) for one in json.loads(out)}
    assert code == 1
    assert found == {
        "jira": {"missing"},
        "slack": {"unfinished"},
        "notion": {"mismatched"},
        "fireflies": {"missing"},
    }
    code, out, err = run("verify", *SPAN, "--repair")
    assert code == 0, out + err
    assert "repaired: " in out
    assert "nothing is wrong" in out
    assert_same(contents(uri), whole)
    assert run("verify", *SPAN)[0] == 0


def test_what_is_gone_at_the_source_is_told_with_the_command_that_deletes_it(
    run: Run, office: Sandbox
) -> None:
    run("sync", "jira", *SPAN)
    gone = office.workspace.issues.pop()
    code, out, _ = run("verify", "jira", *SPAN, "--repair")
    assert code == 1
    [line] = [line for line in out.splitlines() if line.startswith("orphaned")]
    assert f"jira:{gone['id']}" in line
    assert "`vector-assets prune jira --from" in out


def test_what_is_found_is_shown_with_the_command_that_mends_it(run: Run, office: Sandbox) -> None:
    run("sync", "jira", *SPAN)
    lancedb.connect(os.environ["LANCEDB_URI"]).open_table("jira").delete("chunk = 0")
    code, out, err = run("verify", "jira", *SPAN)
    assert code == 1
    assert "missing" in out
    assert "--repair` repairs them" in out
    assert "walking the index" in err or "looking again" in err


def test_a_vendor_that_is_away_costs_its_own_verify_alone(run: Run, office: Sandbox) -> None:
    run("sync", "jira", "notion", *SPAN)
    office.conditions.fail("/jira", status=403)
    code, out, err = run("verify", "jira", "notion", *SPAN, "--json")
    assert code == 1
    assert [one["source"] for one in json.loads(out)] == ["notion"]
    assert "jira" in err


@pytest.mark.parametrize("words", [("--days", "0"), ("--from", "2999-01-01"), ("nobody",)])
def test_days_and_sources_that_are_none_are_refused(
    run: Run, office: Sandbox, words: tuple[str, ...]
) -> None:
    code, _, err = run("verify", *words)
    assert code == 2
    assert err.startswith("error: ")


def test_the_doctor_tries_the_canary_when_it_is_asked_to(run: Run, office: Sandbox) -> None:
    code, out, _ = run("doctor", "--json")
    assert "canary" not in {one["service"] for one in json.loads(out)}
    code, out, _ = run("doctor", "--canary")
    assert code == 0
    assert "canary     ok      written, and found after" in out
    assert "canary last found" in run("status")[1]
    office.conditions.fail("/openai", status=401)
    code, out, _ = run("doctor", "--canary")
    assert code == 1
    assert "canary     broken" in out
