"""Documents, their sections, and chunks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from unicodedata import normalize

_SEPARATORS = re.compile("[\x0b\x0c\x1c-\x1f]")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""All that the patterns above and below match, and the carriage return: a quick test."""
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

_UNSEEN = re.compile("[\u00ad\u2060\ufeff]")
"""Soft hyphen, word joiner, byte order mark. Joiners of scripts and emoji have a meaning."""

_HALF_WIDTH = re.compile("[\u00b5\uff61-\uff9f]+")
"""Half-width katakana, and the micro sign, which is written as a Greek mu as well."""

PUBLIC = "public"
"""In `Document.access`: everyone who may search may read it."""

RESTRICTED = "restricted"
"""In `Document.access`: only these may read it; their e-mails follow this word."""

Value = str | int | float | bool | list[str]
"""What a field of metadata may hold: both stores accept these, nothing nested and no null."""


def clean_text(text: str) -> str:
    """Return a text as an index stores it and finds its words.

    Accents are part of their letter, and Hangul is whole syllables (NFC): files and clipboards of
    macOS take them apart, and words are compared by character. Half-width katakana are katakana.
    What hides inside a word without being seen, such as a soft hyphen, is left out.
    """
    text = storable(text)
    if text.isascii():
        return text
    seen = _UNSEEN.sub("", text)
    return normalize("NFC", _HALF_WIDTH.sub(lambda part: normalize("NFKC", part[0]), seen))


def storable(text: str) -> str:
    """Return a text without what no index stores: control characters and lone surrogates.

    A pair of surrogates, as JSON may carry it, becomes its character. A control character that
    separates words, such as the soft line break of word processors, becomes a space.
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
    """A part of a document that chunking keeps whole where it can: a comment, a message, a turn.

    Attributes:
        text: Markdown, without the heading.
        heading: What to show above it, such as `Background` or `Ann Lee, 2026-02-03 10:15`.
        url: Link to just this part; empty when there is none, and the document's link serves.
        is_apart: Whether the section before it is about something else, such as a conversation
            hours earlier, so that the two share no chunk.
    """

    text: str
    heading: str = ""
    url: str = ""
    is_apart: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean_text(self.text))
        object.__setattr__(self, "heading", clean_text(self.heading))
        object.__setattr__(self, "url", storable(self.url))


@dataclass(frozen=True, slots=True)
class Document:
    """A unit that a person would name: an issue, a thread, a page, a meeting.

    Attributes:
        source: Name of the source, such as `jira`.
        native_id: Identity at the vendor that never changes; ASCII, without `#`.
        title: One line.
        sections: The body, in reading order; may be empty.
        url: Where a person opens it.
        container: Project, channel or database that it lives in.
        authors: Names of those who wrote it, without duplicates; the first is who created it.
        created_at: UTC.
        updated_at: Last activity, UTC; decides the partition, and which version is newer.
        access: `(PUBLIC,)`, or `(RESTRICTED, e-mail, ...)` in lower case.
        extra: The source's own fields of metadata, such as `issue_key`; the same names on every
            document of a source, an empty string where one has no value.
        stamp: What the vendor's listing shows of this version, such as a count of replies; the
            same stamp means that the document need not be read again. Empty where a listing has
            no such sign.
        replaces_at: Last activity of a version in the index that this one replaces though it is
            dated earlier, because it was read after that one was seen there; None for none.
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
    replaces_at: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", " ".join(clean_text(self.title).split()))
        for name in ("native_id", "url", "stamp"):
            object.__setattr__(self, name, storable(getattr(self, name)))
        object.__setattr__(self, "container", clean_text(self.container))
        object.__setattr__(self, "authors", tuple(map(clean_text, self.authors)))
        object.__setattr__(self, "access", tuple(map(storable, self.access)))
        extra = {name: _clean_value(value) for name, value in self.extra.items()}
        object.__setattr__(self, "extra", extra)
        for name in ("created_at", "updated_at"):
            if getattr(self, name).utcoffset() != timedelta(0):
                raise ValueError(f"{self.id}: {name} is not in UTC: {getattr(self, name)!r}")

    @property
    def id(self) -> str:
        """Identity in the index: `{source}:{native id}`."""
        return f"{self.source}:{self.native_id}"

    def is_overtaken_by(self, updated_at: float) -> bool:
        """Tell whether a version of this time, in epoch seconds, must not be replaced by this."""
        if self.replaces_at is not None and self.replaces_at.timestamp() == updated_at:
            return False
        return updated_at > self.updated_at.timestamp()

    @property
    def day(self) -> date:
        """The UTC day, and so the partition, of the last activity."""
        return self.updated_at.date()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document that is embedded.

    Attributes:
        ordinal: Place in the document, from 0 without gaps.
        text: All that is embedded and stored: title and place, then the passage.
        url: Link to the passage where the vendor has one, else to the document.
    """

    ordinal: int
    text: str
    url: str
