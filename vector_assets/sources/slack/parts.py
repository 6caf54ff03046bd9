"""The parts of channels that become documents, and their order over channels."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import TypeVar

from vector_assets.sources.attachments.reader import AttachmentOptions
from vector_assets.sources.items import DocumentFailure
from vector_assets.sources.slack.directory import Channel
from vector_assets.sources.slack.document import (
    channel_document_id,
    day_id,
    has_words,
    thread_id,
)
from vector_assets.sources.slack.history import Day, Thread
from vector_assets.sources.slack.messages import instant


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say; without `channels` (names or ids), all that the bot is in are read.

    `since` is the first instant of the partitions, UTC. `includes_bots` tells whether messages of
    bots are read that nobody replied to; `attachments`, whether files are.
    """

    since: datetime
    channels: tuple[str, ...] = ()
    joins_public: bool = False
    includes_bots: bool = False
    attachments: AttachmentOptions = field(default_factory=AttachmentOptions)

    @property
    def stamp_marks(self) -> tuple[str, ...]:
        """What decides the texts of threads besides their messages and their channel."""
        return ("files",) if self.attachments.are_read else ()


@dataclass(frozen=True, slots=True)
class End:
    """Follows all other parts of a channel and becomes its own document."""

    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A part of a channel to make an item of, or the failure of the whole channel."""

    channel: Channel
    access: tuple[str, ...]
    part: Thread | Day | DocumentFailure | End

    @property
    def day(self) -> date | None:
        """Day of the last activity; None where that is not known."""
        latest_at = self.part.latest_at if isinstance(self.part, Thread | Day) else None
        return latest_at.date() if latest_at else None

    @property
    def may_have_words(self) -> bool:
        """Whether it may become a document; of a thread, only its replies tell."""
        return not isinstance(self.part, Day) or has_words(self.part.messages)

    @property
    def document_id(self) -> str:
        """Id of the document that it becomes."""
        match self.part:
            case Thread(ts=ts):
                return thread_id(self.channel.id, ts)
            case Day(day=day):
                return day_id(self.channel.id, day)
            case _:
                return channel_document_id(self.channel.id)


def place_of(job: Job) -> date:
    """Return the day on which a part began; `date.min` for what follows all parts."""
    match job.part:
        case Thread(ts=ts):
            return instant(ts).date()
        case Day(day=day):
            return day
        case _:
            return date.min


Item = TypeVar("Item")


def newest_first(
    streams: Iterable[Iterator[Item]], place_of: Callable[[Item], date]
) -> Iterator[Item]:
    """Merge streams by day, the newest first; within a day, one stream after the other.

    Each stream is newest first; an item that comes late counts as old as the item before it.
    """
    begun = []
    for stream in streams:
        placed = _placed(stream, place_of)
        # Draws the first item at once, so that a page that was fetched ahead gets packed.
        if (first := next(placed, None)) is not None:
            begun.append(chain([first], placed))
    merged = heapq.merge(*begun, key=lambda placed_item: placed_item[0], reverse=True)
    return (item for _, item in merged)


def _placed(
    stream: Iterator[Item], place_of: Callable[[Item], date]
) -> Iterator[tuple[date, Item]]:
    place = date.max
    for item in stream:
        place = min(place, place_of(item))
        yield place, item
