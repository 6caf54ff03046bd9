"""The events that the vendors send, signed as they sign them, and how a network spoils them.

Belongs here: bodies and signatures. Who sends them and when is the caller's affair.
"""

import hashlib
import hmac
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """A delivery: the source that it is for, its headers and its body."""

    source: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


def slack_event(event: Json, secret: str, now: datetime, *, retry: int = 0) -> Event:
    """Return an event of the Events API, such as of type `message`."""
    envelope = {
        "token": "deprecated",
        "team_id": "T0000000001",
        "api_app_id": "A0000000001",
        "event": {"event_ts": f"{now.timestamp():.6f}", **event},
        "type": "event_callback",
        "event_id": f"Ev{random.randrange(16**8):08X}",  # noqa: S311 - a name
        "event_time": int(now.timestamp()),
    }
    return signed_slack(envelope, secret, now, retry=retry)


def signed_slack(envelope: Json, secret: str, now: datetime, *, retry: int = 0) -> Event:
    """Return any body with Slack's signature."""
    body = json.dumps(envelope).encode()
    timestamp = str(int(now.timestamp()))
    digest = _hmac(secret, b"v0:" + timestamp.encode() + b":" + body)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
    }
    if retry:
        headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
    return Event("slack", headers, body)


def jira_event(name: str, fields: Json, secret: str, now: datetime) -> Event:
    """Return a delivery of an admin webhook, such as `jira:issue_updated` with `issue`."""
    body = {"timestamp": int(now.timestamp() * 1000), "webhookEvent": name, **fields}
    return _with_hub_signature("jira", body, secret)


def jira_automation(issue: Json, secret: str) -> Event:
    """Return a web request of Jira Automation with the body "Issue data"."""
    headers = {"Content-Type": "application/json", "X-Automation-Webhook-Token": secret}
    return Event("jira", headers, json.dumps(issue).encode())


def notion_event(name: str, page_id: str, token: str, now: datetime) -> Event:
    """Return an event of a page, or of a comment on it, such as `page.content_updated`."""
    is_comment = name.startswith("comment.")
    body = {
        "id": f"{random.randrange(16**8):08x}-0000-4000-8000-000000000000",  # noqa: S311 - a name
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "type": name,
        "attempt_number": 1,
        "entity": {"id": "comment" if is_comment else page_id, "type": name.partition(".")[0]},
        "data": {"page_id": page_id} if is_comment else {"parent": {"type": "space"}},
    }
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    headers["X-Notion-Signature"] = f"sha256={_hmac(token, content)}"
    return Event("notion", headers, content)


def fireflies_event(name: str, meeting_id: str, secret: str, now: datetime) -> Event:
    """Return an event of a meeting, such as `meeting.transcribed`."""
    timestamp = int(now.timestamp() * 1000)
    body = {"event": name, "timestamp": timestamp, "meeting_id": meeting_id}
    return _with_hub_signature("fireflies", body, secret)


def spoiled(
    events: Sequence[Event], seed: int, *, dropped: float, doubled: float, reordered: float
) -> Iterator[Event]:
    """Yield events as a bad network delivers them; each share is from 0 to 1."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    late: list[Event] = []
    for event in events:
        if chance.random() < dropped:
            continue
        copies = 2 if chance.random() < doubled else 1
        if chance.random() < reordered:
            late += [event] * copies
            continue
        yield from [event] * copies
        if late and chance.random() < 0.5:
            yield late.pop(0)
    yield from late


def _with_hub_signature(source: str, body: Json, secret: str) -> Event:
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    headers["X-Hub-Signature"] = f"sha256={_hmac(secret, content)}"
    return Event(source, headers, content)


def _hmac(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
