"""What a run over Slack's channels works on: parts of channels, each of which becomes an item."""

from dataclasses import dataclass
from datetime import date, datetime

from vector_assets.documents import DocumentFailure
from vector_assets.sources.slack_directory import Channel
from vector_assets.sources.slack_listing import Day, Thread
from vector_assets.sources.slack_messages import instant
from vector_assets.sources.slack_render import channel_document_id, day_id, thread_id


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
