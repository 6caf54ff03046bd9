"""The command line against a sandbox: results, exit codes, and one-line errors."""

import json

import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import SOURCE_NAMES
from vector_assets_tests.cli.conftest import Run


def test_a_week_is_synced_found_and_fresh(run: Run, office: Sandbox) -> None:
    code, out, _ = run("sync", "--days", "7", "--json")
    reports = {report["source"]: report for report in json.loads(out)}
    assert code == 0
    assert {name: report["documents"] for name, report in reports.items()} == {
        "jira": len(office.workspace.issues),
        "slack": 14,
        "notion": len(office.workspace.pages),
        "fireflies": len(office.workspace.transcripts),
    }

    code, out, _ = run("find", "how do I rotate the carrier API keys?", "--json")
    answers = json.loads(out)
    assert code == 0
    [runbook] = [a for a in answers["answers"][:3] if a["title"] == "Rotate the carrier API keys"]
    assert runbook["url"].startswith("https://www.notion.so/")
    assert set(answers["as_of"]) == {"jira", "slack", "notion", "fireflies"}

    code, out, _ = run("status", "--json")
    assert code == 0
    assert {source["verdict"] for source in json.loads(out)["sources"]} == {"fresh"}


def test_a_second_sync_has_nothing_to_do(run: Run, office: Sandbox) -> None:
    run("sync", "--days", "7")
    _, out, _ = run("sync", "--days", "7", "--json")
    for report in json.loads(out):
        assert report["embedded_chunks"] == report["chunks"] == 0
        assert report["unchanged_documents"] == report["documents"] > 0


def test_a_rescan_reads_an_edit_that_no_listing_shows(run: Run, office: Sandbox) -> None:
    run("sync", "slack", "--days", "7")
    replies = (
        message
        for messages in office.workspace.messages.values()
        for message in messages
        if message.get("thread_ts", message["ts"]) != message["ts"]
    )
    reply = next(replies)
    reply["text"] = "a wholly other answer"
    reply.pop("blocks", None)
    for words, is_seen in (((), False), (("--rescan",), True)):
        _, out, _ = run("sync", "slack", "--days", "7", "--json", *words)
        assert bool(json.loads(out)[0]["embedded_chunks"]) == is_seen


def test_text_output_says_how_the_question_was_understood(run: Run, office: Sandbox) -> None:
    run("sync", "jira", "--days", "7")
    question = ("find", "jira tickets about labels since 2020-01-01")
    _, out, _ = run(*question)
    assert out.splitlines()[:2] == [
        'Understood: "jira tickets" as documents of jira',
        'Understood: "since 2020-01-01" as activity since 2020-01-01',
    ]
    _, out, _ = run(*question, "--ignore", "time")
    assert out.count("Understood:") == 1
    _, out, _ = run(*question, "--literal")
    assert "Understood:" not in out


def test_text_output_names_title_link_and_freshness(run: Run, office: Sandbox) -> None:
    run("sync", "jira", "--days", "7")
    code, out, _ = run("find", "HAR-41", "--source", "jira", "--limit", "1")
    assert code == 0
    assert "Shipping labels print blank for parcels to Norway" in out
    assert f"{office.url}/jira/browse/HAR-41" in out
    assert "as of (UTC): jira 20" in out


def test_a_confirmed_answer_says_what_its_source_says(run: Run, office: Sandbox) -> None:
    run("sync", "jira", "--days", "7")
    question = ("find", "HAR-41", "--source", "jira", "--limit", "1", "--confirm")
    assert "   unchanged\n" in run(*question)[1]
    issue = next(each for each in office.workspace.issues if each["key"] == "HAR-41")
    issue["fields"]["updated"] = "2031-05-05T09:00:00.000+0000"
    assert "   edited since, 2031-05-05 09:00 UTC\n" in run(*question)[1]
    [answer] = json.loads(run(*question, "--json")[1])["answers"]
    assert (answer["confirmed"], answer["edited_at"]) == ("edited", "2031-05-05T09:00:00+00:00")
    office.workspace.issues.remove(issue)
    code, out, _ = run(*question)
    assert (code, "no answers" in out, "1 deleted" in out) == (0, True, True)
    office.faults.fail("/jira", status=401)
    assert "not confirmed: it refuses the credentials" in run(*question)[1]


def test_a_source_that_is_down_does_not_stop_others_and_sets_the_exit_code(
    run: Run, office: Sandbox
) -> None:
    office.faults.fail("/fireflies", status=401)
    code, out, err = run("sync", "--days", "7", "--json")
    assert code == 1
    assert {report["source"] for report in json.loads(out)} == {"jira", "slack", "notion"}
    assert "error: fireflies: " in err
    assert "FIREFLIES_API_KEY" in err


def test_an_empty_index_is_stale_and_status_says_what_to_do(run: Run, office: Sandbox) -> None:
    code, out, _ = run("status")
    assert code == 1
    assert "jira: the index has no documents of it: run `vector-assets sync`" in out


def test_with_no_credentials_doctor_says_what_is_missing(run: Run) -> None:
    code, out, _ = run("doctor")
    assert code == 1
    assert "set JIRA_SERVER, JIRA_EMAIL, JIRA_API_TOKEN" in out
    for name in ("SLACK_BOT_TOKEN", "NOTION_TOKEN", "FIREFLIES_API_KEY"):
        assert f"set {name}" in out


def test_doctor_asks_every_service(run: Run, office: Sandbox) -> None:
    code, out, _ = run("doctor", "--json")
    assert code == 0
    states = {finding["service"]: finding["state"] for finding in json.loads(out)}
    assert states == dict.fromkeys([*SOURCE_NAMES, "embedding", "index"], "ok")


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("JIRA_API_TOKEN", "jira"),
        ("SLACK_BOT_TOKEN", "slack"),
        ("NOTION_TOKEN", "notion"),
        ("FIREFLIES_API_KEY", "fireflies"),
        ("OPENAI_API_KEY", "embedding"),
    ],
)
def test_a_bad_token_is_named_and_never_shown(
    run: Run, office: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, service: str
) -> None:
    monkeypatch.setenv(name, "xoxb-wrong-and-secret")
    code, out, _ = run("doctor", "--json")
    broken = [finding for finding in json.loads(out) if finding["state"] == "broken"]
    assert code == 1
    assert [finding["service"] for finding in broken] == [service]
    assert name in broken[0]["line"]
    assert "wrong-and-secret" not in out


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["sync", "confluence"], 2, "unknown source 'confluence': choose from jira, slack"),
        (["sync", "jira"], 1, "jira needs JIRA_SERVER, JIRA_EMAIL, JIRA_API_TOKEN: not set"),
        (["sync"], 2, "no source is on: set the credentials of one"),
        (["sync", "--from", "tomorrow"], 2, "'tomorrow' is not a day: write it as 2026-03-31"),
        (
            ["sync", "--from", "2026-03-02", "--to", "2026-03-01"],
            2,
            "first day 2026-03-02 is after",
        ),
        (["sync", "--days", "0"], 2, "the number of days is 0: it has to be at least 1"),
        (["sync", "--days", "soon"], 2, "'soon' is not a valid integer"),
        (["sync", "--days", "1", "--from", "2026-03-01"], 2, "use one or the other"),
        (["sync", "--from", "2999-01-01"], 2, "2999-01-01 is not over yet in UTC"),
        (["find", ""], 2, "empty"),
        (["find", "x", "--source", "confluence"], 2, "unknown source 'confluence'"),
        (["find", "x", "--limit", "0"], 2, "0 is not in the range"),
        (["sandbox", "--workspace", "/nowhere"], 2, "/nowhere holds no workspace"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_wrong_usage_gets_one_line_that_names_it(
    run: Run, words: list[str], code: int, line: str
) -> None:
    exit_code, out, err = run(*words)
    assert (exit_code, out) == (code, "")
    assert line in err
    assert err.count("\n") == 1
    assert err.startswith("error: ")


def test_an_unreachable_server_is_named(
    run: Run, office: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREFLIES_URL", "http://127.0.0.1:9/graphql")
    code, _, err = run("sync", "fireflies")
    assert code == 1
    assert "fireflies did not answer" in err


def test_settings_with_other_dimensions_are_named_and_the_index_keeps_its_own(
    run: Run, office: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("sync", "jira", "--days", "7")
    monkeypatch.setenv("EMBEDDING_DIMENSIONS", "256")
    code, _, err = run("sync", "jira", "--days", "7")
    assert code == 0
    assert "dimensions 1536, now 256" in err
    assert "vector-assets reindex" in err


def test_a_broken_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATCH_UP_DAYS", "soon")
    code, _, err = run("status")
    assert code == 1
    assert err.startswith("error: CATCH_UP_DAYS is 'soon'")


def test_help_shows_examples(run: Run) -> None:
    code, out, _ = run("sync", "--help")
    assert code == 0
    assert "vector-assets sync jira --days 30" in out
