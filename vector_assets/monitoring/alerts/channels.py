"""Alert messages, and the webhook channel; Slack is in `monitoring/alerts/slack.py`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import requests

from vector_assets.core.errors import UnavailableError
from vector_assets.monitoring.problems import Problem

TIMEOUT_SECONDS = 10

_MOVED = 301

MAX_BLOCK_CHARACTERS = 2900
"""Slack accepts 3,000 in a section (docs.slack.dev, "Section block", 2026-11)."""


SENT_AGAIN = "It is sent again at the next check."


class Kind(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    REMINDER = "reminder"
    OVER = "over"
    NOTICE = "notice"


_PREFIXES = {
    Kind.OPENED: "🔴",
    Kind.REMINDER: "🔴 Still:",
    Kind.OVER: "🟢 Over:",
    Kind.NOTICE: "🔵",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message about a problem.

    Attributes:
        ended_at: When it ended, UTC; None while it lasts.
    """

    kind: Kind
    problem: Problem
    since: datetime
    ended_at: datetime | None = None

    @property
    def text(self) -> str:
        """The headline, for notifications and for channels that show plain text."""
        return f"{_PREFIXES[self.kind]} {self.problem.headline}"

    def as_json(self) -> dict[str, Any]:
        """Return the webhook's JSON; `text` is the field that chat services show."""
        return {
            "event": self.kind,
            "key": self.problem.key,
            "text": self.text,
            "headline": self.problem.headline,
            "detail": self.problem.detail,
            "advice": self.problem.advice,
            "since": self.since.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "link": self.problem.link,
        }

    def as_blocks(self) -> list[dict[str, Any]]:
        """Return the message in Slack's Block Kit."""
        facts = [f"*Since* {self.since:%Y-%m-%d %H:%M} UTC"]
        if self.ended_at is not None:
            facts.append(f"*until* {self.ended_at:%Y-%m-%d %H:%M} UTC")
        blocks = [_section(f"*{_escaped(self.text)}*")]
        if self.kind is not Kind.OVER:
            blocks.append(_section(_escaped(self.problem.detail)))
            blocks.append(_section(f"*What to do* {_escaped(self.problem.advice)}"))
        if self.problem.link:
            facts.append(f"<{self.problem.link}|Open in Dagster>")
        blocks.append(
            {"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(facts)}]}
        )
        return blocks


class Channel(ABC):
    """Somewhere alerts can be sent.

    Attributes:
        setting: The variable that configures it.
    """

    name: str
    setting: str

    @abstractmethod
    def send(self, message: Message) -> None:
        """Deliver a message.

        Raises:
            UnavailableError: It was not accepted; never shows the address, which may be a secret.
        """


class WebhookChannel(Channel):
    """Any address that accepts a JSON document by POST; the address is treated as a secret."""

    name = "webhook"
    setting = "ALERT_WEBHOOK_URL"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Post the message; any status but 2xx is a failure."""
        try:
            response = requests.post(self._url, json=message.as_json(), timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise UnavailableError("the alert webhook", type(error).__name__, SENT_AGAIN) from error
        if any(answer.status_code == _MOVED for answer in response.history):
            # The client then asks for a page with GET, whose answer says nothing of the message.
            # After 302 and 303 it does so as well, but there a service may have taken it.
            advice = "Set ALERT_WEBHOOK_URL to the address that it leads to."
            raise UnavailableError("the alert webhook", f"HTTP {_MOVED}", advice)
        if not 200 <= response.status_code < 300:
            raise UnavailableError("the alert webhook", f"HTTP {response.status_code}", SENT_AGAIN)


def _section(text: str) -> dict[str, Any]:
    cut = text if len(text) <= MAX_BLOCK_CHARACTERS else text[: MAX_BLOCK_CHARACTERS - 1] + "…"
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut or " "}}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
