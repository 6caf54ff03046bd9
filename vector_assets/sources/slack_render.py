"""Messages to a Document: a thread, or a channel's unthreaded messages of one UTC day.

Keep out: which messages belong together (`slack.py`), and mark-up (`slack_text.py`).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from vector_assets.documents import Document, Section
from vector_assets.sources.slack_blocks import message_text
from vector_assets.sources.slack_directory import Channel, Directory
from vector_assets.sources.slack_text import first_line

Json = dict[str, Any]

SOURCE = "slack"

MAX_TITLE_CHARACTERS = 80

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


def instant(ts: str) -> datetime:
    """Return the instant of a `ts` without a float in between, for its last digits matter."""
    seconds, _, fraction = ts.partition(".")
    at = datetime.fromtimestamp(int(seconds), UTC)
    return at + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))


def is_said(message: Json) -> bool:
    """Tell whether somebody said this, as against Slack noting that something happened."""
    return message.get("subtype") not in NOISE_SUBTYPES


def thread_id(channel_id: str, thread_ts: str) -> str:
    """Return the document id of a thread."""
    return f"{SOURCE}:{channel_id}:{thread_ts}"


class Renderer:
    """Turns messages into documents.

    Args:
        directory: Who is who.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def thread(
        self, channel: Channel, access: tuple[str, ...], thread_ts: str, messages: Sequence[Json]
    ) -> Document | None:
        """Return a thread as one document; None when nobody said anything in words.

        Args:
            channel: Where it is.
            access: Who may read it.
            thread_ts: Of its parent.
            messages: All of it, oldest first.
        """
        opening = next((m for m in messages if m["ts"] == thread_ts and is_said(m)), None)
        title = "" if opening is None else self._title(opening)
        return self._document(
            channel,
            access,
            native_id=f"{channel.id}:{thread_ts}",
            title=title or f"#{channel.name} thread of {instant(thread_ts).date()}",
            url=self._url(channel, thread_ts),
            messages=messages,
            created_at=instant(thread_ts),
            updated_at=max(instant(message["ts"]) for message in messages),
            thread_ts=thread_ts,
        )

    def day(
        self,
        channel: Channel,
        access: tuple[str, ...],
        day: date,
        messages: Sequence[Json],
        updated_at: datetime,
    ) -> Document | None:
        """Return a day's unthreaded messages as one document; None when none has words.

        Args:
            channel: Where they are.
            access: Who may read them.
            day: Which UTC day.
            messages: All of them, oldest first, at least one.
            updated_at: Last activity at the top level of that day, UTC.
        """
        return self._document(
            channel,
            access,
            native_id=f"{channel.id}:{day}",
            title=f"#{channel.name}, {day}",
            url=self._url(channel, messages[0]["ts"]),
            messages=messages,
            created_at=instant(messages[0]["ts"]),
            updated_at=updated_at,
            thread_ts="",
        )

    def _title(self, message: Json) -> str:
        return first_line(message_text(message, self._directory), MAX_TITLE_CHARACTERS)

    def _document(
        self,
        channel: Channel,
        access: tuple[str, ...],
        *,
        native_id: str,
        title: str,
        url: str,
        messages: Sequence[Json],
        created_at: datetime,
        updated_at: datetime,
        thread_ts: str,
    ) -> Document | None:
        said = [
            (message, text)
            for message in messages
            if is_said(message) and (text := message_text(message, self._directory))
        ]
        if not said:
            return None
        authors = dict.fromkeys(self._directory.author(message) for message, _ in said)
        replies = [message for message in messages if message["ts"] != thread_ts]
        return Document(
            source=SOURCE,
            native_id=native_id,
            title=title,
            sections=tuple(self._section(channel, m, text, thread_ts) for m, text in said),
            url=url,
            container=channel.name,
            authors=tuple(authors),
            created_at=created_at,
            updated_at=updated_at,
            access=access,
            extra={
                "channel": channel.name,
                "channel_id": channel.id,
                "thread_ts": thread_ts,
                "reply_count": len(replies) if thread_ts else 0,
            },
        )

    def _section(self, channel: Channel, message: Json, text: str, thread_ts: str) -> Section:
        at = instant(message["ts"])
        return Section(
            text,
            heading=f"{self._directory.author(message)}, {at:%Y-%m-%d %H:%M}",
            url=self._url(channel, message["ts"], thread_ts),
        )

    def _url(self, channel: Channel, ts: str, thread_ts: str = "") -> str:
        """Return the permalink that `chat.getPermalink` would give, without asking for it."""
        place = f"archives/{channel.id}/p{ts.replace('.', '')}"
        query = f"?thread_ts={thread_ts}&cid={channel.id}" if thread_ts not in ("", ts) else ""
        return f"{self._directory.bot.team_url}{place}{query}"
