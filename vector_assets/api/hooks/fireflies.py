"""Fireflies' webhooks, of both versions (docs.fireflies.ai/graphql-api/webhooks-v2, 2026-11)."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from vector_assets.api.hooks.delivery import (
    OTHER,
    Delivery,
    MalformedError,
    ParsedEvent,
    Receiver,
    instant_of_milliseconds,
    require_hmac,
    require_recent,
    require_signature,
)
from vector_assets.index.queue import Change

SIGNATURE = "x-hub-signature"

OLDEST = timedelta(hours=24)

_EVENTS = ("meeting.transcribed", "meeting.summarized", "Transcription completed")
_MEETING = re.compile(r"[A-Za-z0-9_-]{1,100}")


class FirefliesReceiver(Receiver):
    """Takes events of meetings that have a transcript or a summary."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def require_headers(self, headers: Mapping[str, str], received_at: datetime) -> None:
        """Require the form of a signature."""
        require_signature(headers, SIGNATURE)

    def receive(self, delivery: Delivery) -> ParsedEvent:
        """Verify the signature and return which meeting is ready."""
        require_hmac(delivery, SIGNATURE, self._secret)
        body = delivery.object()
        event = body.get("event", body.get("eventType"))
        said_at = delivery.received_at
        # Version 1 sends no time.
        if "timestamp" in body:
            sent_at = instant_of_milliseconds(body["timestamp"])
            if sent_at is None:
                raise MalformedError("the event has no timestamp in milliseconds")
            require_recent(sent_at, delivery.received_at, OLDEST)
            said_at = min(sent_at, said_at)
        if event not in _EVENTS:
            return ParsedEvent(OTHER)
        meeting_id = body.get("meeting_id", body.get("meetingId"))
        if not isinstance(meeting_id, str) or not _MEETING.fullmatch(meeting_id):
            raise MalformedError("the event names no meeting")
        change = Change(f"fireflies:{meeting_id}", said_at)
        return ParsedEvent(str(event), (change,), is_dated="timestamp" in body)
