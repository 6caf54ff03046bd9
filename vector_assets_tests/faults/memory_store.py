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
            heads = {
                document_id: self.records.get(head_id(document_id)) for document_id in document_ids
            }
        return {
            document_id: head_of(record.metadata) for document_id, record in heads.items() if record
        }

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        with self._lock:
            return {
                chunk_id: trusted_fingerprint(self.records[chunk_id].metadata)
                for chunk_id in chunk_ids
                if chunk_id in self.records
            }

    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        with self._lock:
            return sorted(
                chunk_id for chunk_id in self.records if chunk_id.startswith(f"{document_id}#")
            )

    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        yield from sorted(self.chunk_ids(namespace, document_id) if document_id else self.records)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        with self._lock:
            return [self.records[chunk_id] for chunk_id in chunk_ids if chunk_id in self.records]

    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        pass

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        with self._lock:
            self.records.update({record.id: record for record in records})

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        with self._lock:
            for chunk_id, fields in metadata_by_id.items():
                if chunk_id in self.records:
                    old = self.records[chunk_id]
                    self.records[chunk_id] = Record(
                        chunk_id, old.vector, {**old.metadata, **fields}
                    )

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        with self._lock:
            for chunk_id in chunk_ids:
                self.records.pop(chunk_id, None)

    def count(self, namespace: str) -> int:
        return len(self.records)

    def watermark(self, namespace: str) -> datetime | None:
        return None

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        for record in list(self.records.values()):
            is_wanted = not days or record.metadata["partition"] in map(str, days)
            if record.metadata["chunk"] == 0 and is_wanted:
                yield str(record.metadata["document_id"]), head_of(record.metadata)

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        with self._lock:
            hits = [Hit(record.id, float(record.vector @ vector), record.metadata)
                     for record in self.records.values()]  # fmt: skip
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

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
