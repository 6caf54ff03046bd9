"""A Slack workspace's channels, who may read them, and the names behind ids.

Direct messages are never asked for.
"""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Self

from slack_sdk.web import SlackResponse

from vector_assets.core.concurrency import run_both
from vector_assets.core.documents import PUBLIC, RESTRICTED
from vector_assets.core.errors import ContractError, CredentialsError, VectorAssetsError
from vector_assets.sources.items import Gap
from vector_assets.sources.slack.client import FILES_SCOPE, SET_TEAM, SlackApi
from vector_assets.sources.slack.json_values import (
    object_in,
    text_in,
    whole_number_in,
    with_id,
)
from vector_assets.sources.slack.mrkdwn import HIDDEN_CHANNEL

Json = dict[str, Any]

_USER_ID = re.compile(r"[A-Z][A-Z0-9]+")
"""Slack is not asked about anything else, which it might refuse."""

_MAX_TEAMS = 10
"""Workspaces that an error names."""

REQUIRED_SCOPES = ("channels:history", "channels:read", "users:read")
"""Bot scopes without which nothing can be read."""

PRIVATE_SCOPES = frozenset({"groups:history", "groups:read"})
"""Bot scopes for private channels into which the bot was invited."""

JOIN_SCOPE = "channels:join"
"""Bot scope for entering public channels."""

_UNKNOWN_USERS = frozenset({"user_not_found", "user_not_visible"})
"""Slack's codes for somebody who is not there, or whom the bot may not see
(docs.slack.dev/reference/methods/users.info, 2026-11)."""

_MAY_NOT_ASK = frozenset({
    "access_denied", "missing_scope", "no_permission", "not_allowed_token_type",
    "team_access_not_granted",
})  # fmt: skip
"""Slack's codes for a bot that may not list user groups
(docs.slack.dev/reference/methods/usergroups.list, 2026-11)."""

HIDDEN_CODES = frozenset({"channel_not_found", "not_in_channel"})
"""Slack's codes for a channel that the bot may not see."""

_LOST_WITHOUT_SCOPE = {
    "groups:read": "private channels are not seen",
    "groups:history": "private channels are not read",
    "users:read.email": "members have no e-mail here, so nobody may find what private channels say",
    "usergroups:read": "user groups are shown by their ids",
    FILES_SCOPE: "what is in files is not read, though READ_ATTACHMENTS is set",
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
        """Return a channel as `conversations.list` shows it; private unless Slack says it is not.

        Any other field that is not as documented counts as missing.
        """
        topic, purpose = object_in(channel.get("topic")), object_in(channel.get("purpose"))
        created = whole_number_in(channel.get("created"))
        described = max(
            created, *(whole_number_in(text.get("last_set")) for text in (topic, purpose))
        )
        return cls(
            id=channel["id"],
            name=text_in(channel.get("name")) or channel["id"],
            is_private=channel.get("is_private") is not False,
            is_archived=bool(channel.get("is_archived")),
            is_member=bool(channel.get("is_member", True)),
            member_count=whole_number_in(channel.get("num_members")),
            topic=text_in(topic.get("value")),
            purpose=text_in(purpose.get("value")),
            created_at=datetime.fromtimestamp(created, UTC),
            described_at=datetime.fromtimestamp(described, UTC),
        )


@dataclass(frozen=True, slots=True)
class Bot:
    """What `auth.test` tells about the bot.

    `team_url` begins every permalink and ends with a slash. `scopes` is None where Slack does not
    say, which counts as all of them. `is_of_organisation` tells whether the app is installed for an
    organisation of workspaces.
    """

    name: str
    user_id: str
    team: str
    team_url: str
    scopes: frozenset[str] | None
    is_of_organisation: bool = False

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
                advice_for(names),
            )
        team_url = text_in(answer.get("url")) or "https://slack.com/"
        return cls(
            name=str(answer.get("user") or ""),
            user_id=text_in(answer.get("user_id")),
            team=str(answer.get("team") or ""),
            team_url=team_url if team_url.endswith("/") else f"{team_url}/",
            scopes=scopes,
            is_of_organisation=bool(answer.get("is_enterprise_install")),
        )

    @property
    def channel_types(self) -> str:
        """The types of channels that the scopes allow to list."""
        may_read_private = self.scopes is None or self.scopes >= PRIVATE_SCOPES
        return "public_channel,private_channel" if may_read_private else "public_channel"

    def gaps(self, *, joins_public: bool, reads_files: bool) -> list[Gap]:
        """Return a gap for each optional scope that is missing and that the settings need."""
        not_needed = {
            scope
            for scope, is_needed in ((JOIN_SCOPE, joins_public), (FILES_SCOPE, reads_files))
            if not is_needed
        }
        return [
            Gap(f"scope {scope}", reason, advice_for(scope))
            for scope, reason in _LOST_WITHOUT_SCOPE.items()
            if not self.has(scope) and scope not in not_needed
        ]

    def has(self, scope: str) -> bool:
        """Tell whether a scope was granted."""
        return self.scopes is None or scope in self.scopes


def _required(answer: SlackResponse, key: str) -> Json:
    """Return an object of an answer.

    Raises:
        ContractError: The answer holds none.
    """
    value = answer.get(key)
    if not isinstance(value, dict):
        raise ContractError("slack", f"no {key}", f"an answer with a {key}")
    return value


def _only_team(api: SlackApi) -> str:
    """Return the only workspace that an organisation let the app into.

    Raises:
        CredentialsError: There are several, or none.
    """
    teams = list(with_id(chain.from_iterable(api.pages("auth.teams.list", "teams"))))
    if len(teams) == 1:
        return str(teams[0]["id"])
    named = ", ".join(f"{team['id']} ({team.get('name')})" for team in teams[:_MAX_TEAMS])
    more = f" and {len(teams) - _MAX_TEAMS} more" if len(teams) > _MAX_TEAMS else ""
    seen = f"the token reaches {len(teams)} workspaces: {named or 'none'}{more}"
    raise CredentialsError("slack", seen, SET_TEAM)


def advice_for(scopes: str) -> str:
    """Return how a bot gets scopes."""
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
            for channel in with_id(channels)
            if not (channel.get("is_im") or channel.get("is_mpim"))
        }
        self._users = {user["id"]: user for user in with_id(users)}
        self._strangers: dict[str, Json | VectorAssetsError] = {}
        self._usergroups: dict[str, str] | None = None
        self._access: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, api: SlackApi, *, with_users: bool = True) -> Self:
        """Ask for channels and members: a request each for every 999 of them.

        Raises:
            CredentialsError: The token is refused or lacks a scope, or is that of an organisation
                of several workspaces and `SLACK_TEAM_ID` is not set.
        """
        bot = Bot.ask(api)
        if bot.is_of_organisation and not api.team_id:
            api.team_id = _only_team(api)

        def users() -> list[Json]:
            pages = api.pages("users.list", "members") if with_users else ()
            return list(chain.from_iterable(pages))

        def channels() -> list[Json]:
            pages = api.pages("conversations.list", "channels", types=bot.channel_types)
            return list(chain.from_iterable(pages))

        return cls(api, bot, *run_both(channels, users))

    def channel_by_id(self, channel_id: str) -> Channel | None:
        """Return a channel, also one that the listing left out; None when Slack shows it no more.

        Costs a request for one that was not listed. Only what Slack documents as a refusal means
        that it is hidden (docs.slack.dev/reference/methods/conversations.info, 2026-11).

        Raises:
            VectorAssetsError: As `SlackApi.call` raises.
        """
        if channel_id in self._channels:
            return self._channels[channel_id]
        try:
            answer = self._api.call("conversations.info", channel=channel_id)
            return Channel.of({**_required(answer, "channel"), "id": channel_id})
        except ContractError as error:
            if error.seen not in HIDDEN_CODES:
                raise
        except CredentialsError as error:
            if not error.seen.startswith("missing_scope"):
                raise
        return None

    @property
    def channels(self) -> list[Channel]:
        """All channels that the bot sees, joined or not, sorted by id."""
        return [self._channels[channel_id] for channel_id in sorted(self._channels)]

    def access(self, channel: Channel) -> tuple[str, ...]:
        """Return who may read a channel; asks once for the members of a private one.

        Members whose e-mail Slack hides (scope `users:read.email`) are left out.
        """
        if not channel.is_private:
            return (PUBLIC,)
        if channel.id not in self._access:
            self._access[channel.id] = self._members(channel)
        return self._access[channel.id]

    def _members(self, channel: Channel) -> tuple[str, ...]:
        pages = self._api.pages("conversations.members", "members", channel=channel.id)
        ids = (user_id for page in pages for user_id in page if isinstance(user_id, str))
        profiles = (object_in(self._user(user_id).get("profile")) for user_id in ids)
        emails = {text_in(profile.get("email")).lower() for profile in profiles} - {""}
        if not emails:
            self.channels_of_nobody.append(channel.name)
        return (RESTRICTED, *sorted(emails))

    def _user(self, user_id: str) -> Json:
        """Return a person or bot; asks once for one whom `users.list` does not hold.

        Those are people of other organisations, in channels that are shared through Slack Connect.

        Raises:
            VectorAssetsError: Slack does not tell. Somebody whom it does not show is empty.
        """
        if user_id in self._users or not _USER_ID.fullmatch(user_id):
            return self._users.get(user_id, {})
        with self._lock:
            if user_id not in self._strangers:
                self._strangers[user_id] = self._asked(user_id)
            answer = self._strangers[user_id]
        if isinstance(answer, VectorAssetsError):
            raise answer
        return answer

    def _asked(self, user_id: str) -> Json | VectorAssetsError:
        try:
            return _required(self._api.call("users.info", user=user_id), "user")
        except ContractError as error:
            return {} if error.seen in _UNKNOWN_USERS else error
        except VectorAssetsError as error:
            return error

    def is_person(self, user_id: str) -> bool:
        """Tell whether Slack says that an id is a person's; raise as `_user` does."""
        return self._user(user_id).get("is_bot") is False

    def user(self, user_id: str) -> str:
        """Return the name of a member, a bot or somebody from elsewhere; raise as `_user` does.

        The id, of somebody whom Slack does not show.
        """
        user = self._user(user_id)
        profile = object_in(user.get("profile"))
        names = (
            profile.get("real_name"),
            user.get("real_name"),
            profile.get("display_name"),
            user.get("name"),
        )
        return next(filter(None, map(text_in, names)), user_id)

    def channel(self, channel_id: str) -> str:
        """Return the name of a channel that everybody may know, else `HIDDEN_CHANNEL`."""
        channel = self._channels.get(channel_id)
        return HIDDEN_CHANNEL if channel is None or channel.is_private else channel.name

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
        profiled = (message.get("user_profile") or {}).get("real_name")
        if not (message.get("username") or profiled) and self._user(user_id):
            return self.user(user_id)
        names = (
            message.get("username"),
            profiled,
            (message.get("bot_profile") or {}).get("name"),
            user_id,
            message.get("bot_id"),
        )
        return next(filter(None, map(text_in, names)), "unknown")

    def _load_usergroups(self) -> dict[str, str]:
        try:
            groups = self._api.call("usergroups.list").get("usergroups")
        except CredentialsError as error:
            if error.seen.partition(",")[0] not in _MAY_NOT_ASK:
                raise
            return {}  # the scope usergroups:read is optional: groups are shown by their ids
        if not isinstance(groups, list):
            raise ContractError("slack usergroups.list", "no usergroups", "a list of usergroups")
        return {group["id"]: text_in(group.get("handle")) for group in with_id(groups)}
