"""A Pinecone index in memory: records, delayed visibility of writes, and ranking."""

import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vector_assets.sandbox.faults import Faults
from vector_assets.sandbox.pinecone.filters import matcher

MAX_RECORDS = 1000
MAX_REQUEST_BYTES = 2 * 1024 * 1024
MAX_METADATA_BYTES = 40 * 1024
MAX_ID_CHARACTERS = 512
MAX_RESULT_BYTES = 4_000_000
"""Limit of a query's answer (docs.pinecone.io, "Database limits", 2026-11)."""

LIST_PAGE = 100
MAX_PAGE_RECORDS = 10_000

VECTOR_FIELD_OF_VECTOR_INDEX = "_values"

Json = dict[str, Any]

_WORD = re.compile(r"\w+")
_BM25_SATURATION, _BM25_LENGTH = 1.2, 0.75


class RefusedError(ValueError):
    """A request that the vendor refuses with status 400; the text is its answer."""


@dataclass
class StoredRecord:
    """A record of either API; all but id and vector is metadata."""

    id: str
    vector: NDArray[np.float32]
    metadata: dict[str, Any]


Change = Callable[[dict[str, StoredRecord]], None]


@dataclass
class Namespace:
    """Visible records by id, and committed changes that are not visible yet.

    Attributes:
        pending: When each change becomes visible, by the monotonic clock, and the change.
        committed: Log position of the last write; each namespace has its own.
        reconciled: Log position up to which writes are visible.
    """

    records: dict[str, StoredRecord] = field(default_factory=dict)
    pending: list[tuple[float, Change]] = field(default_factory=list)
    committed: int = 0
    reconciled: int = 0


@dataclass
class Index:
    """One index; `fields` is its schema.

    Attributes:
        is_losing: Whether a write is acknowledged and then lost.
        ready_at: When it becomes ready, by the monotonic clock.
    """

    name: str
    fields: dict[str, dict[str, Any]]
    faults: Faults
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    is_losing: bool = False
    ready_at: float = 0.0

    def __post_init__(self) -> None:
        self.ready_at = time.monotonic() + self.faults.index_ready_seconds

    @property
    def is_ready(self) -> bool:
        """Whether it serves requests."""
        return time.monotonic() >= self.ready_at

    @property
    def vector_field(self) -> str:
        """Name of the dense field; `_values` for an index of vectors."""
        return next(n for n, spec in self.fields.items() if spec["type"] == "dense_vector")

    @property
    def is_vector_index(self) -> bool:
        """Whether the index belongs to the Vectors API."""
        return self.vector_field == VECTOR_FIELD_OF_VECTOR_INDEX

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.fields[self.vector_field]["dimension"])

    def visible(self, namespace: str) -> dict[str, StoredRecord]:
        """Return the records that are visible now."""
        held = self.namespaces.get(namespace)
        if held is None:
            return {}
        now = time.monotonic()
        while held.pending and held.pending[0][0] <= now:
            held.pending.pop(0)[1](held.records)
            held.reconciled += 1
        return held.records

    def commit(self, namespace: str, change: Change) -> None:
        """Commit a change; it becomes visible after the index lag."""
        self.visible(namespace)
        held = self.namespaces.setdefault(namespace, Namespace())
        held.committed += 1
        visible_at = time.monotonic() + self.faults.index_lag_seconds
        held.pending.append((visible_at, (lambda _: None) if self.is_losing else change))
        self.visible(namespace)

    def upsert(self, namespace: str, records: Iterable[StoredRecord]) -> None:
        """Write records; `RefusedError` if one of them breaks a limit."""
        records_by_id = {record.id: record for record in map(self.checked, records)}
        self.commit(namespace, lambda held: held.update(records_by_id))

    def update(self, namespace: str, fields_by_id: Mapping[str, Mapping[str, Any]]) -> None:
        """Set fields of records; ids that do not exist are ignored."""

        def change(held: dict[str, StoredRecord]) -> None:
            for identity, fields in fields_by_id.items():
                if old := held.get(identity):
                    held[identity] = replace(old, metadata={**old.metadata, **fields})

        self.commit(namespace, change)

    def delete(self, namespace: str, ids: Iterable[str]) -> None:
        """Delete records by id."""
        gone = list(ids)

        def change(held: dict[str, StoredRecord]) -> None:
            for identity in gone:
                held.pop(identity, None)

        self.commit(namespace, change)

    def matching(self, namespace: str, condition: Mapping[str, Any] | None) -> list[StoredRecord]:
        """Return the visible records that meet a filter, in order of id."""
        is_met = matcher(condition)
        held = self.visible(namespace)
        return [record for _, record in sorted(held.items()) if is_met(record.metadata)]

    def check_dimension(self, vector: NDArray[np.float32]) -> None:
        """Raise `RefusedError` for a vector of another length than the index's."""
        if vector.shape != (self.dimension,):
            raise RefusedError(
                f"Vector dimension {vector.size} does not match the dimension of the index "
                f"{self.dimension}"
            )

    def checked(self, record: StoredRecord) -> StoredRecord:
        """Return a record; `RefusedError` if it breaks a limit."""
        if not record.id or len(record.id) > MAX_ID_CHARACTERS or not record.id.isascii():
            raise RefusedError(f"id {record.id[:40]!r} must be ASCII of 1 to 512 characters")
        self.check_dimension(record.vector)
        if not np.isfinite(record.vector).all() or not record.vector.any():
            raise RefusedError(f"record {record.id!r} must hold a finite vector that is not zero")
        size_bytes = len(json.dumps(record.metadata, ensure_ascii=False).encode())
        if size_bytes > MAX_METADATA_BYTES:
            raise RefusedError(f"metadata size is {size_bytes} bytes, which exceeds the limit of "
                               f"{MAX_METADATA_BYTES} bytes per vector")  # fmt: skip
        for name, value in record.metadata.items():
            is_texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
            if not (is_texts or isinstance(value, str | int | float | bool)):
                raise RefusedError(
                    f"metadata field {name!r} must be a string, number, boolean or list of strings"
                )
        return record


def few(items: list[Any]) -> list[Any]:
    """Return the items of a request; `RefusedError` if it has too many or none."""
    if not 1 <= len(items) <= MAX_RECORDS:
        raise RefusedError(f"{len(items)} items: 1 to {MAX_RECORDS} are allowed")
    return items


def selected_ids(index: Index, params: Json) -> list[str]:
    """Return the ids that a request names: all, those that meet a filter, or a list."""
    if params.get("deleteAll") or params.get("delete_all"):
        return list(index.visible(params["namespace"]))
    if "filter" in params:
        return [record.id for record in index.matching(params["namespace"], params["filter"])]
    return few(params["ids"])


def page_of(items: list[Any], params: Json, token: str | None) -> tuple[list[Any], Json]:
    """Return a page of a list, and the field that names the next one."""
    start = int(token or 0)
    end = start + int(params.get("limit") or LIST_PAGE)
    if not 1 <= end - start <= MAX_PAGE_RECORDS:
        raise RefusedError(f"limit {end - start}: 1 to {MAX_PAGE_RECORDS} are allowed")
    return items[start:end], {"pagination": {"next": str(end)}} if end < len(items) else {}


def rank_dense(
    records: list[StoredRecord], query: NDArray[np.float32], top_k: int
) -> list[tuple[StoredRecord, float]]:
    """Return the nearest records by cosine similarity, best first."""
    if not records:
        return []
    matrix = np.stack([record.vector for record in records])
    lengths = np.linalg.norm(matrix, axis=1) * (float(np.linalg.norm(query)) or 1.0)
    scores = matrix @ query / np.where(lengths == 0, 1, lengths)
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [(records[place], float(scores[place])) for place in order]


def rank_text(
    records: list[StoredRecord], name: str, query: str, top_k: int
) -> list[tuple[StoredRecord, float]]:
    """Return the best records by BM25 over one field, best first, without those that score 0."""
    texts = [_words(str(record.metadata.get(name, ""))) for record in records]
    mean_words = sum(map(len, texts)) / len(texts) if texts else 1.0
    counts = [Counter(words) for words in texts]
    scores = np.zeros(len(records))
    for word in set(_words(query)):
        holders = [place for place, count in enumerate(counts) if word in count]
        weight = math.log(1 + (len(records) - len(holders) + 0.5) / (len(holders) + 0.5))
        for place in holders:
            frequency = counts[place][word]
            length_ratio = 1 - _BM25_LENGTH + _BM25_LENGTH * len(texts[place]) / mean_words
            saturated = frequency / (frequency + _BM25_SATURATION * length_ratio)
            scores[place] += weight * saturated * (_BM25_SATURATION + 1)
    order = [place for place in np.argsort(-scores, kind="stable")[:top_k] if scores[place] > 0]
    return [(records[place], float(scores[place])) for place in order]


def _words(text: str) -> list[str]:
    return [word.rstrip("s") for word in _WORD.findall(text.lower())]
