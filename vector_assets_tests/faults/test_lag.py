"""An index that shows a write only seconds later: waited for, and never paid for twice."""

import pytest

from vector_assets.core.meter import Meter
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.faults.test_schedules import DAYS, NOW
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document

LAG_SECONDS = 2.0
PARTS = tuple(f"part {n} " + "word " * 30 for n in range(3))


@pytest.mark.parametrize("api", ["documents", "vectors"])
def test_what_an_index_shows_late_is_embedded_once(sandbox: Sandbox, api: str) -> None:
    if api == "vectors":
        make_vector_index(sandbox, 16)
    store, embedder = build(sandbox), TinyEmbedder(16, 40)
    store.open("jira", 16)
    sandbox.faults.index_lag_seconds = LAG_SECONDS
    source = ListSource([document("1", *PARTS), document("2", "short")])
    pipeline = Pipeline(source=source, target=target_of(store, embedder), meter=Meter())
    report = write(pipeline.embedded_documents(DAYS, now=NOW))
    assert report.total.embedded_chunks == len(embedder.embedded_texts)
    assert len(set(embedder.embedded_texts)) == len(embedder.embedded_texts)
    # The run is over only when what it wrote can be read.
    assert set(store.heads("jira", ["jira:1", "jira:2"])) == {"jira:1", "jira:2"}
