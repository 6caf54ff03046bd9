"""Pinecone's Vectors API: each verb as a function of an index and what was asked."""

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
        StoredRecord(one["id"], np.asarray(one["values"], np.float32), one.get("metadata") or {})
        for one in vectors
    ]
    index.upsert(_namespace(asked), records)
    return {"upsertedCount": len(records)}


def _fetch(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    held = index.visible(_namespace(asked))
    found = {one: _whole(held[one]) for one in asked.get("ids", []) if one in held}
    return {"vectors": found, "namespace": _namespace(asked), "usage": {"readUnits": 1}}


def _fetch_by_metadata(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    found = index.matching(_namespace(asked), asked["filter"])
    start = int(asked.get("paginationToken") or 0)
    page_size = int(asked.get("limit") or LIST_PAGE)
    answer: Json = {
        "vectors": {one.id: _whole(one) for one in found[start : start + page_size]},
        "namespace": _namespace(asked),
        "usage": {"readUnits": 1},
    }
    if start + page_size < len(found):
        answer["pagination"] = {"next": str(start + page_size)}
    return answer


def _query(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    records = index.matching(_namespace(asked), asked.get("filter"))
    vector = np.asarray(asked["vector"], np.float32)
    if vector.shape != (index.dimension,):
        raise RefusedError(
            f"Vector dimension {vector.size} does not match the dimension of the index "
            f"{index.dimension}"
        )
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
        ids = [one.id for one in index.matching(_namespace(asked), asked["filter"])]
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
        index.delete(namespace, [one.id for one in index.matching(namespace, asked["filter"])])
    else:
        if len(asked["ids"]) > MAX_RECORDS:
            raise RefusedError(f"{len(asked['ids'])} ids: at most {MAX_RECORDS} are allowed")
        index.delete(namespace, asked["ids"])
    return {}


def _list(index: Index, asked: Json) -> Json:
    _require_vector_index(index)
    ids = sorted(one for one in index.visible(_namespace(asked)) if one.startswith(
        asked.get("prefix", "")))  # fmt: skip
    start = int(asked.get("paginationToken") or 0)
    page_size = int(asked.get("limit") or LIST_PAGE)
    answer: Json = {
        "vectors": [{"id": one} for one in ids[start : start + page_size]],
        "namespace": _namespace(asked),
        "usage": {"readUnits": 1},
    }
    if start + page_size < len(ids):
        answer["pagination"] = {"next": str(start + page_size)}
    return answer


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
