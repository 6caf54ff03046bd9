"""Pinecone's Documents API: each verb as a function of an index and the request."""

from typing import Any

import numpy as np

from vector_assets.sandbox.pinecone.state import (
    Index,
    Json,
    RefusedError,
    StoredRecord,
    few,
    page_of,
    rank_dense,
    rank_text,
    selected_ids,
)


def _upsert(index: Index, params: Json) -> Json:
    records = []
    for document in few(params["documents"]):
        fields = {n: v for n, v in document.items() if n not in ("_id", index.vector_field)}
        vector = np.asarray(document.get(index.vector_field) or [], np.float32)
        records.append(StoredRecord(document["_id"], vector, fields))
    index.upsert(params["namespace"], records)
    return {"upserted_count": len(records)}


def _fetch(index: Index, params: Json) -> Json:
    pagination: Json = {}
    if "ids" in params:
        held = index.visible(params["namespace"])
        records = [held[record_id] for record_id in few(params["ids"]) if record_id in held]
    else:
        matching = index.matching(params["namespace"], params["filter"])
        records, pagination = page_of(matching, params, params.get("pagination_token"))
    documents = {record.id: _shown(record, index, params) for record in records}
    return _answer(params, documents=documents, **pagination)


def _search(index: Index, params: Json) -> Json:
    records = index.matching(params["namespace"], params.get("filter"))
    [clause] = params["score_by"]
    if clause["type"] == "dense_vector":
        vector = np.asarray(clause["values"], np.float32)
        index.check_dimension(vector)
        ranked = rank_dense(records, vector, params["top_k"])
    elif clause["type"] == "text":
        [name] = clause.get("fields") or [clause.get("field")]
        ranked = rank_text(records, name, clause["query"], params["top_k"])
    else:
        raise RefusedError(f"score_by {clause['type']!r} is not served here")
    matches = [{**_shown(record, index, params), "_score": score} for record, score in ranked]
    return _answer(params, matches=matches)


def _update(index: Index, params: Json) -> Json:
    if "filter" in params:
        ids = selected_ids(index, params)
        index.update(params["namespace"], dict.fromkeys(ids, params.get("set_fields") or {}))
        return {"matched_records": len(ids)}
    patches = {
        document["_id"]: {name: value for name, value in document.items() if name != "_id"}
        for document in few(params["documents"])
    }
    index.update(params["namespace"], patches)
    return {}


def _delete(index: Index, params: Json) -> Json:
    index.delete(params["namespace"], selected_ids(index, params))
    return {}


def _list(index: Index, params: Json) -> Json:
    prefix = params.get("prefix") or ""
    ids = sorted(id_ for id_ in index.visible(params["namespace"]) if id_.startswith(prefix))
    page, pagination = page_of(ids, params, params.get("pagination_token"))
    return _answer(params, documents=[{"_id": id_} for id_ in page], **pagination)


def _answer(params: Json, **fields: Any) -> Json:
    return {"namespace": params["namespace"], "usage": {"read_units": 1}, **fields}


def _shown(record: StoredRecord, index: Index, params: Json) -> Json:
    wanted = params.get("include_fields") or ["*"]
    is_whole = wanted == ["*"]
    fields = {name: value for name, value in record.metadata.items() if is_whole or name in wanted}
    if is_whole or index.vector_field in wanted:
        fields[index.vector_field] = record.vector.tolist()
    return {"_id": record.id, **fields}


VERBS = (
    ("POST", "/namespaces/{namespace}/documents/upsert", _upsert, 202),
    ("POST", "/namespaces/{namespace}/documents/fetch", _fetch, 200),
    ("POST", "/namespaces/{namespace}/documents/search", _search, 200),
    ("POST", "/namespaces/{namespace}/documents/update", _update, 202),
    ("POST", "/namespaces/{namespace}/documents/delete", _delete, 202),
    ("POST", "/namespaces/{namespace}/documents/list", _list, 200),
)
"""`(method, path, function, status)`; a write is accepted and becomes visible later."""

WRITES = (_upsert, _update, _delete)
SEARCHES = (_search,)
