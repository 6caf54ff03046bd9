"""An index of given documents in any store, and ways to damage it directly."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import lancedb
import numpy as np

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.index.spec import IndexSpec
from vector_assets.maintenance.verify.repair import verify_index
from vector_assets.maintenance.verify.verify import VerifyReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources.base import Source
from vector_assets.sources.items import SourceItem
from vector_assets.stores.base import Record, VectorStore
from vector_assets.stores.lancedb.rows import missing_fields, rows_of_records
from vector_assets.stores.records import restamped
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

DAYS = Days(date(2026, 3, 1), date(2026, 3, 7))
NOW = utc("2026-06-01")
DIMENSIONS = 64


def words(name: str, count: int = 25) -> str:
    """Return a text that fills a chunk by itself."""
    return " ".join(f"{name}{n}" for n in range(count))


def documents() -> list[SourceItem]:
    """Return documents of three, one and two chunks."""
    return [
        document("1", words("a"), words("b"), words("c"), updated_at="2026-03-02T10:00"),
        document("2", words("d"), updated_at="2026-03-03T10:00"),
        document("3", words("e"), words("f"), updated_at="2026-03-04T10:00"),
    ]


@dataclass
class World:
    """A source, its index, and a way to write into the index directly.

    Attributes:
        store: The index.
        put: Writes records as they are, over whatever is there.
        items: What the source gives; a test may change it.
        uri: Of LanceDB; empty for another store.
    """

    store: VectorStore
    put: Callable[[Sequence[Record]], None]
    items: list[SourceItem] = field(default_factory=documents)
    uri: str = ""
    embedder: TinyEmbedder = field(
        default_factory=lambda: TinyEmbedder(DIMENSIONS, chunk_tokens=40)
    )

    def sync(self, items: Sequence[SourceItem] | None = None, namespace: str = "jira") -> None:
        source = ListSource(self.items if items is None else items)
        source.name = namespace
        pipeline = Pipeline(
            source=source, target=target_of(self.store, self.embedder), meter=Meter()
        )
        write(pipeline.embedded_documents(DAYS, now=NOW))

    def verify(self, days: Days = DAYS, **how: Any) -> VerifyReport:
        open_source: Callable[[], Source] = lambda: ListSource(self.items)  # noqa: E731
        given = {
            "open_source": open_source,
            "embedder": self.embedder,
            "store": self.store,
            "days": days,
            "now": NOW,
        }
        return verify_index(**{**given, **how})

    def record(self, chunk_id: str) -> Record:
        return self.store.fetch("jira", [chunk_id])[0]

    def alter(self, chunk_id: str, vector: Any = None, **fields: Any) -> None:
        old = self.record(chunk_id)
        changed = old.vector if vector is None else np.asarray(vector, np.float32)
        self.put([Record(old.id, changed, {**old.metadata, **fields})])

    def copy(self, chunk_id: str, to: str) -> None:
        """Write a record under another id, with valid fingerprints."""
        old = self.record(chunk_id)
        document_id, _, ordinal = to.rpartition("#")
        fields = restamped(
            {**old.metadata, "document_id": document_id, "chunk": int(ordinal)},
            IndexSpec.of(self.embedder).vector_spec,
        )
        self.put([replace(old, id=to, metadata=fields)])

    def double(self, chunk_id: str, **fields: Any) -> None:
        """Add a second row of an id to LanceDB."""
        old = self.record(chunk_id)
        table = lancedb.connect(self.uri).open_table("jira")
        table.add(rows_of_records([Record(old.id, old.vector, {**old.metadata, **fields})],
                                  table.schema))  # fmt: skip

    def contents(self, namespace: str = "jira") -> list[tuple[str, Mapping[str, Any], list[float]]]:
        """Return every record, doubled ones included, in order of ids."""
        ids = list(dict.fromkeys(self.store.record_ids(namespace)))
        return sorted(
            (record.id, dict(record.metadata), np.round(record.vector, 5).tolist())
            for record in self.store.fetch(namespace, ids)
        )

    def assert_fresh(self) -> None:
        """Check that the index equals a newly synced one, record by record."""
        self.sync(namespace="fresh")
        assert self.contents() == self.contents("fresh")


def into_lancedb(uri: str) -> Callable[[Sequence[Record]], None]:
    """Return a function that writes rows into a table of LanceDB unchecked."""

    def put(records: Sequence[Record]) -> None:
        table = lancedb.connect(uri).open_table("jira")
        names = ", ".join(f"'{record.id}'" for record in records)
        table.delete(f"id IN ({names})")
        if missing := missing_fields(table.schema, [record.metadata for record in records]):
            table.add_columns(missing)
        table.add(rows_of_records(records, table.schema))

    return put


def defects(report: VerifyReport) -> set[tuple[str, str]]:
    """Return the kind of each finding with the id of its chunk, or of the whole document."""
    return {
        (str(finding.kind), finding.chunk_id or finding.document_id) for finding in report.findings
    }
