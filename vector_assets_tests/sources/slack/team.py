"""A small team on the sandbox's Slack: channels, people, and words said at given times."""

from datetime import datetime
from typing import Any

from slack_sdk.http_retry import FixedValueRetryIntervalCalculator

from vector_assets.core.days import Window, start_of_day
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Json
from vector_assets.sources.items import DocumentFailure, Gap
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.parts import Options
from vector_assets.sources.slack.rate_limits import RateLimiters
from vector_assets.sources.slack.source import SlackSource
from vector_assets_tests.support.tiny import utc

ENGINEERING, RANDOM = "C0ENGINEER", "C0RANDOM01"
ANN, BEN = "U0ANN0001", "U0BEN0002"


def populate(sandbox: Sandbox) -> None:
    """Two channels and two people."""
    sandbox.workspace.channels += [
        {"id": ENGINEERING, "name": "engineering", "members": [ANN, BEN]},
        {"id": RANDOM, "name": "random", "members": [ANN]},
    ]
    sandbox.workspace.users += [person(ANN, "Ann Lee"), person(BEN, "Ben Oz")]


def person(user_id: str, name: str) -> Json:
    email = f"{name.replace(' ', '.')}@Example.com"
    profile = {"real_name": name, "display_name": name.lower(), "email": email}
    return {"id": user_id, "name": name.lower(), "real_name": name, "profile": profile}


def ts_of(time: str | datetime) -> str:
    """Return the `ts` of `2026-03-02T10:15`."""
    at = utc(time) if isinstance(time, str) else time
    return f"{at.timestamp():.6f}"


def say(
    sandbox: Sandbox, time: str, text: str, *, thread: str = "", channel: str = ENGINEERING,
    user: str = ANN, **fields: Any,
) -> str:  # fmt: skip
    """Add a message and return its `ts`; `thread` is the `ts` of its parent."""
    message = {"type": "message", "user": user, "ts": ts_of(time), "text": text, **fields}
    if thread:
        message["thread_ts"] = thread
    sandbox.workspace.messages.setdefault(channel, []).append(message)
    return str(message["ts"])


def source(sandbox: Sandbox, meter: Meter | None = None, **environment: str) -> SlackSource:
    """Return a source as the settings make it."""
    values = {**sandbox.environment, **environment}
    settings = Settings(**{name.lower(): value for name, value in values.items()})
    return SlackSource.from_settings(settings, meter or Meter())


def impatient_api(
    sandbox: Sandbox, meter: Meter | None = None, ceiling_seconds: float = 0
) -> SlackApi:
    """Return an API that gives up at once instead of waiting."""
    meter = meter or Meter()
    return SlackApi(
        "xoxb-sandbox",
        sandbox.environment["SLACK_BASE_URL"],
        meter,
        limiters=RateLimiters(meter, {}, ceiling_seconds=ceiling_seconds),
        pauses=FixedValueRetryIntervalCalculator(0),
    )


def impatient_source(sandbox: Sandbox) -> SlackSource:
    """Return a source that gives up at once instead of waiting."""
    return SlackSource(impatient_api(sandbox), Options(start_of_day(Settings().first_day)))


def gaps(
    sandbox: Sandbox, start: str = "2026-03-01", end: str | None = None, **environment: str
) -> list[Gap]:
    """Return what a window says that it did not read."""
    window = Window(utc(start), utc(end) if end else None)
    items = source(sandbox, **environment).documents(window)
    return [item for item in items if isinstance(item, Gap)]


def documents(
    sandbox: Sandbox, start: str, end: str | None = None, **environment: str
) -> dict[str, Document]:
    """Return the threads and days of a window, by native id; no id may come twice, nor fail."""
    window = Window(utc(start), utc(end) if end else None)
    return by_id(source(sandbox, **environment), window)


def by_id(slack: SlackSource, window: Window) -> dict[str, Document]:
    items = list(slack.documents(window))
    assert [item for item in items if isinstance(item, DocumentFailure)] == []
    conversations = [item for item in items if isinstance(item, Document) and ":" in item.native_id]
    by_native_id = {document.native_id: document for document in conversations}
    assert len(by_native_id) == len(conversations)
    return by_native_id
