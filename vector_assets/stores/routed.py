"""A store that passes each verb on to another one, chosen by namespace."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from vector_assets.stores.base import Filter, Head, Hit, Metadata, Record, VectorStore
from vector_assets.vectors import Vectors


class RoutedStore(VectorStore):
    """All verbs of a store, each spoken to whichever store is at its namespace."""

    @abstractmethod
    def at(self, namespace: str) -> VectorStore:
        """Return the store that holds a namespace."""

    def open(self, namespace: str, dimensions: int) -> None:
        """Make the namespace ready."""
        self.at(namespace).open(namespace, dimensions)

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return what the index holds of these documents."""
        return self.at(namespace).heads(namespace, document_ids)

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return the fingerprints of the chunks that exist."""
        return self.at(namespace).fingerprints(namespace, chunk_ids)

    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        """Return the ids of all chunks of a document."""
        return self.at(namespace).chunk_ids(namespace, document_id)

    def shows_written(self, namespace: str) -> bool:
        """Tell whether a read is known to see all that was written there."""
        return self.at(namespace).shows_written(namespace)

    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        """Yield the id of every record of a namespace, or of a document."""
        return self.at(namespace).record_ids(namespace, document_id)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records."""
        return self.at(namespace).fetch(namespace, chunk_ids)

    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete all but the newest of the records that share one of these ids."""
        self.at(namespace).drop_doubles(namespace, chunk_ids)

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records."""
        self.at(namespace).upsert(namespace, records)

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Replace fields of existing records."""
        self.at(namespace).update_metadata(namespace, metadata_by_id)

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records by id."""
        self.at(namespace).delete(namespace, chunk_ids)

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        """Delete records by id, but for newer ones."""
        self.at(namespace).delete_older(namespace, until)

    def count(self, namespace: str) -> int:
        """Return the number of records."""
        return self.at(namespace).count(namespace)

    def watermark(self, namespace: str) -> datetime | None:
        """Return the newest `updated_at`."""
        return self.at(namespace).watermark(namespace)

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield each document, or those of some days, with its head."""
        return self.at(namespace).documents(namespace, days)

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        """Return the nearest records."""
        return self.at(namespace).search_dense(namespace, vector, where=where, limit=limit)

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by words."""
        return self.at(namespace).search_lexical(namespace, text, where=where, limit=limit)

    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return first chunks that meet a filter."""
        return self.at(namespace).lookup(namespace, where=where, limit=limit)

    def maintain(self, namespace: str) -> None:
        """Bring indexes up to date."""
        self.at(namespace).maintain(namespace)

    def keep_pace(self, namespace: str) -> None:
        """Keep questions by id quick."""
        self.at(namespace).keep_pace(namespace)
