"""Slack on localhost: the Web API's methods over a workspace's export.

It follows the official contract (docs.slack.dev/reference/methods, 2026-11): errors come as HTTP
200 with `ok: false`, and history shows no replies. A thread's counts are computed at each request,
so a test adds a late reply by appending a message.
"""

import base64
import json
import time
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from itertools import dropwhile
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from vector_assets.sandbox.workspace import Json, Workspace

TOKEN = "xoxb-sandbox"  # noqa: S105 - a made-up token that opens nothing
TEAM_URL = "https://sandbox.slack.com/"

_CREATED = 1_735_689_600  # When a channel without `created` was created.
_DEFAULT_PAGE_ITEMS = 100
_MAX_PAGE_ITEMS = 1000

Arguments = dict[str, str]


class _RefusedError(Exception):
    """A method answers `ok: false`."""

    def __init__(self, code: str, **fields: str | Json) -> None:
        super().__init__(code)
        self.body: Json = {"ok": False, "error": code, **fields}


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes over a workspace; its token is `TOKEN`."""
    methods = _methods(workspace)

    async def call(request: Request) -> JSONResponse:
        arguments = await _arguments(request)
        try:
            _check_token(request, arguments)
            method = methods.get(request.path_params["method"], _unknown_method)
            body = {"ok": True, **method(arguments)}
        except _RefusedError as refused:
            body = refused.body
        headers = {"x-oauth-scopes": ",".join(workspace.site.slack_scopes)}
        return JSONResponse(body, headers=headers)

    return [Route("/{method}", call, methods=["GET", "POST"])]


def _check_token(request: Request, arguments: Arguments) -> None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if scheme == "Bearer" else arguments.pop("token", "")
    if token != TOKEN:
        raise _RefusedError("invalid_auth" if token else "not_authed")


def _unknown_method(arguments: Arguments) -> Json:
    raise _RefusedError("unknown_method")


def _methods(workspace: Workspace) -> dict[str, Callable[[Arguments], Json]]:
    vendor = _Methods(workspace)
    return {
        "auth.test": vendor.auth_test,
        "auth.teams.list": vendor.auth_teams_list,
        "users.info": vendor.users_info,
        "users.list": vendor.users_list,
        "usergroups.list": vendor.usergroups_list,
        "conversations.list": vendor.conversations_list,
        "conversations.info": vendor.conversations_info,
        "conversations.members": vendor.conversations_members,
        "conversations.join": vendor.conversations_join,
        "conversations.history": vendor.conversations_history,
        "conversations.replies": vendor.conversations_replies,
        "chat.postMessage": vendor.chat_post_message,
    }


class _Methods:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def auth_test(self, arguments: Arguments) -> Json:
        return {
            "url": TEAM_URL,
            "team": "Sandbox",
            "user": "vector-assets",
            "team_id": "T0SANDBOX",
            "user_id": "U0SANDBOX",
            "bot_id": "B0SANDBOX",
            "is_enterprise_install": bool(self._workspace.site.slack_teams),
        }

    def auth_teams_list(self, arguments: Arguments) -> Json:
        page, metadata = _page(self._workspace.site.slack_teams, arguments, key="id")
        return {"teams": page, **metadata}

    def users_info(self, arguments: Arguments) -> Json:
        _require_scope(self._workspace, "users:read")
        for user in self._workspace.users:
            if user["id"] == arguments.get("user"):
                return {"user": self._shown_user(user)}
        raise _RefusedError("user_not_found")

    def users_list(self, arguments: Arguments) -> Json:
        _require_scope(self._workspace, "users:read")
        _require_team(self._workspace, arguments)
        members = [user for user in self._workspace.users if not user.get("is_stranger")]
        page, metadata = _page(members, arguments, key="id")
        page = [self._shown_user(user) for user in page]
        return {"members": page, "cache_ts": int(time.time()), **metadata}

    def _shown_user(self, user: Json) -> Json:
        hides_email = "users:read.email" not in self._workspace.site.slack_scopes
        return _without_email(user) if hides_email else user

    def usergroups_list(self, arguments: Arguments) -> Json:
        _require_scope(self._workspace, "usergroups:read")
        _require_team(self._workspace, arguments)
        return {"usergroups": self._workspace.usergroups}

    def conversations_list(self, arguments: Arguments) -> Json:
        _require_team(self._workspace, arguments)
        types = arguments.get("types", "public_channel").split(",")
        if "public_channel" in types:
            _require_scope(self._workspace, "channels:read")
        if "private_channel" in types:
            _require_scope(self._workspace, "groups:read")
        channels = [
            channel
            for channel in map(self._shown, self._workspace.channels)
            if _type_of(channel) in types
            and (self._is_inside(channel["id"]) or not channel["is_private"])
            and not (_is_true(arguments, "exclude_archived") and channel["is_archived"])
        ]
        page, metadata = _page(channels, arguments, key="id")
        return {"channels": page, **metadata}

    def conversations_info(self, arguments: Arguments) -> Json:
        return {"channel": self._channel(arguments, "read")}

    def conversations_members(self, arguments: Arguments) -> Json:
        raw = self._raw(self._channel(arguments, "read")["id"])
        members = [{"id": member} for member in raw.get("members", [])]
        page, metadata = _page(members, arguments, key="id")
        return {"members": [member["id"] for member in page], **metadata}

    def conversations_join(self, arguments: Arguments) -> Json:
        _require_scope(self._workspace, "channels:join")
        channel = self._channel(arguments, "read")
        if channel["is_private"]:
            raise _RefusedError("method_not_supported_for_channel_type")
        if channel["is_archived"]:
            raise _RefusedError("is_archived")
        raw = self._raw(channel["id"])
        raw["is_member"] = True
        return {"channel": self._shown(raw)}

    def conversations_history(self, arguments: Arguments) -> Json:
        channel = self._joined_channel(arguments)
        shown = [m for m in self._top_level(channel["id"]) if _is_within(m["ts"], arguments)]
        shown.sort(key=lambda message: Decimal(message["ts"]), reverse=True)
        page, metadata = _page(shown, arguments, key="ts")
        return {"messages": page, **metadata}

    def conversations_replies(self, arguments: Arguments) -> Json:
        channel = self._joined_channel(arguments)
        ts = arguments.get("ts", "")
        messages = self._workspace.messages.get(channel["id"], [])
        own = next((message for message in messages if message["ts"] == ts), None)
        replies = [m for m in messages if m["ts"] != ts and m.get("thread_ts") == ts]
        replies.sort(key=lambda message: Decimal(message["ts"]))
        if own is None and not replies:
            raise _RefusedError("thread_not_found")
        parent = own if own is not None and _is_reply(own) else _parent(ts, own, replies)
        within = [message for message in replies if _is_within(message["ts"], arguments)]
        page, metadata = _page([parent, *within], arguments, key="ts")
        return {"messages": page, **metadata}

    def chat_post_message(self, arguments: Arguments) -> Json:
        _require_scope(self._workspace, "chat:write")
        channel = self._channel({"channel": self._id_of(arguments.get("channel", ""))}, "read")
        if not channel["is_member"]:
            raise _RefusedError("not_in_channel")
        if not any(arguments.get(name) for name in ("text", "blocks", "attachments")):
            raise _RefusedError("no_text")
        ts = f"{time.time():.6f}"
        message = {"type": "message", "ts": ts, "text": "", "bot_id": "B0SANDBOX", **arguments}
        self._workspace.posted_messages.append(message)
        shown = {name: message[name] for name in ("type", "ts", "text", "bot_id")}
        return {"channel": channel["id"], "ts": ts, "message": shown}

    def _id_of(self, name: str) -> str:
        """Return a channel's id; `chat.postMessage` also takes its name."""
        named = (c["id"] for c in self._workspace.channels if c["name"] == name.removeprefix("#"))
        return next(named, name)

    def _channel(self, arguments: Arguments, right: str) -> Json:
        """Return a channel as the bot sees it; raise if the bot may not see it."""
        for channel in map(self._shown, self._workspace.channels):
            if channel["id"] == arguments.get("channel"):
                kind = "groups" if channel["is_private"] else "channels"
                _require_scope(self._workspace, f"{kind}:{right}")
                if self._is_inside(channel["id"]) or not channel["is_private"]:
                    return channel
        raise _RefusedError("channel_not_found")

    def _joined_channel(self, arguments: Arguments) -> Json:
        channel = self._channel(arguments, "history")
        if not self._is_inside(channel["id"]):
            raise _RefusedError("not_in_channel")
        return channel

    def _is_inside(self, channel_id: str) -> bool:
        """Tell whether the bot is a member of a channel, or was when it was archived."""
        return bool(self._raw(channel_id).get("is_member", True))

    def _raw(self, channel_id: str) -> Json:
        return next(raw for raw in self._workspace.channels if raw["id"] == channel_id)

    def _shown(self, channel: Json) -> Json:
        """Return a channel as it is listed; an archived channel shows no members."""
        is_private = channel["id"] in self._workspace.site.private_channel_ids
        is_archived = bool(channel.get("is_archived"))
        return {
            "created": _CREATED,
            "is_channel": not is_private,
            "is_group": is_private,
            "is_im": False,
            "is_mpim": False,
            "is_private": is_private,
            "is_archived": is_archived,
            "name_normalized": channel["name"],
            "num_members": 0 if is_archived else len(channel.get("members", [])),
            **{name: value for name, value in channel.items() if name != "members"},
            "is_member": bool(channel.get("is_member", True)) and not is_archived,
        }

    def _top_level(self, channel_id: str) -> list[Json]:
        """Return what history shows: parents, unthreaded messages and broadcast replies."""
        replies: dict[str, list[Json]] = defaultdict(list)
        shown: dict[str, Json] = {}
        for message in self._workspace.messages.get(channel_id, []):
            if _is_reply(message):
                replies[message["thread_ts"]].append(message)
            if not _is_reply(message) or message.get("subtype") == "thread_broadcast":
                shown[message["ts"]] = message
        for ts, of_thread in replies.items():
            shown[ts] = _parent(ts, shown.get(ts), of_thread)
        return list(shown.values())


def _type_of(channel: Json) -> str:
    """Return the name of a channel's type, as `types` takes it."""
    if channel["is_im"] or channel["is_mpim"]:
        return "im" if channel["is_im"] else "mpim"
    return "private_channel" if channel["is_private"] else "public_channel"


def _is_reply(message: Json) -> bool:
    return bool(message.get("thread_ts", message["ts"]) != message["ts"])


def _parent(ts: str, message: Json | None, replies: list[Json]) -> Json:
    """Return a thread's parent with its counts, or a tombstone if it was deleted."""
    if message is None:
        message = {
            "type": "message",
            "subtype": "tombstone",
            "user": "USLACKBOT",
            "text": "This message was deleted.",
            "hidden": True,
            "ts": ts,
        }
    if not replies:
        return message
    users = list(dict.fromkeys(str(reply.get("user", "")) for reply in replies))
    return {
        **message,
        "thread_ts": ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": max((reply["ts"] for reply in replies), key=Decimal),
    }


def _is_within(ts: str, arguments: Arguments) -> bool:
    """Tell whether a message is within `oldest` and `latest`, exclusive unless `inclusive`."""
    at, inclusive = Decimal(ts), _is_true(arguments, "inclusive")
    oldest = Decimal(arguments.get("oldest") or 0)
    latest = Decimal(arguments.get("latest") or "Infinity")
    return oldest < at < latest or (inclusive and at in (oldest, latest))


def _is_true(arguments: Arguments, name: str) -> bool:
    return arguments.get(name, "") in {"1", "true", "True"}


def _page(items: list[Json], arguments: Arguments, *, key: str) -> tuple[list[Json], Json]:
    """Return a page, and the fields that tell whether more follow.

    A cursor names the first item of the next page, as Slack's `next_ts` cursors do.
    """
    wanted = int(arguments.get("limit") or _DEFAULT_PAGE_ITEMS)
    if not 1 <= wanted <= _MAX_PAGE_ITEMS:
        raise _RefusedError("invalid_limit")
    if cursor := arguments.get("cursor"):
        items = list(dropwhile(lambda item: _cursor(item[key]) != cursor, items))
        if not items:
            raise _RefusedError("invalid_cursor")
    page, rest = items[:wanted], items[wanted:]
    next_cursor = _cursor(rest[0][key]) if rest else ""
    return page, {"has_more": bool(rest), "response_metadata": {"next_cursor": next_cursor}}


def _cursor(key: str) -> str:
    return base64.b64encode(f"next:{key}".encode()).decode()


def _require_scope(workspace: Workspace, scope: str) -> None:
    if scope not in workspace.site.slack_scopes:
        provided = ",".join(workspace.site.slack_scopes)
        raise _RefusedError("missing_scope", needed=scope, provided=provided)


def _require_team(workspace: Workspace, arguments: Arguments) -> None:
    """Refuse a listing without a workspace when the app is installed for an organisation."""
    team_ids = {team["id"] for team in workspace.site.slack_teams}
    if not team_ids or arguments.get("team_id") in team_ids:
        return
    if "team_id" in arguments:
        raise _RefusedError("invalid_team_id")
    words = {"messages": ["[ERROR] missing required field: team_id"]}
    raise _RefusedError("missing_argument", response_metadata=words)


def _without_email(user: Json) -> Json:
    profile = {name: value for name, value in user["profile"].items() if name != "email"}
    return {**user, "profile": profile}


async def _arguments(request: Request) -> Arguments:
    """Return the arguments, from the query, a form or JSON."""
    arguments: dict[str, Any] = dict(request.query_params)
    body = (await request.body()).decode()
    if "json" in request.headers.get("content-type", ""):
        arguments.update(json.loads(body or "{}"))
    else:
        arguments.update(parse_qsl(body))
    texts = (value if isinstance(value, str) else json.dumps(value) for value in arguments.values())
    return dict(zip(arguments, texts, strict=True))
