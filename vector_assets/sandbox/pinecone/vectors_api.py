"""Pinecone's Vectors API: each verb as a function of an index and the request."""

from typing import Any

import numpy as np

from vector_assets.sandbox.pinecone.state import (
    Index,
    Json,
    StoredRecord,
    few,
    page_of,
    rank_dense,
    selected_ids,
)


def _upsert(index: Index, params: Json) -> Json:
    records = [
        StoredRecord(raw["id"], np.asarray(raw["values"], np.float32), raw.get("metadata") or {})
        for raw in few(params["vectors"])
    ]
    index.upsert(params["namespace"], records)
    return {"upsertedCount": len(records)}


def _fetch(index: Index, params: Json) -> Json:
    held = index.visible(params["namespace"])
    vectors = {id_: _whole(held[id_]) for id_ in params.get("ids", []) if id_ in held}
    return _answer(params, vectors=vectors)


def _fetch_by_metadata(index: Index, params: Json) -> Json:
    records = index.matching(params["namespace"], params["filter"])
    page, pagination = page_of(records, params, params.get("paginationToken"))
    return _answer(params, vectors={record.id: _whole(record) for record in page}, **pagination)


def _query(index: Index, params: Json) -> Json:
    records = index.matching(params["namespace"], params.get("filter"))
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
    return _answer(params, matches=matches, usage={"readUnits": 5})


def _update(index: Index, params: Json) -> Json:
    ids = selected_ids(index, params) if "filter" in params else [params["id"]]
    index.update(params["namespace"], dict.fromkeys(ids, params.get("setMetadata") or {}))
    return {"matchedRecords": len(ids)} if "filter" in params else {}


def _delete(index: Index, params: Json) -> Json:
    index.delete(params["namespace"], selected_ids(index, params))
    return {}


def _list(index: Index, params: Json) -> Json:
    prefix = params.get("prefix", "")
    ids = sorted(id_ for id_ in index.visible(params["namespace"]) if id_.startswith(prefix))
    page, pagination = page_of(ids, params, params.get("paginationToken"))
    return _answer(params, vectors=[{"id": id_} for id_ in page], **pagination)


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


def _answer(params: Json, **fields: Any) -> Json:
    return {"namespace": params["namespace"], "usage": {"readUnits": 1}, **fields}


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
)
"""`(method, path, function, status)`."""

STATS = ("POST", "/describe_index_stats", _stats, 200)
"""The verb that every index has."""

WRITES = (_upsert, _update, _delete)
SEARCHES = (_query,)
