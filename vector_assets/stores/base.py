"""What a store has to be: the small interface between the pipeline and an index of vectors.

A store keeps records in namespaces, one a source. It knows nothing of Dagster, sources or models.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from vector_assets.core.documents import PUBLIC, Value
from vector_assets.core.vectors import Vectors

Metadata = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Record:
    """A chunk as it stands in the index.

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
    """What the first chunk of a document tells about the whole of it.

    Attributes:
        document_fingerprint: Of the document as it was last completely written; empty while a
            write of it has begun and not ended.
        updated_at: Epoch seconds of the version in the index.
        chunk_count: How many chunks that version has.
        stamp: What its source's listing showed of that version, hashed; empty when it shows none.
        container: Project, channel or database that it lives in.
        access: Who may read the document, as `Document.access`; what it says holds for all chunks.
    """

    document_fingerprint: str
    updated_at: float
    chunk_count: int
    stamp: str = ""
    container: str = ""
    access: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search is limited to; an empty field limits nothing. Applied in the store.

    Attributes:
        containers: Names of projects, channels or databases.
        since: Only documents whose last activity is at or after this, epoch seconds.
        until: Only documents whose last activity is before this, epoch seconds.
        viewer: E-mail of who asks; empty means nobody in particular, who sees what
            is public and nothing else.
        issue_key: A Jira key, exactly.
    """

    containers: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    viewer: str = ""
    issue_key: str = ""

    @property
    def readers(self) -> list[str]:
        """What a document's `access` has to hold one of; only an e-mail adds to `public`."""
        viewer = self.viewer.strip().lower()
        return [PUBLIC, viewer] if "@" in viewer else [PUBLIC]

    def lets_read(self, head: Head | None) -> bool:
        """Tell whether who asks may read the document of a head; nobody reads what has none."""
        return head is not None and not set(self.readers).isdisjoint(head.access)


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that a search found.

    Attributes:
        id: `{document id}#{ordinal}`.
        score: Higher is better. Dense: cosine similarity. Lexical: BM25.
        metadata: As stored.
    """

    id: str
    score: float
    metadata: Metadata


class VectorStore(ABC):
    """An index of vectors with full text, in namespaces.

    All verbs are safe to call from several threads. A namespace that does not exist yet reads as
    empty. Requests are cut by count and by bytes inside the store; callers pass any number.

    Errors of every verb: `RetryableError` when the store cannot be reached or throttles past the
    ceiling, `CredentialsError` when it refuses the key.

    Attributes:
        name: `lancedb` or `pinecone`.
        has_lexical_search: Whether `search_lexical` finds anything.
        seen_within_seconds: How long what was written may stay unseen by a read.
        atomic_records: So many records of one `upsert` are seen all at once or not at all.
        batches_in_flight: So many batches of documents are written at once by one run.
    """

    name: str
    has_lexical_search: bool
    seen_within_seconds: float = 0.0
    atomic_records: int = 1
    batches_in_flight: int = 1

    @abstractmethod
    def open(self, namespace: str, dimensions: int) -> None:
        """Make the namespace ready for vectors of so many dimensions; create what is missing.

        Raises:
            IndexMismatchError: It holds vectors of another length.
        """

    @abstractmethod
    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return what the index holds of these documents, by document id, in the fewest bytes.

        Documents that are not in the index are absent from the answer.
        """

    @abstractmethod
    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return the fingerprints of the chunks that exist, by chunk id; no vector is fetched.

        Empty for one whose vector is not of its text (`records.trusted_fingerprint`).
        """

    @abstractmethod
    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        """Return the ids of all chunks that the index holds of a document, orphans included."""

    def shows_written(self, namespace: str) -> bool:
        """Tell whether a read is known to see all that was written through this object.

        False says nothing: the store cannot tell, or not yet. Then patience decides, for
        `seen_within_seconds`.
        """
        return self.seen_within_seconds == 0.0

    @abstractmethod
    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        """Yield the id of every record of a namespace, or of a document, in order of their bytes.

        Of a document all chunks come one after the other, orphans included; an id that several
        records share comes several times.
        """

    @abstractmethod
    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return the records that have these ids, whole: every field and the vector.

        More than one of an id where the store holds it twice; none of an id that it does not hold.
        """

    @abstractmethod
    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete all but the newest of the records that share one of these ids."""

    @abstractmethod
    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records, new or in place of the old, and compare the counts that come back.

        In no order: whoever wants one record to be seen after another writes it after the other.

        Raises:
            ContractError: The store refuses one of them; some may have been written.
            LostWriteError: The store took fewer than it was given.
        """

    @abstractmethod
    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Replace fields of existing records; their vectors are neither read nor sent."""

    @abstractmethod
    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records by id; ids that do not exist are passed over."""

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        """Delete records, but for those that a newer version of their document has written.

        A store that cannot delete on a condition deletes them all; in such a one the last write
        wins, and who reads it back finds what is missing.

        Args:
            namespace: Where.
            until: By id, the `updated_at` of the version that has no such record.
        """
        self.delete(namespace, list(until))

    @abstractmethod
    def count(self, namespace: str) -> int:
        """Return the number of records in a namespace."""

    @abstractmethod
    def watermark(self, namespace: str) -> datetime | None:
        """Return the newest `updated_at` in a namespace, UTC; None when it is empty."""

    @abstractmethod
    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield each document with its head, or those of some days (partitions), in any order."""

    @abstractmethod
    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        """Return the nearest records by cosine similarity, best first."""

    @abstractmethod
    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by BM25 over `text`, best first; any text is a valid question."""

    @abstractmethod
    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return first chunks (`chunk` 0) that meet a filter, score 1, in any order."""

    @abstractmethod
    def maintain(self, namespace: str) -> None:
        """Bring indexes up to date and compact, within bounds; called at the end of a run."""

    @abstractmethod
    def keep_pace(self, namespace: str) -> None:
        """Keep questions by id quick while much is written; called every few batches of a run.

        Of the run's own batches, all but `batches_in_flight - 1` are written by then.
        """

    @abstractmethod
    def check(self) -> str:
        """Ask the store whether it can be used; return what it is, in one line.

        Raises:
            CredentialsError: With what to fix.
            UnavailableError: It cannot be reached.
        """


class IndexStore(VectorStore):
    """A store that can hold another generation of the same index beside it (`generations.py`)."""

    @abstractmethod
    def beside(self, generation: str) -> Self:
        """Return the store of another generation: same service, another place; nothing is made.

        Args:
            generation: Lower-case letters and digits.
        """

    @abstractmethod
    def dimensions(self, namespace: str) -> int | None:
        """Return the length of a namespace's vectors; None while there is no such place."""

    def metadata(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, Metadata]:
        """Return all metadata of the chunks that exist, by chunk id, whoever may read them."""
        found = self.fetch(namespace, chunk_ids) if chunk_ids else []
        return {record.id: record.metadata for record in found}

    @abstractmethod
    def clear(self, namespace: str) -> None:
        """Delete every record of a namespace."""

    @abstractmethod
    def remove(self) -> None:
        """Delete the whole place, all namespaces; nothing happens when there is none."""
