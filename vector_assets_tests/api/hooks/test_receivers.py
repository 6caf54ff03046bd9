"""What each receiver makes of its vendor's events, and of what is no event of its vendor."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vector_assets.api.hooks.delivery import (
    Delivery,
    ForgedError,
    MalformedError,
    ParsedEvent,
    Receiver,
)
from vector_assets.api.hooks.fireflies import FirefliesReceiver
from vector_assets.api.hooks.jira import JiraReceiver
from vector_assets.api.hooks.notion import NotionReceiver, NotionVerification
from vector_assets.api.hooks.slack import SlackReceiver
from vector_assets.sandbox.events import (
    Event,
    fireflies_event,
    jira_automation,
    jira_event,
    notion_event,
    signed_slack,
    slack_event,
)

SECRET = "hook-secret-of-the-test"
NOW = datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)
TS = f"{datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp():.6f}"
EARLIER_TS = f"{datetime(2026, 2, 27, 9, tzinfo=UTC).timestamp():.6f}"
PAGE = "11111111-2222-4333-8444-555555555555"

RECEIVERS: dict[str, Receiver] = {
    "slack": SlackReceiver(SECRET),
    "jira": JiraReceiver(SECRET),
    "notion": NotionReceiver(SECRET),
    "fireflies": FirefliesReceiver(SECRET),
}


def delivery(event: Event, received_at: datetime = NOW) -> Delivery:
    headers = {name.lower(): value for name, value in event.headers.items()}
    return Delivery(headers, event.body, received_at)


def receive(event: Event, received_at: datetime = NOW) -> ParsedEvent:
    return RECEIVERS[event.source].receive(delivery(event, received_at))


def named(event: Event) -> list[str]:
    return [change.document_id for change in receive(event).changes]


def message(**fields: Any) -> Event:
    return slack_event({"type": "message", "channel": "C0000000001", **fields}, SECRET, NOW)


@pytest.mark.parametrize(
    ("event", "document_ids"),
    [
        (message(ts=TS, text="hi"), ["slack:C0000000001:2026-03-02"]),
        (
            message(ts=TS, thread_ts=EARLIER_TS, text="a reply"),
            ["slack:C0000000001:2026-02-27", f"slack:C0000000001:{EARLIER_TS}"],
        ),
        (
            message(
                subtype="message_changed",
                ts=TS,
                message={"ts": EARLIER_TS, "text": "new"},
                previous_message={"ts": EARLIER_TS, "text": "old"},
            ),
            ["slack:C0000000001:2026-02-27"],
        ),
        (
            message(subtype="message_deleted", ts=TS, deleted_ts=EARLIER_TS),
            ["slack:C0000000001:2026-02-27"],
        ),
        (
            message(
                subtype="message_deleted",
                ts=TS,
                deleted_ts=TS,
                previous_message={"ts": TS, "thread_ts": EARLIER_TS},
            ),
            [
                "slack:C0000000001:2026-02-27",
                "slack:C0000000001:2026-03-02",
                f"slack:C0000000001:{EARLIER_TS}",
            ],
        ),
        (
            message(subtype="channel_topic", ts=TS, topic="plans"),
            ["slack:C0000000001", "slack:C0000000001:2026-03-02"],
        ),
        (message(ts=TS, channel="D0000000001"), []),
        (message(ts=TS, channel_type="mpim"), []),
        (slack_event({"type": "reaction_added"}, SECRET, NOW), []),
        (jira_event("jira:issue_updated", {"issue": {"id": "10001"}}, SECRET, NOW), ["jira:10001"]),
        (jira_event("jira:issue_deleted", {"issue": {"id": 10001}}, SECRET, NOW), ["jira:10001"]),
        (jira_event("comment_created", {"issue": {"id": "10002"}}, SECRET, NOW), ["jira:10002"]),
        (
            jira_event(
                "issuelink_created",
                {"issueLink": {"sourceIssueId": 10001, "destinationIssueId": 10002}},
                SECRET,
                NOW,
            ),
            ["jira:10001", "jira:10002"],
        ),
        (jira_event("sprint_started", {"sprint": {"id": 1}}, SECRET, NOW), []),
        (jira_automation({"id": "10003", "key": "OPS-3", "fields": {}}, SECRET), ["jira:10003"]),
        (jira_automation({"issue": "OPS-3"}, SECRET), ["jira:OPS-3"]),
        (notion_event("page.content_updated", PAGE, SECRET, NOW), [f"notion:{PAGE}"]),
        (notion_event("page.deleted", PAGE.replace("-", ""), SECRET, NOW), [f"notion:{PAGE}"]),
        (notion_event("comment.created", PAGE, SECRET, NOW), [f"notion:{PAGE}"]),
        (notion_event("data_source.schema_updated", PAGE, SECRET, NOW), []),
        (fireflies_event("meeting.transcribed", "01J-abc", SECRET, NOW), ["fireflies:01J-abc"]),
        (fireflies_event("meeting.bot_joined", "01J-abc", SECRET, NOW), []),
    ],
)
def test_an_event_names_the_documents_that_it_changed(
    event: Event, document_ids: list[str]
) -> None:
    assert set(named(event)) == set(document_ids)


def test_slacks_address_is_verified_by_its_challenge() -> None:
    event = signed_slack({"type": "url_verification", "challenge": "3eZb"}, SECRET, NOW)
    assert receive(event).reply == {"challenge": "3eZb"}


def test_the_time_of_a_change_is_that_of_the_event_and_never_in_the_future() -> None:
    said_at = NOW - timedelta(minutes=1)
    (change,) = receive(
        slack_event({"type": "message", "channel": "C1X", "ts": TS}, SECRET, said_at)
    ).changes
    assert change.said_at == said_at
    ahead = jira_event(
        "jira:issue_updated", {"issue": {"id": "1"}}, SECRET, NOW + timedelta(minutes=2)
    )
    assert [each.said_at for each in receive(ahead).changes] == [NOW]


def every_kind() -> list[Event]:
    return [
        message(ts=TS),
        jira_event("jira:issue_updated", {"issue": {"id": "1"}}, SECRET, NOW),
        jira_automation({"issue": "OPS-3"}, SECRET),
        notion_event("page.created", PAGE, SECRET, NOW),
        fireflies_event("meeting.transcribed", "abc", SECRET, NOW),
    ]


@pytest.mark.parametrize("event", every_kind(), ids=lambda event: event.source)
def test_what_its_vendor_has_not_signed_is_refused(event: Event) -> None:
    receiver = RECEIVERS[event.source]
    headers = {name.lower(): value for name, value in event.headers.items()}
    assert receiver.receive(Delivery(headers, event.body, NOW)).changes
    signing = [name for name in headers if name != "content-type"]
    for name in signing:
        for value in (
            "",
            "v0=",
            "sha256=",
            "Ω",
            headers[name] + "0",
            headers[name][:-1],
            "9" * 5000,
        ):
            with pytest.raises(ForgedError, match="check "):
                receiver.receive(Delivery({**headers, name: value}, event.body, NOW))
        without = {key: value for key, value in headers.items() if key != name}
        with pytest.raises(ForgedError, match="check "):
            receiver.receive(Delivery(without, event.body, NOW))
    if "x-automation-webhook-token" not in headers:
        with pytest.raises(ForgedError, match="check "):
            receiver.receive(Delivery(headers, event.body + b" ", NOW))


@pytest.mark.parametrize(
    ("event", "hours"),
    [
        (message(ts=TS), 0.1),
        (jira_event("jira:issue_updated", {"issue": {"id": "1"}}, SECRET, NOW), 3.1),
        (notion_event("page.created", PAGE, SECRET, NOW), 25.1),
        (fireflies_event("meeting.transcribed", "abc", SECRET, NOW), 24.1),
    ],
    ids=lambda value: getattr(value, "source", ""),
)
def test_a_delivery_that_is_sent_again_much_later_is_refused(event: Event, hours: float) -> None:
    for received_at in (NOW + timedelta(hours=hours), NOW - timedelta(minutes=6)):
        with pytest.raises(ForgedError, match="old ones are taken"):
            receive(event, received_at)


def test_a_retry_of_slack_is_taken_like_the_first_delivery() -> None:
    fields = {"type": "message", "channel": "C0000000001", "ts": TS}
    assert named(slack_event(fields, SECRET, NOW, retry=2)) == ["slack:C0000000001:2026-03-02"]


def resigned(event: Event, body: bytes) -> Event:
    """Return the event with another body that its vendor has signed."""
    if event.source == "slack":
        timestamp = event.headers["X-Slack-Request-Timestamp"]
        signed = b"v0:" + timestamp.encode() + b":" + body
        digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        return Event("slack", {**event.headers, "X-Slack-Signature": f"v0={digest}"}, body)
    name = "X-Notion-Signature" if event.source == "notion" else "X-Hub-Signature"
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Event(event.source, {name: f"sha256={digest}"}, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab:.-1é", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab:.-1é", max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = (
    "event", "type", "channel", "ts", "thread_ts", "subtype", "message", "deleted_ts", "timestamp",
    "webhookEvent", "issue", "id", "issueLink", "sourceIssueId", "entity", "data", "page_id",
    "meeting_id", "event_ts", "event_time", "verification_token",
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    source=st.sampled_from(sorted(RECEIVERS)),
    odd=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    inner=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
)
def test_whatever_is_signed_is_read_or_refused_by_name(
    source: str, odd: dict[str, Any], inner: dict[str, Any]
) -> None:
    event = next(event for event in every_kind() if event.source == source)
    body = json.loads(event.body)
    body |= odd
    for name in ("event", "issue", "entity", "data"):
        if isinstance(body.get(name), dict):
            body[name] |= inner
    try:
        parsed = receive(resigned(event, json.dumps(body).encode()))
    except (ForgedError, MalformedError):
        return
    for change in parsed.changes:
        assert change.document_id.startswith(f"{source}:")
        assert change.document_id.isascii()
        assert len(change.document_id) < 300
        assert change.said_at <= NOW


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b'"x"', b"{", b"[" * 100_000])
@pytest.mark.parametrize("source", sorted(RECEIVERS))
def test_a_signed_body_that_is_no_object_is_refused(source: str, body: bytes) -> None:
    event = next(event for event in every_kind() if event.source == source)
    with pytest.raises(MalformedError, match="no JSON"):
        receive(resigned(event, body))


def test_notions_token_is_kept_in_a_private_file_and_not_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "home" / "notion-webhook-token"
    receiver = NotionVerification(file)
    token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
    body = json.dumps({"verification_token": token}).encode()
    assert receiver.receive(Delivery({}, body, NOW)).changes == ()
    assert file.read_text().strip() == token
    assert file.stat().st_mode & 0o777 == 0o600
    assert str(file) in caplog.text
    assert token not in caplog.text
    for odd in (b"{}", b'{"verification_token": "../x"}', b'{"verification_token": 1}'):
        with pytest.raises(ForgedError, match="pending"):
            receiver.receive(Delivery({}, odd, NOW))
    assert file.read_text().strip() == token
