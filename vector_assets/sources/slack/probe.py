"""One thread, day or channel of Slack, asked for by its id; and which one a link names."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, urlsplit

from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import ContractError
from vector_assets.core.remembered import Remembered
from vector_assets.sources.attachments.reader import AttachmentReader
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.items import NothingKnown
from vector_assets.sources.slack.attachments import SlackFiles
from vector_assets.sources.slack.channels import CLOSED_CODES, NOT_JOINED, Choice, cause_of_closed
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.directory import Channel, Directory
from vector_assets.sources.slack.document import (
    channel_document_id,
    day_id,
    has_words,
    thread_id,
)
from vector_assets.sources.slack.history import Day, Listing, Scope
from vector_assets.sources.slack.json_values import whole_number_in
from vector_assets.sources.slack.messages import (
    activity_of,
    channel_stamp,
    day_stamp,
    instant,
    is_of_bot,
    is_reply,
    is_said,
    readable,
    stamp_of,
)
from vector_assets.sources.slack.parts import Options

Json = dict[str, Any]

DIRECTORY_SECONDS = 60.0
"""How long a list of channels is used."""

_CHANNEL = r"[CDG][A-Z0-9]{7,}"
_TS = r"[0-9]{9,11}\.[0-9]{6}"
_BARE = re.compile(rf"(?=[A-Z]*[0-9])({_CHANNEL})(?::({_TS}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}))?")
_ARCHIVE = re.compile(rf"/archives/({_CHANNEL})(?:/p([0-9]{{9,11}})([0-9]{{6}}))?/?$")
_CLIENT = re.compile(rf"/client/[^/]+/({_CHANNEL})(?:/thread/{_CHANNEL}-({_TS}))?(?:/|$)")

_DIRECT = "it is a direct message, and those are never read"
_HIDDEN = "the bot does not see its channel: it is private, or was deleted"
_INVITE = "Invite the bot with /invite, if the channel is still there."


class SlackProbe:
    """Asks for single documents; safe to share between threads.

    Args:
        api: Of the workspace.
        options: What the settings say.
    """

    def __init__(self, api: SlackApi, options: Options) -> None:
        self._api = api
        self._options = options
        self._directory = Remembered(self._load, seconds=DIRECTORY_SECONDS)

    def __call__(self, document: Missing) -> Probed:
        """Ask for a document: a request for every 999 messages of it.

        The channels are listed once in `DIRECTORY_SECONDS`. A document of a channel that is closed
        to the bot is `UNSURE`, for Slack does not tell whether it is there.

        Raises:
            VectorAssetsError: As `SlackApi.call` raises.
        """
        channel_id, _, part = document.document_id.partition(":")[2].partition(":")
        if channel_id.startswith("D"):
            return Probed(RemoteState.UNSURE, left_out=_DIRECT)
        directory, choice = self._directory("")
        channel = directory.channel_by_id(channel_id)
        if channel is None:
            return Probed(RemoteState.UNSURE, left_out=_HIDDEN, advice=_INVITE)
        if channel in choice.to_join:
            return Probed(RemoteState.UNSURE, advice="The next nightly run joins its channel.")
        if not (channel.is_member or channel.is_archived):
            return _closed(channel, NOT_JOINED)
        try:
            probed = self._asked(directory, channel, part, is_held=bool(document.container))
        except ContractError as error:
            if error.seen not in CLOSED_CODES:
                raise
            return _closed(channel, error.seen)
        if probed.state is RemoteState.THERE and channel not in choice.to_read:
            left_out = f"SLACK_CHANNELS leaves out #{channel.name}"
            advice = f"Add {channel.name} to SLACK_CHANNELS."
            return Probed(
                probed.state, probed.updated_at, left_out, advice, probed.document_id, probed.stamp
            )
        return probed

    def _load(self, _: str) -> tuple[Directory, Choice]:
        directory = Directory.load(self._api, with_users=False)
        options = self._options
        choice = Choice.of(directory, options.channels, joins_public=options.joins_public)
        return directory, choice

    def _asked(self, directory: Directory, channel: Channel, part: str, *, is_held: bool) -> Probed:
        """Return what Slack shows of a part of a channel that the bot should be in."""
        if not part:
            self._api.call("conversations.history", channel=channel.id, limit=1)
            updated_at = max(channel.described_at, channel.created_at)
            return Probed(RemoteState.THERE, updated_at, stamp=channel_stamp(channel.name))
        try:
            day = date.fromisoformat(part)
        except ValueError:
            return self._thread(directory, channel, part, is_held=is_held)
        return self._day(directory, channel, day)

    def _thread(self, directory: Directory, channel: Channel, ts: str, *, is_held: bool) -> Probed:
        """Return a thread, or where its message is if it is the message of none.

        Raises:
            ContractError: Slack shows neither the thread nor that it is gone.
        """
        pages = self._api.pages("conversations.replies", "messages", channel=channel.id, ts=ts)
        try:
            messages = list({m["ts"]: m for m in readable(chain.from_iterable(pages))}.values())
        except ContractError as error:
            if error.seen != "thread_not_found":
                raise
            return Probed(RemoteState.DELETED)
        own = next((message for message in messages if message["ts"] == ts), None)
        if own is not None and is_reply(own):
            return self._elsewhere(directory, channel, thread_id(channel.id, own["thread_ts"]))
        if len(messages) > 1:
            stamp = stamp_of(messages, ts, channel.name, *self._options.stamp_marks)
            return Probed(RemoteState.THERE, max(map(activity_of, messages)), stamp=stamp)
        if own is None or whole_number_in(own.get("reply_count")):
            raise ContractError("slack conversations.replies", "no message", "a thread")
        of_day = day_id(channel.id, instant(ts).date())
        if is_held:
            advice = f"Its replies are gone; what is left of it belongs to {of_day}."
            return Probed(RemoteState.DELETED, advice=advice, document_id=of_day)
        left_out, advice = self._unread(directory, own)
        if left_out:
            return Probed(RemoteState.THERE, instant(ts), left_out, advice)
        return self._elsewhere(directory, channel, of_day)

    def _unread(self, directory: Directory, message: Json) -> tuple[str, str]:
        """Return why a message without replies is in no document, and what to do; empty if it is.

        Its day may hold other messages, and so a document.
        """
        if not is_said(message):
            return "Slack itself wrote it", ""
        if not self._options.includes_bots and is_of_bot(message, directory.is_person):
            return "a bot wrote it, and nobody replied", "Set SLACK_INCLUDE_BOTS to read bots too."
        if not has_words([message]):
            return "it has no words, and pictures and canvases are not read", ""
        return "", ""

    def _elsewhere(self, directory: Directory, channel: Channel, document_id: str) -> Probed:
        """Return the document that a message belongs to, by another request."""
        part = document_id.split(":")[2]
        probed = self._asked(directory, channel, part, is_held=True)
        return Probed(probed.state, probed.updated_at, document_id=document_id, stamp=probed.stamp)

    def _day(self, directory: Directory, channel: Channel, day: date) -> Probed:
        window = Window(start_of_day(day), start_of_day(day + timedelta(days=1)))
        scope = Scope(
            window,
            window.start,
            self._options.includes_bots,
            directory.bot.user_id,
            directory.is_person,
        )
        listing = Listing(self._api, channel, (), scope, NothingKnown()).open()
        days = [part for part in listing.parts() if isinstance(part, Day) and part.day == day]
        for part in days:
            if has_words(part.messages):
                assert part.latest_at is not None
                updated_at = max(part.latest_at, *map(activity_of, part.messages))
                files = self._files(directory).stamp(part.messages)
                stamp = day_stamp(part.messages, channel.name, files)
                return Probed(RemoteState.THERE, updated_at, stamp=stamp)
        return Probed(RemoteState.DELETED)

    def _files(self, directory: Directory) -> SlackFiles:
        """Return what knows which files a run would read; nothing is downloaded here."""
        reader = AttachmentReader(self._options.attachments)
        return SlackFiles(self._api, directory.bot, reader, NothingKnown())


def _closed(channel: Channel, code: str) -> Probed:
    reason, advice = cause_of_closed(channel, code)
    return Probed(RemoteState.UNSURE, left_out=f"#{channel.name}: {reason}", advice=advice)


def document_id_in(text: str) -> str | None:
    """Return the id of the thread, day or channel that a link or id names; None for others.

    A link to a message names its thread; where it does not tell it, `probe` finds it.
    """
    text = text.strip()
    if text.startswith("slack:") and not text.startswith("slack://"):
        return text if len(text) > len("slack:") else None
    if match := _BARE.fullmatch(text):
        return _id(match[1], match[2] or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    asked = parse_qs(parts.query)
    if parts.scheme == "slack":
        channel = _first(asked, "id", _CHANNEL)
        ts = _first(asked, "thread_ts", _TS) or _first(asked, "message", _TS)
        return _id(channel, ts) if channel else None
    if parts.scheme not in {"http", "https"} or "slack" not in parts.netloc:
        return None
    if match := _ARCHIVE.search(parts.path):
        ts = f"{match[2]}.{match[3]}" if match[2] else ""
        return _id(match[1], _first(asked, "thread_ts", _TS) or ts)
    if match := _CLIENT.search(parts.path):
        return _id(match[1], match[2] or "")
    return None


def day_of_message(document_id: str) -> tuple[str, ...]:
    """Return the id of the day on which a message was written; empty for other documents."""
    match = _BARE.fullmatch(document_id.partition(":")[2])
    if match is None or not match[2] or "." not in match[2]:
        return ()
    return (day_id(match[1], instant(match[2]).date()),)


def _id(channel_id: str, part: str) -> str:
    return thread_id(channel_id, part) if part else channel_document_id(channel_id)


def _first(asked: Mapping[str, Iterable[str]], name: str, pattern: str) -> str:
    return next((value for value in asked.get(name, ()) if re.fullmatch(pattern, value)), "")
