"""The office, filled once for all tests of the page."""

from collections.abc import Iterator

import pytest

from vector_assets_tests.api.page.office import Office, opened


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("office")) as office:
        yield office
