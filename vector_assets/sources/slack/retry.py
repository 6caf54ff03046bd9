"""Threads and days of Slack that are read singly: those that failed before, and samples.

A thread costs a request, a day those of its history. A channel's own document costs none: a nightly
run has just yielded it, or reads that channel until the index holds it.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import ContractError, UnavailableError, VectorAssetsError
from vector_assets.sources.items import DocumentFailure, Resolved, SourceItem
from vector_assets.sources.slack.channels import NOT_JOINED, unreadable
from vector_assets.sources.slack.directory import Channel
from vector_assets.sources.slack.document import channel_id_of, day_id, thread_id
from vector_assets.sources.slack.history import Day, Thread, opened
from vector_assets.sources.slack.parts import Job
from vector_assets.sources.slack.reader import (
    MAX_UNANSWERED_THREADS,
    THREADS_IN_FLIGHT,
    ChannelReader,
)

_NOT_FOUND = "thread_not_found"


class RetryReader(ChannelReader):
    """Reads single documents; use it once. Only `listed` looks at the window."""

    def listed(self, channel: Channel) -> dict[str, Job]:
        """Return the jobs that would make the documents of a channel, by id of the document.

        Empty when the channel is closed to the bot; raises as `read` does.
        """
        try:
            jobs = self._listed(channel, self._directory.access(channel))
            return {job.document_id: job for job in jobs}
        except ContractError as error:
            self._note_closed(channel, error)
            return {}

    def again(self, document_ids: Iterable[str]) -> Iterator[SourceItem]:
        """Yield what became of each document; raise as `read` does."""
        yield from self.read(self._jobs_again(document_ids))

    def read(self, jobs: Iterable[Job | SourceItem]) -> Iterator[SourceItem]:
        """Yield the item of each job; items are yielded as they are.

        Raises:
            UnavailableError: `MAX_UNANSWERED_THREADS` in a row were not answered.
            VectorAssetsError: As `SlackApi.call` raises, and as the index does.
        """
        unanswered_count = 0
        for item, error in map_ordered(self._read, jobs, in_flight=THREADS_IN_FLIGHT):
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
                for document_id in ids:
                    yield unreadable(document_id, closed[channel_id], NOT_JOINED)
            else:
                yield from map(Resolved, ids)

    def _parts_again(self, channel: Channel, ids: list[str]) -> Iterator[Job | SourceItem]:
        try:
            access = self._directory.access(channel)
        except ContractError as error:
            for document_id in ids:
                yield unreadable(document_id, channel, error.seen)
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
        (listing,) = opened([self._listing(channel, access, window, window.start)], self._known)
        document_id = day_id(channel.id, day)
        try:
            parts = [part for part in listing.parts() if isinstance(part, Day) and part.day == day]
        except (ContractError, UnavailableError) as error:
            return DocumentFailure(document_id, str(error), day)
        return Job(channel, access, parts[0]) if parts else Resolved(document_id)

    def _thread_messages(self, channel: Channel, thread_ts: str) -> list[dict[str, Any]]:
        """Return a whole thread; a parent without replies is not one but a day's message."""
        messages = super()._thread_messages(channel, thread_ts)
        if len(messages) < 2:
            raise ContractError(thread_id(channel.id, thread_ts), _NOT_FOUND, "a thread")
        return messages


def _day(native: str) -> date | None:
    """Return the day that ends a document's id; None for a thread or a channel."""
    try:
        return date.fromisoformat(native)
    except ValueError:
        return None
