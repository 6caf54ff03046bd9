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
    MAX_RECORDS,
    PineconeApi,
    groups,
    groups_by_bytes,
    heads_filter,
    in_parallel,
    pinecone_filter,
    restored,
    short_numbers,
    vector_json,
)
from vector_assets.stores.records import HEAD_FIELDS

ANSWER_FIELDS = [
    "document_id", "source", "title", "text", "url", "container", "authors", "created_at",
    "updated_at", "partition", "chunk", "chunk_count", "fingerprint", "access", "issue_key",
    "status", "channel", "thread_ts", "meeting_date", "page_id",
]  # fmt: skip
"""Fields that a search returns: everything that a result may show, and no vector."""

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
        pages = self._index.documents.list(namespace=namespace, prefix=prefix or None).pages()
        while (page := self._asked("documents.list", partial(next, pages, None))) is not None:
            yield from (item.id for item in page.items)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records, vectors included."""
        records = self._fields_by_id(namespace, chunk_ids, [], self.records_of_an_answer)
        return [
            Record(
                chunk_id,
                np.asarray(fields[self._vector_field], np.float32),
                {name: value for name, value in fields.items() if name != self._vector_field},
            )
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
            self._written(
                "documents.update",
                namespace,
                partial(self._index.documents.update, namespace=namespace, documents=group),
            )

    def any_newer(self, namespace: str, than: float | None) -> float | None:
        """Return the `updated_at` of any record newer than an instant."""
        bound = {"$gt": than} if than is not None else {"$exists": True}
        page = self._page(namespace, {"updated_at": bound}, ["updated_at"], limit=1)
        records = map(_fields, page.documents.values())
        return next((float(fields["updated_at"]) for fields in records), None)

    def _head_page(
        self, namespace: str, days: Sequence[date], token: str | None
    ) -> tuple[Iterable[Mapping[str, Any]], Any]:
        page = self._page(namespace, heads_filter(days), HEAD_FIELDS, limit=PAGE_HEADS, token=token)
        return map(_fields, page.documents.values()), page.pagination

    def search_dense(self, namespace: str, vector: Vectors, where: Filter, limit: int) -> list[Hit]:
        """Return the nearest records."""
        clause = {
            "type": "dense_vector",
            "field": self._vector_field,
            "values": short_numbers(vector),
        }
        return self._searched(namespace, clause, where, limit)

    def search_lexical(self, namespace: str, text: str, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by BM25."""
        clause = {"type": "text", "fields": ["text"], "query": text}
        return self._searched(namespace, clause, where, limit)

    def lookup(self, namespace: str, where: Filter, limit: int) -> list[Hit]:
        """Return first chunks that meet a filter."""
        page = self._page(namespace, pinecone_filter(where, chunk=0), ANSWER_FIELDS, limit=limit)
        return [Hit(chunk_id, 1.0, _fields(item)) for chunk_id, item in page.documents.items()]

    def _search_info(self, namespace: str) -> Any:
        clause = {"type": "dense_vector", "field": self._vector_field, "values": self._any_vector}
        answer = self._asked(
            "documents.search",
            partial(
                self._index.documents.search,
                namespace=namespace,
                score_by=[clause],
                top_k=1,
                include_fields=["chunk"],
            ),
        )
        return answer.response_info

    def _searched(
        self, namespace: str, clause: Mapping[str, Any], where: Filter, limit: int
    ) -> list[Hit]:
        answer = self._asked(
            "documents.search",
            partial(
                self._index.documents.search,
                namespace=namespace,
                score_by=[clause],
                top_k=limit,
                include_fields=ANSWER_FIELDS,
                filter=pinecone_filter(where),
            ),
        )
        return [Hit(match.id, float(match.score), _fields(match)) for match in answer.matches]

    def _fields_by_id(
        self,
        namespace: str,
        chunk_ids: Sequence[str],
        fields: Sequence[str],
        records_per_request: int = MAX_RECORDS,
    ) -> dict[str, Mapping[str, Any]]:
        """Return fields by id; all fields, the vector included, when none is named."""

        def fetch(group: Sequence[str]) -> dict[str, Mapping[str, Any]]:
            answer = self._asked(
                "documents.fetch",
                partial(
                    self._index.documents.fetch,
                    namespace=namespace,
                    ids=list(group),
                    include_fields=list(fields) or None,
                ),
            )
            return {chunk_id: _fields(item) for chunk_id, item in answer.documents.items()}

        parts = in_parallel(fetch, groups(chunk_ids, records_per_request))
        return {chunk_id: record for part in parts for chunk_id, record in part.items()}

    def _page(
        self,
        namespace: str,
        condition: Mapping[str, Any],
        fields: Sequence[str],
        *,
        limit: int,
        token: str | None = None,
    ) -> Any:
        return self._asked(
            "documents.fetch",
            partial(
                self._index.documents.fetch,
                namespace=namespace,
                filter=condition,
                include_fields=list(fields),
                limit=limit,
                pagination_token=token,
            ),
        )


def _fields(document: Any) -> dict[str, Any]:
    """Return a document's fields, without the SDK's own."""
    return restored(
        {name: value for name, value in document.to_dict().items() if not name.startswith("_")}
    )
