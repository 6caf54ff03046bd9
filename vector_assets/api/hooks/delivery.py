"""A delivery of a vendor, the event that a receiver parses from it, and shared signatures."""

import hashlib
import hmac
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from vector_assets.core.errors import UsageError
from vector_assets.index.queue import Change

AHEAD = timedelta(minutes=5)
"""How far a vendor's clock may be ahead of ours."""


_SIGNATURE = re.compile(r"(?:sha256=)?[0-9A-Fa-f]{64}")


class ForgedError(UsageError):
    """A delivery that its vendor has not signed, or has signed too long ago."""


class MalformedError(UsageError):
    """A delivery that is signed and is not what its vendor documents."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request.

    Attributes:
        headers: By name in lower case.
        body: As it was sent, for signatures are of bytes.
    """

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime

    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            MalformedError: It is none.
        """
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            raise MalformedError("the body is no JSON: send the event as the vendor does") from None
        if not isinstance(parsed, dict):
            raise MalformedError("the body is no JSON object: send the event as the vendor does")
        return parsed


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """What a receiver makes of a delivery.

    Attributes:
        event: The vendor's name of it, for the counts; of a short list.
        changes: To be queued; none for an event that changes no document.
        reply: The JSON to answer with in place of ours.
        is_dated: Whether the signed body holds a time, so that no two events have the same.
    """

    event: str
    changes: tuple[Change, ...] = ()
    reply: Mapping[str, str] | None = None
    is_dated: bool = False


OTHER = "other"
"""Stands for the names of events that are not read."""


class Receiver(ABC):
    """Receives the events of one vendor."""

    def require_headers(self, headers: Mapping[str, str], received_at: datetime) -> None:  # noqa: B027 - a delivery may be unsigned
        """Refuse by its headers alone what `receive` would refuse, before its body is read.

        Raises:
            ForgedError: It bears no signature, or one that has expired.
        """

    @abstractmethod
    def receive(self, delivery: Delivery) -> ParsedEvent:
        """Verify a delivery and return what it says.

        Raises:
            ForgedError: Its signature is missing, wrong, or too old.
            MalformedError: It is signed and cannot be read.
        """


def require_signature(headers: Mapping[str, str], header: str) -> None:
    """Require that a header has the form of a signature, which `require_hmac` compares.

    Raises:
        ForgedError: It is missing or of another form.
    """
    if not _SIGNATURE.fullmatch(headers.get(header, "")):
        raise ForgedError(f"{header} is no signature: send the event as the vendor does")


def require_hmac(delivery: Delivery, header: str, secret: str) -> None:
    """Require a header with the hexadecimal HMAC-SHA256 of the body, with or without `sha256=`.

    Raises:
        ForgedError: It is missing or wrong.
    """
    sent = delivery.headers.get(header, "").removeprefix("sha256=").lower()
    wanted = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(sent.encode(), wanted.encode()):
        raise ForgedError(f"{header} is not the signature of this body: check the secret")


def require_recent(said_at: datetime, received_at: datetime, oldest: timedelta) -> None:
    """Require that an event is no older than its vendor's last retry.

    Raises:
        ForgedError: It is older, or of the future.
    """
    waited_time = received_at - said_at
    if not -AHEAD <= waited_time <= oldest:
        raise ForgedError(
            f"the event is of {said_at:%Y-%m-%d %H:%M} UTC, and at most {oldest} old ones are taken"
        )


def instant_of_milliseconds(value: object) -> datetime | None:
    """Return epoch milliseconds as UTC; None for what is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
