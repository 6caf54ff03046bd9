"""Small facts about the index, kept in the index itself: runs share no disk, but they share this.

A fact is an entry of a kind, under a key. It is a record in a namespace of its own, which no search
and no freshness check reads, written by the methods that every store has.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from vector_assets.core.documents import RESTRICTED
from vector_assets.core.errors import LostWriteError
from vector_assets.core.waiting import wait_until
from vector_assets.stores.base import Metadata, Record, VectorStore
from vector_assets.stores.records import MAX_METADATA_BYTES, head_id, metadata_bytes

NAMESPACE = "ledger"

_PAUSE_SECONDS = 0.2


class Ledger:
    """Small facts about the index, kept in the index: entries of a kind, by key.

    The last write of an entry wins. What one run writes, another may see up to the store's
    `seen_within_seconds` later; the run that wrote it sees it at once. `dimensions` are those of
    the index's vectors; what only reads may give any.
    """

    def __init__(self, store: VectorStore, dimensions: int) -> None:
        self._store = store
        self._dimensions = dimensions

    def entries(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return all entries of a kind, by key; `{}` when there are none.

        Reads every entry of every kind: Pinecone answers 100 a request.
        """
        return self.entries_by_kind((kind,))[kind]

    def entries_by_kind(self, kinds: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """Return all entries of some kinds, by kind and key, for what one kind costs."""
        entries: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in kinds}
        # An entry is in `stamp`, because a listing of heads has no limit and includes that field.
        for document_id, head in self._store.documents(NAMESPACE):
            kind = document_id.partition(":")[0]
            if kind in entries:
                key, entry = json.loads(head.stamp)
                entries[kind][key] = entry
        return entries

    def put(self, kind: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Write entries, each in place of the one under its key, and wait until they are seen.

        A kind is a word without a colon, a key any text, an entry JSON of under 30,000 bytes.

        Raises:
            LostWriteError: An entry is not there after its write.
            ValueError: An entry is too large for a record.
        """
        if not entries:
            return
        written = self._upsert(kind, entries)
        unseen = self._unseen_at_last(written)
        if unseen:
            raise LostWriteError(
                f"{len(unseen)} of {len(written)} entries of kind {kind!r} were written to the "
                f"namespace {NAMESPACE!r} and are not there: run the same command again"
            )
        self._store.maintain(NAMESPACE)

    def append(self, kind: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Write entries under new keys and return when the store has taken them.

        Not read back, so that an event can be acknowledged at once. Arguments are as in `put`.
        """
        if entries:
            self._upsert(kind, entries)

    def remove(self, kind: str, keys: Iterable[str]) -> None:
        """Delete entries by key, and wait until they are not seen; unknown keys are passed over."""
        document_ids = [_document_id(kind, key) for key in keys]
        if not document_ids:
            return
        self._store.open(NAMESPACE, self._dimensions)
        self._store.delete(NAMESPACE, [head_id(document_id) for document_id in document_ids])
        self._waited(lambda: not self._store.heads(NAMESPACE, document_ids))
        self._store.maintain(NAMESPACE)

    def _upsert(self, kind: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Metadata]:
        """Write entries; return the fields of their records by document id."""
        written = {
            _document_id(kind, key): _metadata(kind, key, entry) for key, entry in entries.items()
        }
        self._store.open(NAMESPACE, self._dimensions)
        # Nobody searches here, but Pinecone refuses a vector of zeros.
        vector = np.eye(1, self._dimensions, dtype=np.float32)[0]
        self._store.upsert(
            NAMESPACE,
            [
                Record(head_id(document_id), vector, metadata)
                for document_id, metadata in written.items()
            ],
        )
        return written

    def _unseen_at_last(self, written: Mapping[str, Metadata]) -> list[str]:
        """Return the ids that are still absent when the index should show them.

        An entry that another run overwrote in the meantime is present: the last write wins.
        """

        def is_as_written() -> bool:
            heads = self._store.heads(NAMESPACE, list(written))
            return all(
                document_id in heads
                and heads[document_id].document_fingerprint == metadata["document_fingerprint"]
                for document_id, metadata in written.items()
            )

        if self._waited(is_as_written):
            return []
        return sorted(written.keys() - self._store.heads(NAMESPACE, list(written)).keys())

    def _waited(self, is_so: Callable[[], bool]) -> bool:
        return wait_until(
            is_so, seconds=self._store.seen_within_seconds, pause_seconds=_PAUSE_SECONDS
        )


def _document_id(kind: str, key: str) -> str:
    return f"{kind}:{_hash(key)}"


def _metadata(kind: str, key: str, entry: Mapping[str, Any]) -> Metadata:
    """Return an entry as the fields of a record.

    It is restricted, so that no search finds it. Its time is constant, so that no store takes it
    for an older version of another: the clocks of two machines differ.
    """
    text = json.dumps([key, dict(entry)], separators=(",", ":"))
    metadata: Metadata = {
        "document_id": _document_id(kind, key),
        "source": NAMESPACE,
        "container": kind,
        "access": [RESTRICTED],
        "updated_at": 0.0,
        "chunk": 0,
        "chunk_count": 1,
        "text": "",
        "stamp": text,
        "fingerprint": _hash(text),
        "document_fingerprint": _hash(text),
    }
    size_bytes = metadata_bytes(metadata)
    if size_bytes > MAX_METADATA_BYTES:
        raise ValueError(
            f"the entry {key!r} of kind {kind!r} takes {size_bytes:,} bytes, at most "
            f"{MAX_METADATA_BYTES:,} are allowed"
        )
    return metadata


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
