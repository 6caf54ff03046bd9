"""How incidents end: each with one closing message, whatever a channel does meanwhile."""

from datetime import timedelta
from pathlib import Path

import pytest

from vector_assets.core.errors import UnavailableError
from vector_assets.monitoring.alerts.alerter import Alerter
from vector_assets.monitoring.alerts.channels import SENT_AGAIN, Channel, Message, WebhookChannel
from vector_assets.monitoring.alerts.incidents import FileIncidentStore, IncidentStore
from vector_assets.monitoring.problems import Problem
from vector_assets_tests.support.receiver import Receiver
from vector_assets_tests.support.tiny import utc

NOW = utc("2026-03-20T09:00")
DEAD = Problem("daemon", "The daemon is dead", "no heartbeat", "Start it.")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> IncidentStore:
    return FileIncidentStore(tmp_path / "incidents")


@pytest.fixture
def alerter(receiver: Receiver, store: IncidentStore) -> Alerter:
    return Alerter("watcher", [WebhookChannel(receiver.url)], store)


class Refusing(Channel):
    """A channel that accepts nothing."""

    name = "refusing"
    setting = "none"

    def send(self, message: Message) -> None:
        raise UnavailableError(self.name, "HTTP 410", SENT_AGAIN)


def test_a_closing_message_is_sent_again_however_long_the_incident_lasted(
    alerter: Alerter, receiver: Receiver
) -> None:
    alerter.reconcile([DEAD], NOW)
    receiver.status = 503
    over_at = NOW + timedelta(days=3)
    alerter.reconcile([], over_at)
    receiver.status = 200
    alerter.reconcile([], over_at + 5 * MINUTE)
    alerter.reconcile([], over_at + 6 * MINUTE)
    assert receiver.events() == [("opened", "daemon"), ("over", "daemon")]
    assert receiver.alerts[1]["ended_at"] == over_at.isoformat()


def test_a_channel_that_stays_away_keeps_no_ended_incident_for_longer_than_a_day(
    alerter: Alerter, receiver: Receiver, store: IncidentStore
) -> None:
    alerter.reconcile([DEAD], NOW)
    receiver.status = 503
    alerter.reconcile([], NOW + timedelta(days=3))
    assert "daemon" in {incident.problem.key for incident in store.all()}
    alerter.reconcile([], NOW + timedelta(days=4, minutes=1))
    assert "daemon" not in {incident.problem.key for incident in store.all()}


def test_a_channel_that_is_removed_is_no_incident_any_more(
    receiver: Receiver, store: IncidentStore
) -> None:
    kept = WebhookChannel(receiver.url)
    Alerter("watcher", [Refusing(), kept], store).reconcile([DEAD], NOW)
    assert receiver.events() == [("opened", "daemon"), ("opened", "channel:refusing")]
    for days in range(1, 4):
        alerter = Alerter("watcher", [kept], store)
        alerter.reconcile([], NOW + timedelta(days=days))
    assert receiver.events()[2:] == [("over", "daemon"), ("over", "channel:refusing")]
    assert store.all() == []
