"""Alerts, reminders and closing messages over real HTTP."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.alerter import Alerter, build_channels
from vector_assets.monitoring.alerts.channels import Channel, Message, WebhookChannel
from vector_assets.monitoring.alerts.incidents import (
    REPORTERS,
    DagsterIncidentStore,
    FileIncidentStore,
    IncidentStore,
    RememberedIncidentStore,
)
from vector_assets.monitoring.alerts.slack import SlackChannel
from vector_assets.monitoring.problems import Problem
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.slack import TOKEN
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.patience import first_answer
from vector_assets_tests.support.receiver import Receiver
from vector_assets_tests.support.tiny import utc

NOW = utc("2026-03-20T09:00")
DEAD = Problem("daemon", "The daemon is dead", "no heartbeat", "Start it.", link="http://ui/health")
STALE = Problem("source:jira", "jira is stale", "12 days behind", "Look at its run.")
MINUTE = timedelta(minutes=1)
POST = "/slack/api/chat.postMessage"


@pytest.fixture(params=["files", "dagster", "remembered"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IncidentStore]:
    """Each kind of store."""
    if request.param == "files":
        yield FileIncidentStore(tmp_path / "incidents")
        return
    with dagster_instance() as instance:
        shared = DagsterIncidentStore(instance.daemon_cursor_storage)
        is_remembered = request.param == "remembered"
        yield RememberedIncidentStore(shared, (OSError,)) if is_remembered else shared


@pytest.fixture
def alerter(receiver: Receiver, store: IncidentStore) -> Alerter:
    return Alerter("watcher", [WebhookChannel(receiver.url)], store)


def test_an_incident_sends_one_alert_and_one_closing_message(
    alerter: Alerter, receiver: Receiver
) -> None:
    for minutes in range(5):
        alerter.reconcile([DEAD], NOW + minutes * MINUTE)
    alerter.reconcile([], NOW + 5 * MINUTE)
    alerter.reconcile([], NOW + 6 * MINUTE)
    assert receiver.events() == [("opened", "daemon"), ("over", "daemon")]
    opened, over = receiver.alerts
    assert opened["text"] == "🔴 The daemon is dead"
    assert (opened["detail"], opened["advice"]) == ("no heartbeat", "Start it.")
    assert (opened["since"], opened["ended_at"]) == ("2026-03-20T09:00:00+00:00", None)
    assert over["ended_at"] == "2026-03-20T09:05:00+00:00"


def test_an_open_incident_sends_a_reminder_each_day(alerter: Alerter, receiver: Receiver) -> None:
    for hours in range(0, 72, 6):
        alerter.reconcile([DEAD], NOW + timedelta(hours=hours))
    assert [kind for kind, _ in receiver.events()] == ["opened", "reminder", "reminder"]


def test_a_restart_repeats_nothing(
    alerter: Alerter, receiver: Receiver, store: IncidentStore
) -> None:
    alerter.reconcile([DEAD], NOW)
    after = Alerter("watcher", [WebhookChannel(receiver.url)], store)
    after.reconcile([DEAD], NOW + MINUTE)
    after.reconcile([], NOW + 2 * MINUTE)
    assert receiver.events() == [("opened", "daemon"), ("over", "daemon")]


class Database(FileIncidentStore):
    """A store that can be down."""

    is_down = False

    def read_text(self, reporter: str) -> str:
        self._require()
        return super().read_text(reporter)

    def write_text(self, reporter: str, text: str) -> None:
        self._require()
        super().write_text(reporter, text)

    def _require(self) -> None:
        if self.is_down:
            raise ConnectionError("connection refused")


def test_an_alert_during_a_database_outage_is_sent_once_and_stored_afterwards(
    receiver: Receiver, tmp_path: Path
) -> None:
    database = Database(tmp_path)
    store = RememberedIncidentStore(database, (ConnectionError,))
    alerter = Alerter("watcher", [WebhookChannel(receiver.url)], store)
    alerter.reconcile([STALE], NOW)
    database.is_down = True
    alerter.reconcile([STALE, DEAD], NOW + MINUTE)
    alerter.reconcile([STALE, DEAD], NOW + 2 * MINUTE)
    database.is_down = False
    alerter.reconcile([STALE, DEAD], NOW + 3 * MINUTE)
    assert receiver.events() == [("opened", "source:jira"), ("opened", "daemon")]
    # Another process reads all of it from the shared store.
    restarted = Alerter("watcher", [WebhookChannel(receiver.url)], database)
    restarted.reconcile([], NOW + 4 * MINUTE)
    assert sorted(receiver.events()[2:]) == [("over", "daemon"), ("over", "source:jira")]


def test_a_problem_of_one_reporter_is_not_sent_by_another(
    alerter: Alerter, receiver: Receiver, store: IncidentStore
) -> None:
    sensors = Alerter("sensors", [WebhookChannel(receiver.url)], store)
    sensors.reconcile([STALE], NOW)
    alerter.reconcile([STALE, DEAD], NOW)
    alerter.reconcile([], NOW + MINUTE)
    assert receiver.events() == [
        ("opened", "source:jira"),
        ("opened", "daemon"),
        ("over", "daemon"),
    ]


def test_a_short_problem_sends_no_alert(alerter: Alerter, receiver: Receiver) -> None:
    patient = replace(STALE, tell_after_seconds=600)
    alerter.reconcile([patient], NOW)
    alerter.reconcile([patient], NOW + 9 * MINUTE)
    alerter.reconcile([], NOW + 10 * MINUTE)
    assert receiver.alerts == []
    for minutes in (20, 30, 31):
        alerter.reconcile([patient], NOW + minutes * MINUTE)
    assert receiver.events() == [("opened", "source:jira")]


def test_a_problem_that_comes_back_is_a_new_incident(alerter: Alerter, receiver: Receiver) -> None:
    for minutes, problems in enumerate([[DEAD], [], [DEAD], []]):
        alerter.reconcile(problems, NOW + minutes * MINUTE)
    assert [kind for kind, _ in receiver.events()] == ["opened", "over", "opened", "over"]


def test_a_channel_that_refuses_gets_the_alert_when_it_works_again(
    alerter: Alerter, receiver: Receiver
) -> None:
    receiver.status = 500
    alerter.reconcile([DEAD], NOW)
    alerter.reconcile([DEAD], NOW + MINUTE)
    receiver.status = 200
    alerter.reconcile([DEAD], NOW + 2 * MINUTE)
    alerter.reconcile([DEAD], NOW + 3 * MINUTE)
    assert receiver.events() == [("opened", "daemon")]
    assert receiver.alerts[0]["since"] == "2026-03-20T09:00:00+00:00"


def test_a_channel_that_refuses_the_closing_message_gets_it_later(
    alerter: Alerter, receiver: Receiver
) -> None:
    alerter.reconcile([DEAD], NOW)
    receiver.status = 503
    alerter.reconcile([], NOW + MINUTE)
    receiver.status = 200
    alerter.reconcile([], NOW + 2 * MINUTE)
    alerter.reconcile([], NOW + 3 * MINUTE)
    assert receiver.events() == [("opened", "daemon"), ("over", "daemon")]


def test_a_notice_is_sent_once_without_an_incident(
    alerter: Alerter, receiver: Receiver, store: IncidentStore
) -> None:
    alerter.notify_once(DEAD, NOW)
    assert receiver.events() == [("notice", "daemon")]
    assert store.all() == []


def slack(sandbox: Sandbox, channel: str) -> SlackChannel:
    return SlackChannel(TOKEN, sandbox.environment["SLACK_BASE_URL"], channel)


@pytest.fixture
def channel(sandbox: Sandbox) -> str:
    """A channel of the sandbox that the bot is a member of."""
    sandbox.workspace.channels.append(
        {"id": "C0ALERTS01", "name": "alerts", "is_member": True, "is_private": False}
    )
    return "C0ALERTS01"


def test_slack_gets_what_happened_since_when_what_to_do_and_a_link(
    sandbox: Sandbox, channel: str
) -> None:
    alerter = Alerter("watcher", [slack(sandbox, channel)], FileIncidentStore(Path("incidents")))
    alerter.reconcile([replace(DEAD, detail="<b> & a -> b")], NOW)
    [message] = sandbox.workspace.posted_messages
    assert message["channel"] == channel
    assert message["text"] == "🔴 The daemon is dead"
    blocks = json.loads(message["blocks"])
    sections = [block["text"]["text"] for block in blocks if "text" in block]
    assert sections == [
        "*🔴 The daemon is dead*",
        "&lt;b&gt; &amp; a -&gt; b",
        "*What to do* Start it.",
    ]
    [facts] = blocks[-1]["elements"]
    assert facts["text"] == "*Since* 2026-03-20 09:00 UTC · <http://ui/health|Open in Dagster>"


def test_a_failing_channel_is_reported_through_the_other_until_it_works(
    sandbox: Sandbox, channel: str, receiver: Receiver, store: IncidentStore
) -> None:
    channels = [slack(sandbox, channel), WebhookChannel(receiver.url)]
    alerter = Alerter("watcher", channels, store)
    sandbox.faults.fail(POST, status=500)
    alerter.reconcile([DEAD], NOW)
    alerter.reconcile([DEAD], NOW + MINUTE)
    assert receiver.events() == [("opened", "daemon"), ("opened", "channel:slack")]
    assert "ALERT_SLACK_CHANNEL" in receiver.alerts[1]["advice"]
    assert [incident.problem.key for incident in store.all()] == ["daemon", "channel:slack"]
    sandbox.faults.clear()
    alerter.reconcile([DEAD], NOW + 2 * MINUTE)
    assert receiver.events()[2:] == [("over", "channel:slack")]
    assert [message["text"] for message in sandbox.workspace.posted_messages] == [
        "🔴 The daemon is dead"
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [("C0NOWHERE1", "channel_not_found"), ("C0ALERTS01", "invalid_auth")],
)
def test_slacks_error_code_is_stored(
    sandbox: Sandbox, channel: str, store: IncidentStore, name: str, words: str
) -> None:
    token = "xoxb-revoked" if words == "invalid_auth" else TOKEN
    refusing = SlackChannel(token, sandbox.environment["SLACK_BASE_URL"], name)
    Alerter("watcher", [refusing], store).reconcile([DEAD], NOW)
    errors = [incident.errors.get("slack", "") for incident in store.all()]
    assert any(words in error for error in errors)
    assert not any("xoxb" in error for error in errors)


def test_an_address_that_does_not_answer_is_never_shown(store: IncidentStore) -> None:
    Alerter("watcher", [WebhookChannel("http://127.0.0.1:9/secret")], store).reconcile([DEAD], NOW)
    errors = [error for incident in store.all() for error in incident.errors.values()]
    assert any("ConnectionError" in error for error in errors)
    assert not any("secret" in error for error in errors)


def test_without_a_channel_an_alert_is_logged_once(
    store: IncidentStore, caplog: pytest.LogCaptureFixture
) -> None:
    alerter = Alerter("watcher", [], store)
    for minutes in range(3):
        alerter.reconcile([DEAD], NOW + minutes * MINUTE)
    assert [record.message for record in caplog.records] == ["The daemon is dead: no heartbeat"]


def test_the_settings_name_the_channels() -> None:
    assert build_channels(Settings()) == ()
    both = Settings.model_validate(
        {
            "slack_bot_token": "xoxb-1",
            "alert_slack_channel": "#alerts",
            "alert_webhook_url": "https://hook.example/1",
        }
    )
    assert [channel.name for channel in build_channels(both)] == ["slack", "webhook"]


def test_incidents_survive_being_stored(store: IncidentStore, receiver: Receiver) -> None:
    alerter = Alerter("watcher", [WebhookChannel(receiver.url)], store)
    alerter.reconcile(
        [replace(DEAD, since=datetime.fromisoformat("2026-03-19T00:00:00+00:00"))], NOW
    )
    [incident] = store.all()
    assert incident.opened_at == utc("2026-03-19T00:00")
    assert incident.notified_at == {"webhook": NOW}
    assert receiver.alerts[0]["since"] == "2026-03-19T00:00:00+00:00"


class Hanging(Channel):
    """A channel that never accepts a message."""

    name = "hanging"
    setting = "none"

    def __init__(self) -> None:
        self.asked_count = 0
        self.over = threading.Event()

    def send(self, message: Message) -> None:
        self.asked_count += 1
        self.over.wait()


class Kept(Channel):
    """A channel that keeps what it is told."""

    name = "kept"
    setting = "none"

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def send(self, message: Message) -> None:
        self.events.append((message.kind, message.problem.key))


def test_a_channel_that_hangs_is_asked_once_and_holds_no_other_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.monitoring.alerts.alerter.DELIVERY_SECONDS", 0.2)
    hanging, kept = Hanging(), Kept()
    alerter = Alerter("watcher", [hanging, kept], FileIncidentStore(tmp_path))
    problems = [replace(DEAD, key=f"problem {number}") for number in range(20)]
    opened = {("opened", key) for key in (*(each.key for each in problems), "channel:hanging")}

    def is_told() -> bool:
        # Once is enough, unless the machine is too busy for a thread within that time.
        alerter.reconcile(problems, NOW)
        return opened <= set(kept.events)

    assert first_answer(is_told, pause_seconds=0.01)
    hanging.over.set()
    assert hanging.asked_count == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"daemon": {}}', '{"daemon": "x"}', "\0"])
def test_incidents_that_cannot_be_read_keep_no_alert_back(
    text: str, receiver: Receiver, tmp_path: Path
) -> None:
    for reporter in REPORTERS:
        (tmp_path / f"incidents-{reporter}.json").write_text(text)
    alerter = Alerter("watcher", [WebhookChannel(receiver.url)], FileIncidentStore(tmp_path))
    alerter.reconcile([DEAD], NOW)
    alerter.reconcile([DEAD], NOW + MINUTE)
    assert receiver.events() == [("opened", "daemon")]


class Endless(FileIncidentStore):
    """A store that never answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.over = threading.Event()

    def read_text(self, reporter: str) -> str:
        self.over.wait()
        return super().read_text(reporter)


def test_a_store_that_hangs_keeps_no_alert_back(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.monitoring.alerts.incidents.STORE_SECONDS", 0.05)
    endless = Endless(tmp_path)
    store = RememberedIncidentStore(endless, ())
    alerter = Alerter("watcher", [WebhookChannel(receiver.url)], store)
    alerter.reconcile([DEAD], NOW)
    alerter.reconcile([DEAD], NOW + MINUTE)
    endless.over.set()
    assert receiver.events() == [("opened", "daemon")]


def test_a_file_of_incidents_is_its_owners_alone(receiver: Receiver, tmp_path: Path) -> None:
    alerter = Alerter("watcher", [WebhookChannel(receiver.url)], FileIncidentStore(tmp_path))
    mask = os.umask(0)
    try:
        alerter.reconcile([DEAD], NOW)
    finally:
        os.umask(mask)
    [written] = tmp_path.iterdir()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
