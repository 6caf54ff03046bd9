"""A Pinecone index in memory: records, delayed visibility of writes, and ranking."""

import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vector_assets.sandbox.faults import Faults
from vector_assets.sandbox.pinecone.filters import meets

MAX_RECORDS = 1000
MAX_REQUEST_BYTES = 2 * 1024 * 1024
MAX_METADATA_BYTES = 40 * 1024
MAX_ID_CHARACTERS = 512
MAX_RESULT_BYTES = 4_000_000
"""Limit of a query's answer (docs.pinecone.io, "Database limits", 2026-11)."""

VECTOR_FIELD_OF_VECTOR_INDEX = "_values"

_WORD = re.compile(r"\w+")
_BM25_SATURATION, _BM25_LENGTH = 1.2, 0.75


class RefusedError(ValueError):
    """A request that the vendor refuses with status 400; the text is its answer."""


@dataclass
class StoredRecord:
    """A record of either API.

    Attributes:
        id: Unique in its namespace.
        vector: float32.
        metadata: Everything else.
    """

    id: str
    vector: NDArray[np.float32]
    metadata: dict[str, Any]


Change = Callable[[dict[str, StoredRecord]], None]


def _nothing(held: dict[str, StoredRecord]) -> None:
    """Change nothing."""


@dataclass
class Namespace:
    """Visible records, and committed changes that are not visible yet.

    Attributes:
        records: By id.
        pending: The time at which each change becomes visible, and the change.
        committed: Log position of the last write; each namespace has its own.
        reconciled: Log position up to which writes are visible.
    """

    records: dict[str, StoredRecord] = field(default_factory=dict)
    pending: list[tuple[float, Change]] = field(default_factory=list)
    committed: int = 0
    reconciled: int = 0


@dataclass
class Index:
    """One index.

    Attributes:
        name: Its name.
        fields: Its schema, by field.
        faults: Hold the delays of writes and of creation.
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
        """Whether it is ready for requests."""
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
        kept = _nothing if self.is_losing else change
        held.pending.append((time.monotonic() + self.faults.index_lag_seconds, kept))
        self.visible(namespace)

    def upsert(self, namespace: str, records: Iterable[StoredRecord]) -> None:
        """Write records.

        Raises:
            RefusedError: One of them breaks a limit.
        """
        records_by_id = {}
        for record in records:
            self.check(record)
            records_by_id[record.id] = record
        self.commit(namespace, lambda held: held.update(records_by_id))

    def update(self, namespace: str, fields_by_id: Mapping[str, Mapping[str, Any]]) -> None:
        """Set fields of records; ids that do not exist are ignored."""

        def change(held: dict[str, StoredRecord]) -> None:
            for identity, fields in fields_by_id.items():
                if identity in held:
                    old = held[identity]
                    held[identity] = StoredRecord(old.id, old.vector, {**old.metadata, **fields})

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
        held = self.visible(namespace)
        return [record for _, record in sorted(held.items()) if meets(record.metadata, condition)]

    def check_dimension(self, vector: NDArray[np.float32]) -> None:
        """Check the length of a vector.

        Raises:
            RefusedError: It is not that of the index.
        """
        if vector.shape != (self.dimension,):
            raise RefusedError(
                f"Vector dimension {vector.size} does not match the dimension of the index "
                f"{self.dimension}"
            )

    def check(self, record: StoredRecord) -> None:
        """Check a record against the limits.

        Raises:
            RefusedError: It breaks one.
        """
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
            scores[place] += (
                weight
                * frequency
                * (_BM25_SATURATION + 1)
                / (frequency + _BM25_SATURATION * length_ratio)
            )
    order = [place for place in np.argsort(-scores, kind="stable")[:top_k] if scores[place] > 0]
    return [(records[place], float(scores[place])) for place in order]


def _words(text: str) -> list[str]:
    return [word.rstrip("s") for word in _WORD.findall(text.lower())]
