"""What the index holds of a source, as the source may ask."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from vector_assets.stores.base import Head, VectorStore
from vector_assets.stores.records import stored_stamp


class HeldVersions:
    """What the index holds of a source; implements `sources.items.Known`.

    Vectors of another kind count as changed; at a rescan everything does.
    """

    def __init__(
        self, store: VectorStore, namespace: str, vector_spec: str, *, is_rescan: bool
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._vector_spec = vector_spec
        self.is_rescan = is_rescan

    def unchanged(self, stamps: Mapping[str, str]) -> frozenset[str]:
        """Return the documents that the index holds whole with these stamps."""
        if self.is_rescan:
            return frozenset()
        return self.compared(stamps)[1]

    def updated_at(self, document_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return the last activity of the documents that the index holds."""
        return self.compared(dict.fromkeys(document_ids, ""))[0]

    def compared(self, stamps: Mapping[str, str]) -> tuple[Mapping[str, datetime], frozenset[str]]:
        """Return the last activity of those that are held, and which are unchanged."""
        heads = self._store.heads(self._namespace, list(stamps)) if stamps else {}
        held = {
            document_id: datetime.fromtimestamp(head.updated_at, UTC)
            for document_id, head in heads.items()
        }
        if self.is_rescan:
            return held, frozenset()
        whole = {key: head for key, head in heads.items() if head.document_fingerprint}
        return held, self._with_stamps(whole, stamps)

    def stamped(self, stamps: Mapping[str, str]) -> frozenset[str]:
        """Return the documents that the index holds with these stamps, also in a rescan."""
        return self._with_stamps(self._store.heads(self._namespace, list(stamps)), stamps)

    def _with_stamps(self, heads: Mapping[str, Head], stamps: Mapping[str, str]) -> frozenset[str]:
        return frozenset(
            document_id
            for document_id, head in heads.items()
            if head.stamp and head.stamp == stored_stamp(stamps[document_id], self._vector_spec)
        )

    def document_ids(self) -> Iterator[str]:
        """Yield the id of every document in the namespace."""
        return (document_id for document_id, _ in self._store.documents(self._namespace))
