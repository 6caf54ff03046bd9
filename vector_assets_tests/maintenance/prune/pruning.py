"""Helpers of the prune's tests: sync, prune, and what an index holds afterwards."""

from typing import Any

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.maintenance.prune.prune import EVERYTHING, Prune
from vector_assets.maintenance.prune.report import PruneReport
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sources.base import Source
from vector_assets.stores.base import VectorStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

MARCH = Days(utc("2026-03-01").date(), utc("2026-03-31").date())


def sync(source: Source, store: VectorStore) -> None:
    """Sync March into an index of 64 dimensions, with chunks so small that most have several."""
    embedder = TinyEmbedder(64, chunk_tokens=12)
    Pipeline(source=source, target=target_of(store, embedder), meter=Meter()).run(MARCH)


def prune(source: Source, store: VectorStore, max_share: float = 0.4, **kwargs: Any) -> PruneReport:
    """Prune everything, or the `window`."""
    window, now = kwargs.pop("window", EVERYTHING), kwargs.pop("now", None)
    return Prune(source, store, Meter(), max_share=max_share, now=now).run(window, **kwargs)


def held(store: VectorStore, namespace: str = "jira") -> set[str]:
    """Return the ids of the documents that an index has a head of."""
    return {document_id for document_id, _ in store.documents(namespace)}
