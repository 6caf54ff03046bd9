"""Runs of the whole pipeline over Slack, one after the other, with a real index in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from vector_assets.core.days import Days, start_of_day
from vector_assets.core.meter import Meter
from vector_assets.embedding.base import Embedder
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import Gap
from vector_assets.sources.slack.source import SlackSource
from vector_assets.stores.base import Filter, Head, Hit, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.slack.team import source
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder


class CountingStore(LanceDBStore):
    """Counts the questions that it is asked about documents."""

    question_count = 0

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        self.question_count += 1
        return super().heads(namespace, document_ids)


@dataclass(frozen=True)
class Run:
    """A run's report, and its requests for threads, for pages of history, and to the index."""

    report: SyncReport
    replies: int
    history: int
    questions: int

    @property
    def gaps(self) -> list[Gap]:
        return self.report.gaps


class Runs:
    """Runs over one index, with settings besides those of the sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, **environment: str) -> None:
        self.sandbox = sandbox
        self.uri = str(folder / "lancedb")
        self.environment = environment
        self.embedder: Embedder = TinyEmbedder(chunk_tokens=2_000)

    def run(self, day: str, *, last: str = "", is_rescan: bool = False) -> Run:
        """Read a day, or all days to `last`, up to the next morning."""
        meter, store = Meter(), CountingStore(self.uri)
        days = Days(date.fromisoformat(day), date.fromisoformat(last or day))
        pipeline = Pipeline(
            source=source(self.sandbox, meter, **self.environment),
            target=target_of(store, self.embedder),
            meter=meter,
        )
        morning = start_of_day(days.last) + timedelta(days=1, hours=6)
        stream = pipeline.embedded_documents(days, morning, is_rescan=is_rescan)
        report = write(stream)
        asked = report.requests
        return Run(
            report,
            replies=asked.get("slack conversations.replies", 0),
            history=asked.get("slack conversations.history", 0),
            questions=store.question_count,
        )

    def source(self) -> SlackSource:
        """Return a source that knows what the index holds, as one that prunes does."""
        slack = source(self.sandbox, **self.environment)
        spec = IndexSpec.of(self.embedder).vector_spec
        slack.known = HeldVersions(self._store(), "slack", spec, is_rescan=False)
        return slack

    def hits(self, viewer: str) -> list[Hit]:
        """Return all that a reader may find, or nobody in particular."""
        return self._store().search_dense(
            "slack", self.embedder.embed_query("any"), where=Filter(viewer=viewer), limit=10_000
        )

    def texts(self) -> dict[str, str]:
        """Return the whole text that the index holds of each thread and day, by native id."""
        text_by_id: dict[str, str] = {}
        for hit in sorted(self.hits("ann.lee@example.com"), key=lambda hit: hit.id):
            native_id = str(hit.metadata["document_id"]).removeprefix("slack:")
            passage = str(hit.metadata["text"]).partition("\n\n")[2]
            if ":" in native_id:
                text_by_id[native_id] = "\n".join(
                    filter(None, (text_by_id.get(native_id), passage))
                )
        return text_by_id

    def updated_at(self, native_id: str) -> datetime:
        """Return the last activity that the index holds of a document."""
        heads = self._store().heads("slack", [f"slack:{native_id}"])
        return datetime.fromtimestamp(heads[f"slack:{native_id}"].updated_at, UTC)

    def channels(self) -> set[str]:
        """Return the channels that the index holds as seen."""
        native_ids = (
            document_id.removeprefix("slack:")
            for document_id, _ in self._store().documents("slack")
        )
        return {native_id for native_id in native_ids if ":" not in native_id}

    def _store(self) -> VectorStore:
        store = LanceDBStore(self.uri)
        store.open("slack", self.embedder.dimensions)
        return store
