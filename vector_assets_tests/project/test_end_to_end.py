"""The whole way over HTTP, held to the vendors' contracts: sources, OpenAI, index, an answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, load_settings
from vector_assets.definitions import build_defs
from vector_assets.index.search import find
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.indexes import assert_same, contents

STORES = ("pinecone", "lancedb")


@pytest.fixture(params=STORES)
def settings(
    request: pytest.FixtureRequest,
    serve: Callable[[Workspace], Sandbox],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Settings:
    """Settings of a small team whose week ends yesterday, over each store in turn."""
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    environment = {
        **serve(workspace).environment,
        "VECTOR_STORE": request.param,
        "LANCEDB_URI": str(tmp_path / "lancedb"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_a_week_through_the_assets_is_found_with_its_links(settings: Settings) -> None:
    week = Days.newest(7, datetime.now(UTC))
    defs = build_defs(settings)
    with dagster_instance() as instance:
        for source in SOURCE_NAMES:
            assert materialize_in_process(defs, source, week, instance=instance).success
    store = build_store(settings, Meter())
    document_counts = {source: len(dict(store.documents(source))) for source in SOURCE_NAMES}
    assert document_counts == {"jira": 8, "slack": 14, "notion": 6, "fireflies": 3}

    [answer] = find("what about HAR-41?", settings=settings, limit=1).answers
    assert answer.title == "HAR-41 Shipping labels print blank for parcels to Norway"
    assert answer.url.endswith("/jira/browse/HAR-41")

    # Another way to start it finds nothing to do: it is the same code over the same index.
    for source in SOURCE_NAMES:
        report = sync_source(source, week, settings)
        assert (report.total.embedded_chunks, report.total.chunks) == (0, 0)
        assert report.total.unchanged_documents == report.total.documents == document_counts[source]


@pytest.mark.parametrize("settings", ["lancedb"], indirect=True)
def test_the_schedule_and_the_command_line_make_the_same_index(
    settings: Settings, tmp_path: Path
) -> None:
    by_hand = settings.model_copy(
        update={"lancedb_uri": str(tmp_path / "by-hand"), "catch_up_days": 7}
    )
    for source in SOURCE_NAMES:
        sync_source(source, Days.newest(7, datetime.now(UTC)), by_hand)
    scheduled = settings.model_copy(update={"catch_up_days": 7})
    defs = build_defs(scheduled)
    with dagster_instance() as instance:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=midnight,
            repository_def=defs.get_repository_def(),
        )
        tick = defs.resolve_schedule_def("nightly_ingestion_schedule").evaluate_tick(context)
        requests = tick.run_requests or []
        assert len(requests) == len(SOURCE_NAMES) + 1, "each source, and the canary"
        for request in requests:
            assert defs.resolve_job_def("nightly_ingestion").execute_in_process(
                asset_selection=list(request.asset_selection or ()),
                tags=dict(request.tags),
                instance=instance,
            ).success  # fmt: skip
    assert_same(contents(scheduled.lancedb_uri), contents(by_hand.lancedb_uri))
