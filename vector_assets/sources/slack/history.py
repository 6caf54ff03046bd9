"""Which threads and days of a channel a window yields; decided from the channel's history alone.

`conversations.history` shows no replies, and a thread belongs to the time of its latest one. So
the top level is read from `since` on, well before the window, and a thread is taken when one of
these lies in the window: its parent, its latest reply, a reply that was also sent to the channel,
or the activity of the version that the index holds.

- The parent counts because a thread whose replies go on for longer than the lookback would belong
  to a window that cannot see its parent; and a broadcast, because it is seen whatever its thread's
  age.
- What the index holds counts because a last reply that was deleted makes a thread look older.
- A message turns into a thread with its first reply. Its day is then given again, without it.
- A day is always the whole UTC day, wherever in it the window begins or ends.

So windows that cover a span of time give every thread and every other message of it.

The last activity of a version never goes backwards: what was deleted was deleted after it was said,
at a time that Slack does not tell, so the document stays at the activity that the index holds. That
is asked for before the messages are read: what another run wrote meanwhile was read later than it,
and is not mistaken for something that was deleted.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, Self

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import VectorAssetsError
from vector_assets.sources.items import Known
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.directory import Channel
from vector_assets.sources.slack.document import day_id, thread_id
from vector_assets.sources.slack.messages import (
    JOIN_SUBTYPES,
    instant,
    is_of_bot,
    is_reply,
    is_said,
    thread_stamp,
)

Json = dict[str, Any]

_PACKED_TOGETHER = 50
"""Messages that are unpacked at a time: some 50 KB."""


def packed(messages: list[Json]) -> Iterator[Json]:
    """Return an iterator that holds messages packed, a tenth of their size or less, until asked."""
    packs = [
        zlib.compress(json.dumps(messages[at : at + _PACKED_TOGETHER]).encode(), level=1)
        for at in range(0, len(messages), _PACKED_TOGETHER)
    ]
    return chain.from_iterable(json.loads(zlib.decompress(pack)) for pack in packs)


_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread whose replies are to be fetched.

    Attributes:
        ts: Of its parent.
        latest_at: Last activity in UTC; None where history did not say.
        held_at: Last activity of the version that the index holds; None when it holds none.
        stamp: Of the version that history shows; empty where it showed none.
        is_unchanged: Whether the index holds that version, so that nothing need be fetched.
    """

    ts: str
    latest_at: datetime | None = None
    held_at: datetime | None = None
    stamp: str = ""
    is_unchanged: bool = False


@dataclass(slots=True)
class Day:
    """A UTC day's unthreaded messages.

    Attributes:
        day: Which.
        messages: Newest first.
        latest_at: Last activity at the top level. Parents of threads count too: when a message
            becomes one the day loses it, and must not look older than it did before, for an older
            version never replaces a newer one.
        held_at: Last activity of the version that the index holds; None when it holds none.
        has_active_thread: Whether a thread of that day is taken.
    """

    day: date
    messages: list[Json] = field(default_factory=list)
    latest_at: datetime | None = None
    held_at: datetime | None = None
    has_active_thread: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a channel is wanted.

    Attributes:
        window: Of last activity.
        since: From when on the top level is read; the window's own whole days are read anyway.
        includes_bots: Whether notifications of programs are messages like others.
        bot_user_id: Whose joining is noted.
        place: What decides a channel's documents besides their messages.
    """

    window: Window
    since: datetime
    includes_bots: bool
    bot_user_id: str
    place: tuple[str, ...] = ()


class Listing:
    """Sorts a channel's top level, newest first, into threads and days as it comes.

    Say what is held of its days, open it, and iterate `parts`, each once.

    Args:
        api: Asked for history: once for every 999 top-level messages.
        channel: Which.
        scope: What of it.
        known: Asked once a page, for the threads on it, as soon as the page is there.
        packs: Whether a page is kept packed while it waits, as in a run that reads many channels
            side by side.

    Attributes:
        held_days: Last activity of the days that the index holds, by document id, as it was before
            the listing was opened.
        bot_message_count: Notifications in the window that were left out.
        answered_in_public: Threads of which a reply was seen that was also sent to the channel, and
            that may be of any age; whoever has read one may take it out.
        bot_joined_at: When the bot itself came to the channel in the window, UTC; else None.
    """

    def __init__(
        self, api: SlackApi, channel: Channel, scope: Scope, known: Known, *, packs: bool = False
    ) -> None:
        self.bot_message_count = 0
        self.answered_in_public: set[str] = set()
        self.bot_joined_at: datetime | None = None
        self._api = api
        self._channel = channel
        self._scope = scope
        self._window = scope.window
        self._known = known
        self.held_days: Mapping[str, datetime] = {}
        self._packs = packs
        self._pages: Iterator[list[Json]] | None = None
        self._ahead: list[Json] = []
        self._refusal: VectorAssetsError | None = None
        self._held: dict[str, datetime] = {}
        self._unchanged: frozenset[str] = frozenset()
        self._day = Day(date.max)
        self._broadcasts: dict[str, None] = {}

    def day_ids(self) -> list[str]:
        """Return the ids of all days that it may yield."""
        first, last = self._first.date(), (self._after_last or datetime.now(UTC)).date()
        return [day_id(self._channel.id, first + n * _DAY) for n in range((last - first).days + 1)]

    def open(self) -> Self:
        """Fetch the first page and ask the index about it; what that raises, `parts` raises."""
        span = {"oldest": f"{max(self._first.timestamp(), 0):.6f}"}
        if self._after_last is not None:
            span["latest"] = f"{self._after_last.timestamp():.6f}"
        # Both bounds are exclusive unless asked, and midnight belongs to the day that it begins.
        pages = self._api.pages(
            "conversations.history", "messages", channel=self._channel.id, inclusive=True, **span
        )
        try:
            self._ahead = self._wanted(next(pages))
            self._pages = map(self._wanted, pages)
        except VectorAssetsError as error:
            self._refusal = error
        return self

    def parts(self) -> Iterator[Thread | Day]:
        """Yield what the window holds, newest first, with a page of history in memory.

        Raises:
            ContractError: The bot may not read the channel, or a cursor came twice.
            VectorAssetsError: As `SlackApi.call` raises, and as the index does.
        """
        if self._pages is None and self._refusal is None:
            self.open()
        if self._refusal is not None:
            raise self._refusal
        for message in self._messages():
            yield from self._sort(message)
        yield from self._finished_day()
        # What is left was answered in public, and began before `since`.
        for ts in self._broadcasts:
            yield Thread(ts, held_at=self._held.get(thread_id(self._channel.id, ts)))

    def _messages(self) -> Iterator[Json]:
        """Yield the messages that are wanted, newest first."""
        while True:
            page, self._ahead = self._ahead, []
            waiting = packed(page) if self._packs else iter(page)
            del page
            yield from waiting
            following = next(self._pages, None) if self._pages is not None else None
            if following is None:
                return
            self._ahead = following
            del following

    @property
    def _first(self) -> datetime:
        """The first instant that is read."""
        return start_of_day(min(self._scope.since, self._window.start).date())

    @property
    def _after_last(self) -> datetime | None:
        """The first instant that is not read; None where there is none."""
        end = self._window.end
        return None if end is None else start_of_day((end - _TICK).date() + _DAY)

    def _wanted(self, page: list[Json]) -> list[Json]:
        """Return what is read of a page; ask the index, in one question, for its threads."""
        after_last = self._after_last
        wanted = [m for m in page if after_last is None or instant(m["ts"]) < after_last]
        stamps = {self._id(m["thread_ts"]): "" for m in wanted if is_reply(m)}
        stamps |= {
            self._id(m["ts"]): thread_stamp(m, *self._scope.place) for m in wanted if is_parent(m)
        }
        if stamps:
            held, self._unchanged = self._known.compared(dict(sorted(stamps.items())))
            self._held.update(held)
        return wanted

    def _sort(self, message: Json) -> Iterator[Thread | Day]:
        at = instant(message["ts"])
        if at.date() != self._day.day:
            yield from self._finished_day()
            held_at = self.held_days.get(day_id(self._channel.id, at.date()))
            self._day = Day(at.date(), held_at=held_at)
        if is_reply(message):
            root = message["thread_ts"]
            if at in self._window or self._is_held_in_window(self._id(root)):
                self._broadcasts[root] = None
                self.answered_in_public.add(root)
        elif is_parent(message):
            yield from self._thread(message, at)
        elif is_said(message):
            self._unthreaded(message, at)
        elif message["subtype"] in JOIN_SUBTYPES and at in self._window:
            self._joined(message, at)

    def _joined(self, message: Json, at: datetime) -> None:
        if message.get("user") == self._scope.bot_user_id and self.bot_joined_at is None:
            self.bot_joined_at = at  # history comes newest first

    def _unthreaded(self, message: Json, at: datetime) -> None:
        if is_of_bot(message) and not self._scope.includes_bots:
            self.bot_message_count += at in self._window
            return
        self._note_activity(at)
        self._day.messages.append(message)

    def _thread(self, parent: Json, at: datetime) -> Iterator[Thread]:
        self._note_activity(at)
        self._broadcasts.pop(parent["ts"], None)
        if not self._is_active(parent):
            self.answered_in_public.discard(parent["ts"])
            return
        self._day.has_active_thread = True
        identity = self._id(parent["ts"])
        yield Thread(
            parent["ts"],
            latest_at=_latest_reply_at(parent),
            held_at=self._held.get(identity),
            stamp=thread_stamp(parent, *self._scope.place),
            is_unchanged=identity in self._unchanged,
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

    def _note_activity(self, at: datetime) -> None:
        if self._day.latest_at is None:  # history comes newest first
            self._day.latest_at = at

    def _finished_day(self) -> Iterator[Day]:
        day = self._day
        if not day.messages or day.latest_at is None:
            return
        is_held = day.held_at is not None and day.held_at in self._window
        if day.latest_at in self._window or is_held or day.has_active_thread:
            yield day

    def _id(self, thread_ts: str) -> str:
        return thread_id(self._channel.id, thread_ts)


def is_parent(message: Json) -> bool:
    """Tell whether a message of history begins a thread that has replies."""
    return not is_reply(message) and bool(message.get("reply_count"))


def _latest_reply_at(parent: Json) -> datetime | None:
    latest_reply = parent.get("latest_reply")
    return instant(latest_reply) if latest_reply else None


HISTORIES_IN_FLIGHT = 6
"""Channels whose first page is fetched ahead at the same time; each holds 999 messages at most."""

ASKED_IDS = 1_000
"""Most documents of one question to the index."""


def opened(
    listings: Iterable[Listing],
    known: Known,
    *,
    held: Mapping[str, datetime] | None = None,
    asked: AbstractSet[str] = frozenset(),
) -> Iterator[Listing]:
    """Yield listings as they are given, opened, and told what the index holds of their days.

    Args:
        listings: Of several channels.
        known: Asked once for the days of as many channels as fit a question, before these are read.
        held: What it said already, for the days in `asked`.
        asked: Days, by document id, that it need not be asked about.
    """
    told = _with_days(listings, known, held or {}, asked)
    return map_ordered(Listing.open, told, in_flight=HISTORIES_IN_FLIGHT)


def _with_days(
    listings: Iterable[Listing],
    known: Known,
    held: Mapping[str, datetime],
    asked: AbstractSet[str],
) -> Iterator[Listing]:
    group: list[Listing] = []
    ids: list[str] = []
    for listing in listings:
        own = [document_id for document_id in listing.day_ids() if document_id not in asked]
        if group and len(ids) + len(own) > ASKED_IDS:
            yield from _told(group, ids, known, held)
            group, ids = [], []
        group.append(listing)
        ids += own
    yield from _told(group, ids, known, held)


def _told(
    group: list[Listing], ids: list[str], known: Known, held: Mapping[str, datetime]
) -> Iterator[Listing]:
    if ids:
        held = {**held, **known.updated_at(ids)}
    for listing in group:
        listing.held_days = held
        yield listing
