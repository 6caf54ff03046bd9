"""Slack's Events API (docs.slack.dev/apis/events-api, 2026-11)."""

import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from vector_assets.api.hooks.delivery import (
    OTHER,
    Delivery,
    ForgedError,
    MalformedError,
    ParsedEvent,
    Receiver,
    require_recent,
)
from vector_assets.index.queue import Change
from vector_assets.sources.slack.document import channel_document_id, day_id, thread_id
from vector_assets.sources.slack.messages import instant

OLDEST = timedelta(minutes=5)

_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,30}")
"""A direct message (`D…`) is never read."""

_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,11}")
_TS = re.compile(r"[0-9]{9,11}\.[0-9]{6}")
_DIRECT = ("im", "mpim")
_OF_CHANNEL = ("channel_topic", "channel_purpose", "channel_name", "group_topic", "group_purpose")
"""A tuple, as odd events hold what a set cannot look up."""


class SlackReceiver(Receiver):
    """Takes messages: new, changed and deleted ones, and what describes their channel.

    A retry (`X-Slack-Retry-Num`) is taken like the first delivery: changes are merged by document.
    """

    def __init__(self, signing_secret: str) -> None:
        self._signing_secret = signing_secret

    def require_headers(self, headers: Mapping[str, str], received_at: datetime) -> None:
        """Require the form of a signature, and a time that has not expired."""
        if not _SIGNATURE.fullmatch(headers.get("x-slack-signature", "")):
            raise ForgedError("x-slack-signature is no signature: send the event as Slack does")
        timestamp = headers.get("x-slack-request-timestamp", "")
        if not _SECONDS.fullmatch(timestamp):
            raise ForgedError("x-slack-request-timestamp is no time: send the event as Slack does")
        require_recent(datetime.fromtimestamp(int(timestamp), UTC), received_at, OLDEST)

    def receive(self, delivery: Delivery) -> ParsedEvent:
        """Verify `X-Slack-Signature`, which holds for five minutes, and return what changed."""
        self._require_signed(delivery)
        body = delivery.object()
        if body.get("type") == "url_verification":
            return ParsedEvent(
                "url_verification", reply={"challenge": str(body.get("challenge", ""))}
            )
        return parse_event(body, delivery.received_at)

    def _require_signed(self, delivery: Delivery) -> None:
        # The SDK's verifier raises on a body that is no UTF-8, and on such a signature.
        timestamp = delivery.headers.get("x-slack-request-timestamp", "")
        signed = b"v0:" + timestamp.encode() + b":" + delivery.body
        wanted = "v0=" + hmac.new(self._signing_secret.encode(), signed, sha256).hexdigest()
        sent = delivery.headers.get("x-slack-signature", "")
        if not hmac.compare_digest(sent.encode(), wanted.encode()):
            raise ForgedError(
                "x-slack-signature is not the signature of this body: check SLACK_SIGNING_SECRET"
            )
        require_recent(datetime.fromtimestamp(int(timestamp), UTC), delivery.received_at, OLDEST)


def parse_event(body: dict[str, Any], received_at: datetime) -> ParsedEvent:
    """Return what an event says that is known to be Slack's, over HTTP or a socket.

    Raises:
        MalformedError: An event of a message has no message.
    """
    event = body.get("event")
    if body.get("type") != "event_callback" or not isinstance(event, dict):
        return ParsedEvent(OTHER)
    if event.get("type") != "message" or event.get("channel_type") in _DIRECT:
        return ParsedEvent(OTHER)
    channel_id = event.get("channel")
    if not isinstance(channel_id, str) or not _CHANNEL.fullmatch(channel_id):
        return ParsedEvent(OTHER)
    messages = [
        message
        for message in (event, event.get("message"), event.get("previous_message"))
        if isinstance(message, dict)
    ]
    if event.get("subtype") in ("message_changed", "message_deleted"):
        # The event has a time of its own, which is no message's.
        messages = messages[1:]
        if event.get("deleted_ts"):
            messages.append({"ts": event["deleted_ts"]})
    document_ids = {
        document_id for message in messages for document_id in _documents(channel_id, message)
    }
    if event.get("subtype") in _OF_CHANNEL:
        document_ids.add(channel_document_id(channel_id))
    if not document_ids:
        raise MalformedError("the event is of a message and names none")
    said_at = _said_at(body, event, received_at)
    changes = tuple(Change(document_id, said_at) for document_id in sorted(document_ids))
    return ParsedEvent("message", changes, is_dated=True)


def _documents(channel_id: str, message: dict[str, Any]) -> Iterator[str]:
    """Yield the documents that a message may be in.

    With its first reply a message moves from its day to a thread, and back with its last.
    """
    ts, thread_ts = message.get("ts"), message.get("thread_ts")
    if isinstance(thread_ts, str) and _TS.fullmatch(thread_ts):
        yield thread_id(channel_id, thread_ts)
        yield day_id(channel_id, instant(thread_ts).date())
    elif isinstance(ts, str) and _TS.fullmatch(ts):
        yield day_id(channel_id, instant(ts).date())


def _said_at(body: dict[str, Any], event: dict[str, Any], received_at: datetime) -> datetime:
    """Return when something changed: `event_ts` is that of the change, `ts` that of the message."""
    ts = event.get("event_ts")
    if isinstance(ts, str) and _TS.fullmatch(ts):
        return min(instant(ts), received_at)
    seconds = body.get("event_time")
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 1e11:
        return min(datetime.fromtimestamp(seconds, UTC), received_at)
    return received_at
