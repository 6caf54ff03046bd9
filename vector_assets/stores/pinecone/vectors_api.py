"""Pinecone's Vectors API, for an index that exists already; it has no full text.

A fetch by id always returns the vector, so existing records are read by a query, which does not.
Only ids that the query did not find are fetched: those are new as a rule, and return nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Hit, Metadata, Record
from vector_assets.stores.pinecone.api import (
    PineconeApi,
    groups,
    heads_filter,
    pages,
    pinecone_filter,
    restored,
    short_numbers,
)
from vector_assets.stores.records import document_id_of, ordinal_of

UPDATES_IN_FLIGHT = 8
"""An update changes one record per request; 100 a second are allowed per namespace."""

KNOWN_RECORDS = 90
"""Records of one query for metadata, each of which may take 40 KB of the 4 MB of a response
(docs.pinecone.io, "Database limits", 2026-11)."""

FETCH_IDS = 100
"""Ids of one fetch; they are part of the URL."""

PAGE_HEADS = 100
"""Heads of one page, which returns their vectors and up to 40 KB of metadata each."""


class VectorsApi(PineconeApi):
    """The methods of a store in the Vectors API."""

    noun = "vectors"
    id_field = "id"

    @property
    def _methods(self) -> Any:
        return self._index

    def listed(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids that begin with a prefix, in order, a page per request."""
        ask = partial(self._index.list_paginated, prefix=prefix or None, namespace=namespace)
        for page in pages(lambda token: self._asked("vectors.list", ask, pagination_token=token)):
            yield from (item.id for item in page.vectors)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records, vectors included."""
        ids_per_request = min(FETCH_IDS, self.records_of_an_answer)
        return [
            Record(chunk_id, np.asarray(vector.values, np.float32), restored(vector.metadata))
            for chunk_id, vector in self._whole(namespace, chunk_ids, ids_per_request)
        ]

    def wire(self, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
        """Yield each record as a vector of the request."""
        for record in records:
            numbers = short_numbers(record.vector)
            yield {"id": record.id, "values": numbers, "metadata": dict(record.metadata)}

    def update(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Set fields of records, one per request, several requests concurrently."""

        def update_record(item: tuple[str, Metadata]) -> None:
            chunk_id, fields = item
            update = partial(self._index.update, id=chunk_id, set_metadata=dict(fields))
            self._written("vectors.update", namespace, update)

        with ThreadPoolExecutor(UPDATES_IN_FLIGHT) as pool:
            list(pool.map(update_record, metadata_by_id.items()))

    def _matching(
        self, namespace: str, condition: Mapping[str, Any], fields: Sequence[str], limit: int
    ) -> Iterable[tuple[str, Mapping[str, Any]]]:
        hits = self._queried(namespace, self._any_vector, condition, limit)
        return [(hit.id, hit.metadata) for hit in hits]

    def _head_fields(self, namespace: str, days: Sequence[date]) -> Iterator[Mapping[str, Any]]:
        where = {"filter": heads_filter(days), "namespace": namespace, "limit": PAGE_HEADS}
        ask = partial(self._asked, "vectors.fetch_by_metadata", self._index.fetch_by_metadata)
        for page in pages(lambda token: ask(**where, pagination_token=token)):
            yield from (vector.metadata for vector in page.vectors.values())

    def search_dense(self, namespace: str, vector: Vectors, where: Filter, limit: int) -> list[Hit]:
        """Return the nearest records."""
        return self._queried(namespace, short_numbers(vector), pinecone_filter(where), limit)

    def search_lexical(self, namespace: str, text: str, where: Filter, limit: int) -> list[Hit]:
        """Return nothing: an index of vectors has no full text."""
        return []

    def _fields_by_id(
        self, namespace: str, chunk_ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        """Return all metadata by id; this API cannot select fields."""
        records: dict[str, Mapping[str, Any]] = {}
        for group in groups(list(dict.fromkeys(chunk_ids)), KNOWN_RECORDS):
            records |= dict(self._matching(namespace, _ids_filter(group), fields, len(group)))
        unseen = [chunk_id for chunk_id in chunk_ids if chunk_id not in records]
        for chunk_id, vector in self._whole(namespace, unseen, FETCH_IDS):
            records[chunk_id] = restored(vector.metadata)
        return records

    def _search_info(self, namespace: str) -> Any:
        query = partial(self._index.query, vector=self._any_vector, top_k=1)
        return self._asked("query", query, namespace=namespace).response_info

    def _queried(
        self, namespace: str, values: list[float], condition: Mapping[str, Any], limit: int
    ) -> list[Hit]:
        answer = self._asked(
            "query",
            self._index.query,
            namespace=namespace,
            vector=values,
            top_k=limit,
            filter=dict(condition),
            include_metadata=True,
            include_values=False,
        )
        return [
            Hit(match.id, float(match.score), restored(match.metadata)) for match in answer.matches
        ]

    def _whole(
        self, namespace: str, chunk_ids: Sequence[str], ids_per_request: int
    ) -> Iterator[tuple[str, Any]]:
        """Yield ids with the SDK's objects of whole records."""
        for group in groups(chunk_ids, ids_per_request):
            fetch = partial(self._index.fetch, ids=list(group))
            yield from self._asked("vectors.fetch", fetch, namespace=namespace).vectors.items()


def _ids_filter(chunk_ids: Sequence[str]) -> dict[str, Any]:
    """Return the filter for exactly these records."""
    ordinals: defaultdict[str, list[int]] = defaultdict(list)
    for chunk_id in chunk_ids:
        ordinals[document_id_of(chunk_id)].append(ordinal_of(chunk_id))
    alternatives = [
        {"document_id": {"$eq": document_id}, "chunk": {"$in": numbers}}
        for document_id, numbers in ordinals.items()
    ]
    return {"$or": alternatives}
