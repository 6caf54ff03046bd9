"""A source of documents that another program has read: checked, and otherwise passed on."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, Section
from vector_assets.core.errors import UsageError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.base import ConnectionCheck, Missing, RemoteState, Source
from vector_assets.sources.items import Quarantined, Resolved, SourceItem


class GivenDocuments(Source):
    """The documents of a namespace, drawn from an iterable once; keeps only their ids.

    Attributes:
        held_before: Ids that the namespace held before the run; what another run has written
            since is not deleted.
        required: What each document's last activity has to lie in; None for any time.
    """

    name = ""
    overlap = timedelta(0)

    def __init__(self, documents: Iterable[Any], required: Window | None) -> None:
        self._documents = documents
        self._seen: set[str] = set()
        self.required = required
        self.held_before: Collection[str] = ()

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Refuse: nothing can read again what another program has read."""
        raise UsageError(f"{cls.name or 'given documents'} cannot be read again from here")

    @property
    def document_count(self) -> int:
        """How many were drawn so far."""
        return len(self._seen)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the documents; of whatever day.

        Raises:
            UsageError: An item is no document, is of another source, is there twice, or lies
                outside of what is required.
        """
        for number, item in enumerate(self._documents, start=1):
            document = self._checked(item, number)
            self._seen.add(document.id)
            yield document

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the ids of all that were drawn."""
        return iter(self._seen)

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield that a document is gone if the namespace held it before the run."""
        for document in missing:
            is_old = document.document_id in self.held_before
            yield document.document_id, RemoteState.DELETED if is_old else RemoteState.THERE

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield that what failed before, and is not given any more, is gone."""
        return (Resolved(document.document_id) for document in failed)

    def newest(self) -> datetime | None:
        """Return None: only the program that reads them knows."""
        return None

    def check(self) -> ConnectionCheck:
        """Return that no vendor is asked."""
        return ConnectionCheck("read by another program")

    def _checked(self, item: Any, number: int) -> Document:
        if not isinstance(item, Document):
            raise UsageError(
                f"item {number:,} for {self.name} is a {type(item).__name__}: each has to be a "
                f"vector_assets.Document. Build one from it, with "
                f"Document(source={self.name!r}, native_id=…, title=…, sections=(Section(…),), …)"
            )
        if item.source != self.name:
            raise UsageError(
                f"document {item.id!r} is of the source {item.source!r}, and the namespace is "
                f"{self.name!r}: set source={self.name!r} on each document, or set the asset's "
                f"metadata 'vector_assets/namespace' to {item.source!r}"
            )
        if not isinstance(item.sections, Sequence) or not all(
            isinstance(section, Section) for section in item.sections
        ):
            raise UsageError(
                f"document {item.id!r} has sections that are not vector_assets.Section: pass "
                f"sections=(Section(text),)"
            )
        if item.id in self._seen:
            raise UsageError(
                f"two documents have the id {item.id!r}, and the second would replace the first: "
                f"give each its own native_id, or return only the newer one"
            )
        if self.required is not None and item.updated_at not in self.required:
            raise UsageError(
                f"document {item.id!r} was last active at {item.updated_at.isoformat()}, outside "
                f"of its partition ({self.required.start.isoformat()} to "
                f"{self.required.end.isoformat() if self.required.end else 'now'}): a complete "
                f"partition returns the documents whose updated_at lies in it. Return only these, "
                f"or remove 'vector_assets/complete' from the asset's metadata"
            )
        return item


def given_documents(
    namespace: str, documents: Iterable[Any], required: Window | None = None
) -> GivenDocuments:
    """Return documents as a source of that name."""
    # A source's name is an attribute of its class.
    named: type[GivenDocuments] = type("GivenDocuments", (GivenDocuments,), {"name": namespace})
    return named(documents, required)
