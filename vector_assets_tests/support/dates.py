"""Dates of a test, taken when it runs: one that was taken at import is old after midnight."""

import time
from datetime import UTC, date, datetime, timedelta

LONGEST_TEST = timedelta(minutes=2)
"""What a test may take that starts no installation. Those that do take minutes, in which midnight
may still come."""


def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def yesterday_noon() -> datetime:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return noon - timedelta(days=1)


def wait_out_midnight() -> None:
    """Wait until midnight (UTC) has passed, where it would come in the midst of a test."""
    now = datetime.now(UTC)
    in_a_while = now + LONGEST_TEST
    if in_a_while.date() != now.date():
        midnight = in_a_while.replace(hour=0, minute=0, second=0, microsecond=0)
        time.sleep((midnight - now).total_seconds() + 1)
