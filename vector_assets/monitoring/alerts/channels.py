"""Where alerts go: any webhook by one JSON document, and Slack (`monitoring/alerts/slack.py`)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import requests

from vector_assets.core.errors import UnavailableError
from vector_assets.monitoring.problems import Problem

TIMEOUT_SECONDS = 10

MAX_BLOCK_CHARACTERS = 2900
"""Slack takes 3,000 in a section (docs.slack.dev, "Section block", 2026-11)."""


SENT_AGAIN = "It is sent again the next time."


class Kind(StrEnum):
    """What a message says of an incident."""

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
    """One thing to say.

    Attributes:
        kind: What of it.
        problem: About what.
        since: When it began, UTC.
        ended_at: When it ended, UTC; None while it lasts.
    """

    kind: Kind
    problem: Problem
    since: datetime
    ended_at: datetime | None = None

    @property
    def text(self) -> str:
        """The headline, for a notification and for channels without layout."""
        return f"{_PREFIXES[self.kind]} {self.problem.headline}"

    def as_json(self) -> dict[str, Any]:
        """Return it as a webhook gets it; `text` is what chat services show of it."""
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
        """Return it in Slack's Block Kit."""
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
    """A place that people look at.

    Attributes:
        name: For messages about itself.
        setting: The variable that names it.
    """

    name: str
    setting: str

    @abstractmethod
    def send(self, message: Message) -> None:
        """Deliver a message.

        Raises:
            UnavailableError: It was not taken; never shows the address, which may be a secret.
        """


class WebhookChannel(Channel):
    """Any address that takes a JSON document by POST.

    Args:
        url: A secret, as most of them are.
    """

    name = "webhook"
    setting = "ALERT_WEBHOOK_URL"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Post it; anything but a 2xx is a failure."""
        try:
            answer = requests.post(self._url, json=message.as_json(), timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise UnavailableError("the alert webhook", type(error).__name__, SENT_AGAIN) from error
        if not answer.ok:
            raise UnavailableError("the alert webhook", f"HTTP {answer.status_code}", SENT_AGAIN)


def _section(text: str) -> dict[str, Any]:
    cut = text if len(text) <= MAX_BLOCK_CHARACTERS else text[: MAX_BLOCK_CHARACTERS - 1] + "…"
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut or " "}}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
