"""The desk, filled once per file of tests, with `serve` as a process."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets_tests.api.agents.desk import Desk, Stdio, filled, serving


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with running_sandbox(Workspace()) as sandbox:
        desk = filled(sandbox, folder)
        with serving(desk, folder) as url:
            desk.url = url
            yield desk


@pytest.fixture(scope="package")
def stdio() -> Iterator[Stdio]:
    """Processes of `vector-assets mcp`: to start one takes four seconds of a core."""
    with closing(Stdio()) as processes:
        yield processes
