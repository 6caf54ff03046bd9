"""Threads and days of Slack that are read one by one: those that failed before, and samples.

A thread costs a request, a day those of its history. A channel's own document costs none: a night
reads a channel as long as the index does not hold its document, and has just done so.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import ContractError, UnavailableError, VectorAssetsError
from vector_assets.sources.items import DocumentFailure, Resolved, SourceItem
from vector_assets.sources.slack.directory import Channel
from vector_assets.sources.slack.document import channel_id_of, day_id, thread_id
from vector_assets.sources.slack.history import Day, Listing, Scope, Thread, opened
from vector_assets.sources.slack.parts import Job
from vector_assets.sources.slack.reader import (
    MAX_UNANSWERED_THREADS,
    THREADS_IN_FLIGHT,
    ChannelReader,
)

_NOT_FOUND = "thread_not_found"


class RetryReader(ChannelReader):
    """Reads single documents; use it once. Only `listed` looks at the window."""

    def listed(self, channel: Channel) -> dict[str, Job | SourceItem]:
        """Return the documents of a channel by id, each thread as the job that would fetch it.

        Empty when the channel is closed to the bot.

        Raises:
            VectorAssetsError: As `SlackApi.call` raises, and as the index does.
        """
        try:
            return dict(self._listed(channel, self._directory.access(channel)))
        except ContractError as error:
            self._note_closed(channel, error)
            return {}

    def again(self, document_ids: Iterable[str]) -> Iterator[SourceItem]:
        """Yield what became of each document.

        Raises:
            VectorAssetsError: As `read` raises.
        """
        yield from self.read(self._jobs_again(document_ids))

    def read(self, jobs: Iterable[Job | SourceItem]) -> Iterator[SourceItem]:
        """Yield what comes of each job; an item is yielded as it is.

        Raises:
            UnavailableError: So many in a row are not answered that it is Slack that is down.
            VectorAssetsError: As `SlackApi.call` raises, and as the index does.
        """
        unanswered_count = 0
        outcomes = map_ordered(self._read, jobs, in_flight=THREADS_IN_FLIGHT)
        for item, error in outcomes:
            unanswered_count = unanswered_count + 1 if isinstance(error, UnavailableError) else 0
            if error is not None and unanswered_count >= MAX_UNANSWERED_THREADS:
                raise error
            yield item

    def _read(self, job: Job | SourceItem) -> tuple[SourceItem, VectorAssetsError | None]:
        if not isinstance(job, Job):
            return job, None
        _, item, error = self._outcome(job)
        is_gone = isinstance(error, ContractError) and error.seen == _NOT_FOUND
        if item is None or is_gone:
            return Resolved(job.document_id), None
        return item, error

    def _jobs_again(self, document_ids: Iterable[str]) -> Iterator[Job | SourceItem]:
        every_id = sorted(document_ids)
        self._held = self._known.updated_at(every_id)
        readable = {channel.id: channel for channel in self._choice.to_read}
        closed = {channel.id: channel for channel in self._choice.unjoined}
        for channel_id, group in groupby(every_id, channel_id_of):
            ids = list(group)
            if channel_id in readable:
                yield from self._parts_again(readable[channel_id], ids)
            elif channel_id in closed:
                yield from _failures(ids, closed[channel_id], "not_in_channel")
            else:
                yield from map(Resolved, ids)

    def _parts_again(self, channel: Channel, ids: list[str]) -> Iterator[Job | SourceItem]:
        try:
            access = self._directory.access(channel)
        except ContractError as error:
            yield from _failures(ids, channel, error.seen)
            return
        for document_id in ids:
            _, _, native = document_id.removeprefix("slack:").partition(":")
            day = _day(native)
            if not native:
                yield Resolved(document_id)
            elif day is None:
                yield Job(channel, access, Thread(native, held_at=self._held.get(document_id)))
            else:
                yield self._day_again(channel, access, day)

    def _day_again(self, channel: Channel, access: tuple[str, ...], day: date) -> Job | SourceItem:
        window = Window(start_of_day(day), start_of_day(day + timedelta(days=1)))
        scope = Scope(
            window,
            since=window.start,
            includes_bots=self._options.includes_bots,
            bot_user_id=self._directory.bot.user_id,
            place=(channel.name, *access),
        )
        (listing,) = opened([Listing(self._api, channel, scope, self._known)], self._known)
        document_id = day_id(channel.id, day)
        try:
            parts = [part for part in listing.parts() if isinstance(part, Day) and part.day == day]
        except (ContractError, UnavailableError) as error:
            return DocumentFailure(document_id, str(error), day)
        return Job(channel, access, parts[0]) if parts else Resolved(document_id)

    def _thread_messages(self, channel: Channel, thread_ts: str) -> list[dict[str, Any]]:
        """Return a whole thread; a message that has lost its last reply belongs to its day."""
        messages = super()._thread_messages(channel, thread_ts)
        if len(messages) < 2:
            raise ContractError(thread_id(channel.id, thread_ts), _NOT_FOUND, "a thread")
        return messages


def _failures(ids: Iterable[str], channel: Channel, code: str) -> Iterator[DocumentFailure]:
    cause = f"#{channel.name} cannot be read ({code}): invite the bot with /invite"
    for document_id in ids:
        yield DocumentFailure(document_id, cause)


def _day(native: str) -> date | None:
    """Return the day that a part of an id names; None when it names a thread, or nothing."""
    try:
        return date.fromisoformat(native)
    except ValueError:
        return None
