"""A store in memory, without transactions and without an opinion about which version is newer.

It is as weak as the contract in `stores/base.py` allows, and fast enough for thousands of runs.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Head, Hit, Metadata, Record, VectorStore
from vector_assets.stores.records import head_id, head_of, trusted_fingerprint


class MemoryStore(VectorStore):
    """Records by id; one namespace is enough."""

    name = "lancedb"
    has_lexical_search = False

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._lock = threading.Lock()

    def open(self, namespace: str, dimensions: int) -> None:
        pass

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        with self._lock:
            found = {one: self.records.get(head_id(one)) for one in document_ids}
        return {one: head_of(record.metadata) for one, record in found.items() if record}

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        with self._lock:
            return {
                one: trusted_fingerprint(self.records[one].metadata)
                for one in chunk_ids
                if one in self.records
            }

    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        with self._lock:
            return sorted(one for one in self.records if one.startswith(f"{document_id}#"))

    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        yield from sorted(self.chunk_ids(namespace, document_id) if document_id else self.records)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        with self._lock:
            return [self.records[one] for one in chunk_ids if one in self.records]

    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        pass

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        with self._lock:
            self.records.update({one.id: one for one in records})

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        with self._lock:
            for one, fields in metadata_by_id.items():
                if one in self.records:
                    old = self.records[one]
                    self.records[one] = Record(one, old.vector, {**old.metadata, **fields})

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        with self._lock:
            for one in chunk_ids:
                self.records.pop(one, None)

    def count(self, namespace: str) -> int:
        return len(self.records)

    def watermark(self, namespace: str) -> datetime | None:
        return None

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        for one in list(self.records.values()):
            is_wanted = not days or one.metadata["partition"] in map(str, days)
            if one.metadata["chunk"] == 0 and is_wanted:
                yield str(one.metadata["document_id"]), head_of(one.metadata)

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        with self._lock:
            found = [Hit(one.id, float(one.vector @ vector), one.metadata)
                     for one in self.records.values()]  # fmt: skip
        return sorted(found, key=lambda hit: -hit.score)[:limit]

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        return []

    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        return []

    def maintain(self, namespace: str) -> None:
        pass

    def keep_pace(self, namespace: str) -> None:
        pass

    def check(self) -> str:
        return "memory"
