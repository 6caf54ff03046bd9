"""An index of each sort with generations beside it, and a source and models to fill it from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vector_assets.core.days import Days
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import Generation, Index
from vector_assets.index.ledger import NAMESPACE
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import write_target
from vector_assets.maintenance.reindex.reindex import Reindexing
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.stores.base import Head, IndexStore, Metadata
from vector_assets.stores.records import record_id, restamped
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, utc

DAYS = Days(utc("2026-03-01").date(), utc("2026-03-31").date())
SETTINGS = Settings.model_validate(
    {
        "vector_assets_sources": ("jira",),
        "jira_server": "https://example.com",
        "jira_email": "a@example.com",
        "jira_api_token": "token",
        "partitions_start": "2026-01-01",
    }
)


def tiny(model: str = "one", dimensions: int = 64, chunk_tokens: int = 50) -> TinyEmbedder:
    """Return an embedder of some kind; its vectors depend on the model too."""
    embedder = TinyEmbedder(dimensions, chunk_tokens)
    embedder.model = model
    embed_query = embedder.embed_query
    embedder.embed_query = lambda text: embed_query(f"{model} {text}")  # type: ignore[method-assign]
    return embedder


@dataclass
class Place:
    """An index, its source, and whoever asks and writes.

    Attributes:
        base: The index that the settings name.
        documents: At the source, by id.
    """

    base: IndexStore
    documents: dict[str, Document] = field(default_factory=dict)

    def put(self, *documents: Document) -> None:
        """Show documents at the source, in place of older versions."""
        self.documents |= {document.id: document for document in documents}

    def source(self, _: str = "jira") -> ListSource:
        return ListSource(list(self.documents.values()))

    def index(self) -> Index:
        """Return the index as another process would see it."""
        return Index(self.base)

    def sync(self, embedder: TinyEmbedder, *known: TinyEmbedder) -> SyncReport:
        """Run as the night does, with the settings' embedder; `known` are other models."""
        by_spec = {IndexSpec.of(other): other for other in known}
        target = write_target(self.index(), embedder, lambda spec: by_spec[spec])
        pipeline = Pipeline(source=self.source(), target=target, meter=Meter())
        return write(pipeline.embedded_documents(DAYS))

    def reindexing(self, embedder: TinyEmbedder, **options: Any) -> Reindexing:
        return Reindexing(
            SETTINGS, index=self.index(), embedder=embedder, source_of=self.source, **options
        )

    def generation(self, name: str) -> IndexStore:
        return self.base.beside(name) if name else self.base

    def live(self) -> Generation:
        """Return the live generation."""
        live = self.index().live()
        assert live is not None
        return live

    def served(self) -> IndexStore:
        """Return the store that is live."""
        return self.generation(self.live().name)

    def assert_unmixed(self, store: IndexStore, spec: IndexSpec) -> dict[str, Metadata]:
        """Check that every record is of a spec, by its own fingerprint and vector; return them."""
        metadata_by_id = contents(store)
        for chunk_id, metadata in metadata_by_id.items():
            wanted = restamped(metadata, spec.vector_spec)["fingerprint"]
            assert metadata["fingerprint"] == wanted, f"{chunk_id} is of another spec"
        return metadata_by_id


def contents(store: IndexStore, namespace: str = "jira") -> dict[str, Metadata]:
    """Return all records of a namespace by id, orphans included."""
    assert namespace != NAMESPACE
    heads: Mapping[str, Head] = dict(store.documents(namespace))
    ids = [chunk for document_id in heads for chunk in store.chunk_ids(namespace, document_id)]
    assert store.count(namespace) == len(ids) == len(set(ids)), "doubled or orphaned"
    for document_id, head in heads.items():
        if head.document_fingerprint:
            whole = {record_id(document_id, n) for n in range(head.chunk_count)}
            assert whole == {chunk for chunk in ids if chunk.rpartition("#")[0] == document_id}
    return store.metadata(namespace, ids)
