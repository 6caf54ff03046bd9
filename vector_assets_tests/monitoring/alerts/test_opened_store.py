"""Alerts of a process that starts while the database of Dagster's records is down."""

import shutil
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from vector_assets.monitoring.alerts.alerter import Alerter
from vector_assets.monitoring.alerts.channels import WebhookChannel
from vector_assets.monitoring.alerts.incidents import incident_store
from vector_assets.monitoring.problems import Problem
from vector_assets_tests.deploy.database import Database, binaries, running_database
from vector_assets_tests.deploy.hosts import Host
from vector_assets_tests.deploy.split import DEPLOY
from vector_assets_tests.support.patience import first_answer
from vector_assets_tests.support.receiver import Receiver
from vector_assets_tests.support.tiny import utc

NOW = utc("2026-03-20T09:00")
MINUTE = timedelta(minutes=1)
OFF = Problem("off:schedule", "The schedule is off", "somebody stopped it", "Start it.")
DOWN = Problem("database", "The database is down", "connection refused", "Start it.")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database that holds the records of `DAGSTER_HOME`."""
    if binaries() is None:
        pytest.skip("needs Postgres, which is not installed here: `make database` installs it")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(DEPLOY / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with running_database(Host("", "127.0.0.1", "127.0.0.1"), "127.0.0.1", port) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.mark.timeout(600)
def test_a_database_that_is_down_at_the_start_keeps_no_alert_back_and_no_incident_open(
    database: Database, receiver: Receiver
) -> None:
    channels = [WebhookChannel(receiver.url)]
    with incident_store() as store:
        Alerter("watcher", channels, store).reconcile([OFF], NOW)
    database.stop()
    with incident_store() as store:
        alerter = Alerter("watcher", channels, store)
        alerter.reconcile([DOWN], NOW + MINUTE)
        alerter.reconcile([DOWN], NOW + 2 * MINUTE)
        assert receiver.events() == [("opened", "off:schedule"), ("opened", "database")]
        database.start()

        def is_over() -> bool:
            alerter.reconcile([], NOW + 3 * MINUTE)
            return ("over", "off:schedule") in receiver.events()

        assert first_answer(is_over)
    assert receiver.events()[2:] == [("over", "database"), ("over", "off:schedule")]
    with incident_store() as store:
        assert store.all() == []
