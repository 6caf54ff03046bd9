"""Pinecone's Documents API: dense and BM25 in one index, fields fetched by name.

API 2026-07 (docs.pinecone.io, "Documents", 2026-11).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import orjson

from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Head, Hit, Metadata, Record
from vector_assets.stores.pinecone.api import (
    HEAD_FIELDS,
    MAX_RECORDS,
    PineconeApi,
    answered,
    groups,
    groups_by_bytes,
    head_of,
    heads_filter,
    in_parallel,
    pinecone_filter,
    restored,
    short_numbers,
    vector_json,
)
from vector_assets.stores.records import VECTOR_FINGERPRINT, head_id, trusted_fingerprint

ANSWER_FIELDS = [
    "document_id", "source", "title", "text", "url", "container", "authors", "created_at",
    "updated_at", "partition", "chunk", "chunk_count", "fingerprint", "access", "issue_key",
    "status", "channel", "thread_ts", "meeting_date", "page_id",
]  # fmt: skip
"""What a search brings back: everything that an answer may show, and no vector."""

PAGE_HEADS = 250
"""Heads of one page, each of which may take 14 KB of the 4 MB that an answer may. As many as 10,000
may be asked for (the SDK's `FetchDocumentsRequest`, pinecone 10.2)."""


class DocumentsApi(PineconeApi):
    """The verbs in the Documents API."""

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return heads by document id."""
        ids = [head_id(one) for one in document_ids]
        found = self._fetched(namespace, ids, HEAD_FIELDS)
        return {str(fields["document_id"]): head_of(fields) for fields in found.values()}

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return fingerprints by chunk id."""
        found = self._fetched(namespace, chunk_ids, ["fingerprint", VECTOR_FINGERPRINT])
        return {one: trusted_fingerprint(fields) for one, fields in found.items()}

    def clear(self, namespace: str) -> None:
        """Delete every record of a namespace."""
        answered(
            "pinecone documents.delete",
            self._meter,
            partial(self._index.documents.delete, namespace=namespace, delete_all=True),
            missing=None,
        )

    def listed(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids that begin with a prefix, in order, a page a request."""
        pages = self._index.documents.list(namespace=namespace, prefix=prefix or None).pages()
        while (page := self._asked("documents.list", partial(next, pages, None))) is not None:
            yield from (one.id for one in page.items)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records, vectors included."""
        found = self._fetched(namespace, chunk_ids, [], self.records_of_an_answer)
        return [
            Record(
                one,
                np.asarray(fields[self._vector_field], np.float32),
                {name: value for name, value in fields.items() if name != self._vector_field},
            )
            for one, fields in found.items()
        ]

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records and compare the counts that come back."""

        def write(group: Sequence[Mapping[str, Any]]) -> None:
            self._upserted(
                "documents.upsert",
                namespace,
                [str(one["_id"]) for one in group],
                partial(self._index.documents.upsert, namespace=namespace, documents=group),
            )

        documents = (
            {
                "_id": one.id,
                # JSON already, and written into the request as it is, by the SDK's orjson.
                self._vector_field: orjson.Fragment(vector_json(one.vector)),
                **one.metadata,
            }
            for one in records
        )
        in_parallel(write, groups_by_bytes(documents))

    def update(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Set fields of records, many a request."""
        patches = ({"_id": one, **fields} for one, fields in metadata_by_id.items())
        for group in groups_by_bytes(patches):
            self._written(
                "documents.update",
                namespace,
                partial(self._index.documents.update, namespace=namespace, documents=group),
            )

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records."""
        for group in groups(chunk_ids):
            self._written(
                "documents.delete",
                namespace,
                partial(self._index.documents.delete, namespace=namespace, ids=list(group)),
            )

    def any_newer(self, namespace: str, than: float | None) -> float | None:
        """Return the `updated_at` of any record newer than an instant."""
        bound = {"$gt": than} if than is not None else {"$exists": True}
        page = self._page(namespace, {"updated_at": bound}, ["updated_at"], limit=1)
        found = (_fields(one) for one in page.documents.values())
        return next((float(one["updated_at"]) for one in found), None)

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield all heads, or those of some days."""
        token: str | None = None
        while True:
            page = self._page(
                namespace, heads_filter(days), HEAD_FIELDS, limit=PAGE_HEADS, token=token
            )
            for fields in map(_fields, page.documents.values()):
                yield str(fields["document_id"]), head_of(fields)
            token = page.pagination.next if page.pagination is not None else None
            if not token:
                return

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
        return [Hit(one, 1.0, _fields(found)) for one, found in page.documents.items()]

    def _search_info(self, namespace: str) -> Any:
        anything = [1.0] + [0.0] * (self.dimensions - 1)
        clause = {"type": "dense_vector", "field": self._vector_field, "values": anything}
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
        return [Hit(one.id, float(one.score), _fields(one)) for one in answer.matches]

    def _fetched(
        self, namespace: str, ids: Sequence[str], fields: Sequence[str], at_once: int = MAX_RECORDS
    ) -> dict[str, Mapping[str, Any]]:
        """Return fields by id; every field there is where none is named."""

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
            return {one: _fields(document) for one, document in answer.documents.items()}

        parts = in_parallel(fetch, groups(ids, at_once))
        return {one: found for part in parts for one, found in part.items()}

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
