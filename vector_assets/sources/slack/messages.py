"""What one raw message tells: when it was said, by whom or what, and whether it is read.

- What Slack itself notes in a channel (joins, topics, pins) is never read.
- A message of a thread is read whoever wrote it: people replied to it.
- A message of a bot that nobody replied to is left out, and counted as a gap, unless
  `SLACK_INCLUDE_BOTS` is set. What a person posts through an app is the person's.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from vector_assets.core.days import is_to_come
from vector_assets.sources.slack.json_values import whole_number_in

Json = dict[str, Any]

NOISE_SUBTYPES = frozenset(
    f"{kind}_{event}"
    for kind in ("channel", "group")
    for event in ("join", "leave", "topic", "purpose", "name", "archive", "unarchive")
) | {
    "bot_add",
    "bot_disable",
    "bot_enable",
    "bot_remove",
    "channel_canvas_updated",
    "channel_convert_to_private",
    "channel_convert_to_public",
    "channel_posting_permissions",
    "ekm_access_denied",
    "huddle_thread",
    "pinned_item",
    "reminder_add",
    "tombstone",
    "unpinned_item",
}
"""What Slack itself writes about a channel (docs.slack.dev/reference/events/message, 2026-11)."""

JOIN_SUBTYPES = frozenset({"channel_join", "group_join"})
"""Their `user` is who joined, also the bot itself."""

_SLACKBOT = "USLACKBOT"

_TS = re.compile(r"[0-9]{1,10}(\.[0-9]+)?")

_TYPES: dict[str, type] = {
    **dict.fromkeys(("text", "user", "subtype", "bot_id", "username"), str),
    **dict.fromkeys(("blocks", "attachments", "files"), list),
    **dict.fromkeys(("edited", "user_profile", "bot_profile"), dict),
}
"""Of the fields of a message that are read."""

_RENDERING = 3
"""Part of every stamp: raise it when rendering changes, so that each channel is read again."""


def instant(ts: str) -> datetime:
    """Return the instant of a `ts`; not through a float, which would lose its last digits."""
    seconds, _, fraction = ts.partition(".")
    at = datetime.fromtimestamp(int(seconds), UTC)
    return at + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))


def readable(page: Iterable[Any]) -> Iterator[Json]:
    """Yield messages whose own fields have the types that Slack documents.

    A value of another type keeps its words where it may have some. What has no readable `ts` has no
    place and is left out.
    """
    for message in page:
        if isinstance(message, dict) and _is_ts(message.get("ts")):
            yield message if _is_usual(message) else _tidied(message)


def _is_usual(message: Json) -> bool:
    return all(
        isinstance(message[key], kind) for key, kind in _TYPES.items() if key in message
    ) and all(_is_ts(message[key]) for key in ("thread_ts", "latest_reply") if key in message)


def _tidied(message: Json) -> Json:
    tidied = dict(message)
    for key, kind in _TYPES.items():
        value = message.get(key)
        if key not in message or isinstance(value, kind):
            continue
        del tidied[key]
        if kind is list and value:
            tidied[key] = [value]
        elif key == "text" and value:
            tidied["blocks"] = [value, *_as_list(message.get("blocks"))]
    for key in ("thread_ts", "latest_reply"):
        if key in message and not _is_ts(message[key]):
            del tidied[key]
    return tidied


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _is_ts(value: Any) -> bool:
    return isinstance(value, str) and _TS.fullmatch(value) is not None


def is_said(message: Json) -> bool:
    """Tell whether somebody said this, rather than Slack noting that something happened."""
    return message.get("subtype") not in NOISE_SUBTYPES


def is_of_bot(message: Json, is_person: Callable[[str], bool]) -> bool:
    """Tell whether a bot wrote this; reminders are Slackbot's.

    What a person posts through an app has a `bot_id` as well, and is the person's.
    """
    user_id = str(message.get("user") or "")
    if message.get("subtype") == "bot_message" or user_id == _SLACKBOT:
        return True
    return bool(message.get("bot_id")) and not (user_id and is_person(user_id))


def is_reply(message: Json) -> bool:
    """Tell whether a message is a reply; in history that is a broadcast."""
    return bool(message.get("thread_ts", message["ts"]) != message["ts"])


def has_replies(message: Json) -> bool:
    """Tell whether a message begins a thread; by its other marks where their number is odd."""
    count = message.get("reply_count", 0)
    if count == whole_number_in(count):
        return bool(count)
    return "latest_reply" in message or message.get("thread_ts") == message["ts"]


def thread_stamp(parent: Json, *place: str) -> str:
    """Return what a parent shows of its thread's version: the replies, and its own edit.

    An edit of a reply does not show in it; the weekly rescan reads those. `place` is what else
    decides the text: the channel's name. Readers are changed without reading (`Source.readers`).
    """
    edited_ts = (parent.get("edited") or {}).get("ts")
    shown = (parent.get("reply_count"), parent.get("latest_reply"), edited_ts)
    return " ".join(map(str, (_RENDERING, *shown, parent.get("subtype"), *place)))


def stamp_of(messages: list[Json], thread_ts: str, *place: str) -> str:
    """Return the stamp of a thread from its own messages; empty without its parent."""
    parent = next((message for message in messages if message["ts"] == thread_ts), None)
    return thread_stamp(parent, *place) if parent else ""


def activity_of(message: Json) -> datetime:
    """Return when a message was written or last edited, UTC."""
    return max(instant(message["ts"]), _edited_at(message) or instant(message["ts"]))


def _edited_at(message: Json) -> datetime | None:
    edited = message.get("edited")
    ts = edited.get("ts") if isinstance(edited, dict) else None
    at = instant(str(ts)) if _is_ts(ts) else None
    return None if at is None or is_to_come(at, datetime.now(UTC)) else at


def day_stamp(messages: Iterable[Json], *place: str) -> str:
    """Return what decides the text of a day: its messages and their edits.

    `place` is what else decides it: the channel's name, and which files are read.
    """
    shown = sorted((message["ts"], str(_edited_at(message) or "")) for message in messages)
    digest = blake2b(repr(shown).encode(), digest_size=16).hexdigest()
    return " ".join(map(str, (_RENDERING, digest, *filter(None, place))))


def channel_stamp(name: str) -> str:
    """Return what decides every text of a channel, besides its messages: the name."""
    return f"{_RENDERING} {name}"
