"""Attachments to sections of their documents, and what of them is not read to gaps.

An attachment that cannot be read never fails its document. One that cannot be had just now does:
the index then keeps what it holds, and the document is tried again.
"""

import hashlib
import json
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from vector_assets.core.documents import Document, Section
from vector_assets.core.errors import RetryableError
from vector_assets.core.settings import Settings
from vector_assets.sources.attachments.extractor import MAX_CHARACTERS, Extracted, Extractor
from vector_assets.sources.attachments.formats import UnreadableError
from vector_assets.sources.attachments.kinds import format_of, kind_of
from vector_assets.sources.http.downloads import RefusedDownloadError, TooLargeError
from vector_assets.sources.items import Gap, Known, Quarantined

NOT_READ = "files of this kind are not read"
SWITCHED_OFF = "attachments are not read"
SWITCH_ON = "Set READ_ATTACHMENTS=true to read them."
CUT = f"only the first {MAX_CHARACTERS:,} characters are read"
MAX_DOCUMENT_CHARACTERS = 1_000_000
"""Of the attachments of a document; further ones are told as a gap."""
BEYOND = f"others of their documents hold {MAX_DOCUMENT_CHARACTERS:,} characters already"
NO_ANSWER = "their vendor did not give them in several runs"

MAX_OUTAGES = 2
"""Earlier runs in which a new document may wait for an attachment, before it is read without."""

_AT_ONCE = 4
_CACHED_CHARACTERS = 4_000_000
_VERSION = 1
"""Part of every stamp: raise it when other texts come of the same files."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a document.

    Attributes:
        id: Of this content, at its vendor.
        name: As people see it.
        fetch: Downloads it; raises as `Downloader.fetch` does.
        media_type: As the vendor says; may be empty.
        claimed_bytes: Its size as the vendor says; None when it does not.
        url: Where a person opens it; empty when that is where its document is.
        file_name: Its name with the ending that tells its kind, when `name` is another.
        subject: What gaps call it; by default its kind.
        not_read: What gaps say when its kind is none that is read.
        refusal: Why it cannot be read, when that is known before; else empty.
        advice: What to do about a refusal.
    """

    id: str
    name: str
    fetch: Callable[[], bytes] = field(compare=False)
    media_type: str = ""
    claimed_bytes: int | None = None
    url: str = ""
    file_name: str = ""
    subject: str = ""
    not_read: str = NOT_READ
    refusal: str = ""
    advice: str = ""

    @property
    def kind(self) -> str:
        """See `kind_of`."""
        return kind_of(self.file_name or self.name, self.media_type)


@dataclass(frozen=True, slots=True)
class AttachmentOptions:
    """What the settings say.

    Attributes:
        are_read: Whether attachments are read.
        max_bytes: Of a file that is downloaded.
    """

    are_read: bool = True
    max_bytes: int = 10_000_000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return those of the settings."""
        return cls(settings.read_attachments, settings.attachment_max_bytes)


class AttachmentReader:
    """Reads the attachments of one run; safe to share between threads.

    Args:
        options: See there.
        extractor: Reads files; by default one of its own.
    """

    def __init__(self, options: AttachmentOptions, extractor: Extractor | None = None) -> None:
        self._options = options
        self._extractor = extractor or Extractor()
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, Extracted | Gap] = OrderedDict()
        self._cached_characters = 0
        self._missed: defaultdict[Gap, set[str]] = defaultdict(set)

    def wanted(self, attachments: Iterable[Attachment]) -> list[Attachment]:
        """Return those that would be downloaded."""
        return [attachment for attachment in attachments if self._gap_before(attachment) is None]

    def stamp(self, document: Document, attachments: Sequence[Attachment]) -> str:
        """Return a stamp of all that a document says without its attachments, and of these.

        Empty when none is to be downloaded. A document that the index holds with this stamp need
        not be made anew, so that nothing is downloaded twice.
        """
        wanted = self.wanted(attachments)
        if not wanted:
            return ""
        sections = [
            (part.text, part.heading, part.url, part.is_apart) for part in document.sections
        ]
        said = [
            _VERSION, self._options.max_bytes, document.title, sections, document.url,
            document.container, document.authors, document.created_at.isoformat(),
            document.updated_at.isoformat(), document.access, sorted(document.extra.items()),
            [(attachment.id, attachment.name) for attachment in wanted],
        ]  # fmt: skip
        return f"files {hashlib.sha256(json.dumps(said).encode()).hexdigest()}"

    def sections(
        self, attachments: Iterable[Attachment], *, may_miss: bool = False
    ) -> tuple[Section, ...]:
        """Return a section for each attachment that can be read, and count the others.

        Args:
            attachments: Of one document.
            may_miss: Whether the document may be read without what its vendor does not give now.

        Raises:
            RetryableError: The vendor does not give one of them now.
        """
        sections: list[Section] = []
        characters = 0
        for attachment in attachments:
            if characters > MAX_DOCUMENT_CHARACTERS and self._gap_before(attachment) is None:
                self._count(attachment, self._gap(attachment, BEYOND))
            elif text := self._text(attachment, may_miss=may_miss):
                heading = f"Attachment: {' '.join(attachment.name.split())}"
                sections.append(Section(text, heading, attachment.url))
                characters += len(text)
        return tuple(sections)

    def count(self, attachments: Iterable[Attachment]) -> None:
        """Count those that are known not to be read, of a document that is not read anew."""
        for attachment in attachments:
            if (gap := self._gap_before(attachment)) is not None:
                self._count(attachment, gap)

    def gaps(self) -> Iterator[Gap]:
        """Yield a gap for each kind of attachment that was not read so far, and each reason."""
        with self._lock:
            missed = {gap: len(ids) for gap, ids in self._missed.items()}
        for gap, count in sorted(
            missed.items(), key=lambda item: (item[0].subject, item[0].reason)
        ):
            yield Gap(gap.subject, gap.reason, gap.advice, count)

    def close(self) -> None:
        """Stop the process that reads files."""
        self._extractor.close()

    def _text(self, attachment: Attachment, *, may_miss: bool) -> str:
        outcome: Extracted | Gap | None = self._gap_before(attachment)
        if outcome is None:
            try:
                outcome = self._cached(attachment)
            except RetryableError:
                if not may_miss:
                    raise
                outcome = self._gap(attachment, NO_ANSWER)
        if isinstance(outcome, Gap):
            self._count(attachment, outcome)
            return ""
        if outcome.is_cut:
            self._count(attachment, self._gap(attachment, CUT))
        return outcome.text

    def _cached(self, attachment: Attachment) -> Extracted | Gap:
        with self._lock:
            held = self._cache.get(attachment.id)
        if held is not None:
            return held
        with self._places:
            outcome = self._read(attachment)
        with self._lock:
            if attachment.id not in self._cache:
                self._cached_characters += _characters(outcome)
            self._cache[attachment.id] = outcome
            while self._cached_characters > _CACHED_CHARACTERS:
                self._cached_characters -= _characters(self._cache.popitem(last=False)[1])
        return outcome

    def _read(self, attachment: Attachment) -> Extracted | Gap:
        try:
            return self._extractor.read(format_of(attachment.kind), attachment.fetch())
        except TooLargeError:
            return self._too_large(attachment)
        except RefusedDownloadError as error:
            seen = f"HTTP {error.status}" if error.status else "it is at a host that is not asked"
            advice = attachment.advice or "See whether the account may open them."
            return self._gap(attachment, f"the download is refused: {seen}", advice)
        except UnreadableError as error:
            return self._gap(attachment, error.reason)

    def _gap_before(self, attachment: Attachment) -> Gap | None:
        """Return why an attachment is not read, as far as that is known without downloading it."""
        if not format_of(attachment.kind):
            return self._gap(attachment, attachment.not_read)
        if not self._options.are_read:
            return self._gap(attachment, SWITCHED_OFF, SWITCH_ON)
        if attachment.refusal:
            return self._gap(attachment, attachment.refusal, attachment.advice)
        if (attachment.claimed_bytes or 0) > self._options.max_bytes:
            return self._too_large(attachment)
        return None

    def _too_large(self, attachment: Attachment) -> Gap:
        return self._gap(
            attachment,
            f"larger than {self._options.max_bytes / 1_000_000:g} MB",
            "Raise ATTACHMENT_MAX_BYTES to read them.",
        )

    @staticmethod
    def _gap(attachment: Attachment, reason: str, advice: str = "") -> Gap:
        return Gap(attachment.subject or f"attachments ({attachment.kind})", reason, advice)

    def _count(self, attachment: Attachment, gap: Gap) -> None:
        with self._lock:
            self._missed[gap].add(attachment.id)


def native_ids_that_waited(failed: Iterable[Quarantined], known: Known) -> frozenset[str]:
    """Return the ids of new documents that have waited long enough for their attachments.

    Of a document that the index holds, the text of attachments is kept until it is given again.
    """
    waited = [failure.document_id for failure in failed if failure.attempts >= MAX_OUTAGES]
    held = known.updated_at(waited) if waited else {}
    return frozenset(
        document_id.partition(":")[2] for document_id in waited if document_id not in held
    )


def _characters(outcome: Extracted | Gap) -> int:
    return len(outcome.text) if isinstance(outcome, Extracted) else 200
