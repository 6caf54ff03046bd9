"""Which threads and days of a channel a window yields; decided from the channel's history alone.

`conversations.history` shows no replies, and a thread belongs to the time of its latest one. So a
window reads the top level of the lookback before it too, and takes a thread when its latest reply
lies in the window. Three cases need more than that:

- A thread whose replies go on for longer than the lookback would belong to a window that cannot
  see its parent. The window in which the parent lies therefore takes the thread as well, and a
  reply that was also sent to the channel brings its thread back from any age.
- A message turns into a thread with its first reply. Its day is then given again, without it.
- A day is always the whole UTC day, wherever in it the window begins or ends.

So windows that cover a span of time give every thread and every other message of it.
Keep out: fetching of replies (`slack.py`) and what a document looks like (`slack_render.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from vector_assets.documents import Window, start_of_day
from vector_assets.sources.slack_api import SlackApi
from vector_assets.sources.slack_directory import Channel
from vector_assets.sources.slack_render import instant, is_said

Json = dict[str, Any]

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread whose replies are to be fetched.

    Attributes:
        ts: Of its parent.
        latest_at: Last activity in UTC; None where history did not say.
    """

    ts: str
    latest_at: datetime | None = None


@dataclass(slots=True)
class Day:
    """A UTC day's unthreaded messages.

    Attributes:
        day: Which.
        messages: Newest first.
        latest_at: Last activity at the top level. Parents of threads count too: when a message
            becomes one the day loses it, and must not look older than it did before, for an older
            version never replaces a newer one.
        has_active_thread: Whether a thread of that day is taken.
    """

    day: date
    messages: list[Json] = field(default_factory=list)
    latest_at: datetime | None = None
    has_active_thread: bool = False


def threads_and_days(
    api: SlackApi, channel: Channel, window: Window, lookback: timedelta
) -> Iterator[Thread | Day]:
    """Yield what a window holds of a channel, newest first, with a page of history in memory.

    Costs one request for every 999 top-level messages from `lookback` before the window on.

    Raises:
        ContractError: The bot may not read the channel, or a cursor came twice.
        VectorAssetsError: As `SlackApi.call` raises.
    """
    first = start_of_day((window.start - lookback).date())
    span = {"oldest": f"{max(first.timestamp(), 0):.6f}"}
    after_last = None
    if window.end is not None:
        after_last = start_of_day((window.end - _TICK).date() + _DAY)
        span["latest"] = f"{after_last.timestamp():.6f}"
    # Both bounds are exclusive unless asked, and midnight belongs to the day that it begins.
    pages = api.pages(
        "conversations.history", "messages", channel=channel.id, inclusive=True, **span
    )
    history = (message for page in pages for message in page)
    whole_days = (m for m in history if after_last is None or instant(m["ts"]) < after_last)
    yield from _Listing(window).sort(whole_days)


class _Listing:
    """Sorts a channel's top level, newest first, into threads and days as it comes."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._day = Day(date.max)
        self._broadcasts: dict[str, None] = {}

    def sort(self, history: Iterable[Json]) -> Iterator[Thread | Day]:
        for message in history:
            at = instant(message["ts"])
            if at.date() != self._day.day:
                yield from self._finished_day()
                self._day = Day(at.date())
            thread_ts = message.get("thread_ts") or message["ts"]
            if thread_ts != message["ts"]:
                if at in self._window:
                    self._broadcasts[thread_ts] = None
            elif message.get("reply_count"):
                yield from self._thread(message, at)
            elif is_said(message):
                self._note_activity(at)
                self._day.messages.append(message)
        yield from self._finished_day()
        # What is left was answered in public, and began before the lookback.
        yield from map(Thread, self._broadcasts)

    def _thread(self, parent: Json, at: datetime) -> Iterator[Thread]:
        self._note_activity(at)
        self._broadcasts.pop(parent["ts"], None)
        latest_reply = parent.get("latest_reply")
        latest_at = instant(latest_reply) if latest_reply else None
        end = self._window.end
        if end is not None and at >= end:
            return
        is_active = latest_at is None or latest_at in self._window or at in self._window
        if is_active:
            self._day.has_active_thread = True
            yield Thread(parent["ts"], latest_at)

    def _note_activity(self, at: datetime) -> None:
        if self._day.latest_at is None:  # history comes newest first
            self._day.latest_at = at

    def _finished_day(self) -> Iterator[Day]:
        day = self._day
        if not day.messages or day.latest_at is None:
            return
        if day.latest_at in self._window or day.has_active_thread:
            yield day
