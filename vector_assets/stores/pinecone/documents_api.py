"""Pinecone's Documents API: dense and BM25 in one index, fields fetched by name.

API 2026-07 (docs.pinecone.io, "Documents", 2026-11).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import orjson

from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Hit, Metadata, Record
from vector_assets.stores.pinecone.api import (
    ANSWER_FIELDS,
    MAX_RECORDS,
    PineconeApi,
    groups,
    groups_by_bytes,
    heads_filter,
    in_parallel,
    pages,
    pinecone_filter,
    restored,
    short_numbers,
    vector_json,
)
from vector_assets.stores.records import HEAD_FIELDS

PAGE_HEADS = 250
"""Heads of one page, each of which may take 14 KB of the 4 MB of a response. The API allows 10,000
(the SDK's `FetchDocumentsRequest`, pinecone 10.2)."""


class DocumentsApi(PineconeApi):
    """The methods of a store in the Documents API."""

    noun = "documents"
    id_field = "_id"

    @property
    def _methods(self) -> Any:
        return self._index.documents

    def listed(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids that begin with a prefix, in order, a page per request."""
        listing = self._methods.list(namespace=namespace, prefix=prefix or None).pages()
        while (page := self._asked("documents.list", partial(next, listing, None))) is not None:
            yield from (item.id for item in page.items)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records, vectors included."""
        records = self._fields_by_id(namespace, chunk_ids, [], self.records_of_an_answer)
        return [
            Record(chunk_id, np.asarray(fields.pop(self._vector_field), np.float32), fields)
            for chunk_id, fields in records.items()
        ]

    def wire(self, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
        """Yield each record as a document of the request."""
        for record in records:
            yield {
                "_id": record.id,
                # Already JSON; the SDK's orjson copies it into the request unchanged.
                self._vector_field: orjson.Fragment(vector_json(record.vector)),
                **record.metadata,
            }

    def update(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Set fields of records, many per request."""
        patches = ({"_id": chunk_id, **fields} for chunk_id, fields in metadata_by_id.items())
        for group in groups_by_bytes(patches):
            self._written("documents.update", namespace, self._methods.update, documents=group)

    def _matching(
        self, namespace: str, condition: Mapping[str, Any], fields: Sequence[str], limit: int
    ) -> Iterable[tuple[str, Mapping[str, Any]]]:
        page = self._fetched(namespace, fields, filter=condition, limit=limit)
        return [(chunk_id, _fields(item)) for chunk_id, item in page.documents.items()]

    def _head_fields(self, namespace: str, days: Sequence[date]) -> Iterator[Mapping[str, Any]]:
        condition = heads_filter(days)
        ask = partial(self._fetched, namespace, HEAD_FIELDS, filter=condition, limit=PAGE_HEADS)
        for page in pages(lambda token: ask(pagination_token=token)):
            yield from map(_fields, page.documents.values())

    def search_dense(self, namespace: str, vector: Vectors, where: Filter, limit: int) -> list[Hit]:
        """Return the nearest records."""
        return self._searched(namespace, self._near(short_numbers(vector)), where, limit)

    def search_lexical(self, namespace: str, text: str, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by BM25."""
        clause = {"type": "text", "fields": ["text"], "query": text}
        return self._searched(namespace, clause, where, limit)

    def _near(self, numbers: list[float]) -> Mapping[str, Any]:
        return {"type": "dense_vector", "field": self._vector_field, "values": numbers}

    def _search_info(self, namespace: str) -> Any:
        return self._search(namespace, self._near(self._any_vector), 1, ["chunk"]).response_info

    def _searched(
        self, namespace: str, clause: Mapping[str, Any], where: Filter, limit: int
    ) -> list[Hit]:
        condition = pinecone_filter(where)
        answer = self._search(namespace, clause, limit, ANSWER_FIELDS, filter=condition)
        return [Hit(match.id, float(match.score), _fields(match)) for match in answer.matches]

    def _search(
        self,
        namespace: str,
        clause: Mapping[str, Any],
        limit: int,
        fields: Sequence[str],
        **more: Any,
    ) -> Any:
        return self._asked(
            "documents.search",
            self._methods.search,
            namespace=namespace,
            score_by=[clause],
            top_k=limit,
            include_fields=fields,
            **more,
        )

    def _fields_by_id(
        self,
        namespace: str,
        chunk_ids: Sequence[str],
        fields: Sequence[str],
        records_per_request: int = MAX_RECORDS,
    ) -> dict[str, dict[str, Any]]:
        """Return fields by id; all fields, the vector included, when none is named."""

        def fetch(group: Sequence[str]) -> dict[str, dict[str, Any]]:
            answer = self._fetched(namespace, fields, ids=list(group))
            return {chunk_id: _fields(item) for chunk_id, item in answer.documents.items()}

        parts = in_parallel(fetch, groups(chunk_ids, records_per_request))
        return {chunk_id: record for part in parts for chunk_id, record in part.items()}

    def _fetched(self, namespace: str, fields: Sequence[str], **which: Any) -> Any:
        return self._asked(
            "documents.fetch",
            self._methods.fetch,
            namespace=namespace,
            include_fields=list(fields) or None,
            **which,
        )


def _fields(document: Any) -> dict[str, Any]:
    """Return a document's fields, without the SDK's own."""
    return restored(
        {name: value for name, value in document.to_dict().items() if not name.startswith("_")}
    )
