"""A nightly run in which sources fail or list nothing, and a channel refuses: one alert each."""

import subprocess
from collections.abc import Iterator

import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.monitoring.installation.installation import BIN, Installation, installed
from vector_assets_tests.support.receiver import Receiver

pytestmark = [pytest.mark.timeout(2400), pytest.mark.slow]

POST_MESSAGE = "/slack/api/chat.postMessage"


@pytest.fixture(scope="module")
def team(
    sandbox: Sandbox, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a week in its index, before the first of its nights.

    Jira shows its projects without any issue; Fireflies answers 500,
    and so does the channel for alerts.
    """
    folder = tmp_path_factory.mktemp("team")
    environment = {
        **sandbox.environment,
        "CATCH_UP_DAYS": "3",
        # So that a run has failed before its source has been silent for long.
        "WATCH_SECONDS": "6",
        "ALERT_SLACK_CHANNEL": f"#{sandbox.workspace.channels[0]['name']}",
    }
    with installed(folder, environment, receiver, starts=False) as installation:
        synced = subprocess.run(
            [str(BIN / "vector-assets"), "sync", "--days", "7"],
            env=installation.environment, cwd=folder, capture_output=True, text=True, timeout=200,
            check=False,
        )  # fmt: skip
        assert synced.returncode == 0, synced.stderr
        issues, sandbox.workspace.issues[:] = list(sandbox.workspace.issues), []
        # The projects are still to be seen, so that nothing refuses: they are merely empty.
        sandbox.workspace.site.jira_projects = sorted(
            {issue["key"].split("-")[0] for issue in issues}
        )
        sandbox.faults.fail("/fireflies", status=500)
        sandbox.faults.fail(POST_MESSAGE, status=500)
        installation.start_all()
        yield installation
        sandbox.workspace.issues[:] = issues


def opened_about(receiver: Receiver, word: str) -> list[str]:
    return [key for kind, key in receiver.events() if kind == "opened" and word in key]


def test_a_source_that_answers_500_all_night_is_told_with_its_cause(
    team: Installation, receiver: Receiver
) -> None:
    alert = receiver.wait_for("opened", "run:fireflies")
    assert "fireflies did not answer: " in alert["detail"]
    assert "/runs/" in alert["link"]


def test_a_source_that_answers_with_nothing_is_told_though_its_runs_succeed(
    team: Installation, receiver: Receiver
) -> None:
    alert = receiver.wait_for("opened", "source:jira")
    assert "the source lists nothing, though the index holds" in alert["detail"]
    [jira] = [source for source in team.status()["sources"] if source["source"] == "jira"]
    assert jira["missing_days"] == []
    assert jira["failed_documents"] == 0


def test_a_channel_that_refuses_is_told_through_the_other(
    team: Installation, receiver: Receiver
) -> None:
    alert = receiver.wait_for("opened", "channel:slack")
    assert "slack chat.postMessage did not answer" in alert["detail"]
    shown = subprocess.run(
        [str(BIN / "vector-assets"), "status"],
        env=team.environment, cwd=team.folder, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert shown.returncode == 1
    assert "not sent to slack: slack chat.postMessage did not answer" in shown.stdout


def test_each_was_told_once_and_the_other_sources_are_fresh(
    team: Installation, receiver: Receiver
) -> None:
    team.wait_until(
        lambda: {team.verdicts()[name] for name in ("slack", "notion")} == {"fresh"},
        "slack and notion",
    )
    assert opened_about(receiver, "fireflies") == ["run:fireflies"]
    assert opened_about(receiver, "jira") == ["source:jira"]
    assert opened_about(receiver, "channel") == ["channel:slack"]
    assert opened_about(receiver, "slack") == ["channel:slack"]
    assert opened_about(receiver, "notion") == []


def test_when_all_is_well_again_each_is_told_to_be_over_and_slack_gets_what_it_missed(
    team: Installation, receiver: Receiver, sandbox: Sandbox
) -> None:
    sandbox.faults.clear()
    receiver.wait_for("over", "channel:slack")
    texts = [message["text"] for message in sandbox.workspace.posted_messages]
    assert any("fireflies: the run for" in text for text in texts)
