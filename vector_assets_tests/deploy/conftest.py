"""Shares a split deployment among the tests of a file, as its processes start slowly."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.deploy.database import binaries, running_database
from vector_assets_tests.deploy.hosts import Hosts, two_hosts
from vector_assets_tests.deploy.split import DEPLOY, SplitDeployment, deployed, ports_for
from vector_assets_tests.support.receiver import Receiver, running_receiver


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if binaries() is None:
        pytest.skip("needs Postgres, which is not installed here: `make database` installs it")
    with two_hosts(tmp_path_factory.mktemp("split"), DEPLOY) as hosts:
        yield hosts


@pytest.fixture(scope="module")
def sandbox(hosts: Hosts) -> Iterator[Sandbox]:
    """The vendors and Pinecone, with a small team's week that ended yesterday."""
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    with running_sandbox(workspace, host=hosts.world) as served:
        yield served


@pytest.fixture(scope="module")
def receiver(hosts: Hosts) -> Iterator[Receiver]:
    with running_receiver(hosts.world) as listening:
        yield listening


@pytest.fixture(scope="module")
def team(hosts: Hosts, sandbox: Sandbox, receiver: Receiver) -> Iterator[SplitDeployment]:
    """Code server and `serve` on one host, the rest on the other; the schedule fires in minutes."""
    # Twice, as the scheduler skips a tick that is due when it first sees the schedule.
    minute = datetime.now(UTC).minute
    nights = f"{(minute + 3) % 60},{(minute + 5) % 60}"
    ports = ports_for(hosts)
    accounts = {
        **sandbox.environment,
        "READ_API_KEY": "reading-key",
        "ADMIN_API_KEY": "admin-key",
        "ALERT_WEBHOOK_URL": receiver.url,
        "HEARTBEAT_URL": receiver.url,
        "HEARTBEAT_MAX_AGE_SECONDS": "120",
        "WATCH_SECONDS": "5",
        "NIGHTLY_CRON": f"{nights} * * * *",
        "CATCH_UP_DAYS": "3",
    }
    name = "postgres" if hosts.are_apart else "127.0.0.1"
    with (
        running_database(hosts.first, name, ports["postgres"]) as database,
        deployed(hosts, database, accounts, receiver, ports) as deployment,
    ):
        yield deployment
