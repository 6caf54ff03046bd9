"""A team whose week stands in a LanceDB, and an empty Pinecone of each sort to import it into."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vector_assets.maintenance.bulk_import import importer as importing
from vector_assets.sandbox import openai as sandbox_openai
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.stores.pinecone.store import PineconeStore
from vector_assets_tests.maintenance.bulk_import.teams import Team
from vector_assets_tests.stores.test_pinecone import make_vector_index

APIS = ("documents", "vectors")


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def served(serve: Callable[[Workspace], Sandbox]) -> Sandbox:
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    return serve(workspace)


@pytest.fixture
def team(api: str, served: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """A team in this process: the sandbox shows a write at once, and nobody waits."""
    monkeypatch.setattr(PineconeStore, "seen_within_seconds", 0.0)
    monkeypatch.setattr(importing, "SEEN_WITHIN_SECONDS", 0.0)
    monkeypatch.setattr(importing, "POLL_SECONDS", 0.02)
    if api == "vectors":
        make_vector_index(served, 64)
    found = Team(served, tmp_path)
    found.fill()
    return found


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each text that the sandbox's OpenAI has embedded: what would be paid for."""
    made: list[str] = []
    embed = sandbox_openai.embed

    def counted(asked: list[str], dimensions: int) -> Any:
        made.extend(asked)
        return embed(asked, dimensions)

    monkeypatch.setattr(sandbox_openai, "embed", counted)
    return made
