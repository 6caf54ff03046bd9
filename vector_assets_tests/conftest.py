"""Fixtures for all tests: a sandbox over real HTTP whose whole traffic fits the contracts."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.stores.base import VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.contracts.checks import ContractChecks
from vector_assets_tests.support.dagster_private import set_defs_state_storage
from vector_assets_tests.support.dates import wait_out_midnight
from vector_assets_tests.support.receiver import Receiver, running_receiver
from vector_assets_tests.support.remembered_certificates import remembered_certificates
from vector_assets_tests.support.remembered_migrations import remembered_migrations
from vector_assets_tests.support.remembered_vectors import remembered

# Until all tests are collected: what is imported stays.
gc.disable()

# A busy machine is no failure: no example has to be read, and none to be made, within a time.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

WORKSPACE_DATA = Path(__file__).parents[2] / "shared" / "workspace-data"


@pytest.fixture
def serve() -> Iterator[Callable[[Workspace], Sandbox]]:
    """A function that serves a workspace until the test ends, with contracts checked.

    The test fails at its end when any request of ours, or any answer of the sandbox, did not fit.
    """
    with ExitStack() as stack:
        checks: list[ContractChecks] = []

        def start(workspace: Workspace) -> Sandbox:
            check = ContractChecks()
            checks.append(check)
            return stack.enter_context(running_sandbox(workspace, wrap=check.around))

        yield start
    assert [violation for check in checks for violation in check.violations] == []


@pytest.fixture
def sandbox(serve: Callable[[Workspace], Sandbox]) -> Sandbox:
    """A sandbox over an empty workspace; fill `sandbox.workspace`."""
    return serve(Workspace())


@pytest.fixture(scope="session")
def workspace_data() -> Path:
    """The folder of real data; a test that needs it is skipped where it is absent."""
    if not WORKSPACE_DATA.is_dir():
        pytest.skip(f"needs the real workspace data in {WORKSPACE_DATA}, which is not here")
    return WORKSPACE_DATA


@pytest.fixture(autouse=True, scope="session")
def _remembered_vectors() -> Iterator[None]:
    """Embed each text once with the local model, whichever tests need its vector."""
    with remembered():
        yield


@pytest.fixture(autouse=True, scope="session")
def _remembered_certificates() -> Iterator[None]:
    """Read the certificates of TLS once, however many clients the tests make."""
    with remembered_certificates():
        yield


@pytest.fixture(autouse=True, scope="session")
def _remembered_migrations() -> Iterator[None]:
    """Read the list of Dagster's migrations once, however many databases the tests make."""
    with remembered_migrations():
        yield


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the developer's own accounts: tests see only the variables that they set."""
    from vector_assets.core.settings import Settings

    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that records webhooks and pings."""
    with running_receiver() as server:
        yield server


@pytest.fixture(params=["lancedb", "documents", "vectors"])
def store(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> VectorStore:
    """An empty index: LanceDB, then both APIs of Pinecone."""
    from vector_assets_tests.stores import test_pinecone as pinecone

    if request.param == "lancedb":
        return LanceDBStore(str(tmp_path / "lancedb"))
    if request.param == "vectors":
        pinecone.make_vector_index(sandbox)
    return pinecone.build(sandbox)


FIRST = ("deploy/test_split_deployment", "monitoring/installation/test_installation")
"""Files whose few tests wait for processes for minutes: they begin, beside others that compute."""

SECOND = (
    "ui/",
    "monitoring/installation/test_sources_that_fail",
    "orchestration/test_dagster_processes",
)
"""Files that wait as well, and would make the machine too slow for the first: they come later."""

LONG = (
    "sources/slack/test_worlds",
    "sources/jira/test_worlds",
    "sources/test_own_source",
    "stores/test_lancedb",
    "stores/test_pinecone",
)
"""Files that take about a minute or more: at the end, the other workers would wait for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that wait and tests that compute run side by side from the beginning to the end."""

    def place(numbered: tuple[int, pytest.Item]) -> float:
        number, item = numbered
        file = item.nodeid.partition("::")[0]
        if any(name in file for name in FIRST):
            return 0
        if any(name in file for name in (*SECOND, *LONG)):
            return 0.4
        return (1 + number) / len(items)

    items[:] = [item for _, item in sorted(enumerate(items), key=place)]


def pytest_collection_finish() -> None:
    """Collect garbage from now on, but none of what lives as long as the process.

    Those are some 600,000 objects of libraries and tests, which take 0.1 s of a core each time.
    """
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


def pytest_runtest_setup() -> None:
    """Let no test meet the end of a day, which its data and its checks would see differently."""
    wait_out_midnight()


@pytest.fixture(autouse=True)
def _no_instance_of_another_test() -> Iterator[None]:
    """Keep Dagster from asking an instance that another test has left behind in its context."""
    with set_defs_state_storage(None):
        yield
