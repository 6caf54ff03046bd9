"""Moves a workspace by whole days, so that its newest day is yesterday.

Dates and weekdays within texts do not change.
"""

import re
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from vector_assets.sandbox.workspace import Workspace

_ISO_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_SLACK_INSTANT = re.compile(r"(\d{10})(\.\d{6})")
_SLACK_KEYS = {"ts", "thread_ts", "latest_reply"}
_DAY = timedelta(days=1)


def newest_activity(workspace: Workspace) -> datetime:
    """Return the instant of the last activity in a workspace, in UTC; `ValueError` if empty."""
    jira = (_instant(issue["fields"]["updated"]) for issue in workspace.issues)
    notion = (_instant(page["last_edited_time"]) for page in workspace.pages)
    messages = chain.from_iterable(workspace.messages.values())
    slack = (datetime.fromtimestamp(float(message["ts"]), UTC) for message in messages)
    fireflies = (datetime.fromtimestamp(t["date"] / 1000, UTC) for t in workspace.transcripts)
    return max((*jira, *notion, *slack, *fireflies))


def move_to_yesterday(workspace: Workspace, now: datetime) -> None:
    """Shift everything so that the last activity falls on the day before `now`, in UTC."""
    yesterday = now.astimezone(UTC).date() - _DAY
    shift(workspace, (yesterday - newest_activity(workspace).date()).days)


def shift(workspace: Workspace, days: int) -> None:
    """Move every instant of a workspace by whole days, in place."""
    workspace.issues[:] = [_shifted(issue, days) for issue in workspace.issues]
    workspace.pages[:] = [_shifted(page, days) for page in workspace.pages]
    for messages in workspace.messages.values():
        messages[:] = [_shifted(message, days) for message in messages]
    for transcript in workspace.transcripts:
        transcript["date"] += days * int(_DAY.total_seconds()) * 1000


def _shifted(value: Any, days: int, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _shifted(inner, days, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shifted(inner, days, key) for inner in value]
    if not isinstance(value, str):
        return value
    if key in _SLACK_KEYS and (slack := _SLACK_INSTANT.fullmatch(value)):
        return f"{int(slack[1]) + days * int(_DAY.total_seconds())}{slack[2]}"
    if key not in {"text", "content", "plain_text"} and _ISO_INSTANT.match(value):
        moved = datetime.fromisoformat(value[:19]) + timedelta(days=days)
        return moved.isoformat() + value[19:]
    return value


def _instant(text: str) -> datetime:
    """Return the UTC instant of a vendor's ISO 8601 text, whose zone may lack its colon."""
    return datetime.fromisoformat(text).astimezone(UTC)
