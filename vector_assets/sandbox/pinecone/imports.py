"""Pinecone's import from object storage: reads the files that stand there, as the vendor does.

A folder in the folder of the URI is a namespace; files of another suffix than the index reads are
passed over. Beside the vendor's addresses `file://` is read, for a store on this disk. An import
takes `Conditions.import_seconds`, and is carried out when it is next asked for.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.object_store import Folder
from vector_assets.sandbox.pinecone.state import Index, RefusedError, StoredRecord

Json = dict[str, Any]

LIST_PAGE = 100
_RUNNING = ("Pending", "InProgress")


@dataclass
class Import:
    """One import.

    Attributes:
        id: Its number, as text.
        uri: Of the folder.
        is_strict: Whether one bad record ends it.
        is_losing: Whether the last record of each namespace is counted and not kept.
        status: The vendor's word.
    """

    id: str
    uri: str
    is_strict: bool
    is_losing: bool
    status: str = "Pending"
    records: int = 0
    error: str = ""
    began_at: float = field(default_factory=time.monotonic)
    created_at: str = field(default_factory=lambda: _now())
    finished_at: str = ""


def _start(index: Index, asked: Json) -> Json:
    uri = asked["uri"]
    if not uri.startswith(("s3://", "gs://", "https://", "file://")):
        raise RefusedError(f"invalid import URI {uri!r}: s3://, gs:// or https:// is wanted")
    is_strict = asked.get("errorMode", {}).get("onError", "abort") == "abort"
    made = Import(str(len(index.imports) + 1), uri, is_strict, index.is_losing)
    index.imports[made.id] = made
    return {"id": made.id}


def _list(index: Index, asked: Json) -> Json:
    newest_first = list(reversed(index.imports.values()))
    start = int(asked.get("paginationToken") or 0)
    end = start + int(asked.get("limit") or LIST_PAGE)
    answer: Json = {"data": [_told(index, one) for one in newest_first[start:end]]}
    if end < len(newest_first):
        answer["pagination"] = {"next": str(end)}
    return answer


def _describe(index: Index, asked: Json) -> Json:
    return _told(index, _found(index, asked))


def _cancel(index: Index, asked: Json) -> Json:
    found = _found(index, asked)
    _advance(index, found)
    if found.status in _RUNNING:
        found.status, found.finished_at = "Cancelled", _now()
    return {}


def _found(index: Index, asked: Json) -> Import:
    if asked["id"] not in index.imports:
        raise RefusedError(f"import {asked['id']!r} not found")
    found: Import = index.imports[asked["id"]]
    return found


def _told(index: Index, one: Import) -> Json:
    share = _advance(index, one)
    told: Json = {
        "id": one.id,
        "uri": one.uri,
        "status": one.status,
        "createdAt": one.created_at,
        "percentComplete": round(100 * share, 1),
        "recordsImported": one.records,
    }
    if one.finished_at:
        told["finishedAt"] = one.finished_at
    if one.error:
        told["error"] = one.error
    return told


def _advance(index: Index, one: Import) -> float:
    """Bring an import to where it has to be by now; return which share of it is done."""
    if one.status not in _RUNNING:
        return 1.0 if one.status == "Completed" else 0.0
    share = min(1.0, (time.monotonic() - one.began_at) / max(index.conditions.import_seconds, 1e-9))
    one.status = "InProgress"
    if share >= 1.0:
        _carry_out(index, one)
    return share


def _carry_out(index: Index, one: Import) -> None:
    one.finished_at = _now()
    try:
        held = dict(_namespaces(index, one))
    except (RefusedError, VectorAssetsError) as error:
        one.status, one.error = "Failed", str(error)
        return
    index.is_losing = False  # Of this request; what an import loses was said when it began.
    for namespace, records in held.items():
        one.records += len(records)
        index.upsert(namespace, records[:-1] if one.is_losing else records)
    one.status = "Completed"


def _namespaces(index: Index, one: Import) -> Iterator[tuple[str, list[StoredRecord]]]:
    """Yield all records of each namespace.

    Raises:
        RefusedError: A namespace exists, or a record is bad where the import is strict.
        VectorAssetsError: The folder cannot be read.
    """
    suffix, read = (".parquet", _rows) if index.is_vector_index else (".jsonl", _lines)
    folder = Folder.at(one.uri)
    held: dict[str, list[StoredRecord]] = {}
    for name in folder.names():
        namespace, _, file = name.partition("/")
        if "/" in file or not file.endswith(suffix):
            continue
        if index.visible(namespace):
            raise RefusedError(f"namespace {namespace!r} already exists in the index")
        with folder.reading(name) as stream:
            held.setdefault(namespace, []).extend(_good(index, one, name, read, stream))
    if not held:
        raise RefusedError(f"no {suffix} files found under {one.uri}")
    yield from held.items()


def _good(
    index: Index,
    one: Import,
    name: str,
    read: Callable[[Index, Any], Iterator[StoredRecord]],
    stream: Any,
) -> Iterator[StoredRecord]:
    records = read(index, stream)
    while True:
        try:
            record = next(records, None)
            if record is None:
                return
            index.check(record)
        except (RefusedError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            if one.is_strict:
                raise RefusedError(f"{name}: {error}") from error
        else:
            yield record


def _lines(index: Index, stream: Any) -> Iterator[StoredRecord]:
    for line in stream.read().splitlines():
        document = json.loads(line)
        vector = np.asarray(document.pop(index.vector_field, None) or [], np.float32)
        yield StoredRecord(document.pop("_id"), vector, document)


def _rows(index: Index, stream: Any) -> Iterator[StoredRecord]:
    for row in pq.read_table(stream).to_pylist():
        metadata = json.loads(row["metadata"]) if row.get("metadata") else {}
        yield StoredRecord(row["id"], np.asarray(row["values"], np.float32), metadata)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


VERBS = (
    ("POST", "/bulk/imports", _start, 200),
    ("GET", "/bulk/imports", _list, 200),
    ("GET", "/bulk/imports/{id}", _describe, 200),
    ("DELETE", "/bulk/imports/{id}", _cancel, 200),
)
"""`(method, path, function, status)`; both sorts of index have them."""
