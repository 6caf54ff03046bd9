"""Copies of small tables in memory, for a process that answers many questions.

A query of LanceDB costs some 10 ms of a core, whatever the table holds, and a question needs
several of each table. A copy answers all but the search by words in about one. It is of one version
of the table; each question asks for the newest version first, so it finds what was just written.
Only while a table is written all the time, a question may see it as it was some copies ago.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vector_assets.core.documents import Value
from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Head, Hit, Metadata, Searchable
from vector_assets.stores.lancedb.pinned import PinnedTable, PinnedTables
from vector_assets.stores.lancedb.rows import where_clause
from vector_assets.stores.records import head_id, head_of

ALL_COPIES_BYTES = 128 * 2**20
"""Most memory of all copies of a store; a table that does not fit in it is asked itself."""

COPYING_SHARE = 0.2
"""Most of the time that goes to copying a table that is written all the time."""

_ROW_BYTES = 3_000
"""Of a row without its vector, at most about."""

Ask = Callable[[Callable[[], Any]], Any]
"""Makes a request of LanceDB and raises the store's own error when it fails."""


class _Row(Mapping[str, Value]):
    """The metadata of a row, read when it is asked for: of hundreds of hits few are shown."""

    __slots__ = ("_at", "_columns")

    def __init__(self, columns: Mapping[str, Any], at: int) -> None:
        self._columns = columns
        self._at = at

    def __getitem__(self, name: str) -> Value:
        value: Value | None = self._columns[name][self._at].as_py()
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, column in self._columns.items() if column[self._at].is_valid)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class TableCopy(Searchable):
    """One version of a table.

    Args:
        table: A handle that stays at this version.
        pinned: The same version, for search by words.
        ask: Makes requests of both.
    """

    has_lexical_search = True

    def __init__(self, table: Any, pinned: PinnedTable, ask: Ask) -> None:
        self._pinned = pinned
        self._ask = ask
        query = table.search().with_row_id(True).limit(None)
        rows: pa.Table = ask(query.to_arrow)
        arrays = {name: _whole(rows[name]) for name in rows.schema.names}
        self._vectors = _unit_vectors(arrays.pop("vector"))
        row_ids = arrays.pop("_rowid").to_pylist()
        self._ids: list[str] = arrays.pop("id").to_pylist()
        self._columns = arrays
        self._place_of_row = {row_id: place for place, row_id in enumerate(row_ids)}
        self._place_of_id = {chunk_id: place for place, chunk_id in enumerate(self._ids)}
        self._updated_at = _numbers(arrays["updated_at"])
        self._is_first = _numbers(arrays["chunk"]) == 0
        self._places_of_reader = _places_by_value(arrays["access"])

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return the heads of these documents by document id."""
        places = {
            document_id: self._place_of_id.get(head_id(document_id)) for document_id in document_ids
        }
        return {
            document_id: head_of(dict(_Row(self._columns, place)))
            for document_id, place in places.items()
            if place is not None
        }

    def watermark(self, namespace: str) -> datetime | None:
        """Return the newest `updated_at` of all heads; None without any."""
        newest = self._updated_at[self._is_first]
        return datetime.fromtimestamp(float(newest.max()), UTC) if newest.size else None

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        """Return the nearest rows by cosine similarity, best first."""
        allowed = np.flatnonzero(self._allowed(where))
        norm = float(np.linalg.norm(vector)) or 1.0
        # Not `@`: BLAS shares so small a product among threads that wait for each other busily.
        scores = np.einsum("ij,j->i", self._vectors, (vector / norm).astype(np.float32))[allowed]
        best = np.argsort(-scores, kind="stable")[:limit]
        return [self._hit(int(allowed[at]), float(scores[at])) for at in best]

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the best rows by BM25, from LanceDB's index of this version."""
        if not text.strip():
            return []
        clause = None if self._allowed(where).all() else where_clause(where)
        rows = self._ask(lambda: self._pinned.matching(text, clause=clause, limit=limit))
        return [
            self._hit(self._place_of_row[row_id], score)
            for row_id, score in zip(
                rows["_rowid"].to_pylist(), rows["_score"].to_pylist(), strict=True
            )
        ]

    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the first rows of documents that match a filter."""
        places = np.flatnonzero(self._allowed(where) & self._is_first)[:limit]
        return [self._hit(int(place), 1.0) for place in places]

    def metadata(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, Metadata]:
        """Return all metadata of the rows that exist, by id."""
        places = {chunk_id: self._place_of_id.get(chunk_id) for chunk_id in chunk_ids}
        return {
            chunk_id: _Row(self._columns, place)
            for chunk_id, place in places.items()
            if place is not None
        }

    def _hit(self, place: int, score: float) -> Hit:
        return Hit(self._ids[place], score, _Row(self._columns, place))

    def _allowed(self, where: Filter) -> Any:
        """Return for each row whether a filter lets it through, as `rows.where_clause` does."""
        allowed = np.zeros(len(self._ids), bool)
        for reader in where.readers:
            allowed[self._places_of_reader.get(reader, [])] = True
        if where.containers:
            allowed &= self._is_any_of("container", where.containers)
        if where.issue_key:
            allowed &= self._is_any_of("issue_key", [where.issue_key])
        if where.since is not None:
            allowed &= self._updated_at >= where.since
        if where.until is not None:
            allowed &= self._updated_at < where.until
        return allowed

    def _is_any_of(self, name: str, values: Sequence[str]) -> Any:
        matches = pc.is_in(self._columns[name], value_set=pa.array(values, pa.string()))
        return matches.to_numpy(zero_copy_only=False)


class _Held:
    """The copy of one table that is held, with its version and when it was made."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = -1
        self.copy: TableCopy | None = None
        self.next_copy_at = 0.0


class Copies:
    """The newest copy of each table.

    Args:
        open_table: Returns another handle of a table.
        pinned: Opens versions of tables for search by words.
        prepare: Creates the index of a table's text where it is missing.
        ask: Makes requests of LanceDB.
    """

    def __init__(
        self,
        open_table: Callable[[str], Any],
        pinned: PinnedTables,
        prepare: Callable[[Any], None],
        ask: Ask,
    ) -> None:
        self._open_table = open_table
        self._pinned = pinned
        self._prepare = prepare
        self._ask = ask
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._copied_bytes: dict[str, int] = {}

    def newest(self, namespace: str, table: Any) -> TableCopy | None:
        """Return a copy of a table's newest version; None when it does not fit in memory.

        While another question copies the table, and while copying would take more than its share of
        the time, it is the copy before.
        """
        with self._lock:
            held = self._held.setdefault(namespace, _Held())
        if not held.lock.acquire(blocking=held.copy is None):
            return held.copy
        try:
            if held.copy is not None and (
                time.monotonic() < held.next_copy_at
                or held.version == self._ask(lambda: table.version)
            ):
                return held.copy
            self._copy(namespace, table, held)
            return held.copy
        finally:
            held.lock.release()

    def _copy(self, namespace: str, table: Any, held: _Held) -> None:
        began = time.monotonic()
        if not self._fits(namespace, table):
            held.copy = None
            return
        self._prepare(table)
        version = int(self._ask(lambda: table.version))
        rows = self._open_table(namespace)
        self._ask(lambda: rows.checkout(version))
        pinned = self._ask(lambda: self._pinned.open(namespace, version))
        held.version, held.copy = version, TableCopy(rows, pinned, self._ask)
        ended = time.monotonic()
        held.next_copy_at = ended + (ended - began) * (1 / COPYING_SHARE - 1)

    def _fits(self, namespace: str, table: Any) -> bool:
        dimensions: int = table.schema.field("vector").type.list_size
        wanted_bytes = int(self._ask(table.count_rows)) * (4 * dimensions + _ROW_BYTES)
        with self._lock:
            others = (size for name, size in self._copied_bytes.items() if name != namespace)
            fits = sum(others) + wanted_bytes <= ALL_COPIES_BYTES
            self._copied_bytes[namespace] = wanted_bytes if fits else 0
        return fits


def _whole(column: pa.ChunkedArray) -> Any:
    """Return a column as one array."""
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _numbers(column: pa.Array) -> Any:
    """Return a column of numbers; a null compares as false."""
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _unit_vectors(column: pa.Array) -> Vectors:
    vectors: Vectors = column.flatten().to_numpy(zero_copy_only=False)
    vectors = vectors.reshape(len(column), column.type.list_size)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit


def _places_by_value(column: pa.Array) -> dict[str, Any]:
    """Return for each text of a column of lists the rows that have it."""
    values = pc.list_flatten(column).dictionary_encode()
    rows = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    codes = values.indices.to_numpy(zero_copy_only=False)
    texts = values.dictionary.to_pylist()
    ends = np.cumsum(np.bincount(codes, minlength=len(texts)))
    return dict(zip(texts, np.split(rows[np.argsort(codes, kind="stable")], ends), strict=False))
