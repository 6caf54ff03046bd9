"""Pinecone's Documents API: each verb as a function of an index and the request."""

from typing import Any

import numpy as np

from vector_assets.sandbox.pinecone.state import (
    MAX_RECORDS,
    Index,
    RefusedError,
    StoredRecord,
    rank_dense,
    rank_text,
)

Json = dict[str, Any]

LIST_PAGE = 100
MAX_PAGE = 10_000
_USAGE = {"read_units": 1}


def _upsert(index: Index, params: Json) -> Json:
    documents = _few(_of_documents(index, params)["documents"])
    records = []
    for document in documents:
        fields = {n: v for n, v in document.items() if n not in ("_id", index.vector_field)}
        vector = np.asarray(document.get(index.vector_field) or [], np.float32)
        records.append(StoredRecord(document["_id"], vector, fields))
    index.upsert(params["namespace"], records)
    return {"upserted_count": len(records)}


def _fetch(index: Index, params: Json) -> Json:
    _of_documents(index, params)
    namespace = params["namespace"]
    answer: Json = {"namespace": namespace, "usage": _USAGE}
    if "ids" in params:
        held = index.visible(namespace)
        records = [held[record_id] for record_id in _few(params["ids"]) if record_id in held]
    else:
        records, answer = _paged(index.matching(namespace, params["filter"]), params, answer)
    answer["documents"] = {record.id: _shown(record, index, params) for record in records}
    return answer


def _search(index: Index, params: Json) -> Json:
    _of_documents(index, params)
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
    return {"matches": matches, "namespace": params["namespace"], "usage": _USAGE}


def _update(index: Index, params: Json) -> Json:
    _of_documents(index, params)
    if "filter" in params:
        ids = [record.id for record in index.matching(params["namespace"], params["filter"])]
        index.update(params["namespace"], dict.fromkeys(ids, params.get("set_fields") or {}))
        return {"matched_records": len(ids)}
    patches = {
        document["_id"]: {name: value for name, value in document.items() if name != "_id"}
        for document in _few(params["documents"])
    }
    index.update(params["namespace"], patches)
    return {}


def _delete(index: Index, params: Json) -> Json:
    _of_documents(index, params)
    namespace = params["namespace"]
    if params.get("delete_all"):
        index.delete(namespace, list(index.visible(namespace)))
    elif "filter" in params:
        matching = index.matching(namespace, params["filter"])
        index.delete(namespace, [record.id for record in matching])
    else:
        index.delete(namespace, _few(params["ids"]))
    return {}


def _list(index: Index, params: Json) -> Json:
    _of_documents(index, params)
    prefix = params.get("prefix") or ""
    records = index.matching(params["namespace"], None)
    records = [record for record in records if record.id.startswith(prefix)]
    page, answer = _paged(records, params, {"namespace": params["namespace"], "usage": _USAGE})
    answer["documents"] = [{"_id": record.id} for record in page]
    return answer


def _paged(
    records: list[StoredRecord], params: Json, answer: Json
) -> tuple[list[StoredRecord], Json]:
    start = int(params.get("pagination_token") or 0)
    page_size = int(params.get("limit") or LIST_PAGE)
    if not 1 <= page_size <= MAX_PAGE:
        raise RefusedError(f"limit {page_size}: 1 to {MAX_PAGE} are allowed")
    if start + page_size < len(records):
        answer["pagination"] = {"next": str(start + page_size)}
    return records[start : start + page_size], answer


def _shown(record: StoredRecord, index: Index, params: Json) -> Json:
    wanted = params.get("include_fields")
    if wanted == ["*"]:
        wanted = None
    fields = {
        name: value for name, value in record.metadata.items() if wanted is None or name in wanted
    }
    if wanted is None or index.vector_field in wanted:
        fields[index.vector_field] = record.vector.tolist()
    return {"_id": record.id, **fields}


def _few(items: list[Any]) -> list[Any]:
    if not 1 <= len(items) <= MAX_RECORDS:
        raise RefusedError(f"{len(items)} items: 1 to {MAX_RECORDS} are allowed")
    return items


def _of_documents(index: Index, params: Json) -> Json:
    if index.is_vector_index:
        raise RefusedError("this index has no schema: use the vectors API")
    return params


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
