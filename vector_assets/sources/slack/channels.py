"""Which channels a run reads, which it joins for that, and which stay closed to it.

- Public and private channels that the bot is in are read, or those of them that `SLACK_CHANNELS`
  names.
- Other public channels are joined when `SLACK_JOIN_PUBLIC` is set; else they are a gap.
- Archived channels cannot be joined and do not tell who is in them, but answer a bot that was. So
  each is asked.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vector_assets.core.errors import ContractError, SettingsError
from vector_assets.sources.base import Unlisted
from vector_assets.sources.items import DocumentFailure, Gap
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.directory import HIDDEN_CODES, JOIN_SCOPE, Channel, Directory
from vector_assets.sources.slack.document import channel_document_id
from vector_assets.sources.slack.mrkdwn import HIDDEN_CHANNEL

NOT_JOINED = "not_in_channel"
"""Slack's code for a channel that the bot is not in."""

CLOSED_CODES = HIDDEN_CODES
"""Slack's codes for a channel that is closed to the bot."""

MAX_NAMES = 50
"""Channels that a gap names; the rest are counted."""

_INVITE = "Invite the bot with /invite, or set SLACK_JOIN_PUBLIC=true for public channels."
_REASON_OF_ARCHIVED = "the bot was not in there when it was archived"
_ADVICE_FOR_ARCHIVED = "Unarchive it, invite the bot, and archive it again, if it matters."


@dataclass(frozen=True, slots=True)
class Choice:
    """What a run does with the wanted channels.

    It reads those that the bot is in and archived ones, joins public ones if it may, and leaves the
    rest unjoined. `is_by_name` tells whether `SLACK_CHANNELS` names them.
    """

    to_read: tuple[Channel, ...]
    to_join: tuple[Channel, ...]
    unjoined: tuple[Channel, ...]
    is_by_name: bool

    @classmethod
    def of(cls, directory: Directory, wanted: Sequence[str], *, joins_public: bool) -> "Choice":
        """Choose among the channels that the bot sees.

        `wanted` holds names, with or without `#`, or ids; empty means all.

        Raises:
            SettingsError: A wanted channel does not exist, or is hidden from the bot.
        """
        may_join = joins_public and directory.bot.has(JOIN_SCOPE)
        to_read, to_join, unjoined = [], [], []
        for channel in _wanted(directory.channels, [name.removeprefix("#") for name in wanted]):
            if channel.is_member or channel.is_archived:
                to_read.append(channel)
            elif may_join and not channel.is_private:
                to_join.append(channel)
            else:
                unjoined.append(channel)
        return cls(tuple(to_read), tuple(to_join), tuple(unjoined), is_by_name=bool(wanted))


def join(api: SlackApi, channel: Channel) -> str:
    """Join a public channel; return Slack's code when it refuses, else an empty string."""
    try:
        api.call("conversations.join", channel=channel.id)
    except ContractError as error:
        return error.seen
    return ""


def closed_gaps(codes: Mapping[Channel, str]) -> Iterator[Gap]:
    """Yield a gap for each cause, with all channels that share it; `codes` are Slack's."""
    names: defaultdict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for channel, code in codes.items():
        names[*cause_of_closed(channel, code), channel.is_private].append(f"#{channel.name}")
    for (reason, advice, is_private), closed in names.items():
        more = f" and {len(closed) - MAX_NAMES} more" if len(closed) > MAX_NAMES else ""
        subject = ", ".join(sorted(closed)[:MAX_NAMES]) + more
        yield Gap(subject, reason, advice, len(closed), is_private)


def cause_of_closed(channel: Channel, code: str) -> tuple[str, str]:
    """Return why a channel is closed, for Slack's code, and what to do about it."""
    if channel.is_archived:
        return _REASON_OF_ARCHIVED, _ADVICE_FOR_ARCHIVED
    if code == NOT_JOINED:
        return "the bot is not in there", _INVITE
    return f"Slack answers {code}", _INVITE


def _wanted(channels: Sequence[Channel], names: Sequence[str]) -> list[Channel]:
    if not names:
        return list(channels)
    wanted = [channel for channel in channels if channel.id in names or channel.name in names]
    known = {word for channel in wanted for word in (channel.id, channel.name)}
    for name in names:
        if name not in known:
            raise SettingsError(
                f"SLACK_CHANNELS names {name!r}: the bot sees no such channel among "
                f"{len(channels)}. Correct the name, or invite the bot if it is private."
            )
    return wanted


def unreadable(document_id: str, channel: Channel, code: str) -> DocumentFailure:
    """Return the failure of a document whose channel is closed, with Slack's code."""
    # Everybody may read a failure.
    name = f"The private channel {channel.id}" if channel.is_private else f"#{channel.name}"
    cause = f"{name} cannot be read ({code}): invite the bot with /invite"
    return DocumentFailure(document_id, cause)


def unlisted(channel_id: str, name: str) -> Unlisted:
    """Return a channel as unlisted, so that none of its documents counts as deleted.

    A channel whose name not everybody may know is named by its id.
    """
    return Unlisted(
        f"{channel_document_id(channel_id)}:",
        channel_id if name == HIDDEN_CHANNEL else f"#{name}",
        "it cannot be read any more, so nobody can tell what of it was deleted",
        "Invite the bot again, or give its scopes back.",
    )
