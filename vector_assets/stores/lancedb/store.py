"""LanceDB: an index in a folder or an object store, without a server.

One table per namespace. A write is one atomic commit. A row is replaced only by one whose
`updated_at` is not older, so that no order of runs can undo an edit.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby
from math import inf
from typing import Any, Self, TypeVar

import pyarrow as pa

from vector_assets.core.errors import IndexMismatchError, LostWriteError, UnavailableError
from vector_assets.core.languages import ENGLISH
from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Head, Hit, IndexStore, Metadata, Record, Searchable
from vector_assets.stores.lancedb import indexes
from vector_assets.stores.lancedb.connection import connect
from vector_assets.stores.lancedb.copies import Copies
from vector_assets.stores.lancedb.pinned import PinnedTables
from vector_assets.stores.lancedb.rows import (
    NEWEST_WINS,
    add_fields,
    doubled_ids,
    doubled_rows,
    hit_of,
    id_begins,
    id_list,
    missing_fields,
    older_rows,
    readable,
    record_of,
    rows_of_metadata,
    rows_of_records,
    schema_of,
    where_clause,
)
from vector_assets.stores.records import (
    HEAD_FIELDS,
    VECTOR_FINGERPRINT,
    chunks_of,
    head_id,
    head_of,
    trusted_fingerprint,
)

Result = TypeVar("Result")

COMMIT_ROWS = 5_000
"""Rows of one commit: about 25 MB with text and 384 dimensions."""

ASKED_IDS = 1_000
"""Ids of one query, so that its clause stays short."""

_CONFLICT_ATTEMPTS = 12
_KEEP_VERSIONS = timedelta(days=1)


class LanceDBStore(IndexStore):
    """An index under one URI: a folder, created when it does not exist, or an object store."""

    name = "lancedb"
    has_lexical_search = True
    atomic_records = COMMIT_ROWS

    def __init__(self, uri: str, text_language: str = ENGLISH) -> None:
        self._uri = uri
        self._text_language = text_language
        self._connection: Any = None
        self._tables: dict[str, Any] = {}
        self._copies = Copies(
            lambda name: self._connected().open_table(name),
            PinnedTables(uri),
            self._ensure_text_index,
            self._answered,
        )

    def open(self, namespace: str, dimensions: int) -> None:
        """Open the table; create it when it is missing."""
        if (table := self._existing(namespace)) is None:
            table = self._created(namespace, dimensions)
        held_dimensions = table.schema.field("vector").type.list_size
        if held_dimensions != dimensions:
            raise IndexMismatchError(
                f"the table {namespace!r} in {self._uri} holds vectors of {held_dimensions} "
                f"dimensions, and the embedder makes {dimensions}: set EMBEDDING_MODEL and "
                f"EMBEDDING_DIMENSIONS back, or point LANCEDB_URI at a new folder and sync again"
            )
        self._tables[namespace] = table

    def for_question(self, namespace: str) -> Searchable:
        """Return a copy of a small table's newest version if copies are kept."""
        if not self.keeps_copies or (table := self._existing(namespace)) is None:
            return self
        return self._copies.newest(namespace, table) or self

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return the heads of these documents; reads one row each, without text and vector."""
        rows = self._rows_by_id(namespace, list(map(head_id, document_ids)), HEAD_FIELDS)
        return {row["document_id"]: head_of(row) for row in rows}

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return the fingerprints of the chunks that exist."""
        rows = self._rows_by_id(namespace, chunk_ids, ["id", "fingerprint", VECTOR_FINGERPRINT])
        return {row["id"]: trusted_fingerprint(row) for row in rows}

    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        """Return the ids of all chunks of a document, orphans included."""
        clause = id_list("document_id", [document_id])
        return sorted(row["id"] for row in self._rows(namespace, clause, ["id"]))

    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        """Yield ids in order; holds all ids of the table in memory, about 50 bytes each."""
        clause = id_begins(f"{document_id}#" if document_id else "")
        listed = sorted(row["id"] for row in self._rows(namespace, clause, ["id"]))
        yield from chunks_of(document_id, listed)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole rows, several for an id of several rows."""
        table = self._existing(namespace)
        fields = [] if table is None else table.schema.names
        return list(map(record_of, self._rows_by_id(namespace, chunk_ids, fields)))

    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete rows by LanceDB's row id, so that one row of each id stays."""
        fields = ["id", "updated_at", "_rowid"]
        for _ in range(_CONFLICT_ATTEMPTS):
            surplus = doubled_rows(self._rows_by_id(namespace, chunk_ids, fields))
            if not surplus:
                return
            # A row that another process has rewritten has a new row id, and is read again.
            clause = f"_rowid IN ({', '.join(map(str, surplus))})"
            self._committed(partial(self._table(namespace).delete, clause))

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records in commits of bounded size; an older version never replaces a newer one.

        Raises:
            LostWriteError: Rows are missing after the write that were not rejected as older.
        """
        for at in range(0, len(records), COMMIT_ROWS):
            self._upsert_commit(namespace, records[at : at + COMMIT_ROWS])

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Replace fields of existing rows by merging only those columns."""
        self.backdate(namespace, self._newest(namespace, metadata_by_id))

    def backdate(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Replace fields of existing rows, also of newer ones."""
        self._add_fields(namespace, metadata_by_id.values())
        by_names = sorted(metadata_by_id.items(), key=lambda item: sorted(item[1]))
        for names, group in groupby(by_names, key=lambda item: sorted(item[1])):
            rows = rows_of_metadata(dict(group), names, self._table(namespace).schema)
            self._committed(partial(self._merge_fields, namespace, rows))

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete rows by id."""
        self._delete(namespace, chunk_ids, partial(id_list, "id"))

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        """Delete rows by id unless a newer version has written them."""
        self._delete(namespace, list(until.items()), older_rows)

    def _delete(self, namespace: str, asked: Sequence[Any], clause: Callable[[Any], str]) -> None:
        if (table := self._existing(namespace)) is None:
            return
        for at in range(0, len(asked), ASKED_IDS):
            self._committed(partial(table.delete, clause(asked[at : at + ASKED_IDS])))

    def count(self, namespace: str) -> int:
        """Return the number of rows."""
        table = self._existing(namespace)
        return 0 if table is None else int(self._answered(table.count_rows))

    def watermark(self, namespace: str) -> datetime | None:
        """Return the newest `updated_at`; reads only that column of the heads."""
        rows = self._rows(namespace, "chunk = 0", ["updated_at"])
        newest = max((row["updated_at"] for row in rows), default=None)
        return None if newest is None else datetime.fromtimestamp(newest, UTC)

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield each document, or those of some days, with its head."""
        of_days = f" AND {id_list('partition', map(str, days))}" if days else ""
        for row in self._rows(namespace, f"chunk = 0{of_days}", HEAD_FIELDS):
            yield row["document_id"], head_of(row)

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        """Return the nearest rows by cosine similarity, best first."""
        if (table := self._existing(namespace)) is None:
            return []
        query = indexes.nearest(table, vector).where(where_clause(where), prefilter=True)
        fields = [*readable(table.schema), "_distance"]
        rows = self._answered(query.limit(limit).select(fields).to_list)
        return [hit_of(row, 1.0 - row["_distance"]) for row in rows]

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the best rows by BM25; rows that are not yet indexed are scanned."""
        if (table := self._existing(namespace)) is None or not text.strip():
            return []
        self._ensure_text_index(table)
        query = indexes.matching(table, text).where(where_clause(where), prefilter=True)
        fields = [*readable(table.schema), "_score"]
        rows = self._answered(query.limit(limit).select(fields).to_list)
        return [hit_of(row, row["_score"]) for row in rows]

    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the first rows of documents that match a filter."""
        if (table := self._existing(namespace)) is None:
            return []
        clause = f"chunk = 0 AND {where_clause(where)}"
        query = table.search().where(clause).limit(limit)
        rows = self._answered(lambda: query.select(readable(table.schema)).to_list())
        return [hit_of(row, 1.0) for row in rows]

    def maintain(self, namespace: str) -> None:
        """Update indexes, merge files, drop a killed writer's double rows and old versions."""
        if (table := self._existing(namespace)) is None:
            return
        self.drop_doubles(namespace, self._answered(partial(doubled_ids, table)))
        for column, kind in indexes.missing_indexes(table, self._text_language):
            self._committed(partial(table.create_index, column, config=kind))
        self._committed(lambda: table.optimize(cleanup_older_than=_KEEP_VERSIONS))

    def keep_pace(self, namespace: str) -> None:
        """Rebuild the index of ids, or maintain all, when so many rows wait that it pays off."""
        if (table := self._existing(namespace)) is None:
            return
        if self._answered(partial(indexes.wants_maintenance, table)):
            self.maintain(namespace)
        elif self._answered(partial(indexes.wants_ids, table)):
            self._committed(partial(table.create_index, "id", config=indexes.id_index()))

    def check(self) -> str:
        """List the tables."""
        names = self._answered(lambda: self._connected().list_tables().tables)
        tables = {name: self._table(name) for name in names}
        others = self._answered(partial(indexes.other_languages, tables, self._text_language))
        return "; ".join(
            filter(None, (f"LanceDB at {self._uri}: {', '.join(names) or 'empty'}", others))
        )

    def beside(self, generation: str) -> Self:
        """Return the index in a folder below this one, which LanceDB does not list as a table."""
        uri = f"{self._uri.rstrip('/')}/generation-{generation}"
        return type(self)(uri, self._text_language)

    def dimensions(self, namespace: str) -> int | None:
        """Return the length of a table's vectors."""
        table = self._existing(namespace)
        return None if table is None else int(table.schema.field("vector").type.list_size)

    def clear(self, namespace: str) -> None:
        """Drop a table."""
        self._tables.pop(namespace, None)
        self._answered(lambda: self._connected().drop_table(namespace, ignore_missing=True))

    def remove(self) -> None:
        """Drop all tables; an empty folder may remain."""
        self._tables.clear()
        self._answered(lambda: self._connected().drop_all_tables())

    def _upsert_commit(self, namespace: str, records: Sequence[Record]) -> None:
        self._add_fields(namespace, [record.metadata for record in records])
        table = self._table(namespace)
        rows = rows_of_records(records, table.schema)
        result, is_alone = self._committed(partial(self._merge, table, rows))
        if not is_alone:
            self.drop_doubles(namespace, [record.id for record in records])
        taken = result.num_inserted_rows + result.num_updated_rows
        if taken < len(records):
            present = len(self.fingerprints(namespace, [record.id for record in records]))
            if present < len(records):
                raise LostWriteError(
                    f"the table {namespace!r} in {self._uri} was given {len(records)} rows, took "
                    f"{taken} and holds {present} of them: run the same days again"
                )

    def _merge(self, table: Any, rows: pa.Table) -> tuple[Any, bool]:
        """Write rows in one commit; return its result, and whether no other commit came in between.

        With an index of ids, two writers that add the same id at the same moment both succeed
        (github.com/lance-format/lance/pull/9238, 2026-09). The second one notices by the version
        of its commit.
        """
        table.checkout_latest()
        before = table.version
        result = (
            table.merge_insert("id")
            .when_matched_update_all(where=NEWEST_WINS)
            .when_not_matched_insert_all()
            .execute(rows)
        )
        return result, result.version == before + 1

    def _newest(self, namespace: str, updates: Mapping[str, Metadata]) -> dict[str, Metadata]:
        """Leave out updates that are older than the row that they would change.

        Checked beforehand, because LanceDB 0.40 panics on a condition of a merge of some columns.
        A write in between may be overwritten until the next run notices by the fingerprint.
        """
        dated = [chunk_id for chunk_id, fields in updates.items() if "updated_at" in fields]
        rows = self._rows_by_id(namespace, dated, ["id", "updated_at"])
        held = {row["id"]: row["updated_at"] for row in rows}
        return {
            key: fields
            for key, fields in updates.items()
            if held.get(key, inf) <= fields.get("updated_at", inf)
        }

    def _merge_fields(self, namespace: str, rows: pa.Table) -> None:
        """Replace columns of existing rows; ids that are not in the table are ignored."""
        if rows.num_rows:
            self._table(namespace).merge_insert("id").when_matched_update_all().execute(rows)

    def _add_fields(self, namespace: str, metadata: Any) -> None:
        table = self._table(namespace)
        if missing_fields(table.schema, metadata):
            self._committed(partial(add_fields, table, metadata))

    def _rows_by_id(
        self, namespace: str, ids: Sequence[str], fields: list[str]
    ) -> list[dict[str, Any]]:
        return [
            row
            for at in range(0, len(ids), ASKED_IDS)
            for row in self._rows(namespace, id_list("id", ids[at : at + ASKED_IDS]), fields)
        ]

    def _rows(self, namespace: str, clause: str, fields: list[str]) -> list[dict[str, Any]]:
        if (table := self._existing(namespace)) is None:
            return []
        query = table.search().where(clause).select(fields).limit(None)
        return list(self._answered(lambda: query.to_arrow().to_pylist()))

    def _ensure_text_index(self, table: Any) -> None:
        if not indexes.has_text_index(table):
            config = indexes.text_index(self._text_language)
            self._committed(lambda: table.create_index("text", config=config))

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = connect(self._uri)
        return self._connection

    def _created(self, namespace: str, dimensions: int) -> Any:
        """Create a table, or open it if another process has just created it."""
        schema = schema_of(dimensions)
        try:
            return self._committed(lambda: self._connected().create_table(namespace, schema=schema))
        except ValueError:
            return self._answered(lambda: self._connected().open_table(namespace))

    def _existing(self, namespace: str) -> Any | None:
        """Return the table, or None when it does not exist."""
        if namespace not in self._tables:
            try:
                table = self._answered(lambda: self._connected().open_table(namespace))
            except ValueError:
                # What LanceDB raises for a table that does not exist.
                return None
            self._tables[namespace] = table
        return self._tables[namespace]

    def _table(self, namespace: str) -> Any:
        if (table := self._existing(namespace)) is None:
            raise IndexMismatchError(f"the table {namespace!r} does not exist: open it first")
        return table

    def _answered(self, ask: Callable[[], Result]) -> Result:
        """Return a result, or raise that the folder or object store cannot be used."""
        try:
            return ask()
        except (OSError, RuntimeError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> UnavailableError:
        advice = "Check that LANCEDB_URI can be read and written, and that its disk has room."
        seen = str(error).splitlines()[0][:200]
        return UnavailableError(f"LanceDB at {self._uri}", seen, advice)

    def _committed(self, commit: Callable[[], Result]) -> Result:
        """Return the result of a commit; repeat it when it conflicts with another writer."""
        for attempt in range(_CONFLICT_ATTEMPTS):
            try:
                return commit()
            except (OSError, RuntimeError) as error:
                if "conflict" not in str(error).lower() or attempt == _CONFLICT_ATTEMPTS - 1:
                    raise self._unusable(error) from error
                time.sleep(random.uniform(0, 0.05 * 2 ** min(attempt, 6)))  # noqa: S311 - jitter
        raise AssertionError("unreachable")
