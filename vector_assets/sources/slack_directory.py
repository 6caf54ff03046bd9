"""Who is who in a Slack workspace: the channels that the bot reads, and the names behind ids.

Loaded once a run. Direct messages are never asked for.
Keep out: messages (`slack.py`) and how they are shown (`slack_render.py`).
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from vector_assets.documents import PUBLIC, RESTRICTED
from vector_assets.errors import ContractError, CredentialsError, SettingsError
from vector_assets.sources.slack_api import SlackApi

Json = dict[str, Any]

REQUIRED_SCOPES = ("channels:history", "channels:read", "users:read")
"""Bot scopes without which nothing can be read."""

PRIVATE_SCOPES = frozenset({"groups:history", "groups:read"})
"""Bot scopes that add the private channels into which the bot was invited."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel to read.

    Attributes:
        id: Slack's id; it never changes.
        name: Without `#`.
        is_private: Whether only members may read it.
        is_wanted_by_name: Whether `SLACK_CHANNELS` lists it.
        member_count: As Slack counts them.
    """

    id: str
    name: str
    is_private: bool = False
    is_wanted_by_name: bool = False
    member_count: int = 0


@dataclass(frozen=True, slots=True)
class Bot:
    """What `auth.test` tells about the bot.

    Attributes:
        name: The bot's user name.
        team: The workspace's name.
        team_url: Begins every permalink; ends with a slash.
        scopes: What was granted; None where Slack did not say.
    """

    name: str
    team: str
    team_url: str
    scopes: frozenset[str] | None

    @classmethod
    def ask(cls, api: SlackApi) -> Self:
        """Ask who we are, with one request.

        Raises:
            CredentialsError: The token is refused, or lacks one of `REQUIRED_SCOPES`.
        """
        answer = api.call("auth.test")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        granted = headers.get("x-oauth-scopes")
        scopes = None if granted is None else frozenset(granted.replace(" ", "").split(","))
        missing = [scope for scope in REQUIRED_SCOPES if scopes is not None and scope not in scopes]
        if missing:
            names = ", ".join(missing)
            raise CredentialsError(
                "slack",
                f"the bot lacks the scope {names}",
                f"Add {names} under OAuth & Permissions and install the app again.",
            )
        team_url = str(answer.get("url") or "https://slack.com/")
        return cls(
            name=str(answer.get("user") or ""),
            team=str(answer.get("team") or ""),
            team_url=team_url if team_url.endswith("/") else f"{team_url}/",
            scopes=scopes,
        )

    @property
    def channel_types(self) -> str:
        """The kinds of channels that the scopes allow to list."""
        may_read_private = self.scopes is None or self.scopes >= PRIVATE_SCOPES
        return "public_channel,private_channel" if may_read_private else "public_channel"


class Directory:
    """The workspace's channels, members and user groups; answers as `slack_text.Names`.

    Args:
        api: Asked for user groups when the first of them is mentioned without its name.
        bot: Who we are.
        channels: As `conversations.list` gives them, joined or not.
        users: As `users.list` gives them.
    """

    def __init__(
        self, api: SlackApi, bot: Bot, channels: Iterable[Json], users: Iterable[Json] = ()
    ) -> None:
        self.bot = bot
        self._api = api
        self._channels = {channel["id"]: channel for channel in channels}
        self._users = {user["id"]: user for user in users}
        self._usergroups: dict[str, str] | None = None
        self._lock = threading.Lock()

    @classmethod
    def load(cls, api: SlackApi, *, with_users: bool = True) -> Self:
        """Ask for channels and members: a request each for every 999 of them.

        Raises:
            CredentialsError: The token is refused or lacks a scope.
        """
        bot = Bot.ask(api)
        channels = [
            channel
            for page in api.pages("conversations.list", "channels", types=bot.channel_types)
            for channel in page
        ]
        pages = api.pages("users.list", "members") if with_users else ()
        return cls(api, bot, channels, (user for page in pages for user in page))

    def readable(self, wanted: Sequence[str]) -> list[Channel]:
        """Return the channels to read, by id: the wanted ones, or all that the bot has joined.

        Args:
            wanted: Names, with or without `#`, or ids; empty means all.

        Raises:
            SettingsError: A wanted channel does not exist, or is hidden from the bot.
        """
        names = [name.removeprefix("#") for name in wanted]
        channels = [
            Channel(
                id=channel["id"],
                name=str(channel.get("name") or channel["id"]),
                is_private=bool(channel.get("is_private")),
                is_wanted_by_name=bool(names),
                member_count=int(channel.get("num_members") or 0),
            )
            for channel in self._channels.values()
            if not (channel.get("is_im") or channel.get("is_mpim"))
            and (_is_named(channel, names) if names else channel.get("is_member", True))
        ]
        known = {word for channel in channels for word in (channel.id, channel.name)}
        for name in names:
            if name not in known:
                raise SettingsError(
                    f"SLACK_CHANNELS names {name!r}: the bot sees no such channel among "
                    f"{len(self._channels)}. Correct the name, or invite the bot if it is private."
                )
        return sorted(channels, key=lambda channel: channel.id)

    def access(self, channel: Channel) -> tuple[str, ...]:
        """Return who may read a channel; for a private one this asks for its members.

        A member whose e-mail Slack hides (scope `users:read.email`) is not among the readers.
        """
        if not channel.is_private:
            return (PUBLIC,)
        pages = self._api.pages("conversations.members", "members", channel=channel.id)
        profiles = (
            self._users.get(user_id, {}).get("profile") or {} for page in pages for user_id in page
        )
        emails = {str(profile.get("email") or "").lower() for profile in profiles}
        return (RESTRICTED, *sorted(emails - {""}))

    def user(self, user_id: str) -> str:
        """Return the name of a member or bot, or the id."""
        user = self._users.get(user_id, {})
        profile = user.get("profile") or {}
        names = (
            profile.get("real_name"),
            user.get("real_name"),
            profile.get("display_name"),
            user.get("name"),
        )
        return next((str(name) for name in names if name), user_id)

    def channel(self, channel_id: str) -> str:
        """Return the name of a channel, or the id."""
        return str(self._channels.get(channel_id, {}).get("name") or channel_id)

    def usergroup(self, usergroup_id: str) -> str:
        """Return the handle of a user group, or the id."""
        with self._lock:
            if self._usergroups is None:
                self._usergroups = self._load_usergroups()
        return self._usergroups.get(usergroup_id, usergroup_id)

    def author(self, message: Json) -> str:
        """Return who wrote a message: a member, a bot under the name that it chose, or an id."""
        user_id = str(message.get("user") or "")
        if user_id in self._users and not message.get("username"):
            return self.user(user_id)
        told = (
            message.get("username"),
            (message.get("user_profile") or {}).get("real_name"),
            (message.get("bot_profile") or {}).get("name"),
        )
        name = next((str(name) for name in told if name), "")
        return name or user_id or str(message.get("bot_id") or "unknown")

    def _load_usergroups(self) -> dict[str, str]:
        try:
            answer = self._api.call("usergroups.list")
        except (CredentialsError, ContractError):
            return {}  # the scope usergroups:read is a courtesy: ids stand in for names
        return {group["id"]: str(group.get("handle") or "") for group in answer["usergroups"]}


def _is_named(channel: Json, names: Sequence[str]) -> bool:
    return channel["id"] in names or channel.get("name") in names
