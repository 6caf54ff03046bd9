"""Pinecone's Vectors API: each verb as a function of an index and the request."""

from typing import Any

import numpy as np

from vector_assets.sandbox.pinecone.state import (
    MAX_RECORDS,
    Index,
    RefusedError,
    StoredRecord,
    rank_dense,
)

Json = dict[str, Any]

LIST_PAGE = 100


def _upsert(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    vectors = asked["vectors"]
    if not 1 <= len(vectors) <= MAX_RECORDS:
        raise RefusedError(f"{len(vectors)} vectors: at most {MAX_RECORDS} are allowed")
    records = [
        StoredRecord(raw["id"], np.asarray(raw["values"], np.float32), raw.get("metadata") or {})
        for raw in vectors
    ]
    index.upsert(_namespace(asked), records)
    return {"upsertedCount": len(records)}


def _fetch(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    held = index.visible(_namespace(asked))
    vectors = {id_: _whole(held[id_]) for id_ in asked.get("ids", []) if id_ in held}
    return {"vectors": vectors, "namespace": _namespace(asked), "usage": {"readUnits": 1}}


def _fetch_by_metadata(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    page, pagination = _page(index.matching(_namespace(asked), asked["filter"]), asked)
    return {
        "vectors": {record.id: _whole(record) for record in page},
        "namespace": _namespace(asked),
        "usage": {"readUnits": 1},
        **pagination,
    }


def _query(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    records = index.matching(_namespace(asked), asked.get("filter"))
    vector = np.asarray(asked["vector"], np.float32)
    index.check_dimension(vector)
    matches = []
    for record, score in rank_dense(records, vector, int(asked["topK"])):
        match: Json = {"id": record.id, "score": score}
        if asked.get("includeMetadata"):
            match["metadata"] = record.metadata
        if asked.get("includeValues"):
            match["values"] = record.vector.tolist()
        matches.append(match)
    return {"matches": matches, "namespace": _namespace(asked), "usage": {"readUnits": 5}}


def _update(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    fields = asked.get("setMetadata") or {}
    if "filter" in asked:
        ids = [record.id for record in index.matching(_namespace(asked), asked["filter"])]
        index.update(_namespace(asked), dict.fromkeys(ids, fields))
        return {"matchedRecords": len(ids)}
    index.update(_namespace(asked), {asked["id"]: fields})
    return {}


def _delete(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    namespace = _namespace(asked)
    if asked.get("deleteAll"):
        index.delete(namespace, list(index.visible(namespace)))
    elif "filter" in asked:
        matching = index.matching(namespace, asked["filter"])
        index.delete(namespace, [record.id for record in matching])
    else:
        if len(asked["ids"]) > MAX_RECORDS:
            raise RefusedError(f"{len(asked['ids'])} ids: at most {MAX_RECORDS} are allowed")
        index.delete(namespace, asked["ids"])
    return {}


def _list(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    prefix = asked.get("prefix", "")
    ids = sorted(id_ for id_ in index.visible(_namespace(asked)) if id_.startswith(prefix))
    page, pagination = _page(ids, asked)
    return {
        "vectors": [{"id": id_} for id_ in page],
        "namespace": _namespace(asked),
        "usage": {"readUnits": 1},
        **pagination,
    }


def _stats(index: Index, _: Json) -> Json:
    counts = {name: len(index.visible(name)) for name in index.namespaces}
    return {
        "namespaces": {name: {"vectorCount": count} for name, count in counts.items()},
        "dimension": index.dimension,
        "indexFullness": 0,
        "totalVectorCount": sum(counts.values()),
        "metric": "cosine",
        "vectorType": "dense",
    }


def _namespace(asked: Json) -> str:
    return str(asked.get("namespace") or "__default__")


def _page(items: list[Any], asked: Json) -> tuple[list[Any], Json]:
    """Return a page, and the field that names the next page."""
    start = int(asked.get("paginationToken") or 0)
    end = start + int(asked.get("limit") or LIST_PAGE)
    return items[start:end], {"pagination": {"next": str(end)}} if end < len(items) else {}


def _require_vector_index(index: Index) -> None:
    if not index.is_vector_index:
        raise RefusedError("this index has a schema: use the documents API")


def _whole(record: StoredRecord) -> Json:
    return {"id": record.id, "values": record.vector.tolist(), "metadata": record.metadata}


VERBS = (
    ("POST", "/vectors/upsert", _upsert, 200),
    ("GET", "/vectors/fetch", _fetch, 200),
    ("POST", "/vectors/fetch_by_metadata", _fetch_by_metadata, 200),
    ("POST", "/vectors/update", _update, 200),
    ("POST", "/vectors/delete", _delete, 200),
    ("GET", "/vectors/list", _list, 200),
    ("POST", "/query", _query, 200),
    ("POST", "/describe_index_stats", _stats, 200),
)
"""`(method, path, function, status)`."""

WRITES = (_upsert, _update, _delete)
SEARCHES = (_query,)
