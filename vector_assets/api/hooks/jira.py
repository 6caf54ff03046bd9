"""Jira's admin webhooks, and web requests of Jira Automation.

developer.atlassian.com/cloud/jira/platform/webhooks and
support.atlassian.com/cloud-automation/docs/jira-automation-actions, 2026-11.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from vector_assets.api.hooks.delivery import (
    OTHER,
    Delivery,
    ForgedError,
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
AUTOMATION_HEADER = "x-automation-webhook-token"
"""Name of the header that Automation's rule sends the secret in; it cannot sign."""

OLDEST = timedelta(hours=3)
"""Jira delivers again for up to about two hours."""

_NATIVE_ID = re.compile(r"[0-9]{1,20}|[A-Za-z][A-Za-z0-9_]{0,250}-[1-9][0-9]{0,18}")
_OF_ISSUES = re.compile(r"(jira:issue|comment|worklog|attachment|issue_property|issuelink)_\w+")


class JiraReceiver(Receiver):
    """Takes events of issues, their comments, worklogs, attachments and links."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def require_headers(self, headers: Mapping[str, str], received_at: datetime) -> None:
        """Require the form of a signature, or Automation's token."""
        if not self._is_of_automation(headers):
            require_signature(headers, SIGNATURE)

    def receive(self, delivery: Delivery) -> ParsedEvent:
        """Verify the signature, or Automation's token, and return which issues changed."""
        if self._is_of_automation(delivery.headers):
            return self._of_automation(delivery)
        require_hmac(delivery, SIGNATURE, self._secret)
        body = delivery.object()
        said_at = instant_of_milliseconds(body.get("timestamp"))
        if said_at is None:
            raise MalformedError("the event has no timestamp in milliseconds")
        require_recent(said_at, delivery.received_at, OLDEST)
        event = body.get("webhookEvent")
        if not isinstance(event, str) or not _OF_ISSUES.fullmatch(event):
            return ParsedEvent(OTHER)
        document_ids = _issues(body)
        if not document_ids:
            return ParsedEvent(OTHER)
        said_at = min(said_at, delivery.received_at)
        changes = tuple(Change(document_id, said_at) for document_id in document_ids)
        return ParsedEvent(event, changes, is_dated=True)

    def _is_of_automation(self, headers: Mapping[str, str]) -> bool:
        token = headers.get(AUTOMATION_HEADER, "")
        if SIGNATURE in headers or not token:
            return False
        if not hmac.compare_digest(token.encode(), self._secret.encode()):
            raise ForgedError(
                f"{AUTOMATION_HEADER} is not the secret: check the header of the rule"
            )
        return True

    def _of_automation(self, delivery: Delivery) -> ParsedEvent:
        """Return the issue of the body "Issue data", or of `{"issue": "OPS-1"}`."""
        body = delivery.object()
        document_ids = _issues(body) or _issues({"issue": body})
        if not document_ids:
            raise MalformedError("the body names no issue: choose the web request body Issue data")
        changes = (Change(document_id, delivery.received_at) for document_id in document_ids)
        return ParsedEvent("automation", tuple(changes))


def _issues(body: dict[str, Any]) -> list[str]:
    """Return the ids of the documents that a body names."""
    link = body.get("issueLink")
    worklog = body.get("worklog")
    names = [_native_id(body.get("issue"))]
    if isinstance(link, dict):
        names += [_native_id(link.get(name)) for name in ("sourceIssueId", "destinationIssueId")]
    if isinstance(worklog, dict):
        names.append(_native_id(worklog.get("issueId")))
    return sorted({f"jira:{name}" for name in names if name})


def _native_id(issue: object) -> str:
    """Return the id of an issue, or the text or number that names it; empty without one."""
    name = issue.get("id") if isinstance(issue, dict) else issue
    text = str(name) if isinstance(name, str | int) and not isinstance(name, bool) else ""
    return text if _NATIVE_ID.fullmatch(text) else ""
