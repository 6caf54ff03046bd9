"""What a store has to be that takes a whole index at once, from files in an object store."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vector_assets.stores.base import IndexStore, Record


@dataclass(frozen=True, slots=True)
class ImportState:
    """An import as its store tells of it.

    Attributes:
        id: The store's own name for it.
        status: The store's own word, such as `InProgress`.
        is_running: Whether it has not ended.
        is_completed: Whether it has ended well.
        percent: How far it is, 0 to 100.
        imported_records: Records that were taken; None when that is not told.
        error: The store's own reason when it failed.
    """

    id: str
    status: str
    is_running: bool
    is_completed: bool
    percent: float = 0.0
    imported_records: int | None = None
    error: str = ""


class StagedFile(ABC):
    """A file that is being written in the form that a store imports."""

    @abstractmethod
    def write(self, records: Sequence[Record]) -> None:
        """Add records."""

    @abstractmethod
    def close(self) -> None:
        """Write what has to stand at the end; the stream stays open."""


class BulkImports(ABC):
    """Imports into one index; each reads a folder a namespace, and refuses those that exist.

    Errors of every verb are those of a store's verbs.

    Attributes:
        suffix: Of the files that are read, such as `.parquet`; others are passed over.
    """

    suffix: str

    @abstractmethod
    def file(self, stream: Any) -> StagedFile:
        """Return a file of the form that is read, over a stream of bytes."""

    @abstractmethod
    def start(self, uri: str, integration: str) -> str:
        """Begin to import a folder and return the import's id; one bad record ends it.

        Args:
            uri: Of the folder that has a folder for each namespace.
            integration: Id of what lets the store read there; empty for a folder that anyone may.
        """

    @abstractmethod
    def of(self, uri: str) -> list[ImportState]:
        """Return the imports of a folder that were ever begun, in any order."""

    @abstractmethod
    def state(self, import_id: str) -> ImportState:
        """Return how an import stands."""

    @abstractmethod
    def cancel(self, import_id: str) -> None:
        """Ask for an end of an import; one that has ended stays as it is."""


class BulkStore(IndexStore):
    """A store that can import."""

    @abstractmethod
    def bulk_imports(self) -> BulkImports:
        """Return the imports of this index, which has to exist."""
