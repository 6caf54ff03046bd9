"""A code location of its own for each test, with an instance that forgets."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from vector_assets_tests.orchestration.parts import Location


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def location(tmp_path: Path, instance: dg.DagsterInstance) -> Location:
    return Location(tmp_path, instance)
