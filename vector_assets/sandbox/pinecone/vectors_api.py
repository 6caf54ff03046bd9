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


def _upsert(index: Index, params: Json) -> Json:
    _require_vector_index(index)
    vectors = params["vectors"]
    if not 1 <= len(vectors) <= MAX_RECORDS:
        raise RefusedError(f"{len(vectors)} vectors: at most {MAX_RECORDS} are allowed")
    records = [
        StoredRecord(raw["id"], np.asarray(raw["values"], np.float32), raw.get("metadata") or {})
        for raw in vectors
    ]
    index.upsert(_namespace(params), records)
    return {"upsertedCount": len(records)}


def _fetch(index: Index, params: Json) -> Json:
    _require_vector_index(index)
    held = index.visible(_namespace(params))
    vectors = {id_: _whole(held[id_]) for id_ in params.get("ids", []) if id_ in held}
    return {"vectors": vectors, "namespace": _namespace(params), "usage": {"readUnits": 1}}


def _fetch_by_metadata(index: Index, params: Json) -> Json:
    _require_vector_index(index)
    page, pagination = _page(index.matching(_namespace(params), params["filter"]), params)
    return {
        "vectors": {record.id: _whole(record) for record in page},
        "namespace": _namespace(params),
        "usage": {"readUnits": 1},
        **pagination,
    }


def _query(index: Index, params: Json) -> Json:
    _require_vector_index(index)
    records = index.matching(_namespace(params), params.get("filter"))
    vector = np.asarray(params["vector"], np.float32)
    index.check_dimension(vector)
    matches = []
    for record, score in rank_dense(records, vector, int(params["topK"])):
        match: Json = {"id": record.id, "score": score}
        if params.get("includeMetadata"):
            match["metadata"] = record.metadata
        if params.get("includeValues"):
            match["values"] = record.vector.tolist()
        matches.append(match)
    return {"matches": matches, "namespace": _namespace(params), "usage": {"readUnits": 5}}


def _update(index: Index, params: Json) -> Json:
    _require_vector_index(index)
    fields = params.get("setMetadata") or {}
    if "filter" in params:
        ids = [record.id for record in index.matching(_namespace(params), params["filter"])]
        index.update(_namespace(params), dict.fromkeys(ids, fields))
        return {"matchedRecords": len(ids)}
    index.update(_namespace(params), {params["id"]: fields})
    return {}


def _delete(index: Index, params: Json) -> Json:
    _require_vector_index(index)
    namespace = _namespace(params)
    if params.get("deleteAll"):
        index.delete(namespace, list(index.visible(namespace)))
    elif "filter" in params:
        matching = index.matching(namespace, params["filter"])
        index.delete(namespace, [record.id for record in matching])
    else:
        if len(params["ids"]) > MAX_RECORDS:
            raise RefusedError(f"{len(params['ids'])} ids: at most {MAX_RECORDS} are allowed")
        index.delete(namespace, params["ids"])
    return {}


def _list(index: Index, params: Json) -> Json:
    _require_vector_index(index)
    prefix = params.get("prefix", "")
    ids = sorted(id_ for id_ in index.visible(_namespace(params)) if id_.startswith(prefix))
    page, pagination = _page(ids, params)
    return {
        "vectors": [{"id": id_} for id_ in page],
        "namespace": _namespace(params),
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


def _namespace(params: Json) -> str:
    return str(params.get("namespace") or "__default__")


def _page(items: list[Any], params: Json) -> tuple[list[Any], Json]:
    """Return a page, and the field that names the next page."""
    start = int(params.get("paginationToken") or 0)
    end = start + int(params.get("limit") or LIST_PAGE)
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
