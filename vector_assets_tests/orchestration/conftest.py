"""A code location for each test, with an ephemeral instance."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from vector_assets_tests.orchestration.parts import Location


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def location(tmp_path: Path, instance: dg.DagsterInstance) -> Location:
    return Location(tmp_path, instance)
