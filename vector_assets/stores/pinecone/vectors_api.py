"""Pinecone's Vectors API, for an index that exists already; it has no full text.

A fetch by id always brings the vector along, so what exists is asked by a query, which does not,
and only ids that the query did not find are fetched: those are new, and answer nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Head, Hit, Metadata, Record
from vector_assets.stores.pinecone.api import (
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
)
from vector_assets.stores.records import document_id_of, head_id, ordinal_of, trusted_fingerprint

UPDATES_IN_FLIGHT = 8
"""An update changes one record a request; 100 a second are allowed a namespace."""

KNOWN_RECORDS = 90
"""Records of one query for metadata, each of which may take 40 KB of the 4 MB that an answer may
(docs.pinecone.io, "Database limits", 2026-11)."""

FETCH_IDS = 100
"""Ids of one fetch: they travel in the URL."""

PAGE_HEADS = 100
"""Heads of one page, which brings them whole: with their vectors, and up to 40 KB of metadata."""


class VectorsApi(PineconeApi):
    """The verbs in the Vectors API."""

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return heads by document id."""
        found = self._held(namespace, [head_id(one) for one in document_ids])
        return {str(fields["document_id"]): head_of(fields) for fields in found.values()}

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return fingerprints by chunk id."""
        found = self._held(namespace, chunk_ids)
        return {one: trusted_fingerprint(fields) for one, fields in found.items()}

    def clear(self, namespace: str) -> None:
        """Delete every record of a namespace."""
        answered(
            "pinecone vectors.delete",
            self._meter,
            partial(self._index.delete, delete_all=True, namespace=namespace),
            missing=None,
        )

    def listed(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids that begin with a prefix, in order, a page a request."""
        token: str | None = None
        while True:
            page = self._asked(
                "vectors.list",
                partial(
                    self._index.list_paginated,
                    prefix=prefix or None,
                    namespace=namespace,
                    pagination_token=token,
                ),
            )
            yield from (one.id for one in page.vectors)
            token = page.pagination.next if page.pagination is not None else None
            if not token:
                return

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records, vectors included."""
        at_once = min(FETCH_IDS, self.records_of_an_answer)
        return [
            Record(one, np.asarray(vector.values, np.float32), restored(vector.metadata))
            for one, vector in self._whole(namespace, chunk_ids, at_once)
        ]

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records and compare the counts that come back."""

        def write(group: Sequence[Mapping[str, Any]]) -> None:
            # Without `batch_size`, with which the SDK reports failed batches and raises nothing.
            self._upserted(
                "vectors.upsert",
                namespace,
                [str(one["id"]) for one in group],
                partial(self._index.upsert, vectors=group, namespace=namespace),
            )

        vectors = (
            {"id": one.id, "values": short_numbers(one.vector), "metadata": dict(one.metadata)}
            for one in records
        )
        in_parallel(write, groups_by_bytes(vectors))

    def update(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Set fields of records, several requests in flight."""

        def one(item: tuple[str, Metadata]) -> None:
            self._written(
                "vectors.update",
                namespace,
                partial(
                    self._index.update, id=item[0], set_metadata=dict(item[1]), namespace=namespace
                ),
            )

        with ThreadPoolExecutor(UPDATES_IN_FLIGHT) as pool:
            list(pool.map(one, metadata_by_id.items()))

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records."""
        for group in groups(chunk_ids):
            self._written(
                "vectors.delete",
                namespace,
                partial(self._index.delete, ids=list(group), namespace=namespace),
            )

    def any_newer(self, namespace: str, than: float | None) -> float | None:
        """Return the `updated_at` of any record newer than an instant."""
        bound = {"$gt": than} if than is not None else {"$exists": True}
        found = self._known(namespace, {"updated_at": bound}, 1)
        return next((float(fields["updated_at"]) for fields in found.values()), None)

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield all heads, or those of some days."""
        token: str | None = None
        while True:
            page = self._asked(
                "vectors.fetch_by_metadata",
                partial(
                    self._index.fetch_by_metadata,
                    filter=heads_filter(days),
                    namespace=namespace,
                    limit=PAGE_HEADS,
                    pagination_token=token,
                ),
            )
            for vector in page.vectors.values():
                yield str(vector.metadata["document_id"]), head_of(vector.metadata)
            token = page.pagination.next if page.pagination is not None else None
            if not token:
                return

    def search_dense(self, namespace: str, vector: Vectors, where: Filter, limit: int) -> list[Hit]:
        """Return the nearest records."""
        return self._queried(namespace, short_numbers(vector), pinecone_filter(where), limit)

    def search_lexical(self, namespace: str, text: str, where: Filter, limit: int) -> list[Hit]:
        """Return nothing: an index of vectors has no full text."""
        return []

    def lookup(self, namespace: str, where: Filter, limit: int) -> list[Hit]:
        """Return first chunks that meet a filter."""
        found = self._known(namespace, pinecone_filter(where, chunk=0), limit)
        return [Hit(one, 1.0, fields) for one, fields in found.items()]

    def _held(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the metadata of those of some records that exist, by id."""
        found: dict[str, dict[str, Any]] = {}
        for group in groups(list(dict.fromkeys(chunk_ids)), KNOWN_RECORDS):
            found |= self._known(namespace, _one_of(group), len(group))
        return found | self._fetched(namespace, [one for one in chunk_ids if one not in found])

    def _search_info(self, namespace: str) -> Any:
        anything = [1.0] + [0.0] * (self.dimensions - 1)
        answer = self._asked(
            "query", partial(self._index.query, namespace=namespace, vector=anything, top_k=1)
        )
        return answer.response_info

    def _known(
        self, namespace: str, condition: Mapping[str, Any], limit: int
    ) -> dict[str, dict[str, Any]]:
        """Return the metadata of records that meet a filter, by a query with any vector."""
        anything = [1.0] + [0.0] * (self.dimensions - 1)
        hits = self._queried(namespace, anything, condition, limit)
        return {hit.id: dict(hit.metadata) for hit in hits}

    def _queried(
        self, namespace: str, values: list[float], condition: Mapping[str, Any], limit: int
    ) -> list[Hit]:
        answer = self._asked(
            "query",
            partial(
                self._index.query,
                namespace=namespace,
                vector=values,
                top_k=limit,
                filter=dict(condition),
                include_metadata=True,
                include_values=False,
            ),
        )
        return [Hit(one.id, float(one.score), restored(one.metadata)) for one in answer.matches]

    def _fetched(self, namespace: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        whole = self._whole(namespace, ids, FETCH_IDS)
        return {one: restored(vector.metadata) for one, vector in whole}

    def _whole(self, namespace: str, ids: Sequence[str], at_once: int) -> Iterator[tuple[str, Any]]:
        """Yield records as the SDK has them, by id."""
        for group in groups(ids, at_once):
            answer = self._asked(
                "vectors.fetch",
                partial(self._index.fetch, ids=list(group), namespace=namespace),
            )
            yield from answer.vectors.items()


def _one_of(chunk_ids: Sequence[str]) -> dict[str, Any]:
    """Return the filter that a record is one of these, and of no others."""
    ordinals: dict[str, list[int]] = {}
    for one in chunk_ids:
        ordinals.setdefault(document_id_of(one), []).append(ordinal_of(one))
    alternatives = [
        {"document_id": {"$eq": document_id}, "chunk": {"$in": numbers}}
        for document_id, numbers in ordinals.items()
    ]
    return {"$or": alternatives}
