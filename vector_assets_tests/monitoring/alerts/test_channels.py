"""What counts as delivered to a webhook."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vector_assets.monitoring.alerts.alerter import Alerter
from vector_assets.monitoring.alerts.channels import WebhookChannel
from vector_assets.monitoring.alerts.incidents import FileIncidentStore, Incident
from vector_assets.monitoring.problems import Problem
from vector_assets_tests.support.receiver import Receiver
from vector_assets_tests.support.serving import serving
from vector_assets_tests.support.tiny import utc

NOW = utc("2026-03-20T09:00")
DEAD = Problem("daemon", "The daemon is dead", "no heartbeat", "Start it.")


class Moved(ThreadingHTTPServer):
    """Answers each message with a status, and with the address of the receiver unless it has none.

    Attributes:
        status: Of its answers.
        leads_to: The address; none when empty.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.leads_to = ""


class _Handler(BaseHTTPRequestHandler):
    server: Moved

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.server.status)
        if self.server.leads_to:
            self.send_header("location", self.server.leads_to)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def moved() -> Iterator[Moved]:
    with serving(Moved()) as server:
        yield server


def told(moved: Moved, folder: Path) -> Incident:
    """Return the incident of a dead daemon after one check."""
    store = FileIncidentStore(folder)
    channel = WebhookChannel(f"http://127.0.0.1:{moved.server_port}/secret")
    Alerter("watcher", [channel], store).reconcile([DEAD], NOW)
    return next(each for each in store.all() if each.problem.key == "daemon")


def test_a_message_that_a_redirect_turns_into_a_visit_is_not_delivered(
    moved: Moved, receiver: Receiver, tmp_path: Path
) -> None:
    moved.status, moved.leads_to = 301, receiver.url
    incident = told(moved, tmp_path)
    assert (receiver.alerts, receiver.pings) == ([], 1)
    assert incident.notified_at == {}
    assert "HTTP 301" in incident.errors["webhook"]
    assert "Set ALERT_WEBHOOK_URL to the address that it leads to" in incident.errors["webhook"]
    assert "secret" not in incident.errors["webhook"]


@pytest.mark.parametrize("status", [302, 303])
def test_a_service_that_shows_a_page_after_it_took_the_message_is_not_sent_it_again(
    status: int, moved: Moved, receiver: Receiver, tmp_path: Path
) -> None:
    moved.status, moved.leads_to = status, receiver.url
    assert told(moved, tmp_path).notified_at == {"webhook": NOW}


@pytest.mark.parametrize("status", [307, 308])
def test_a_message_follows_a_redirect_that_keeps_it(
    status: int, moved: Moved, receiver: Receiver, tmp_path: Path
) -> None:
    moved.status, moved.leads_to = status, receiver.url
    assert told(moved, tmp_path).notified_at == {"webhook": NOW}
    assert receiver.events() == [("opened", "daemon")]


@pytest.mark.parametrize(("status", "is_delivered"), [(200, True), (204, True), (304, False)])
def test_only_success_is_a_delivery(
    status: int, is_delivered: bool, moved: Moved, tmp_path: Path
) -> None:
    moved.status = status
    assert bool(told(moved, tmp_path).notified_at) is is_delivered
