"""One installation for all tests of a file: its processes take a minute to come up."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.monitoring.installation.installation import Installation, installed
from vector_assets_tests.support.receiver import Receiver, running_receiver


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox over a small team's week that ended yesterday."""
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    with running_sandbox(workspace) as server:
        yield server


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as server:
        yield server


@pytest.fixture(scope="module")
def team(
    sandbox: Sandbox, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation whose last three days have come by themselves."""
    folder = tmp_path_factory.mktemp("team")
    environment = {**sandbox.environment, "CATCH_UP_DAYS": "3"}
    with installed(folder, environment, receiver) as installation:
        installation.wait_until(
            lambda: set(installation.verdicts().values()) == {"fresh"}, "the first days"
        )
        yield installation
