"""Slack: each thread as one document, and each channel's other messages of a day as another.

Keep out: requests and errors (`slack_api.py`), names and channels (`slack_directory.py`), what a
window holds (`slack_listing.py`), and what a document looks like (`slack_render.py`).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

from vector_assets.concurrency import mapped_in_order
from vector_assets.documents import Checkpoint, Document, DocumentFailure, SourceItem, Window
from vector_assets.errors import ContractError, UnavailableError, VectorAssetsError
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Reach, Source
from vector_assets.sources.slack_api import SlackApi
from vector_assets.sources.slack_directory import Channel, Directory
from vector_assets.sources.slack_listing import Day, Thread, threads_and_days
from vector_assets.sources.slack_render import SOURCE, Renderer, instant, is_said, thread_id

Json = dict[str, Any]

logger = logging.getLogger(__name__)

THREADS_IN_FLIGHT = 4
"""Threads whose replies are fetched at the same time."""

MAX_UNANSWERED_THREADS = 5
"""After so many threads in a row without an answer it is Slack that is down, not a thread."""

NEWEST_CHANNELS = 5
NEWEST_MESSAGES = 50

_CLOSED_CHANNEL_CODES = {"channel_not_found", "not_in_channel"}


@dataclass(frozen=True, slots=True)
class _Job:
    """A thread or day to make a document of, or what stands in a channel's place."""

    channel: Channel
    access: tuple[str, ...]
    part: Thread | Day | DocumentFailure


_Outcome = tuple[Document | DocumentFailure | None, VectorAssetsError | None]


class SlackSource(Source):
    """Reads the channels that the bot has joined; direct messages are never read.

    Args:
        api: Slack.
        channels: Names or ids to restrict it to; empty means all that the bot has joined.

    Attributes:
        skipped_channels: Names of those that the last run could not read.
    """

    name = SOURCE
    overlap = timedelta(hours=1)

    THREAD_LOOKBACK = timedelta(days=30)
    """How old a thread may be for a reply to bring it back."""

    def __init__(self, api: SlackApi, channels: tuple[str, ...] = ()) -> None:
        self.skipped_channels: list[str] = []
        self._api = api
        self._wanted = channels

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings.

        Raises:
            SettingsError: `SLACK_BOT_TOKEN` is not set.
        """
        settings.require_credentials(SOURCE)
        token = settings.slack_bot_token.get_secret_value()
        return cls(SlackApi(token, settings.slack_base_url, meter), settings.slack_channels)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the threads and days of a window, channel by channel, newest first.

        Besides those whose last activity lies in the window it yields the threads that began in
        it, and days that may have lost a message to a thread; `slack_listing.py` says why. The
        one checkpoint comes at the end.

        Raises:
            SettingsError: `SLACK_CHANNELS` names a channel that the bot does not see.
            VectorAssetsError: As `SlackApi.call` raises.
        """
        began_at = datetime.now(UTC)
        self.skipped_channels = []
        directory = Directory.load(self._api)
        outcomes = mapped_in_order(
            partial(self._outcome, renderer=Renderer(directory)),
            self._jobs(directory, window),
            in_flight=THREADS_IN_FLIGHT,
        )
        unanswered_count = 0
        for item, error in outcomes:
            unanswered_count = unanswered_count + 1 if isinstance(error, UnavailableError) else 0
            if error is not None and unanswered_count >= MAX_UNANSWERED_THREADS:
                raise error
            if item is not None:
                yield item
        yield Checkpoint(window.end or began_at)

    def newest(self) -> datetime | None:
        """Return the newest activity in the largest channels.

        Costs three requests and one for each of `NEWEST_CHANNELS`. Slack does not tell which
        channel was active last, so the newest message may be in a smaller one, never the reverse:
        what is returned has been said, and in a channel that is read.
        """
        directory = Directory.load(self._api, with_users=False)
        channels = sorted(directory.readable(self._wanted), key=lambda c: -c.member_count)
        return max(
            (at for channel in channels[:NEWEST_CHANNELS] for at in self._activity(channel)),
            default=None,
        )

    def check(self) -> Reach:
        """Ask who we are and how many channels we read; two requests where channels are few.

        Raises:
            CredentialsError: The token is refused, or lacks a scope; names the scope.
            UnavailableError: Slack cannot be reached.
        """
        directory = Directory.load(self._api, with_users=False)
        bot = directory.bot
        channel_count = len(directory.readable(self._wanted))
        advice = "" if channel_count else "; invite it with /invite in each channel to read"
        return Reach(
            f"{bot.name} in {bot.team} ({bot.team_url}), reads {channel_count} channels{advice}"
        )

    def _jobs(self, directory: Directory, window: Window) -> Iterator[_Job]:
        for channel in directory.readable(self._wanted):
            try:
                access = directory.access(channel)
                for part in threads_and_days(self._api, channel, window, self.THREAD_LOOKBACK):
                    yield _Job(channel, access, part)
            except ContractError as error:
                if error.seen not in _CLOSED_CHANNEL_CODES:
                    raise
                yield from self._skipped(channel, error.seen)

    def _skipped(self, channel: Channel, code: str) -> Iterator[_Job]:
        """Note a channel that cannot be read; only one that was asked for is a failure."""
        cause = f"#{channel.name} cannot be read ({code}): invite the bot with /invite"
        self.skipped_channels.append(channel.name)
        logger.warning("slack: %s", cause)
        if channel.is_wanted_by_name:
            yield _Job(channel, (), DocumentFailure(f"{SOURCE}:{channel.id}", cause))

    def _outcome(self, job: _Job, renderer: Renderer) -> _Outcome:
        """Make the document of a job; one that cannot be made never costs the others."""
        if isinstance(job.part, DocumentFailure):
            return job.part, None
        try:
            return self._document(job, job.part, renderer), None
        except (ContractError, UnavailableError) as error:
            return _failure(job.channel, job.part, str(error)), error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            cause = f"Slack sent a message of a shape that is not known here: {error!r}"
            return _failure(job.channel, job.part, cause), None

    def _document(self, job: _Job, part: Thread | Day, renderer: Renderer) -> Document | None:
        if isinstance(part, Thread):
            messages = self._thread_messages(job.channel, part.ts)
            return renderer.thread(job.channel, job.access, part.ts, messages)
        assert part.latest_at is not None
        oldest_first = part.messages[::-1]
        return renderer.day(job.channel, job.access, part.day, oldest_first, part.latest_at)

    def _thread_messages(self, channel: Channel, thread_ts: str) -> list[Json]:
        """Return a whole thread, oldest first; Slack repeats the parent on each page."""
        pages = self._api.pages(
            "conversations.replies", "messages", channel=channel.id, ts=thread_ts
        )
        by_ts = {message["ts"]: message for page in pages for message in page}
        return sorted(by_ts.values(), key=lambda message: instant(message["ts"]))

    def _activity(self, channel: Channel) -> Iterator[datetime]:
        """Yield the instants of the newest that was said in a channel."""
        try:
            answer = self._api.call(
                "conversations.history", channel=channel.id, limit=NEWEST_MESSAGES
            )
        except ContractError as error:
            if error.seen not in _CLOSED_CHANNEL_CODES:
                raise
            return
        for message in answer["messages"]:
            if is_said(message):
                yield instant(message.get("latest_reply") or message["ts"])


def _failure(channel: Channel, part: Thread | Day, cause: str) -> DocumentFailure:
    identity = (
        thread_id(channel.id, part.ts)
        if isinstance(part, Thread)
        else f"{SOURCE}:{channel.id}:{part.day}"
    )
    return DocumentFailure(identity, cause, part.latest_at.date() if part.latest_at else None)
