"""An index of each sort: LanceDB, and Pinecone with both of its APIs."""

from pathlib import Path

import pytest

from vector_assets.index import generations
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.pinecone.store import PineconeStore
from vector_assets_tests.maintenance.reindex.places import Place
from vector_assets_tests.stores.test_pinecone import build, make_vector_index

SORTS = ("lancedb", "documents", "vectors")


@pytest.fixture(params=SORTS)
def sort(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(sort: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Each sort of index in turn; readers ask at every question which generation is live."""
    monkeypatch.setattr(generations, "KEEP_SECONDS", 0.0)
    # The sandbox shows a write at once, unless a test says otherwise.
    monkeypatch.setattr(PineconeStore, "seen_within_seconds", 0.0)
    if sort == "lancedb":
        return Place(LanceDBStore(str(tmp_path / "index")))
    if sort == "vectors":
        make_vector_index(sandbox, 64)
    return Place(build(sandbox))
