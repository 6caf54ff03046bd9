"""Which threads and days of a channel a window yields; decided from the channel's history alone.

`conversations.history` shows no replies, so the top level is read from `since` on, well before the
window. A thread is yielded when one of these lies in the window:

- its parent: a thread that goes on for longer than the lookback has a last reply whose window no
  longer sees the parent;
- its latest reply;
- a broadcast (a reply that was also sent to the channel), which history shows whatever the age of
  the thread;
- the activity that the index holds: a thread whose last reply was deleted looks older.

A day is always the whole UTC day. It is yielded again, without the message, when one of its
messages becomes a thread. So windows that cover a span of time yield every thread and every other
message of it.

The `updated_at` of a document never goes back: after a deletion it stays at what the index holds.
The index is asked before the messages are read, so that what another run writes meanwhile is not
taken for a deletion.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, Self

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import ContractError, VectorAssetsError
from vector_assets.sources.items import Known
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.directory import Channel
from vector_assets.sources.slack.document import day_id, thread_id
from vector_assets.sources.slack.json_values import whole_number_in
from vector_assets.sources.slack.messages import (
    JOIN_SUBTYPES,
    has_replies,
    instant,
    is_of_bot,
    is_reply,
    is_said,
    readable,
    thread_stamp,
)

Json = dict[str, Any]

_MESSAGES_PER_PACK = 50
"""Some 50 KB."""


def packed(messages: list[Json]) -> Iterator[Json]:
    """Return an iterator over messages, which holds them compressed to a tenth of their size."""
    packs = [
        zlib.compress(json.dumps(messages[at : at + _MESSAGES_PER_PACK]).encode(), level=1)
        for at in range(0, len(messages), _MESSAGES_PER_PACK)
    ]
    return chain.from_iterable(json.loads(zlib.decompress(pack)) for pack in packs)


_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread whose replies are to be fetched, unless the index holds the version of history.

    `latest_at` (UTC) is None and `stamp` empty where history does not show them; `held_at` is the
    last activity in the index, None when it does not hold the thread.
    """

    ts: str
    latest_at: datetime | None = None
    held_at: datetime | None = None
    stamp: str = ""
    is_unchanged: bool = False


@dataclass(slots=True)
class Day:
    """A UTC day's unthreaded messages, newest first.

    `latest_at` is the last activity at the top level, parents of threads included: a day that loses
    a message to a thread must not look older, for an older version never replaces a newer one.
    `held_at` is the last activity in the index; None when it does not hold the day.
    """

    day: date
    messages: list[Json] = field(default_factory=list)
    latest_at: datetime | None = None
    held_at: datetime | None = None
    has_active_thread: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a channel is wanted: the top level is read from `since`, or from the window's day.

    `is_person` tells of the id of a user whether it is a person's; `stamp_marks` are part of every
    stamp of a thread.
    """

    window: Window
    since: datetime
    includes_bots: bool
    bot_user_id: str
    is_person: Callable[[str], bool]
    stamp_marks: tuple[str, ...] = ()


class Listing:
    """Sorts a channel's top level into threads and days, newest first, a page at a time.

    Pass it to `opened`, then iterate `parts` once.

    Costs a request for every 999 top-level messages, and a question to the index for each page.
    A pool fetches the next page while one is read. `packs` keeps waiting pages compressed, for
    runs that merge many channels.

    Attributes:
        held_days: Last activity of the days that the index holds, by document id, as it was before
            the first page was read.
        bot_message_count: Messages of bots in the window that were left out.
        unplaced_message_count: Messages without a readable time, which are left out.
        answered_in_public: `ts` of threads with a broadcast in the window, which may be of any age;
            whoever has read such a thread removes it.
        bot_joined_at: When the bot itself last joined in the window, UTC; else None.
    """

    def __init__(
        self,
        api: SlackApi,
        channel: Channel,
        access: tuple[str, ...],
        scope: Scope,
        known: Known,
        pool: ThreadPoolExecutor | None = None,
        *,
        packs: bool = False,
    ) -> None:
        self.channel = channel
        self.access = access
        self.held_days: Mapping[str, datetime] = {}
        self.bot_message_count = 0
        self.unplaced_message_count = 0
        self.answered_in_public: set[str] = set()
        self.bot_joined_at: datetime | None = None
        self._api = api
        self._scope = scope
        self._window = scope.window
        self._known = known
        self._packs = packs
        self._pool = pool
        self._pages: Iterator[Iterator[Json]] = iter(())
        self._ahead: Iterator[Json] | None = None
        self._refusal: VectorAssetsError | None = None
        self._held: dict[str, datetime] = {}
        self._unchanged: set[str] = set()
        self._day = Day(date.max)
        self._broadcasts: dict[str, None] = {}

    def day_ids(self) -> list[str]:
        """Return the ids of all days that it may yield."""
        first, last = self._first.date(), (self._after_last or datetime.now(UTC)).date()
        return [day_id(self.channel.id, first + n * _DAY) for n in range((last - first).days + 1)]

    def open(self) -> Self:
        """Fetch the first page and ask the index about it; errors are kept for `parts`."""
        span = {"oldest": f"{max(self._first.timestamp(), 0):.6f}"}
        if self._after_last is not None:
            span["latest"] = f"{self._after_last.timestamp():.6f}"
        # Both bounds are exclusive unless asked, and midnight belongs to the day that it begins.
        pages = self._api.pages(
            "conversations.history", "messages", channel=self.channel.id, inclusive=True, **span
        )
        self._pages = map(self._wanted, pages)
        try:
            self._ahead = next(self._pages)
        except VectorAssetsError as error:
            self._refusal = error
        return self

    def parts(self) -> Iterator[Thread | Day]:
        """Yield what the window holds, newest first, with two pages of history in memory at most.

        Raises:
            ContractError: The bot may not read the channel, or a cursor came twice.
            VectorAssetsError: As `SlackApi.call` raises, and as the index does.
        """
        if self._refusal is not None:
            raise self._refusal
        for message in self._messages():
            yield from self._sort(message)
        yield from self._finished_day()
        # The rest have a broadcast, and a parent from before `since`.
        for ts in self._broadcasts:
            yield Thread(ts, held_at=self._held.get(self._id(ts)))

    def _messages(self) -> Iterator[Json]:
        """Yield the wanted messages, newest first."""
        page, self._ahead = self._ahead, None
        while page is not None:
            following = self._pool.submit(next, self._pages, None) if self._pool else None
            yield from page
            page = following.result() if following else next(self._pages, None)

    @property
    def _first(self) -> datetime:
        """First instant that is read."""
        return start_of_day(min(self._scope.since, self._window.start).date())

    @property
    def _after_last(self) -> datetime | None:
        """First instant after what is read; None where the window is open."""
        end = self._window.end
        return None if end is None else start_of_day((end - _TICK).date() + _DAY)

    def _wanted(self, page: list[Json]) -> Iterator[Json]:
        """Return what is read of a page; ask the index, in one question, about its threads."""
        after_last = self._after_last
        messages = list(readable(page))
        self.unplaced_message_count += len(page) - len(messages)
        wanted = [m for m in messages if after_last is None or instant(m["ts"]) < after_last]
        stamps = {self._id(m["thread_ts"]): "" for m in wanted if is_reply(m)}
        stamps |= {self._id(m["ts"]): self._stamp(m) for m in wanted if is_parent(m)}
        if stamps:
            held, unchanged = self._known.compared(dict(sorted(stamps.items())))
            self._held.update(held)
            self._unchanged |= unchanged
        return packed(wanted) if self._packs else iter(wanted)

    def _sort(self, message: Json) -> Iterator[Thread | Day]:
        at = instant(message["ts"])
        if at.date() != self._day.day:
            yield from self._finished_day()
            held_at = self.held_days.get(day_id(self.channel.id, at.date()))
            self._day = Day(at.date(), held_at=held_at)
        if self._is_of_bot_joining(message) and at in self._window:
            self.bot_joined_at = self.bot_joined_at or at  # history comes newest first
        if is_reply(message):
            root = message["thread_ts"]
            if at in self._window or self._is_held_in_window(self._id(root)):
                self._broadcasts[root] = None
                self.answered_in_public.add(root)
        elif is_parent(message):
            yield from self._thread(message, at)
        elif is_said(message):
            self._unthreaded(message, at)

    def _is_of_bot_joining(self, message: Json) -> bool:
        """Tell whether Slack notes that the bot joined, also where somebody replied to it."""
        is_of_bot = message.get("user") == self._scope.bot_user_id
        return is_of_bot and message.get("subtype") in JOIN_SUBTYPES

    def _unthreaded(self, message: Json, at: datetime) -> None:
        if not self._scope.includes_bots and is_of_bot(message, self._scope.is_person):
            self.bot_message_count += at in self._window
            return
        self._day.latest_at = self._day.latest_at or at
        self._day.messages.append(message)

    def _thread(self, parent: Json, at: datetime) -> Iterator[Thread]:
        ts, document_id = parent["ts"], self._id(parent["ts"])
        self._day.latest_at = self._day.latest_at or at
        self._broadcasts.pop(ts, None)
        if not self._is_active(parent):
            self.answered_in_public.discard(ts)
            return
        self._day.has_active_thread = True
        yield Thread(
            ts,
            latest_at=_latest_reply_at(parent),
            held_at=self._held.get(document_id),
            stamp=self._stamp(parent),
            is_unchanged=document_id in self._unchanged,
        )

    def _is_active(self, parent: Json) -> bool:
        at, latest_at = instant(parent["ts"]), _latest_reply_at(parent)
        if self._window.end is not None and at >= self._window.end:
            return False
        return (
            latest_at is None
            or latest_at in self._window
            or at in self._window
            or self._is_held_in_window(self._id(parent["ts"]))
        )

    def _is_held_in_window(self, document_id: str) -> bool:
        held_at = self._held.get(document_id)
        return held_at is not None and held_at in self._window

    def _finished_day(self) -> Iterator[Day]:
        day = self._day
        if not day.messages or day.latest_at is None:
            return
        is_held = day.held_at is not None and day.held_at in self._window
        if day.latest_at in self._window or is_held or day.has_active_thread:
            yield day

    def _id(self, thread_ts: str) -> str:
        return thread_id(self.channel.id, thread_ts)

    def _stamp(self, parent: Json) -> str:
        return thread_stamp(parent, self.channel.name, *self._scope.stamp_marks)


def thread_messages(api: SlackApi, channel: Channel, thread_ts: str) -> list[Json]:
    """Return a whole thread, oldest first; Slack repeats the parent on each page.

    Raises:
        ContractError: There are no replies though the parent counts some.
    """
    pages = api.pages("conversations.replies", "messages", channel=channel.id, ts=thread_ts)
    by_ts = {message["ts"]: message for page in pages for message in readable(page)}
    counted = whole_number_in(by_ts.get(thread_ts, {}).get("reply_count"))
    if not by_ts or (len(by_ts) == 1 and counted):
        raise ContractError("slack conversations.replies", "no reply", "those that it counts")
    return sorted(by_ts.values(), key=lambda message: instant(message["ts"]))


def is_parent(message: Json) -> bool:
    """Tell whether a message of history begins a thread that has replies."""
    return not is_reply(message) and has_replies(message)


def _latest_reply_at(parent: Json) -> datetime | None:
    latest_reply = parent.get("latest_reply")
    return instant(latest_reply) if latest_reply else None


HISTORIES_IN_FLIGHT = 6
"""Channels of which a page, of 999 messages at most, is fetched ahead at the same time."""

ASKED_IDS = 1_000
"""Most documents of one question to the index."""


def opened(
    listings: Iterable[Listing],
    known: Known,
    *,
    held: Mapping[str, datetime] | None = None,
    asked: AbstractSet[str] = frozenset(),
) -> Iterator[Listing]:
    """Yield listings in order, with their first page and what the index holds of their days.

    The index is asked about as many channels as fit a question, before these are read; it need not
    be asked about the days `asked`, of which it said `held`.
    """
    with_days = _with_held_days(listings, known, held or {}, asked)
    return map_ordered(Listing.open, with_days, in_flight=HISTORIES_IN_FLIGHT)


def _with_held_days(
    listings: Iterable[Listing],
    known: Known,
    held: Mapping[str, datetime],
    asked: AbstractSet[str],
) -> Iterator[Listing]:
    group: list[Listing] = []
    group_ids: list[str] = []

    def set_held_days() -> list[Listing]:
        held_days = {**held, **known.updated_at(group_ids)} if group_ids else held
        for listing in group:
            listing.held_days = held_days
        return group

    for listing in listings:
        day_ids = [document_id for document_id in listing.day_ids() if document_id not in asked]
        if group and len(group_ids) + len(day_ids) > ASKED_IDS:
            yield from set_held_days()
            group, group_ids = [], []
        group.append(listing)
        group_ids += day_ids
    yield from set_held_days()
