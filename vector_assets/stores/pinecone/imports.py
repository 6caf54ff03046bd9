"""Pinecone's import from object storage: JSON Lines for documents, Parquet for vectors.

A line or row is what an upsert sends of the same record. Limits of one import: 10 GB a file,
100,000 files; Standard and Enterprise plans alone; a bucket that not everyone may read wants a
storage integration (docs.pinecone.io, "Import data", "Import vectors", "Operation limits",
2026-11).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from vector_assets.core.meter import Meter
from vector_assets.stores.base import Record
from vector_assets.stores.bulk_import import BulkImports, ImportState, StagedFile
from vector_assets.stores.pinecone.api import answered

Wire = Callable[[Sequence[Record]], Iterator[Mapping[str, Any]]]

_RUNNING = ("Pending", "InProgress")
_COMPLETED = "Completed"


class JsonLines(StagedFile):
    """A document a line.

    Args:
        stream: Written to.
        wire: Spells records.
    """

    def __init__(self, stream: Any, wire: Wire) -> None:
        self._stream = stream
        self._wire = wire

    def write(self, records: Sequence[Record]) -> None:
        """Add a line a record."""
        for one in self._wire(records):
            self._stream.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Do nothing: lines have no end but their own."""


class ParquetRows(StagedFile):
    """A vector a row, its metadata as JSON.

    Args:
        stream: Written to.
        wire: Spells records.
    """

    def __init__(self, stream: Any, wire: Wire) -> None:
        # Imported here, for it takes 36 MB, and the nights into Pinecone never come by.
        import pyarrow as pa
        import pyarrow.parquet as pq

        fields = [
            ("id", pa.string()),
            ("values", pa.list_(pa.float32())),
            ("metadata", pa.string()),
        ]
        self._schema, self._table = pa.schema(fields), pa.table
        self._writer = pq.ParquetWriter(stream, self._schema)
        self._wire = wire

    def write(self, records: Sequence[Record]) -> None:
        """Add a group of rows."""
        rows = list(self._wire(records))
        columns = {
            "id": [one["id"] for one in rows],
            "values": [one["values"] for one in rows],
            "metadata": [orjson.dumps(one["metadata"]).decode() for one in rows],
        }
        self._writer.write_table(self._table(columns, schema=self._schema))

    def close(self) -> None:
        """Write the footer, without which no row can be read."""
        self._writer.close()


class PineconeImports(BulkImports):
    """The imports of one index.

    Args:
        index: The SDK's data-plane client.
        form: `JsonLines` or `ParquetRows`.
        wire: Spells records.
        meter: Of the run.
    """

    def __init__(
        self, index: Any, form: type[JsonLines | ParquetRows], wire: Wire, meter: Meter
    ) -> None:
        self._index = index
        self._form = form
        self._wire = wire
        self._meter = meter
        self.suffix = ".jsonl" if form is JsonLines else ".parquet"

    def file(self, stream: Any) -> StagedFile:
        """Return a file of the form that this index imports."""
        return self._form(stream, self._wire)

    def start(self, uri: str, integration: str) -> str:
        """Begin an import that one bad record ends: none may be left out without a word."""
        ask = partial(
            self._index.start_import, uri, error_mode="abort", integration_id=integration or None
        )
        return str(self._asked("start", ask).id)

    def of(self, uri: str) -> list[ImportState]:
        """Return the imports of a folder."""
        found: Iterable[Any] = self._asked("list", lambda: list(self._index.list_imports()))
        return [_state(one) for one in found if one.uri.rstrip("/") == uri.rstrip("/")]

    def state(self, import_id: str) -> ImportState:
        """Return how an import stands."""
        return _state(self._asked("describe", partial(self._index.describe_import, import_id)))

    def cancel(self, import_id: str) -> None:
        """Ask for its end."""
        self._asked("cancel", partial(self._index.cancel_import, import_id))

    def _asked(self, verb: str, ask: Callable[[], Any]) -> Any:
        return answered(f"pinecone imports.{verb}", self._meter, ask)


def _state(found: Any) -> ImportState:
    return ImportState(
        found.id,
        found.status,
        is_running=found.status in _RUNNING,
        is_completed=found.status == _COMPLETED,
        percent=float(found.percent_complete or 0.0),
        imported_records=found.records_imported,
        error=found.error or "",
    )
