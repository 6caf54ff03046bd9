"""Runs commands in this process, over a sandbox with the packaged workspace."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vector_assets.cli.main import main
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; returns exit code, stdout and stderr."""

    def call(*words: str) -> tuple[int, str, str]:
        code: Any = 0
        try:
            main(words)
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return int(code or 0), printed.out, printed.err

    return call


@pytest.fixture
def office(
    serve: Callable[[Workspace], Sandbox], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Sandbox:
    """The packaged workspace, ending yesterday, with every variable pointing at it."""
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    sandbox = serve(workspace)
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VECTOR_STORE", "lancedb")
    monkeypatch.setenv("LANCEDB_URI", str(tmp_path / "lancedb"))
    return sandbox
