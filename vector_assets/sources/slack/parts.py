"""What a run over Slack's channels works on: parts of channels, each of which becomes an item."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import TypeVar

from vector_assets.sources.items import DocumentFailure
from vector_assets.sources.slack.directory import Channel
from vector_assets.sources.slack.document import channel_document_id, day_id, thread_id
from vector_assets.sources.slack.history import Day, Thread
from vector_assets.sources.slack.messages import instant


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say.

    Attributes:
        channels: Names or ids to restrict it to; empty means all that the bot is in.
        since: First instant of the partitions, UTC.
        joins_public: Whether public channels are joined.
        includes_bots: Whether programs' messages that nobody replied to are read.
    """

    since: datetime
    channels: tuple[str, ...] = ()
    joins_public: bool = False
    includes_bots: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """Stands after all parts of a channel, for its own document.

    Attributes:
        updated_at: Last activity of the channel itself: it was described, or the bot came.
    """

    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A part of a channel to make an item of, or what stands in the channel's place."""

    channel: Channel
    access: tuple[str, ...]
    part: Thread | Day | DocumentFailure | End

    @property
    def document_id(self) -> str:
        """Of what comes of it."""
        match self.part:
            case Thread(ts=ts):
                return thread_id(self.channel.id, ts)
            case Day(day=day):
                return day_id(self.channel.id, day)
            case _:
                return channel_document_id(self.channel.id)


def place_of(job: Job) -> date:
    """Return the day on which a part began; what stands after all parts has the first of all."""
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
    """Merge streams by day, the newest first; of a day, one stream after the other.

    Args:
        streams: Each newest first but for what comes late, which counts as old as what is before.
        place_of: Returns the day of an item.
    """
    begun = []
    for stream in streams:
        placed = _placed(stream, place_of)
        # The first is drawn at once, so that a page that was fetched ahead gets packed.
        if (first := next(placed, None)) is not None:
            begun.append(chain([first], placed))
    merged = heapq.merge(*begun, key=lambda entry: entry[0], reverse=True)
    return (item for _, item in merged)


def _placed(
    stream: Iterator[Item], place_of: Callable[[Item], date]
) -> Iterator[tuple[date, Item]]:
    place = date.max
    for item in stream:
        place = min(place, place_of(item))
        yield place, item
