"""The words that every room speaks: Document, Section, Chunk, Window, and what a source yields."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

_SEPARATORS = re.compile("[\x0b\x0c\x1c-\x1f]")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""What any of the two below is about, and the carriage return: most texts have none of it."""
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

PUBLIC = "public"
"""In `Document.access`: everyone who may search may read it."""

RESTRICTED = "restricted"
"""In `Document.access`: not everyone may read it; the readers' e-mails stand beside this word."""

Value = str | int | float | bool | list[str]
"""What a field of metadata may hold: both stores take these and nothing nested, and no null."""


def clean_text(text: str) -> str:
    """Return a text without what no index stores: control characters and halves of surrogates.

    A pair of surrogates, as JSON may carry it, becomes the character that it means; a control
    character that separates, such as the soft line break of word processors, becomes a space, so
    that two words stay two.
    """
    if text.isprintable() or _ODD.search(text) is None:
        return text
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _UNSTORABLE.sub("", _SEPARATORS.sub(" ", joined).replace("\r\n", "\n"))


def _clean_value(value: Value) -> Value:
    if isinstance(value, list):
        return [clean_text(word) for word in value]
    return clean_text(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document that stays whole where it can: a comment, a message, a speaker's turn.

    Attributes:
        text: Markdown, without the heading.
        heading: What to show above it, such as `Background` or `Ann Lee, 2026-02-03 10:15`.
        url: Link to just this part; empty when there is none, and the document's link serves.
        is_apart: Whether what stands before it is about something else, such as a conversation of
            hours ago, so that the two share no chunk.
    """

    text: str
    heading: str = ""
    url: str = ""
    is_apart: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean_text(self.text))
        object.__setattr__(self, "heading", clean_text(self.heading))
        object.__setattr__(self, "url", clean_text(self.url))


@dataclass(frozen=True, slots=True)
class Document:
    """What a person would point at: an issue, a thread, a page, a meeting.

    Attributes:
        source: Name of the source, such as `jira`.
        native_id: Identity at the vendor that never changes; ASCII, without `#`.
        title: One line.
        sections: The body, in reading order; may be empty.
        url: Where a person opens it.
        container: Project, channel or database that it lives in.
        authors: Names of those who wrote it, first the one who began; without doubles.
        created_at: UTC.
        updated_at: Last activity, UTC; decides the partition, and which version is newer.
        access: `(PUBLIC,)`, or `(RESTRICTED, e-mail, ...)` in lower case.
        extra: The source's own fields of metadata, such as `issue_key`; the same names on every
            document of a source, an empty string where one has no value.
        stamp: What the vendor's listing shows of this version, such as a count of replies; the
            same stamp means that the document need not be read again. Empty where a listing does
            not tell.
    """

    source: str
    native_id: str
    title: str
    sections: tuple[Section, ...]
    url: str
    container: str
    authors: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    access: tuple[str, ...] = (PUBLIC,)
    extra: Mapping[str, Value] = field(default_factory=dict)
    stamp: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", " ".join(clean_text(self.title).split()))
        for name in ("native_id", "container", "url", "stamp"):
            object.__setattr__(self, name, clean_text(getattr(self, name)))
        for name in ("authors", "access"):
            object.__setattr__(self, name, tuple(map(clean_text, getattr(self, name))))
        extra = {name: _clean_value(value) for name, value in self.extra.items()}
        object.__setattr__(self, "extra", extra)
        for name in ("created_at", "updated_at"):
            if getattr(self, name).utcoffset() != timedelta(0):
                raise ValueError(f"{self.id}: {name} is not in UTC: {getattr(self, name)!r}")

    @property
    def id(self) -> str:
        """Identity in the index: `{source}:{native id}`."""
        return f"{self.source}:{self.native_id}"

    @property
    def day(self) -> date:
        """The UTC day, and so the partition, of the last activity."""
        return self.updated_at.date()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document that is embedded.

    Attributes:
        ordinal: Place in the document, from 0 without gaps.
        text: All that is embedded and stored: the head (title and place), then the passage.
        url: Link to the passage where the vendor has one, else to the document.
    """

    ordinal: int
    text: str
    url: str


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


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A document that failed and has not succeeded since; it is tried again by its id.

    Attributes:
        document_id: `{source}:{native id}`; also of what holds documents and could not be listed.
        cause: Why it failed the last time, in words; never a secret.
        day: UTC day of its last activity, or None when that could not be read.
        window: Of the run in which it failed first.
        first_seen_at: When that was, UTC.
        last_seen_at: When it failed the last time, UTC.
        attempts: In how many runs it has failed.
    """

    document_id: str
    cause: str
    day: date | None
    window: "Window"
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int = 1

    @property
    def source(self) -> str:
        """Name of the source."""
        return self.document_id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Settled:
    """What need not be tried again: it is gone at its vendor, or was read with what holds it.

    Attributes:
        document_id: `{source}:{native id}`.
    """

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
    """A source's word that it has yielded every document of its window from `since` on.

    Sources yield the newest days first, so that a first load is of use from its beginning.
    """

    since: datetime


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A document that was not read, because the index holds it with the same stamp.

    Attributes:
        document_id: `{source}:{native id}`.
        day: UTC day of its last activity.
    """

    document_id: str
    day: date


@dataclass(frozen=True, slots=True)
class Gap:
    """Something of a source that is not read, though a person may expect it in the index.

    Attributes:
        subject: What, as a person names it: `#plans`, `scope users:read.email`, `bot messages`.
        reason: Why, in words; never a secret.
        advice: What to do about it; empty when nothing need be done.
        count: How many things of this kind, such as messages or pages.
        is_private: Whether these words name what not everyone may read, such as a private channel:
            they are for operators, and `for_readers` for all others.
    """

    subject: str
    reason: str
    advice: str = ""
    count: int = 1
    is_private: bool = field(default=False, compare=False)

    def for_readers(self) -> "Gap":
        """Return it as everyone may read it."""
        if not self.is_private:
            return self
        return Gap("something that not everyone may read", _FOR_OPERATORS, count=self.count)


_FOR_OPERATORS = "its name is for operators: `vector-assets status` and the run in Dagster tell it"

SourceItem = Document | DocumentFailure | Deferred | Unchanged | Settled | Checkpoint | Gap
"""What a source yields."""


def document_id_of_item(item: SourceItem) -> str:
    """Return the document that an item is about; empty when it is about none."""
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
        """Return the ids of the documents that the index holds whole with these very stamps.

        Args:
            stamps: By document id.
        """

    def updated_at(self, document_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return the last activity of the documents that the index holds, UTC, by id."""

    def compared(self, stamps: Mapping[str, str]) -> tuple[Mapping[str, datetime], frozenset[str]]:
        """Return what `updated_at` and `unchanged` would, in one question to the index.

        Args:
            stamps: By document id; an empty one is never unchanged.
        """

    def document_ids(self) -> Iterator[str]:
        """Yield the id of every document that the index holds of the source; reads all of them."""


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

    def document_ids(self) -> Iterator[str]:
        """Yield none."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Window:
    """A span of last activity to fetch, `[start, end)` in UTC.

    Attributes:
        start: First instant, overlap included.
        end: First instant after it. None when the window reaches the present: a document that is
            edited every minute would slip past any upper bound for ever.
    """

    start: datetime
    end: datetime | None

    @classmethod
    def of_days(cls, first: date, last: date, *, overlap: timedelta, now: datetime) -> "Window":
        """Return the window that fetches the days `first` to `last`, both included.

        Args:
            first: First UTC day.
            last: Last UTC day.
            overlap: How far to look back before `first`, because a vendor's search lags.
            now: The present; the newest complete day is the day before.
        """
        end = start_of_day(last + timedelta(days=1))
        newest_complete_day = now.astimezone(UTC).date() - timedelta(days=1)
        return cls(
            start=start_of_day(first) - overlap,
            end=None if last >= newest_complete_day else end,
        )

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant and (self.end is None or instant < self.end)


def start_of_day(day: date) -> datetime:
    """Return the first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
