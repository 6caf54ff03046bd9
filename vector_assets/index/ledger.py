"""Small facts about the index, kept in the index: two runs share no disk, but they share this.

A fact is an entry of a kind, under a key. It is a record in a namespace of its own, which no search
reads and no freshness counts, written through the verbs that every store has.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from vector_assets.core.documents import RESTRICTED
from vector_assets.core.errors import LostWriteError
from vector_assets.stores.base import Metadata, Record, VectorStore
from vector_assets.stores.records import MAX_METADATA_BYTES, head_id, metadata_bytes

NAMESPACE = "ledger"

_PAUSE_SECONDS = 0.2


class Ledger:
    """Small facts about the index, kept in the index: entries of a kind, by key.

    The last write of an entry wins. What one run writes, another may see up to the store's
    `seen_within_seconds` later; the run that wrote it sees it at once.

    Args:
        store: The index.
        dimensions: Length of the index's vectors; what only reads may give any.
    """

    def __init__(self, store: VectorStore, dimensions: int) -> None:
        self._store = store
        self._dimensions = dimensions

    def entries(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return all entries of a kind, by key; `{}` when there are none.

        Reads every entry of every kind: Pinecone answers 100 a request.
        """
        # A listing of heads has no limit and brings `stamp` along; so that is where an entry is.
        return dict(
            _read(head.stamp)
            for identity, head in self._store.documents(NAMESPACE)
            if identity.startswith(f"{kind}:")
        )

    def put(self, kind: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Write entries, each in place of the one under its key, and wait until they are seen.

        Args:
            kind: A word without a colon, such as `quarantine`.
            entries: By key, which may be any text; what JSON can hold, under 30,000 bytes each.

        Raises:
            LostWriteError: An entry is not there after its write.
            ValueError: An entry is too large for a record.
        """
        if not entries:
            return
        written = {
            _document_id(kind, key): _metadata(kind, key, entry) for key, entry in entries.items()
        }
        self._store.open(NAMESPACE, self._dimensions)
        self._store.upsert(NAMESPACE, list(self._records(written.values())))
        unseen = self._unseen_at_last(written)
        if unseen:
            raise LostWriteError(
                f"{len(unseen)} of {len(written)} entries of kind {kind!r} were written to the "
                f"namespace {NAMESPACE!r} and are not there: run the same command again"
            )
        self._store.maintain(NAMESPACE)

    def remove(self, kind: str, keys: Iterable[str]) -> None:
        """Delete entries by key, and wait until they are not seen; unknown keys are passed over."""
        identities = [_document_id(kind, key) for key in keys]
        if not identities:
            return
        self._store.open(NAMESPACE, self._dimensions)
        self._store.delete(NAMESPACE, [head_id(one) for one in identities])
        self._waited(lambda: not self._store.heads(NAMESPACE, identities))
        self._store.maintain(NAMESPACE)

    def _records(self, written: Iterable[Metadata]) -> Iterator[Record]:
        # Nobody searches here, but Pinecone refuses a vector of zeros.
        vector = np.zeros(self._dimensions, np.float32)
        vector[0] = 1.0
        for metadata in written:
            yield Record(head_id(str(metadata["document_id"])), vector, metadata)

    def _unseen_at_last(self, written: Mapping[str, Metadata]) -> list[str]:
        """Return the ids that are absent once the index has had its time to show them.

        One that another run has written at the same moment is there, and theirs is the last.
        """

        def is_as_written() -> bool:
            heads = self._store.heads(NAMESPACE, list(written))
            return all(
                one in heads and heads[one].document_fingerprint == metadata["document_fingerprint"]
                for one, metadata in written.items()
            )

        if self._waited(is_as_written):
            return []
        return sorted(written.keys() - self._store.heads(NAMESPACE, list(written)).keys())

    def _waited(self, is_so: Callable[[], bool]) -> bool:
        """Wait until something is so, as long as the store may take to show a write."""
        give_up_at = time.monotonic() + self._store.seen_within_seconds
        while not is_so():
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True


def _document_id(kind: str, key: str) -> str:
    """Return the id that stands for an entry; a key is hashed, for it may be longer than an id."""
    return f"{kind}:{_hash(key)}"


def _metadata(kind: str, key: str, entry: Mapping[str, Any]) -> Metadata:
    """Return an entry as the fields of a record.

    Nobody may find it by a search. Its time is constant, so that no store takes it for an older
    version of another: two machines' clocks differ.
    """
    said = json.dumps([key, dict(entry)], separators=(",", ":"))
    metadata: Metadata = {
        "document_id": _document_id(kind, key),
        "source": NAMESPACE,
        "container": kind,
        "access": [RESTRICTED],
        "updated_at": 0.0,
        "chunk": 0,
        "chunk_count": 1,
        "text": "",
        "stamp": said,
        "fingerprint": _hash(said),
        "document_fingerprint": _hash(said),
    }
    size_bytes = metadata_bytes(metadata)
    if size_bytes > MAX_METADATA_BYTES:
        raise ValueError(
            f"the entry {key!r} of kind {kind!r} takes {size_bytes:,} bytes, at most "
            f"{MAX_METADATA_BYTES:,} are allowed"
        )
    return metadata


def _read(said: str) -> tuple[str, dict[str, Any]]:
    key, entry = json.loads(said)
    return key, entry


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
