"""The items that a source yields, and what it may ask of the index."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, storable


@dataclass(frozen=True, slots=True)
class DocumentFailure:
    """A document that a source saw but could not read; the run goes on and names it.

    Attributes:
        document_id: `{source}:{native id}`.
        cause: Why, in words; never a secret.
        day: UTC day of its last activity, or None when that could not be read either.
    """

    document_id: str
    cause: str
    day: date | None = None

    def __post_init__(self) -> None:
        # What a vendor says may hold what no terminal prints.
        object.__setattr__(self, "document_id", storable(self.document_id))
        object.__setattr__(self, "cause", storable(self.cause))


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A document that failed and has not succeeded since; it is tried again by its id.

    Attributes:
        document_id: `{source}:{native id}`; also of a container that could not be listed.
        cause: Why it failed the last time, in words; never a secret.
        day: UTC day of its last activity, or None when that could not be read.
        window: Of the run in which it failed first.
        first_seen_at: When it failed first, UTC.
        last_seen_at: When it failed the last time, UTC.
        attempts: In how many runs it has failed.
    """

    document_id: str
    cause: str
    day: date | None
    window: Window
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int = 1

    @property
    def source(self) -> str:
        """Name of the source."""
        return self.document_id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A failure that need not be tried again: it is gone, or was read with its container."""

    document_id: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """A document that is not ready at its vendor; a later run, whose window overlaps, finds it.

    Attributes:
        document_id: `{source}:{native id}`.
        reason: What it waits for, in words.
        day: UTC day of its last activity.
    """

    document_id: str
    reason: str
    day: date


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A source has yielded every document of its window from `since` on, newest days first."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A document that was not read, because the index holds it with the same stamp."""

    document_id: str
    day: date


class HeldDocuments(Protocol):
    """What the index holds of a container."""

    def readers(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the id of each document, and its readers as the index has them."""

    def stored(self, access: Iterable[str]) -> tuple[str, ...]:
        """Return the part of `Document.access` that the index has room for."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may read every document of a container now, of whatever day.

    Attributes:
        container: Its key, as `Source.container_of` gives it.
        access: As `Document.access`; None when the source no longer sees the container, so that
            nobody is known to be allowed to read it.
        by_document: The same for documents that have their own readers, by id; None for one that
            the source no longer sees.
    """

    container: str
    access: tuple[str, ...] | None
    by_document: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not read, though a person may expect it in the index.

    Attributes:
        subject: Its name for people: `#plans`, `scope users:read.email`, `bot messages`.
        reason: Why, in words; never a secret.
        advice: What to do about it; empty when nothing need be done.
        count: How many things of this kind, such as messages or pages.
        is_private: Whether the text names what not everyone may read, such as a private channel:
            it is for operators, and `for_readers` for all others.
    """

    subject: str
    reason: str
    advice: str = ""
    count: int = 1
    is_private: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("subject", "reason", "advice"):
            object.__setattr__(self, name, storable(getattr(self, name)))

    def for_readers(self) -> "Gap":
        """Return it as everyone may read it."""
        if not self.is_private:
            return self
        return Gap("something that not everyone may read", _FOR_OPERATORS, count=self.count)


_FOR_OPERATORS = "its name is for operators: `vector-assets status` and the run in Dagster tell it"

SourceItem = Document | DocumentFailure | Deferred | Unchanged | Resolved | Checkpoint | Gap
"""What a source yields."""


def document_id_of_item(item: SourceItem) -> str:
    """Return the id of an item's document; empty when it is about none."""
    if isinstance(item, Document):
        return item.id
    return "" if isinstance(item, Checkpoint | Gap) else item.document_id


class Known(Protocol):
    """What the index already holds, as far as a source may ask.

    Attributes:
        is_rescan: Whether everything is to be read again; then nothing counts as unchanged.
    """

    @property
    def is_rescan(self) -> bool:
        """See above."""

    def unchanged(self, stamps: Mapping[str, str]) -> frozenset[str]:
        """Return the ids of the documents that the index holds complete, with the same stamp."""

    def updated_at(self, document_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return the last activity of the documents that the index holds, UTC, by id."""

    def compared(self, stamps: Mapping[str, str]) -> tuple[Mapping[str, datetime], frozenset[str]]:
        """Return `updated_at` and `unchanged` by one request; an empty stamp is never unchanged."""

    def stamped(self, stamps: Mapping[str, str]) -> frozenset[str]:
        """Return the ids of the documents held with these stamps, also in a rescan."""

    def document_ids(self) -> Iterator[str]:
        """Yield the id of every document of the source in the index; reads all of them."""


class NothingKnown:
    """An index that is empty, for a source that is used by itself."""

    is_rescan = False

    def unchanged(self, stamps: Mapping[str, str]) -> frozenset[str]:
        """Return none."""
        return frozenset()

    def updated_at(self, document_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return none."""
        return {}

    def compared(self, stamps: Mapping[str, str]) -> tuple[Mapping[str, datetime], frozenset[str]]:
        """Return none."""
        return {}, frozenset()

    def stamped(self, stamps: Mapping[str, str]) -> frozenset[str]:
        """Return none."""
        return frozenset()

    def document_ids(self) -> Iterator[str]:
        """Yield none."""
        return iter(())
