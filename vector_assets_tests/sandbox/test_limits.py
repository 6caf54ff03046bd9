"""The sandbox enforces documented rate limits on request and tells how long to wait."""

import httpx
import pytest

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.limits import DOCUMENTED, Limit, Limiter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.sources.notion.client import NotionApi
from vector_assets_tests.sources.notion.pages import identity
from vector_assets_tests.sources.slack.team import populate

REPLIES = "/slack/api/conversations.replies"


@pytest.mark.parametrize(
    ("path", "requests", "span_seconds"),
    [
        (REPLIES, 50, 60),
        ("/slack/api/conversations.history", 50, 60),
        ("/slack/api/users.list", 20, 60),
        ("/notion/v1/pages/1", 3, 1),
        ("/fireflies/graphql", 60, 60),
    ],
)
def test_no_span_lets_more_pass_than_the_vendor_documents(
    path: str, requests: int, span_seconds: float
) -> None:
    now = 0.0
    limiter = Limiter(DOCUMENTED, clock=lambda: now)
    assert not any(limiter.seconds_to_wait(path) for _ in range(requests))
    now = span_seconds / 2
    assert limiter.seconds_to_wait(path) == span_seconds / 2
    now = span_seconds
    assert not any(limiter.seconds_to_wait(path) for _ in range(requests))
    assert limiter.seconds_to_wait(path) == span_seconds


def test_slacks_methods_are_counted_apart_and_notions_paths_together() -> None:
    limiter = Limiter(DOCUMENTED, clock=lambda: 0.0)
    for _ in range(50):
        assert not limiter.seconds_to_wait(REPLIES)
    assert limiter.seconds_to_wait(REPLIES)
    assert not limiter.seconds_to_wait("/slack/api/conversations.history")
    for page in range(3):
        assert not limiter.seconds_to_wait(f"/notion/v1/pages/{page}")
    assert limiter.seconds_to_wait("/notion/v1/search")
    assert not limiter.seconds_to_wait("/jira/rest/api/3/search/jql")


def test_a_request_that_comes_too_soon_is_told_when_the_next_may_come(sandbox: Sandbox) -> None:
    populate(sandbox)
    limits = [{"path": "/slack/api/(users.list)", "requests": 1, "span_seconds": 30.0}]
    control = f"{sandbox.url}/_sandbox/conditions"
    assert httpx.patch(control, json={"limits": limits}).json()["limits"] == limits
    headers = {"Authorization": "Bearer xoxb-sandbox"}
    first, second = (
        httpx.get(f"{sandbox.url}/slack/api/users.list", headers=headers) for _ in range(2)
    )
    assert first.json()["ok"]
    assert (second.status_code, second.json()["error"]) == (429, "ratelimited")
    assert 1 <= int(second.headers["Retry-After"]) <= 30


def test_a_rate_that_the_settings_give_is_never_refused(sandbox: Sandbox) -> None:
    sandbox.faults.limiter = Limiter([Limit("/notion/.*", 6, 0.05)])
    meter = Meter()
    api = NotionApi(sandbox.environment["NOTION_BASE_URL"], "ntn_sandbox", meter, 15.0 / 5)
    for _ in range(7):
        api.page(identity("none"))
    assert {status for _, _, status in sandbox.faults.log} == {404}
    assert meter.throttled_seconds > 0


def test_a_source_that_is_refused_all_the_same_waits_and_goes_on(sandbox: Sandbox) -> None:
    """The default settings of a sandbox limit no rate before the vendor does."""
    populate(sandbox)
    sandbox.faults.limiter = Limiter([Limit("/slack/api/(auth.test)", 1, 1.0)])
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    meter = Meter()
    source = build_source("slack", Settings.model_validate(values), meter)
    assert source.check().identity == source.check().identity
    assert 429 in {status for _, _, status in sandbox.faults.log}
    assert meter.throttled_seconds > 0.9
