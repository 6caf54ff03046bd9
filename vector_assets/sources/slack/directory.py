"""A Slack workspace's channels, who may read them, and the names behind ids.

Direct messages are never asked for.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Self

from vector_assets.core.concurrency import run_both
from vector_assets.core.documents import PUBLIC, RESTRICTED
from vector_assets.core.errors import ContractError, CredentialsError
from vector_assets.sources.items import Gap
from vector_assets.sources.slack.client import SlackApi

Json = dict[str, Any]

REQUIRED_SCOPES = ("channels:history", "channels:read", "users:read")
"""Bot scopes without which nothing can be read."""

PRIVATE_SCOPES = frozenset({"groups:history", "groups:read"})
"""Bot scopes for private channels into which the bot was invited."""

JOIN_SCOPE = "channels:join"
"""Bot scope for entering public channels."""

_LOST_WITHOUT_SCOPE = {
    "groups:read": "private channels are not seen",
    "groups:history": "private channels are not read",
    "users:read.email": "members have no e-mail here, so nobody may find what private channels say",
    "usergroups:read": "user groups are shown by their ids",
    JOIN_SCOPE: "public channels are not joined, though SLACK_JOIN_PUBLIC is set",
}
"""What is missing without each optional scope."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, public or private; never a direct message.

    `name` is without `#`; `topic` and `purpose` are empty when none is set. `described_at` is when
    one of them was last set, else `created_at`; both are UTC.
    """

    id: str
    name: str
    is_private: bool
    is_archived: bool
    is_member: bool
    member_count: int
    topic: str
    purpose: str
    created_at: datetime
    described_at: datetime

    @classmethod
    def of(cls, channel: Json) -> Self:
        """Return a channel as `conversations.list` shows it."""
        topic, purpose = channel.get("topic") or {}, channel.get("purpose") or {}
        created = int(channel.get("created") or 0)
        described = max(created, *(int(text.get("last_set") or 0) for text in (topic, purpose)))
        return cls(
            id=channel["id"],
            name=str(channel.get("name") or channel["id"]),
            is_private=bool(channel.get("is_private")),
            is_archived=bool(channel.get("is_archived")),
            is_member=bool(channel.get("is_member", True)),
            member_count=int(channel.get("num_members") or 0),
            topic=str(topic.get("value") or ""),
            purpose=str(purpose.get("value") or ""),
            created_at=datetime.fromtimestamp(created, UTC),
            described_at=datetime.fromtimestamp(described, UTC),
        )


@dataclass(frozen=True, slots=True)
class Bot:
    """What `auth.test` tells about the bot.

    `team_url` begins every permalink and ends with a slash. `scopes` is None where Slack does not
    say, which counts as all of them.
    """

    name: str
    user_id: str
    team: str
    team_url: str
    scopes: frozenset[str] | None

    @classmethod
    def ask(cls, api: SlackApi) -> Self:
        """Ask Slack, with one request.

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
                _advice(names),
            )
        team_url = str(answer.get("url") or "https://slack.com/")
        return cls(
            name=str(answer.get("user") or ""),
            user_id=str(answer.get("user_id") or ""),
            team=str(answer.get("team") or ""),
            team_url=team_url if team_url.endswith("/") else f"{team_url}/",
            scopes=scopes,
        )

    @property
    def channel_types(self) -> str:
        """The types of channels that the scopes allow to list."""
        may_read_private = self.scopes is None or self.scopes >= PRIVATE_SCOPES
        return "public_channel,private_channel" if may_read_private else "public_channel"

    def gaps(self, *, joins_public: bool) -> list[Gap]:
        """Return a gap for each optional scope that is missing; `JOIN_SCOPE` only when it joins."""
        return [
            Gap(f"scope {scope}", reason, _advice(scope))
            for scope, reason in _LOST_WITHOUT_SCOPE.items()
            if not self.has(scope) and (joins_public or scope != JOIN_SCOPE)
        ]

    def has(self, scope: str) -> bool:
        """Tell whether a scope was granted."""
        return self.scopes is None or scope in self.scopes


def _advice(scopes: str) -> str:
    return f"Add {scopes} under OAuth & Permissions and install the app again."


class Directory:
    """The workspace's channels, members and user groups; the `Names` of `mrkdwn.markdown`.

    `channels` and `users` are as `conversations.list` and `users.list` give them. User groups are
    asked for when the first is mentioned without its name.

    Attributes:
        channels_of_nobody: Names of private channels whose members all lack an e-mail.
    """

    def __init__(
        self, api: SlackApi, bot: Bot, channels: Iterable[Json], users: Iterable[Json] = ()
    ) -> None:
        self.bot = bot
        self.channels_of_nobody: list[str] = []
        self._api = api
        self._channels = {
            channel["id"]: Channel.of(channel)
            for channel in channels
            if not (channel.get("is_im") or channel.get("is_mpim"))
        }
        self._users = {user["id"]: user for user in users}
        self._usergroups: dict[str, str] | None = None
        self._lock = threading.Lock()

    @classmethod
    def load(cls, api: SlackApi, *, with_users: bool = True) -> Self:
        """Ask for channels and members: a request each for every 999 of them.

        Raises:
            CredentialsError: The token is refused or lacks a scope.
        """

        def users() -> list[Json]:
            pages = api.pages("users.list", "members") if with_users else ()
            return list(chain.from_iterable(pages))

        def bot_and_channels() -> tuple[Bot, list[Json]]:
            bot = Bot.ask(api)
            pages = api.pages("conversations.list", "channels", types=bot.channel_types)
            return bot, list(chain.from_iterable(pages))

        (bot, channels), members = run_both(bot_and_channels, users)
        return cls(api, bot, channels, members)

    @property
    def channels(self) -> list[Channel]:
        """All channels that the bot sees, joined or not, sorted by id."""
        return [self._channels[channel_id] for channel_id in sorted(self._channels)]

    def access(self, channel: Channel) -> tuple[str, ...]:
        """Return who may read a channel; asks for the members of a private one.

        Members whose e-mail Slack hides (scope `users:read.email`) are left out.
        """
        if not channel.is_private:
            return (PUBLIC,)
        pages = self._api.pages("conversations.members", "members", channel=channel.id)
        profiles = (
            self._users.get(user_id, {}).get("profile") or {} for page in pages for user_id in page
        )
        emails = {str(profile.get("email") or "").lower() for profile in profiles} - {""}
        if not emails:
            self.channels_of_nobody.append(channel.name)
        return (RESTRICTED, *sorted(emails))

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
        channel = self._channels.get(channel_id)
        return channel.name if channel else channel_id

    def usergroup(self, usergroup_id: str) -> str:
        """Return the handle of a user group, or the id."""
        with self._lock:
            if self._usergroups is None:
                self._usergroups = self._load_usergroups()
        return self._usergroups.get(usergroup_id, usergroup_id)

    def author(self, message: Json) -> str:
        """Return who wrote a message: a member, a bot under its chosen name, or an id."""
        user_id = str(message.get("user") or "")
        if user_id in self._users and not message.get("username"):
            return self.user(user_id)
        names = (
            message.get("username"),
            (message.get("user_profile") or {}).get("real_name"),
            (message.get("bot_profile") or {}).get("name"),
            user_id,
            message.get("bot_id"),
        )
        return next((str(name) for name in names if name), "unknown")

    def _load_usergroups(self) -> dict[str, str]:
        try:
            answer = self._api.call("usergroups.list")
        except (CredentialsError, ContractError):
            return {}  # the scope usergroups:read is optional: groups are shown by their ids
        return {group["id"]: str(group.get("handle") or "") for group in answer["usergroups"]}
