"""Records to rows of LanceDB, and filters to its SQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vector_assets.core.documents import Value
from vector_assets.core.errors import ContractError
from vector_assets.stores.base import Filter, Hit, Metadata, Record

_TEXTS = pa.list_(pa.string())

_DAY_SECONDS = 86_400.0

NEWEST_WINS = "target.updated_at <= source.updated_at"
"""Condition under which a row replaces another: it is not older."""

FIELDS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "document_id": pa.string(),
    "source": pa.string(),
    "title": pa.string(),
    "text": pa.string(),
    "url": pa.string(),
    "container": pa.string(),
    "authors": _TEXTS,
    "created_at": pa.float64(),
    "updated_at": pa.float64(),
    "partition": pa.string(),
    "chunk": pa.int32(),
    "chunk_count": pa.int32(),
    "fingerprint": pa.string(),
    "vector_fingerprint": pa.string(),
    "document_fingerprint": pa.string(),
    "stamp": pa.string(),
    "access": _TEXTS,
    "issue_key": pa.string(),
}
"""Columns of every table; a source's own fields are added when they first occur."""


# Without it two writers can insert the same id at the same moment, as two rows.
# (github.com/lance-format/lance/pull/6018, 2026-02)
_PRIMARY_KEY = {"lance-schema:unenforced-primary-key": "true"}


def schema_of(dimensions: int) -> pa.Schema:
    """Return the columns of a new table."""
    vector = pa.field("vector", pa.list_(pa.float32(), dimensions))
    key = pa.field("id", FIELDS["id"], nullable=False, metadata=_PRIMARY_KEY)
    others = [pa.field(name, kind) for name, kind in FIELDS.items() if name != "id"]
    return pa.schema([vector, key, *others])


def missing_fields(present: pa.Schema, metadata: Iterable[Metadata]) -> list[pa.Field]:
    """Return the columns that these fields need and a table lacks."""
    missing: dict[str, pa.Field] = {}
    for fields in metadata:
        for name, value in fields.items():
            if name not in missing and present.get_field_index(name) < 0:
                missing[name] = pa.field(name, _type_of(value))
    return list(missing.values())


def add_fields(table: Any, metadata: Iterable[Metadata]) -> None:
    """Add the columns that these fields need and a table lacks.

    Raises:
        RuntimeError: Another process has just added one; the text says that it is a conflict.
    """
    table.checkout_latest()
    if missing := missing_fields(table.schema, metadata):
        try:
            table.add_columns(missing)
        except ValueError as error:
            raise RuntimeError(f"conflict: {error}") from error


def rows_of_records(records: Sequence[Record], schema: pa.Schema) -> pa.Table:
    """Return records as rows of a table's columns; a field that a record lacks is null."""
    rows = [{**record.metadata, "id": record.id, "vector": record.vector} for record in records]
    arrays = [_array([row.get(field.name) for row in rows], field) for field in schema]
    return pa.table(arrays, schema=schema)


def rows_of_metadata(
    metadata_by_id: Mapping[str, Metadata], names: Sequence[str], schema: pa.Schema
) -> pa.Table:
    """Return rows with an id and only the named fields."""
    fields = [schema.field(name) for name in ("id", *names)]
    rows = [{"id": chunk_id, **metadata} for chunk_id, metadata in metadata_by_id.items()]
    arrays = [_array([row[field.name] for row in rows], field) for field in fields]
    return pa.table(arrays, schema=pa.schema(fields))


def metadata_of(row: Mapping[str, Any]) -> dict[str, Value]:
    """Return a row's metadata as it was written, without nulls and LanceDB's own columns."""
    return {
        name: value
        for name, value in row.items()
        if value is not None and name not in {"id", "vector"} and not name.startswith("_")
    }


def readable(schema: pa.Schema) -> list[str]:
    """Return all columns but the vector."""
    return [name for name in schema.names if name != "vector"]


def hit_of(row: Mapping[str, Any], score: float) -> Hit:
    """Return a row as the hit of a search."""
    return Hit(row["id"], score, metadata_of(row))


def record_of(row: Mapping[str, Any]) -> Record:
    """Return a whole row as a record."""
    return Record(row["id"], np.asarray(row["vector"], np.float32), metadata_of(row))


def doubled_rows(rows: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the row ids of rows whose id another, newer row has too."""
    oldest_first = sorted(rows, key=lambda row: (row["updated_at"], row["_rowid"]))
    newest = {row["id"]: row["_rowid"] for row in oldest_first}
    return [int(row["_rowid"]) for row in oldest_first if row["_rowid"] != newest[row["id"]]]


def doubled_ids(table: Any) -> list[str]:
    """Return the ids of more than one row; reads the id column of the whole table."""
    counted = table.search().select(["id"]).limit(None).to_arrow()["id"].value_counts()
    is_doubled = pc.greater(counted.field("counts"), 1)
    return list(counted.field("values").filter(is_doubled).to_pylist())


def where_clause(where: Filter) -> str:
    """Return a filter as SQL; it always restricts the readers."""
    clauses = [f"array_has_any(access, [{', '.join(map(literal, where.readers))}])"]
    if where.containers:
        clauses.append(id_list("container", where.containers))
    clauses += _within(where.since, where.until)
    if where.issue_key:
        clauses.append(f"issue_key = {literal(where.issue_key)}")
    return " AND ".join(clauses)


def _within(since: float | None, until: float | None) -> list[str]:
    """Return clauses for a last activity between two times in epoch seconds; None leaves one open.

    Whole days are selected by partition: its index holds a set of rows per day, so a year is a
    union of sets. The index of `updated_at` reads every row, which takes half the time of a search
    in a million rows (`benchmarks/scale.py`); it is used for the partial days at both ends.
    """
    first = None if since is None else _day_of(since)
    last = None if until is None else _day_of(until)
    if first == last or (since is not None and until is not None and until <= since):
        bounds = ((">=", since), ("<", until))
        return [f"updated_at {sign} {bound!r}" for sign, bound in bounds if bound is not None]
    whole, cut = [], []
    if since is not None and first is not None:
        into_day = since % _DAY_SECONDS
        whole.append(f"partition {'>' if into_day else '>='} {literal(first)}")
        if into_day:
            next_day = since - into_day + _DAY_SECONDS
            cut.append(f"updated_at >= {since!r} AND updated_at < {next_day!r}")
    if until is not None and last is not None:
        into_day = until % _DAY_SECONDS
        whole.append(f"partition < {literal(last)}")
        if into_day:
            cut.append(f"updated_at >= {until - into_day!r} AND updated_at < {until!r}")
    spans = (f"({clause})" for clause in (" AND ".join(whole), *cut))
    return [f"({' OR '.join(spans)})"]


def _day_of(instant: float) -> str:
    """Return the partition of an instant."""
    return datetime.fromtimestamp(instant, UTC).date().isoformat()


def id_list(column: str, ids: Iterable[str]) -> str:
    """Return the clause that a column has one of these values."""
    return f"{column} IN ({', '.join(map(literal, ids))})"


def older_rows(until: Iterable[tuple[str, float]]) -> str:
    """Return the clause that a row has one of these ids and is not newer than its time."""
    ids_by_time: defaultdict[float, list[str]] = defaultdict(list)
    for chunk_id, updated_at in until:
        ids_by_time[updated_at].append(chunk_id)
    return " OR ".join(
        f"({id_list('id', ids)} AND updated_at <= {updated_at!r})"
        for updated_at, ids in ids_by_time.items()
    )


def id_begins(prefix: str) -> str:
    """Return the clause that an id begins with a prefix, which may be empty."""
    return f"starts_with(id, {literal(prefix)})" if prefix else "id IS NOT NULL"


def literal(text: str) -> str:
    """Return a text as an SQL literal: a quote is doubled, nothing else is special."""
    return "'" + text.replace("'", "''") + "'"


def _array(values: Sequence[Any], field: pa.Field) -> pa.Array:
    """Return a column; `ContractError` for a value of another type than the column's."""
    try:
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        seen = f"for the field {field.name!r}: {str(error).splitlines()[0][:200]}"
        raise ContractError("lancedb", seen, f"{field.type}, as the field began") from error


def _type_of(value: Value) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, (int, float)):
        return pa.float64()
    return _TEXTS if isinstance(value, list) else pa.string()
