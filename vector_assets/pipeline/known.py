"""What a source may ask of the index: what it holds of the source."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from vector_assets.stores.base import Head, VectorStore
from vector_assets.stores.records import stored_stamp

MAX_REMEMBERED = 10_000
"""Unchanged documents whose size is kept until they are counted; far more than are on their way."""


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
        self._unchanged_chunks: dict[str, int] = {}

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
        unchanged = self._with_stamps(whole, stamps)
        self._remember({key: whole[key].chunk_count for key in unchanged})
        return held, unchanged

    def take_chunk_count(self, document_id: str) -> int:
        """Return, once, how many chunks the index holds of a document that is unchanged."""
        return self._unchanged_chunks.pop(document_id, 0)

    def _remember(self, chunk_counts: Mapping[str, int]) -> None:
        self._unchanged_chunks |= chunk_counts
        for document_id in list(self._unchanged_chunks)[:-MAX_REMEMBERED]:
            self._unchanged_chunks.pop(document_id, None)

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
