"""Fixtures: each kind of index in turn, and the quickest of them."""

from pathlib import Path

import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import VectorStore
from vector_assets.stores.lancedb import LanceDBStore
from vector_assets_tests.stores import test_pinecone as pinecone
from vector_assets_tests.test_cli import office, run

__all__ = ["lance", "office", "run", "store"]


@pytest.fixture(params=["lancedb", "documents", "vectors"])
def store(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> VectorStore:
    """LanceDB, and both APIs of Pinecone."""
    if request.param == "lancedb":
        return LanceDBStore(str(tmp_path / "lancedb"))
    if request.param == "vectors":
        pinecone.make_vector_index(sandbox)
    return pinecone.build(sandbox)


@pytest.fixture
def lance(tmp_path: Path) -> LanceDBStore:
    return LanceDBStore(str(tmp_path / "lancedb"))
