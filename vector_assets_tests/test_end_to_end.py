"""The whole way over HTTP, held to the vendors' contracts: sources, OpenAI, index, an answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from vector_assets.definitions import build_defs
from vector_assets.meter import Meter
from vector_assets.orchestration.launch import materialize_in_process
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.search import find
from vector_assets.settings import Settings, load_settings
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import build_store
from vector_assets.sync import Days, sync_source

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
    with dg.instance_for_test() as instance:
        for source in SOURCE_NAMES:
            assert materialize_in_process(defs, source, week, instance=instance).success
    store = build_store(settings, Meter())
    found = {source: len(dict(store.documents(source))) for source in SOURCE_NAMES}
    assert found == {"jira": 8, "slack": 14, "notion": 6, "fireflies": 3}

    [answer] = find("what about HAR-41?", settings=settings, limit=1).answers
    assert answer.title == "HAR-41 Shipping labels print blank for parcels to Norway"
    assert answer.url.endswith("/jira/browse/HAR-41")

    # Another way to start it finds nothing to do: it is the same code over the same index.
    for source in SOURCE_NAMES:
        report = sync_source(source, week, settings)
        assert (report.total.embedded_chunks, report.total.chunks) == (0, 0)
        assert report.total.unchanged_documents == report.total.documents == found[source]
