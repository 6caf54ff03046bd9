"""Notion's webhooks (developers.notion.com/reference/webhooks, 2026-11)."""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from vector_assets.api.hooks.delivery import (
    OTHER,
    Delivery,
    ForgedError,
    MalformedError,
    ParsedEvent,
    Receiver,
    require_hmac,
    require_recent,
    require_signature,
)
from vector_assets.core.private_folder import make_private
from vector_assets.index.queue import Change

logger = logging.getLogger(__name__)

SIGNATURE = "x-notion-signature"

PENDING = "pending"
"""Value of `NOTION_WEBHOOK_TOKEN` until Notion has sent the token that signs."""

OLDEST = timedelta(hours=25)
"""Notion delivers again for up to 24 hours."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
_OF_PAGES = re.compile(r"(page|comment)\.[a-z_]{1,40}")


class NotionReceiver(Receiver):
    """Takes events of pages and of their comments."""

    def __init__(self, verification_token: str) -> None:
        self._verification_token = verification_token

    def require_headers(self, headers: Mapping[str, str], received_at: datetime) -> None:
        """Require the form of a signature."""
        require_signature(headers, SIGNATURE)

    def receive(self, delivery: Delivery) -> ParsedEvent:
        """Verify the signature and return which page changed."""
        require_hmac(delivery, SIGNATURE, self._verification_token)
        body = delivery.object()
        if "verification_token" in body:
            return ParsedEvent("verification")
        said_at = _said_at(body)
        require_recent(said_at, delivery.received_at, OLDEST)
        event = body.get("type")
        if not isinstance(event, str) or not _OF_PAGES.fullmatch(event):
            return ParsedEvent(OTHER)
        page_id = _page_id(body, event)
        if page_id is None:
            raise MalformedError(f"the event is {event[:60]} and names no page")
        change = Change(f"notion:{page_id}", min(said_at, delivery.received_at))
        return ParsedEvent(event, (change,), is_dated=True)


class NotionVerification(Receiver):
    """Takes the one request by which Notion tells its token, before it signs anything.

    The token is written to a file that only its owner may read. The log says where, and not what.
    """

    def __init__(self, token_file: Path) -> None:
        self._token_file = token_file

    def receive(self, delivery: Delivery) -> ParsedEvent:
        """Keep the token; a later one replaces it, for Notion sends another when asked to."""
        token = delivery.object().get("verification_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise ForgedError(
                "NOTION_WEBHOOK_TOKEN is pending, and this is not Notion's verification token"
            )
        make_private(self._token_file.parent)
        written = self._token_file.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text(token + "\n")
        written.replace(self._token_file)
        logger.warning(
            "Notion has sent its verification token: it is in %s. Enter it in Notion, set "
            "NOTION_WEBHOOK_TOKEN to it, and start `vector-assets serve` again.",
            self._token_file,
        )
        return ParsedEvent("verification")


def _said_at(body: dict[str, Any]) -> datetime:
    try:
        said_at = datetime.fromisoformat(str(body.get("timestamp")))
    except ValueError:
        raise MalformedError("the event has no timestamp") from None
    return said_at if said_at.tzinfo else said_at.replace(tzinfo=UTC)


def _page_id(body: dict[str, Any], event: str) -> str | None:
    """Return the id of the page: the event's entity, or the page of a comment."""
    data, entity = body.get("data"), body.get("entity")
    holder, name = (data, "page_id") if event.startswith("comment.") else (entity, "id")
    value = holder.get(name) if isinstance(holder, dict) else None
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
