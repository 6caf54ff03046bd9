"""The interface between the pipeline and an index of vectors.

A store keeps records in namespaces, one per source. It knows nothing of Dagster, sources or models.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from vector_assets.core.documents import PUBLIC, RESTRICTED, Value, clean_text
from vector_assets.core.vectors import Vectors

Metadata = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Record:
    """A chunk in the index.

    Attributes:
        id: `{document id}#{ordinal}`.
        vector: float32 of shape `(dimensions,)`.
        metadata: The flat fields of `stores/records.py`, `text` among them; under 40 KB as JSON.
    """

    id: str
    vector: Vectors
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Head:
    """What the first record of a document says about the whole document.

    Attributes:
        document_fingerprint: Of the last completely written version; empty while a write is
            unfinished.
        updated_at: Last activity of the version in the index, epoch seconds.
        stamp: Hash of what the source's listing showed of that version; empty without a stamp.
        access: Who may read the document and all its chunks, as `Document.access`.
    """

    document_fingerprint: str
    updated_at: float
    chunk_count: int
    stamp: str = ""
    container: str = ""
    access: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Limits of a search, applied in the store; an empty field limits nothing.

    Attributes:
        since: Earliest last activity, epoch seconds.
        until: End of the last activity, exclusive, epoch seconds.
        viewer: E-mail of the person who searches; without one, only public documents are found.
        groups: Further readers of the same person, as `Document.access` may name them.
    """

    containers: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    viewer: str = ""
    groups: tuple[str, ...] = ()
    issue_key: str = ""

    def __post_init__(self) -> None:
        # As documents have it; a channel of Slack without the sign that people write before it.
        names = [clean_text(name) for name in self.containers if name]
        names += [name[1:] for name in names if name.startswith("#") and len(name) > 1]
        object.__setattr__(self, "containers", tuple(dict.fromkeys(names)))

    @property
    def readers(self) -> list[str]:
        """Readers, one of whom `access` has to name; of viewers, only an e-mail is one."""
        viewer = self.viewer.strip().lower()
        persons = [viewer] if "@" in viewer else []
        groups = (group.strip().lower() for group in self.groups)
        # `restricted` stands in the access of every document that is not public.
        named = [group for group in groups if group not in {"", PUBLIC, RESTRICTED}]
        return list(dict.fromkeys([PUBLIC, *persons, *named]))

    def lets_read(self, head: Head | None) -> bool:
        """Tell whether the viewer may read a document; without a head nobody may."""
        return head is not None and not set(self.readers).isdisjoint(head.access)


@dataclass(frozen=True, slots=True)
class Hit:
    """A record found by a search; its score is a cosine similarity (dense) or BM25 (lexical)."""

    id: str
    score: float
    metadata: Metadata


class Searchable(ABC):
    """What a question is asked of; see `VectorStore` for errors.

    Attributes:
        has_lexical_search: Whether `search_lexical` finds anything.
    """

    has_lexical_search: bool

    @abstractmethod
    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return the heads of these documents by document id, in as few bytes as possible.

        Documents that are not in the index are left out.
        """

    @abstractmethod
    def watermark(self, namespace: str) -> datetime | None:
        """Return the newest `updated_at` of a namespace, UTC; None when it is empty."""

    @abstractmethod
    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        """Return the nearest records by cosine similarity, best first."""

    @abstractmethod
    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by BM25 over `text`, best first; any text is a valid query."""

    @abstractmethod
    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return first records (`chunk` 0) that match a filter, with score 1, in any order."""

    @abstractmethod
    def metadata(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, Metadata]:
        """Return all metadata of the chunks that exist, by chunk id, regardless of readers."""


class VectorStore(Searchable):
    """An index of vectors with full text, in namespaces.

    All methods may be called from several threads. A namespace that does not exist reads as empty.
    The store splits requests by count and bytes; callers pass any number of records.

    Every method may raise `RetryableError` when the store cannot be reached or throttles for too
    long, and `CredentialsError` when it refuses the key.

    Attributes:
        seen_within_seconds: How long a write may stay invisible to reads.
        atomic_records: So many records of one `upsert` become visible together.
        batches_in_flight: How many batches of documents one run writes concurrently.
        max_hits: How many hits of one search always fit into an answer of the store.
        keeps_copies: Whether `for_question` may keep small namespaces in memory; for a process that
            answers many questions.
    """

    name: str
    seen_within_seconds: float = 0.0
    atomic_records: int = 1
    batches_in_flight: int = 1
    max_hits: int = 1000
    keeps_copies: bool = False

    @abstractmethod
    def open(self, namespace: str, dimensions: int) -> None:
        """Prepare the namespace for vectors of so many dimensions; create what is missing.

        Raises:
            IndexMismatchError: It holds vectors of another length.
        """

    @abstractmethod
    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return the fingerprints of the chunks that exist, by chunk id, without their vectors.

        A fingerprint is empty when the vector is not of the text (`records.trusted_fingerprint`).
        """

    @abstractmethod
    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        """Return the ids of all chunks of a document, orphans included."""

    def metadata(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, Metadata]:
        """Return all metadata of the chunks that exist, by chunk id, regardless of readers."""
        records = self.fetch(namespace, chunk_ids) if chunk_ids else []
        return {record.id: record.metadata for record in records}

    def for_question(self, namespace: str) -> Searchable:
        """Return what to ask a question of in this namespace: its state of now, or later."""
        return self

    def shows_written(self, namespace: str) -> bool:
        """Tell whether reads are known to see everything written through this object.

        False means unknown; the caller then waits for up to `seen_within_seconds`.
        """
        return self.seen_within_seconds == 0.0

    @abstractmethod
    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        """Yield the id of every record of a namespace, or of a document, in byte order.

        The chunks of a document follow one another, orphans included. An id of several records is
        yielded several times.
        """

    @abstractmethod
    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return the records with these ids, with all fields and vectors.

        Several records for an id that the store holds several times; none for an unknown id.
        """

    @abstractmethod
    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete all but the newest record of each of these ids."""

    @abstractmethod
    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Insert or replace records and compare the counts that are returned.

        Records become visible in any order; to order two of them, use two calls.

        Raises:
            ContractError: The store refuses one of them; some may have been written.
            LostWriteError: The store took fewer than it was given.
        """

    @abstractmethod
    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Replace fields of existing records, without reading or sending their vectors."""

    def backdate(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Replace fields of existing records, and let `updated_at` go back."""
        self.update_metadata(namespace, metadata_by_id)

    @abstractmethod
    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records by id; unknown ids are ignored."""

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        """Delete records unless a newer version of their document has written them.

        `until` holds by id the `updated_at` of the version that has no such record. A store
        without conditional deletes deletes them all. There the last write wins, and the writer
        notices missing records when it reads back.
        """
        self.delete(namespace, list(until))

    @abstractmethod
    def count(self, namespace: str) -> int:
        """Return the number of records in a namespace."""

    @abstractmethod
    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield each document, or those of some days (partitions), with its head, in any order."""

    @abstractmethod
    def maintain(self, namespace: str) -> None:
        """Update and compact indexes; called at the end of a run."""

    @abstractmethod
    def keep_pace(self, namespace: str) -> None:
        """Keep reads by id fast during a long run; called every few batches.

        At most `batches_in_flight - 1` batches of the run are being written meanwhile.
        """

    @abstractmethod
    def check(self) -> str:
        """Check that the store can be used; return a description in one line.

        Raises:
            CredentialsError: It refuses the key.
            UnavailableError: It cannot be reached.
        """


class IndexStore(VectorStore):
    """A store that can hold another generation of the same index beside it (`generations.py`)."""

    @abstractmethod
    def beside(self, generation: str) -> Self:
        """Return the store of another generation in the same service; nothing is created."""

    @abstractmethod
    def dimensions(self, namespace: str) -> int | None:
        """Return the length of a namespace's vectors; None when it does not exist."""

    @abstractmethod
    def clear(self, namespace: str) -> None:
        """Delete every record of a namespace."""

    @abstractmethod
    def remove(self) -> None:
        """Delete the whole index with all namespaces, if it exists."""
