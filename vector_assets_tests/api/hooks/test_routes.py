"""Deliveries over HTTP: what is refused, at which cost, and what is queued."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from vector_assets.api.hooks.event_handler import FORGED, EventHandler
from vector_assets.api.hooks.receivers import build_receivers
from vector_assets.api.hooks.routes import MAX_ARRIVING, HookMiddleware, add_hooks
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import ChangeQueue
from vector_assets.sandbox.events import (
    Event,
    fireflies_event,
    jira_automation,
    jira_event,
    notion_event,
    slack_event,
)
from vector_assets.stores.lancedb.store import LanceDBStore

SECRET = "hook-secret-of-the-test"
SETTINGS = Settings.model_validate(
    {
        "vector_assets_sources": "jira,slack,notion,fireflies",
        "jira_webhook_secret": SECRET,
        "slack_signing_secret": SECRET,
        "notion_webhook_token": SECRET,
        "fireflies_webhook_secret": SECRET,
    }
)
PAGE = "11111111-2222-4333-8444-555555555555"


def events(secret: str = SECRET, at: datetime | None = None) -> list[Event]:
    at = at or datetime.now(UTC)
    message = {"type": "message", "channel": "C0000000001", "ts": f"{at.timestamp():.6f}"}
    return [
        jira_event("jira:issue_updated", {"issue": {"id": "1"}}, secret, at),
        jira_automation({"id": "2"}, secret),
        slack_event(message, secret, at),
        notion_event("page.content_updated", PAGE, secret, at),
        fireflies_event("meeting.transcribed", "m1", secret, at),
    ]


@pytest.fixture
def queue(tmp_path: Path) -> ChangeQueue:
    return ChangeQueue(Ledger(LanceDBStore(str(tmp_path)), 8))


def build(settings: Settings, queue: ChangeQueue) -> TestClient:
    app = FastAPI()
    add_hooks(app, settings, EventHandler(lambda: queue))
    return TestClient(app)


def send(client: TestClient, event: Event) -> Any:
    return client.post(f"/hooks/{event.source}", content=event.body, headers=event.headers)


def test_what_is_signed_is_queued_and_what_is_not_is_refused(queue: ChangeQueue) -> None:
    client = build(SETTINGS, queue)
    for event in events():
        assert (send(client, event).status_code, send(client, event).status_code) == (200, 200)
    assert {each.document_id.partition(":")[0] for each in queue.waiting()} == {
        "jira", "slack", "notion", "fireflies",
    }  # fmt: skip
    count = len(queue.waiting())
    expired = [
        event for event in events(at=datetime.now(UTC) - timedelta(days=3)) if _is_dated(event)
    ]
    assert len(expired) == 4
    for event in [*events("another secret"), *expired]:
        answer = send(client, event)
        assert (answer.status_code, list(answer.json())) == (401, ["detail"])
    assert len(queue.waiting()) == count


def _is_dated(event: Event) -> bool:
    return "X-Automation-Webhook-Token" not in event.headers


def test_only_post_and_only_sources_whose_secret_is_set_exist(queue: ChangeQueue) -> None:
    client = build(SETTINGS, queue)
    refused = client.get("/hooks/jira")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert client.post("/hooks/files").status_code == 404
    nothing_set = build(Settings.model_validate({"vector_assets_sources": "jira"}), queue)
    assert nothing_set.post("/hooks/jira").status_code == 404


def build_middleware(queue: ChangeQueue) -> tuple[HookMiddleware, EventHandler]:
    async def behind(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a delivery was passed on")

    handler = EventHandler(lambda: queue)
    receivers = build_receivers(SETTINGS, Path("notion-token"))
    return HookMiddleware(behind, receivers, handler), handler


def scope_of(source: str, headers: Mapping[str, str]) -> dict[str, Any]:
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": f"/hooks/{source}", "headers": sent}


class Sent(list[int]):
    """The statuses that a middleware sends."""

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.append(message["status"])


async def _unread() -> Any:
    raise AssertionError("a body was read")


@pytest.mark.parametrize(
    ("source", "headers"),
    [
        ("jira", {}),
        ("jira", {"X-Hub-Signature": "sha256=abc"}),
        ("jira", {"X-Automation-Webhook-Token": "another secret"}),
        ("notion", {"X-Notion-Signature": "sha256=" + "x" * 64}),
        ("fireflies", {"X-Hub-Signature": ""}),
        ("slack", {"X-Slack-Signature": "v0=" + "0" * 64}),
        ("slack", {"X-Slack-Signature": "v0=" + "0" * 64, "X-Slack-Request-Timestamp": "1"}),
        ("slack", {"X-Slack-Signature": "v1", "X-Slack-Request-Timestamp": "1772442000"}),
    ],
)
def test_headers_that_nothing_can_be_signed_by_are_refused_without_the_body(
    queue: ChangeQueue, source: str, headers: dict[str, str]
) -> None:
    middleware, handler = build_middleware(queue)
    sent = Sent()
    asyncio.run(middleware(scope_of(source, headers), _unread, sent))
    assert (sent, handler.counts[source, FORGED]) == ([401], 1)


def test_bodies_that_arrive_slowly_take_no_more_than_their_places(queue: ChangeQueue) -> None:
    middleware, _ = build_middleware(queue)
    event = events()[0]
    scope = scope_of("jira", event.headers)

    async def play() -> tuple[Sent, Sent]:
        is_over = asyncio.Event()

        async def slow() -> Any:
            await is_over.wait()
            return {"type": "http.disconnect"}

        async def whole() -> Any:
            return {"type": "http.request", "body": event.body, "more_body": False}

        slow_sent, others = Sent(), Sent()
        waiting = [
            asyncio.create_task(middleware(scope, slow, slow_sent)) for _ in range(MAX_ARRIVING)
        ]
        await asyncio.sleep(0)
        await middleware(scope, whole, others)
        # Another source has places of its own.
        fireflies = events()[-1]

        async def of_fireflies() -> Any:
            return {"type": "http.request", "body": fireflies.body, "more_body": False}

        await middleware(scope_of("fireflies", fireflies.headers), of_fireflies, others)
        is_over.set()
        await asyncio.gather(*waiting)
        await middleware(scope, whole, others)
        return slow_sent, others

    slow_sent, others = asyncio.run(play())
    assert (slow_sent, others) == ([], [503, 200, 200])
