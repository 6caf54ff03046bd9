"""Nights of any source over one index, and what people then find in it."""

from pathlib import Path

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

DAY = "2026-03-02"


class Nights:
    """Runs a source night after night; attachments of a kind `download` are counted."""

    def __init__(self, source: str, sandbox: Sandbox, folder: Path) -> None:
        self.source = source
        self.sandbox = sandbox
        self.store = LanceDBStore(str(folder / "index"))
        self.embedder = TinyEmbedder(chunk_tokens=60)

    def night(self, *, is_rescan: bool = False, **settings: str) -> SyncReport:
        """Read the day up to the next morning, and what failed before."""
        values = {k.lower(): v for k, v in self.sandbox.environment.items()} | settings
        meter = Meter()
        pipeline = Pipeline(
            source=build_source(self.source, Settings.model_validate(values), meter),
            target=target_of(self.store, self.embedder),
            meter=meter,
        )
        day = utc(DAY).date()
        stream = pipeline.embedded_documents(
            Days(day, day), utc("2026-03-03T06:00"), is_rescan=is_rescan
        )
        return write(stream)

    def text_for(self, viewer: str = "") -> str:
        """Return all that somebody finds."""
        hits = self.store.search_dense(
            self.source,
            self.embedder.embed_query("words"),
            where=Filter(viewer=viewer),
            limit=1_000,
        )
        return "\n".join(str(hit.metadata["text"]) for hit in hits)


def told(report: SyncReport) -> dict[str, tuple[str, int]]:
    """Return the reasons and counts of a run's gaps, by subject."""
    return {gap.subject: (gap.reason, gap.count) for gap in report.gaps}
