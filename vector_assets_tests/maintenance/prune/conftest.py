"""Fixtures: the quickest kind of index, and a workspace with a command line over it."""

from pathlib import Path

import pytest

from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.cli.conftest import office, run

__all__ = ["lance", "office", "run"]


@pytest.fixture
def lance(tmp_path: Path) -> LanceDBStore:
    return LanceDBStore(str(tmp_path / "lancedb"))
