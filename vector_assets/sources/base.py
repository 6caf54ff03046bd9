"""The interface of a source."""

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
    HeldDocuments,
    Known,
    NothingKnown,
    Quarantined,
    Readers,
    Resolved,
    SourceItem,
    Unchanged,
    document_id_of_item,
)

SAMPLED_DOCUMENTS = 100
"""Most documents that an estimate reads."""


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """Who we are at a vendor, and what we cannot read there.

    Attributes:
        identity: In one line.
        gaps: What the credentials do not reach, as far as a few requests can tell.
    """

    identity: str
    gaps: tuple[Gap, ...] = ()


class RemoteState(Enum):
    """What a vendor says about a document that its listing does not show.

    Attributes:
        THERE: It exists: moved, or not in the search yet.
        DELETED: The vendor says so, or shows its container without it.
        NOT_SHOWN: Deleted or hidden from our account; the vendor does not say which.
        UNSURE: The same, but so likely hidden that it must not be deleted.
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
        prefix: Of the ids of its documents, with a colon at its end: `slack:C012AB3CD:` for a
            channel, `slack:` for the whole source.
        subject: Its name for people: `#plans`.
        reason: Why, in words; never a secret.
        advice: What to do about it.
    """

    prefix: str
    subject: str
    reason: str
    advice: str = ""

    def __contains__(self, document_id: str) -> bool:
        return f"{document_id}:".startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class Probed:
    """What a vendor says about a document that it is asked for by id.

    Attributes:
        state: Whether it exists for our account.
        updated_at: Its last activity as the vendor tells, UTC; None where it does not.
        left_out: Why no run reads it although it exists, in words: the bot is not in the channel,
            a setting leaves out its project, a kind that is not read. Empty when runs read it.
        advice: What to do, when it is not there or left out; empty when nothing helps.
        document_id: Under which the index holds it, where that is another than was asked for: of
            a Jira key, of a reply's thread. Empty when it is the same.
        stamp: `Document.stamp` of the version at the vendor; empty where it was not told.
    """

    state: RemoteState
    updated_at: datetime | None = None
    left_out: str = ""
    advice: str = ""
    document_id: str = ""
    stamp: str = ""


class Source(ABC):
    """A source of documents, read through its vendor's own SDK.

    Attributes:
        name: As in ids, namespaces and asset names: `jira`.
        overlap: How far before a day its window begins, because the vendor's search lags.
        newest_every: Shortest time between two calls of `newest` by the monitoring.
        when_nothing_is_listed: What to do when the vendor lists nothing at all.
        has_readers: Whether `readers` yields anything; without it, the index is not read for it.
        description: What a document is and which day it belongs to; of another package's source.
        required_variables: Environment variables without which another package's source is off.
        secret_variables: Of these, and of other variables, those that no error or log may show.
        known: What the index holds, set by the pipeline, so that a source can skip unchanged
            documents.
    """

    name: ClassVar[str]
    overlap: ClassVar[timedelta]
    newest_every: ClassVar[timedelta] = timedelta(minutes=10)
    when_nothing_is_listed: ClassVar[str] = "check what its credentials may read"
    has_readers: ClassVar[bool] = False
    description: ClassVar[str] = ""
    required_variables: ClassVar[tuple[str, ...]] = ()
    secret_variables: ClassVar[tuple[str, ...]] = ()
    known: Known = NothingKnown()

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings, without a request.

        Raises:
            SettingsError: A setting that it needs is missing; names the variables.
        """

    def prepare(self) -> None:  # noqa: B027 - most sources have nothing to ask first
        """Ask what every run asks first, while the run reads the index.

        Optional, from any thread, before `documents`; raises as `documents` does.
        """

    def container_of(self, document_id: str, container: str) -> str:
        """Return the key of a document's container, which `readers` takes.

        Args:
            document_id: `{source}:{native id}`.
            container: Its name, as the index has it; the key by default.
        """
        return container

    def readers(self, containers: Mapping[str, HeldDocuments]) -> Iterator[Readers]:
        """Yield who may read all documents of containers, so that a change reaches each of them.

        A run that reaches the present asks before it reads, and corrects the documents in the
        index, of whatever day, without reading them again. The documents of a container of which
        nothing is yielded keep their readers.

        Args:
            containers: What the index holds, by the keys of containers.

        Raises:
            VectorAssetsError: As `documents` raises. Only what the vendor documents as a refusal
                makes a container one that is no longer seen.
        """
        return iter(())

    @abstractmethod
    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield each document whose last activity lies in the window, complete, once.

        A document that cannot be read is yielded as a `DocumentFailure`, and the run goes on. A
        listing that fails part-way raises. What the credentials cannot read is yielded as `Gap`.

        Raises:
            RetryableError: The vendor throttles past the ceiling, or does not answer.
            CredentialsError: The vendor refuses the credentials.
            ContractError: The vendor's answer cannot be what it says, such as a repeated page.
        """

    def ids(self, window: Window) -> Iterator[str | Unlisted]:
        """Yield the id of each document that `documents` would yield, failed ones included.

        For the prune: what is in the index and not among these may have been deleted. What cannot
        be listed is yielded as `Unlisted`, or raises as `documents` does. The default reads the
        documents, and counts every gap, and every failure without a day, as an unlisted source.
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
        """Yield the state of each document that the listing does not show, by id, once.

        The prune asks before it deletes anything. The default trusts the listing. Raises as
        `documents` does.
        """
        return ((document.document_id, RemoteState.NOT_SHOWN) for document in missing)

    def probe(self, document: Missing) -> Probed:
        """Ask for a document by id, with as few requests as the vendor allows.

        For answers that are confirmed, and for telling why a document is not in the index. The
        default asks `remote_states`; without that, nothing is known. May be called from several
        threads at once. Raises as `documents` does.

        Args:
            document: As the index has it; without container when it is not there.
        """
        if not self.can_probe:
            return Probed(RemoteState.UNSURE)
        states = dict(self.remote_states([document]))
        return Probed(states.get(document.document_id, RemoteState.UNSURE))

    @property
    def can_probe(self) -> bool:
        """Whether it asks its vendor for one document; the default `remote_states` does not."""
        cls = type(self)
        return cls.probe is not Source.probe or cls.remote_states is not Source.remote_states

    @classmethod
    def document_id_of(cls, text: str) -> str | None:
        """Return the id of the document that a link, key or id of the vendor names, if any.

        Decides by the text alone, without a request; None for what is not of this source.

        Args:
            text: As a person pastes it: `https://acme.atlassian.net/browse/OPS-1`, `OPS-1`,
                `jira:10001`. The id may be one that the vendor alone can complete (`jira:OPS-1`).
        """
        return text if text.startswith(f"{cls.name}:") else None

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Read again what failed in earlier runs, at any time.

        Yields for each what `documents` would, or `Resolved` when the vendor no longer shows it;
        other items are allowed. The default reads whole days.

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

        Changes nothing at the vendor, and raises as `documents` does. The default lists the ids
        and reads a sample of the documents by id.
        """
        ids = {listed for listed in self.ids(window) if isinstance(listed, str)}
        sampled = picked(ids, SAMPLED_DOCUMENTS)
        sample = self.retry(as_if_failed(sampled, window))
        return WindowEstimate(len(ids), "counted", sample, len(sampled))

    @property
    def rate_limits(self) -> Mapping[str, RateLimit]:
        """The documented limits, by endpoint as the meter counts it, or by source for all."""
        return {}

    @abstractmethod
    def newest(self) -> datetime | None:
        """Return the time of the newest item at the vendor, by one request; None without any."""

    @abstractmethod
    def check(self) -> ConnectionCheck:
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
