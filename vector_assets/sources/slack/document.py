"""Messages to a Document: a thread, a channel's unthreaded messages of one UTC day, or the channel.

A day's message that comes `SILENCE` or longer after the one before it begins another conversation;
no chunk mixes the two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from vector_assets.core.documents import Document, Section, Value
from vector_assets.sources.items import Gap, Unchanged
from vector_assets.sources.slack.attachments import SlackFiles
from vector_assets.sources.slack.blocks import message_text
from vector_assets.sources.slack.directory import Channel, Directory
from vector_assets.sources.slack.messages import activity_of, day_stamp, instant, is_said
from vector_assets.sources.slack.mrkdwn import first_line, markdown

Json = dict[str, Any]

SOURCE = "slack"

MAX_TITLE_CHARACTERS = 80

SILENCE = timedelta(hours=1)


def thread_id(channel_id: str, thread_ts: str) -> str:
    """Return the document id of a thread."""
    return f"{SOURCE}:{channel_id}:{thread_ts}"


def day_id(channel_id: str, day: date) -> str:
    """Return the document id of a day's unthreaded messages."""
    return f"{SOURCE}:{channel_id}:{day}"


def channel_document_id(channel_id: str) -> str:
    """Return the document id of a channel."""
    return f"{SOURCE}:{channel_id}"


def channel_id_of(document_id: str) -> str:
    """Return the channel that a document belongs to."""
    return document_id.split(":")[1]


class _Ids:
    """The `Names` of a text of which only the presence of words matters."""

    def user(self, user_id: str) -> str:
        """Return the id."""
        return user_id

    channel = usergroup = user


_IDS = _Ids()


def has_words(messages: Iterable[Json]) -> bool:
    """Tell whether anybody said anything in words, so that there is a document; no request."""
    return any(is_said(message) and message_text(message, _IDS) for message in messages)


class _NamesInChannel:
    """The `Names` of what is said in a channel.

    A private channel is named in itself alone: who else may read both changes, and the text that
    names it does not.
    """

    def __init__(self, directory: Directory, channel: Channel) -> None:
        self._directory = directory
        self._channel = channel

    def user(self, user_id: str) -> str:
        """Return the name of a member or bot; raise as `Directory.user` does."""
        return self._directory.user(user_id)

    def channel(self, channel_id: str) -> str:
        """Return the name of a channel, if everybody here may know it."""
        is_here = channel_id == self._channel.id
        return self._channel.name if is_here else self._directory.channel(channel_id)

    def usergroup(self, usergroup_id: str) -> str:
        """Return the handle of a user group, or the id."""
        return self._directory.usergroup(usergroup_id)


class Renderer:
    """Turns messages into documents."""

    def __init__(self, directory: Directory, files: SlackFiles) -> None:
        self._directory = directory
        self._files = files

    def gaps(self) -> Iterator[Gap]:
        """Yield a gap for each kind of file of which something was not read so far."""
        yield from self._files.gaps()

    def thread(
        self,
        channel: Channel,
        access: tuple[str, ...],
        thread_ts: str,
        messages: Sequence[Json],
        *,
        held_at: datetime | None = None,
        stamp: str = "",
    ) -> Document | Unchanged | None:
        """Return a thread as one document; None when nobody said anything in words.

        `messages` are all of it, oldest first; `updated_at` is never before `held_at`.
        """
        opening = next((m for m in messages if m["ts"] == thread_ts and is_said(m)), None)
        title = "" if opening is None else self._title(channel, opening)
        latest_at = max(map(activity_of, messages))
        return self._conversation(
            channel,
            access,
            messages,
            native_id=f"{channel.id}:{thread_ts}",
            title=title or f"#{channel.name} thread of {instant(thread_ts).date()}",
            created_at=instant(thread_ts),
            updated_at=max(latest_at, held_at or latest_at),
            thread_ts=thread_ts,
            stamp=stamp,
        )

    def day(
        self,
        channel: Channel,
        access: tuple[str, ...],
        day: date,
        messages: Sequence[Json],
        updated_at: datetime,
    ) -> Document | Unchanged | None:
        """Return a day's unthreaded messages as one document; None when none has words.

        `messages` are all of them, oldest first, at least one.
        """
        return self._conversation(
            channel,
            access,
            messages,
            native_id=f"{channel.id}:{day}",
            title=f"#{channel.name}, {day}",
            created_at=instant(messages[0]["ts"]),
            updated_at=max(updated_at, *map(activity_of, messages)),
            stamp=day_stamp(messages, channel.name, self._files.stamp(messages)),
        )

    def channel(
        self, channel: Channel, access: tuple[str, ...], updated_at: datetime, stamp: str
    ) -> Document:
        """Return a channel's own document: its topic and purpose."""
        words = dict.fromkeys(
            text.strip()
            for raw in (channel.topic, channel.purpose)
            if (text := markdown(raw, _NamesInChannel(self._directory, channel)))
        )
        return Document(
            source=SOURCE,
            native_id=channel.id,
            title=f"#{channel.name}",
            sections=tuple(Section(text) for text in words),
            url=f"{self._directory.bot.team_url}archives/{channel.id}",
            container=channel.name,
            authors=(),
            created_at=channel.created_at,
            updated_at=updated_at,
            access=access,
            extra=_extra(channel),
            stamp=stamp,
        )

    def _title(self, channel: Channel, message: Json) -> str:
        text = message_text(message, _NamesInChannel(self._directory, channel))
        return first_line(text, MAX_TITLE_CHARACTERS)

    def _conversation(
        self,
        channel: Channel,
        access: tuple[str, ...],
        messages: Sequence[Json],
        *,
        native_id: str,
        title: str,
        created_at: datetime,
        updated_at: datetime,
        thread_ts: str = "",
        stamp: str = "",
    ) -> Document | Unchanged | None:
        names = _NamesInChannel(self._directory, channel)
        said = [
            (message, text)
            for message in messages
            if is_said(message) and (text := message_text(message, names))
        ]
        if not said:
            return None
        reply_count = sum(message["ts"] != thread_ts for message in messages) if thread_ts else 0
        document = Document(
            source=SOURCE,
            native_id=native_id,
            title=title,
            sections=self._sections(channel, said, thread_ts),
            url=self._url(channel, thread_ts or messages[0]["ts"]),
            container=channel.name,
            authors=tuple(dict.fromkeys(self._directory.author(message) for message, _ in said)),
            created_at=created_at,
            updated_at=updated_at,
            access=access,
            extra=_extra(channel, thread_ts, reply_count),
            stamp=stamp,
        )
        return self._files.add_to(document, [message for message, _ in said])

    def _sections(
        self, channel: Channel, said: Sequence[tuple[Json, str]], thread_ts: str
    ) -> tuple[Section, ...]:
        instants = [instant(message["ts"]) for message, _ in said]
        return tuple(
            Section(
                text,
                heading=f"{self._directory.author(message)}, {at:%Y-%m-%d %H:%M}",
                url=self._url(channel, message["ts"], thread_ts),
                is_apart=not thread_ts and at - before >= SILENCE,
            )
            for (message, text), at, before in zip(
                said, instants, [instants[0], *instants], strict=False
            )
        )

    def _url(self, channel: Channel, ts: str, thread_ts: str = "") -> str:
        """Return the permalink that `chat.getPermalink` would give."""
        place = f"archives/{channel.id}/p{ts.replace('.', '')}"
        query = f"?thread_ts={thread_ts}&cid={channel.id}" if thread_ts not in ("", ts) else ""
        return f"{self._directory.bot.team_url}{place}{query}"


def _extra(channel: Channel, thread_ts: str = "", reply_count: int = 0) -> Mapping[str, Value]:
    return {
        "channel": channel.name,
        "channel_id": channel.id,
        "thread_ts": thread_ts,
        "reply_count": reply_count,
    }
