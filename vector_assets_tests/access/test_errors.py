"""The words of an error, which may name what few may read, are for operators alone."""

from datetime import UTC, date, datetime

import pytest

from vector_assets.api.context import warning_of
from vector_assets.api.reading import status_of
from vector_assets.core.read_keys import ANY_VIEWER, PUBLIC_ONLY, VIEWER, ReadKey
from vector_assets.core.settings import settings_of
from vector_assets.index.hosts import HostNamespace
from vector_assets.monitoring.health import Health, host_health, source_health
from vector_assets.monitoring.probes import SourceProbe
from vector_assets.monitoring.problems import Problem

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "the answer was not understood (ValueError: 'Zephyrine severance plan')"
PROBES = {
    "of the source": SourceProbe("notion", NOW, 3, source_error=SECRET),
    "of the index": SourceProbe("notion", index_error=SECRET),
}


def health_of(probe: SourceProbe) -> Health:
    source = source_health(probe, None, settings_of(), NOW)
    problem = Problem("index", "The index does not answer", SECRET, "")
    return Health(NOW, (source,), (problem,))


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
@pytest.mark.parametrize(("binding", "is_told"), [
    (ANY_VIEWER, True), (PUBLIC_ONLY, False), (VIEWER, False),
])  # fmt: skip
def test_the_status_quotes_errors_to_keys_for_any_viewer(
    probe: SourceProbe, binding: str, is_told: bool
) -> None:
    health = health_of(probe)
    status = status_of(health, ReadKey("a key", binding, "", date.min))
    assert (SECRET in "".join(status.sources[0].reasons)) is is_told
    assert (SECRET in "".join(status.problems)) is is_told
    assert "Zephyrine" not in status.model_dump_json() or is_told
    assert "cannot be read" in status.sources[0].reasons[0]
    assert SECRET in str(health.as_json())


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_no_warning_of_an_answer_quotes_an_error(probe: SourceProbe) -> None:
    warning = warning_of("notion", health_of(probe))
    assert "cannot be read" in warning
    assert "Zephyrine" not in warning


def test_nor_does_one_of_a_namespace_of_another_project() -> None:
    host = HostNamespace("notes", ("notes",))
    health = host_health(SourceProbe("notes", index_error=SECRET), host, NOW)
    assert "Zephyrine" in health.reasons[0]
    assert health.reasons_for_readers == ("the index cannot be read",)
