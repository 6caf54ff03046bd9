"""One run over Slack's channels: what each of them yields, and what of it could not be read.

A channel is read for the run's window, or from the first day of the partitions on (its whole
history) when the index does not hold the channel's own document with its present stamp: its name,
which is part of every document of it. The channel's document is yielded after all
others of it, and only when none of them failed. So a run that dies half-way leaves none, and the
next run reads that channel again. Two runs at once both read it and write the same.

- The first run, for which the index holds no channel's document, reads its window only: a person
  backfills the past.
- A bot that rejoins a channel has missed what was said meanwhile. When it joined later than the
  activity of the channel's document in the index, the whole history is read too.
- A rescan reads its window only and yields no channel's document. It looks for replies under
  parents since the first day of the partitions, where a nightly run looks back `THREAD_LOOKBACK`.

What can still be missed: the time that a bot was out of a channel, where the workspace hides
messages about joining; a document of a new channel's past that the embedder refused; and a reply
without a broadcast under a parent from before the first day of the partitions.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

from vector_assets.core.causes import origin_of
from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Window, start_of_day
from vector_assets.core.documents import Document
from vector_assets.core.errors import ContractError, UnavailableError, VectorAssetsError
from vector_assets.sources.base import Unlisted
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    Gap,
    Known,
    SourceItem,
    Unchanged,
)
from vector_assets.sources.slack.attachments import SlackFiles
from vector_assets.sources.slack.channels import (
    CLOSED_CODES,
    NOT_JOINED,
    Choice,
    closed_gaps,
    join,
    unlisted,
    unreadable,
)
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.directory import Channel, Directory
from vector_assets.sources.slack.document import Renderer, channel_document_id, channel_id_of
from vector_assets.sources.slack.history import (
    ASKED_IDS,
    HISTORIES_IN_FLIGHT,
    Day,
    Listing,
    Scope,
    Thread,
    opened,
    thread_messages,
)
from vector_assets.sources.slack.messages import channel_stamp, stamp_of
from vector_assets.sources.slack.parts import End, Job, Options, newest_first, place_of

Json = dict[str, Any]

THREAD_LOOKBACK = timedelta(days=30)
"""How old a thread may be for a nightly run to see a new reply."""

LONG_WINDOW = timedelta(days=7)
"""A longer window is read newest day first over all channels; a shorter one channel by channel."""

THREADS_IN_FLIGHT = 16
"""Threads whose replies are fetched at the same time."""

MEMBERS_IN_FLIGHT = 4
"""Private channels whose members are asked for at the same time."""

MAX_UNANSWERED_THREADS = 5
"""Threads in a row without an answer after which Slack counts as down."""

_Outcome = tuple[Job, Document | DocumentFailure | Unchanged | None, VectorAssetsError | None]


class ChannelReader:
    """One run; use it once. The directory must hold the users."""

    def __init__(
        self,
        api: SlackApi,
        directory: Directory,
        options: Options,
        known: Known,
        window: Window,
        files: SlackFiles,
    ) -> None:
        self._api = api
        self._directory = directory
        self._options = options
        self._known = known
        self._window = window
        self._renderer = Renderer(directory, files)
        self._choice = Choice.of(directory, options.channels, joins_public=options.joins_public)
        self._held: Mapping[str, datetime] = {}
        self._closed: dict[Channel, str] = {}
        self._pool = ThreadPoolExecutor(HISTORIES_IN_FLIGHT, thread_name_prefix="history")
        self._bot_message_count = 0
        self._unplaced_message_count = 0
        self._listings: defaultdict[Channel, list[Listing]] = defaultdict(list)

    def items(self) -> Iterator[SourceItem]:
        """Yield everything, channel by channel, newest first; then gaps, and one checkpoint.

        A window of more than `LONG_WINDOW` is read in all channels at once, newest day first, with
        checkpoints. A day counts as complete once all threads are read that began in the
        `THREAD_LOOKBACK` before it, as in a nightly run.

        Raises:
            VectorAssetsError: As `SlackApi.call` raises, and as the index does.
        """
        yield from self._directory.bot.gaps(
            joins_public=self._options.joins_public, reads_files=self._options.attachments.are_read
        )
        try:
            yield from self._items_of_channels()
        finally:
            self._pool.shutdown(cancel_futures=True)
        yield from self._gaps()
        yield Checkpoint(self._window.start)

    def _items_of_channels(self) -> Iterator[SourceItem]:
        """Yield the items of all channels."""
        outcomes = map_ordered(self._outcome, self._jobs(), in_flight=THREADS_IN_FLIGHT)
        unanswered_count = 0
        failed_channels: set[Channel] = set()
        frontier = date.max
        for job, item, error in outcomes:
            if self._is_long and (place := place_of(job)) < frontier:
                yield from self._reached(frontier)
                frontier = place
            unanswered_count = unanswered_count + 1 if isinstance(error, UnavailableError) else 0
            if error is not None and unanswered_count >= MAX_UNANSWERED_THREADS:
                raise error
            if isinstance(job.part, Thread):
                for listing in self._listings[job.channel]:
                    listing.answered_in_public.discard(job.part.ts)
            if isinstance(item, DocumentFailure):
                failed_channels.add(job.channel)
            if item is not None and not (
                isinstance(job.part, End) and job.channel in failed_channels
            ):
                yield item

    @property
    def _is_long(self) -> bool:
        return (self._window.end or datetime.now(UTC)) - self._window.start > LONG_WINDOW

    def _reached(self, day: date) -> Iterator[Checkpoint]:
        """Yield a checkpoint when everything that began on a day or later is read."""
        end = self._window.end or datetime.now(UTC)
        # A broadcast may belong to a thread of any age.
        if day == date.max or any(
            listing.answered_in_public for listing in chain(*self._listings.values())
        ):
            return
        since = start_of_day(day) + THREAD_LOOKBACK
        if self._window.start < since < end:
            yield Checkpoint(since)

    def ids(self) -> Iterator[str | Unlisted]:
        """Yield the ids of what the window holds, without asking for replies.

        Parents are looked for since the first day of the partitions, as the index may hold threads
        of any age. The ids include threads whose messages have all lost their words, as only their
        replies could tell. A channel is unlisted when the index holds documents of it and it cannot
        be read.

        Raises:
            VectorAssetsError: As `SlackApi.call` raises, and as the index does.
        """
        choice = self._choice
        held = {channel_id_of(document_id) for document_id in self._known.document_ids()}
        if choice.is_by_name:
            closed_ids = [channel.id for channel in (*choice.to_join, *choice.unjoined)]
        else:
            closed_ids = sorted(held - {channel.id for channel in choice.to_read})
        for channel_id in closed_ids:
            yield unlisted(channel_id, self._directory.channel(channel_id))
        since = min(self._window.start - THREAD_LOOKBACK, self._options.since)
        for channel in choice.to_read:
            try:
                for job in self._listed(channel, (), since):
                    yield job.document_id
            except ContractError as error:
                if error.seen not in CLOSED_CODES:
                    raise
                if channel.id in held or not channel.is_archived:
                    yield unlisted(channel.id, self._directory.channel(channel.id))

    def _listed(
        self, channel: Channel, access: tuple[str, ...], since: datetime | None = None
    ) -> Iterator[Job]:
        """Yield the jobs that would make the documents of a channel; no file is downloaded."""
        listing = self._listing(channel, access, self._window, since)
        for part in next(opened([listing], self._known)).parts():
            job = Job(channel, access, part)
            if job.may_have_words:
                yield job
        yield Job(channel, access, End(max(channel.described_at, channel.created_at)))

    def _jobs(self) -> Iterator[Job]:
        usual: list[Listing] = []
        for channel, access in map_ordered(
            self._access, self._entered(), in_flight=MEMBERS_IN_FLIGHT
        ):
            if isinstance(access, ContractError):
                self._note_closed(channel, access)
            else:
                usual.append(self._listing(channel, access, self._window))
        whole, asked = self._whole(usual)
        ever = Window(self._since, None)
        listings = (
            self._listing(listing.channel, listing.access, ever)
            if listing.channel in whole
            else listing
            for listing in usual
        )
        streams = map(self._jobs_of, opened(listings, self._known, held=self._held, asked=asked))
        yield from (
            newest_first(streams, place_of) if self._is_long else chain.from_iterable(streams)
        )
        if self._choice.is_by_name:
            for channel, code in self._closed.items():
                yield Job(channel, (), unreadable(channel_document_id(channel.id), channel, code))

    def _entered(self) -> Iterator[Channel]:
        """Yield the channels to read, by id, joining those that have to be joined."""
        self._closed |= dict.fromkeys(self._choice.unjoined, NOT_JOINED)
        to_enter = (*self._choice.to_read, *self._choice.to_join)
        for channel in sorted(to_enter, key=lambda channel: channel.id):
            code = join(self._api, channel) if channel in self._choice.to_join else ""
            if code:
                self._closed[channel] = code
            else:
                yield channel

    def _whole(self, usual: list[Listing]) -> tuple[set[Channel], AbstractSet[str]]:
        """Return the channels to read whole, and the days asked about in the same question."""
        stamps = {channel_document_id(channel.id): "" for channel in self._directory.channels}
        stamps |= {
            channel_document_id(listing.channel.id): channel_stamp(listing.channel.name)
            for listing in usual
        }
        days = [document_id for listing in usual for document_id in listing.day_ids()]
        asked = dict.fromkeys(days if len(days) + len(stamps) <= ASKED_IDS else [], "")
        self._held, unchanged = self._known.compared({**stamps, **asked})
        if self._known.is_rescan or self._held.keys().isdisjoint(stamps):
            return set(), asked.keys()
        channels = (listing.channel for listing in usual)
        whole = {
            channel for channel in channels if channel_document_id(channel.id) not in unchanged
        }
        return whole, asked.keys()

    def _access(self, channel: Channel) -> tuple[Channel, tuple[str, ...] | ContractError]:
        try:
            return channel, self._directory.access(channel)
        except ContractError as error:
            return channel, error

    @property
    def _since(self) -> datetime:
        return min(self._options.since, self._window.start)

    def _jobs_of(self, listing: Listing) -> Iterator[Job]:
        try:
            yield from self._channel_jobs(listing)
        except ContractError as error:
            self._note_closed(listing.channel, error)

    def _channel_jobs(self, listing: Listing) -> Iterator[Job]:
        yield from self._parts(listing)
        if self._known.is_rescan:
            return
        channel, access = listing.channel, listing.access
        held_at = self._held.get(channel_document_id(channel.id))
        joined_at = listing.bot_joined_at or channel.created_at
        if held_at is not None and joined_at > held_at and self._since < self._window.start:
            older = self._listing(channel, access, Window(self._since, self._window.start))
            yield from self._parts(next(opened([older], self._known)))
        updated_at = max(channel.described_at, joined_at, held_at or joined_at)
        yield Job(channel, access, End(updated_at))

    def _parts(self, listing: Listing) -> Iterator[Job]:
        for part in listing.parts():
            yield Job(listing.channel, listing.access, part)
        self._bot_message_count += listing.bot_message_count
        self._unplaced_message_count += listing.unplaced_message_count

    def _listing(
        self,
        channel: Channel,
        access: tuple[str, ...],
        window: Window,
        since: datetime | None = None,
    ) -> Listing:
        if since is None:
            since = window.start - THREAD_LOOKBACK
            if self._known.is_rescan:
                since = min(since, self._options.since)
        directory, options = self._directory, self._options
        marks = options.stamp_marks
        scope = Scope(
            window, since, options.includes_bots, directory.bot.user_id, directory.is_person, marks
        )
        listing = Listing(
            self._api, channel, access, scope, self._known, self._pool, packs=self._is_long
        )
        self._listings[channel].append(listing)
        return listing

    def _outcome(self, job: Job) -> _Outcome:
        """Make the item of a job; an error that concerns it alone becomes a failure."""
        try:
            return job, self._item(job), None
        except (ContractError, UnavailableError) as error:
            return job, DocumentFailure(job.document_id, str(error), job.day), error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            cause = f"Slack sent a message of a shape that is not known here: {origin_of(error)}"
            return job, DocumentFailure(job.document_id, cause, job.day), None

    def _item(self, job: Job) -> Document | DocumentFailure | Unchanged | None:
        channel, access = job.channel, job.access
        match job.part:
            case Thread(is_unchanged=True) as thread:
                assert thread.held_at is not None
                return Unchanged(job.document_id, thread.held_at.date())
            case Thread() as thread:
                messages = self._thread_messages(channel, thread.ts)
                place = (channel.name, *self._options.stamp_marks)
                return self._renderer.thread(
                    channel,
                    access,
                    thread.ts,
                    messages,
                    held_at=thread.held_at,
                    stamp=thread.stamp or stamp_of(messages, thread.ts, *place),
                )
            case Day() as day:
                assert day.latest_at is not None
                updated_at = max(day.latest_at, day.held_at or day.latest_at)
                oldest_first = day.messages[::-1]
                return self._renderer.day(channel, access, day.day, oldest_first, updated_at)
            case End(updated_at=updated_at):
                stamp = channel_stamp(channel.name)
                return self._renderer.channel(channel, access, updated_at, stamp)
            case failure:
                return failure

    def _thread_messages(self, channel: Channel, thread_ts: str) -> list[Json]:
        return thread_messages(self._api, channel, thread_ts)

    def _note_closed(self, channel: Channel, error: ContractError) -> None:
        """Note a channel that is closed to the bot; raise the error when it says otherwise."""
        if error.seen not in CLOSED_CODES:
            raise error
        self._closed[channel] = error.seen

    def _gaps(self) -> Iterator[Gap]:
        if not self._choice.is_by_name:
            yield from closed_gaps(self._closed)
        for name in self._directory.channels_of_nobody:
            yield Gap(
                f"#{name}",
                "Slack tells the e-mail of none of its members, so nobody may find what is said",
                "Add the scope users:read.email and install the app again.",
                is_private=True,
            )
        yield from self._renderer.gaps()
        if self._bot_message_count:
            yield Gap(
                "messages of bots",
                "nobody replied to them",
                "Set SLACK_INCLUDE_BOTS=true to read them.",
                self._bot_message_count,
            )
        if self._unplaced_message_count:
            yield Gap(
                "messages without a time",
                "Slack gives no `ts` of them that can be read, so they have no place",
                "",
                self._unplaced_message_count,
            )
