"""What status and doctor say of an index of another kind, in this process."""

import pytest

from vector_assets.core.days import Days
from vector_assets.core.settings import Settings
from vector_assets.embedding import chunking
from vector_assets.index.search import find
from vector_assets.monitoring.doctor import examine
from vector_assets.monitoring.health import INDEX_KIND, Health, measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.verdict import Verdict
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.jira.issues import adf, issue
from vector_assets_tests.support.tiny import utc


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: object) -> Settings:
    """A Jira with one issue, brought into a LanceDB of 64 dimensions."""
    sandbox.workspace.issues = [
        issue(1, updated=utc("2026-03-02"), description=adf("carrier keys"))
    ]
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    settings = Settings.model_validate(
        {
            **values,
            "vector_assets_sources": "jira",
            "vector_store": "lancedb",
            "lancedb_uri": f"{tmp_path}/lancedb",
            "embedding_dimensions": 64,
        }
    )
    day = utc("2026-03-02").date()
    sync_source("jira", Days(day, day), settings)
    return settings


def health(settings: Settings) -> Health:
    return measure(settings, Probes(settings), None)


def test_an_index_of_the_settings_own_kind_is_not_mentioned(settings: Settings) -> None:
    assert health(settings).notes == ()
    assert [problem.key for problem in health(settings).problems] == []


def test_a_change_that_nights_can_wait_for_is_a_note_and_no_problem(settings: Settings) -> None:
    report = health(settings.model_copy(update={"embedding_dimensions": 32}))
    assert "dimensions 64, now 32" in report.notes[0]
    assert report.problems == ()


def test_a_change_that_stops_the_nights_is_a_problem_and_doctor_calls_the_index_broken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "CHUNKER_VERSION", chunking.CHUNKER_VERSION + 1)
    report = health(settings)
    [problem] = [listed for listed in report.problems if listed.key == INDEX_KIND]
    assert "chunker" in problem.detail
    assert "vector-assets reindex" in problem.advice
    assert report.verdict is not Verdict.FRESH
    [index] = [check for check in examine(settings) if check.service == "index"]
    assert index.state == "broken"
    assert "chunker" in index.line
    assert find("carrier keys", settings=settings).answers
