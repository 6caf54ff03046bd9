"""What a source has to be: a class with a few verbs, so that another source is a form to fill."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import groupby
from typing import ClassVar, Self

from vector_assets.core.days import Window, start_of_day
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit
from vector_assets.core.settings import Settings
from vector_assets.sources.estimate import WindowEstimate, as_if_failed, picked
from vector_assets.sources.items import (
    Deferred,
    DocumentFailure,
    Gap,
    Known,
    NothingKnown,
    Quarantined,
    Resolved,
    SourceItem,
    Unchanged,
    document_id_of_item,
)

SAMPLED_DOCUMENTS = 100
"""Documents that an estimate reads at the most, to learn how long the others are."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Who we are at a vendor, and what we cannot read there.

    Attributes:
        identity: In one line.
        gaps: What the credentials do not reach, as far as a few requests can tell.
    """

    identity: str
    gaps: tuple[Gap, ...] = ()


class RemoteState(Enum):
    """What a vendor says of a document that its listing does not show.

    Attributes:
        THERE: It is there: moved, or not in the search yet.
        DELETED: The vendor says so, or shows what surrounds it and not the document.
        NOT_SHOWN: Deleted or hidden from our account; the vendor does not say which.
        UNSURE: The same, but so likely hidden that it must not be deleted for that.
    """

    THERE = "there"
    DELETED = "deleted"
    NOT_SHOWN = "not shown"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Missing:
    """A document that the index holds and the listing of its source does not show.

    Attributes:
        document_id: `{source}:{native id}`.
        container: Project, channel or database, as the index has it.
        updated_at: Last activity as the index has it, UTC.
    """

    document_id: str
    container: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A part of a source that could not be listed, so that nothing of it counts as gone.

    Attributes:
        prefix: With which the ids of its documents begin, a colon at its end: `slack:C012AB3CD:`
            for a channel and all in it, `slack:` for the whole source.
        subject: What, as a person names it: `#plans`.
        reason: Why, in words; never a secret.
        advice: What to do about it.
    """

    prefix: str
    subject: str
    reason: str
    advice: str = ""

    def __contains__(self, document_id: str) -> bool:
        return f"{document_id}:".startswith(self.prefix)


class Source(ABC):
    """A place where a team keeps its knowledge, read through its vendor's own SDK.

    Attributes:
        name: As it stands in ids, namespaces and asset names: `jira`.
        overlap: How far before a day its window begins, because the vendor's search lags.
        newest_every: How often `newest` may be asked by those who watch all day.
        known: Tells what the index holds; set by who runs the source, and of use to one whose
            listing shows more cheaply than its documents what has changed.
    """

    name: ClassVar[str]
    overlap: ClassVar[timedelta]
    newest_every: ClassVar[timedelta] = timedelta(minutes=10)
    known: Known = NothingKnown()

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings; no request is made until a verb is called.

        Raises:
            SettingsError: A setting that it needs is missing; names the variables.
        """

    def prepare(self) -> None:  # noqa: B027 - most sources have nothing to ask first
        """Ask what every run asks first; called, or not, before `documents`, from any thread.

        A run calls it while the index is looked up.

        Raises:
            VectorAssetsError: As `documents` raises.
        """

    @abstractmethod
    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield each document whose last activity lies in the window, whole, once.

        A document that cannot be read is yielded as a `DocumentFailure` and the others go on. A
        listing that fails part-way raises: a cut listing must never pass for a complete one. What
        the credentials do not reach is yielded as `Gap`, and never silently left out.

        Raises:
            RetryableError: The vendor throttles past the ceiling, or does not answer.
            CredentialsError: The vendor refuses the credentials.
            ContractError: The vendor's answer cannot be what it says, such as a repeated page.
        """

    def ids(self, window: Window) -> Iterator[str | Unlisted]:
        """Yield the id of each document that `documents` would yield, whatever came of it.

        For the prune: what is in the index and not among these may have been deleted. What cannot
        be listed is yielded as `Unlisted`, or raises. A source whose listing costs less than its
        documents overrides this, which reads them; and which, for want of knowing better, takes
        every gap, and every failure without a day, for documents that cannot be seen.

        Raises:
            VectorAssetsError: As `documents` raises; then nothing may be concluded.
        """
        for item in self.documents(window):
            if isinstance(item, Document):
                yield item.id
            elif isinstance(item, DocumentFailure | Deferred | Unchanged):
                yield item.document_id
            if isinstance(item, Gap):
                yield Unlisted(f"{self.name}:", item.subject, item.reason, item.advice)
            elif isinstance(item, DocumentFailure) and item.day is None:
                yield Unlisted(f"{self.name}:", item.document_id, item.cause)

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield what became of documents that the listing does not show, by id, each once.

        The prune asks before it deletes anything. The default trusts the listing.

        Raises:
            VectorAssetsError: As `documents` raises; then nothing may be concluded.
        """
        return ((document.document_id, RemoteState.NOT_SHOWN) for document in missing)

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Read again what failed in earlier runs, wherever in time it lies.

        Yield for each what `documents` would, or `Resolved` when the vendor has it no more, or not
        for us. What is yielded besides is taken as well. A source that can ask for a document by
        its id overrides this, which reads whole days: a request a page, where by id it may be one
        a document.

        Args:
            failed: Of this source.

        Raises:
            VectorAssetsError: As `documents` raises; then what was not yielded has failed again.
        """
        days = {entry.document_id: entry.day for entry in failed if entry.day is not None}
        wanted = set(days)
        for window in days_as_windows(days.values()):
            for item in self.documents(window):
                if (document_id := document_id_of_item(item)) in wanted:
                    wanted.discard(document_id)
                    yield item
                elif isinstance(item, Gap):
                    yield item
        yield from map(Resolved, sorted(wanted))
        for entry in failed:
            if entry.day is None:
                yield DocumentFailure(entry.document_id, entry.cause)

    def estimate(self, window: Window) -> WindowEstimate:
        """Estimate what a window holds, with fewer requests than reading it takes.

        Nothing is changed: no channel is joined. The default lists the ids and reads a sample of
        the documents by id. A source overrides this where its `ids` read the documents, where a
        list must not be read to its end, or to say which requests a sync makes.

        Raises:
            VectorAssetsError: As `documents` raises.
        """
        ids = {listed for listed in self.ids(window) if isinstance(listed, str)}
        sampled = picked(ids, SAMPLED_DOCUMENTS)
        sample = self.retry(as_if_failed(sampled, window))
        return WindowEstimate(len(ids), "counted", sample, len(sampled))

    @property
    def rate_limits(self) -> Mapping[str, RateLimit]:
        """What the vendor documents that it allows, by endpoint as the meter counts it.

        A name without an endpoint, such as `notion`, speaks for all of them together.
        """
        return {}

    @abstractmethod
    def newest(self) -> datetime | None:
        """Return the last activity of the newest item at the vendor, with one cheap request.

        None when the vendor holds nothing that we may read.
        """

    @abstractmethod
    def check(self) -> Reach:
        """Ask the vendor whether the credentials work; return who we are and what we can't read.

        Raises:
            CredentialsError: With what to fix.
            UnavailableError: The vendor cannot be reached.
        """


def days_as_windows(days: Iterable[date]) -> Iterator[Window]:
    """Yield the windows of some UTC days, oldest first; days in a row share one."""
    ordered = sorted(set(days))
    for _, group in groupby(enumerate(ordered), lambda item: item[1].toordinal() - item[0]):
        run = [day for _, day in group]
        yield Window(start_of_day(run[0]), start_of_day(run[-1] + timedelta(days=1)))
