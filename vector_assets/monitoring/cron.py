"""When a night is due: the ticks of `NIGHTLY_CRON`, and the days that each of them asks for."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from cronsim import CronSim, CronSimError

from vector_assets.core.errors import SettingsError


def require_cron(expression: str) -> None:
    """Check a cron expression.

    Raises:
        SettingsError: It cannot be read.
    """
    try:
        CronSim(expression, datetime.now(UTC))
    except CronSimError as error:
        raise SettingsError(
            f"NIGHTLY_CRON is {expression!r}, which is no cron expression ({error}): set it to "
            f"five fields such as 0 6 * * *"
        ) from error


def last_tick(expression: str, now: datetime) -> datetime | None:
    """Return the newest tick at or before an instant, UTC; None when there never was one.

    Args:
        expression: A cron expression, read in UTC.
        now: With a time zone.
    """
    # cronsim looks strictly backwards, and this instant itself may be a tick.
    after = now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    return next(CronSim(expression, after, reverse=True), None)


def due_at(expression: str, day: date) -> datetime | None:
    """Return the tick at which a day is first asked for; None when there is none any more."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return next(CronSim(expression, end - timedelta(seconds=1)), None)


def overdue(
    expression: str, days: Sequence[date], now: datetime, grace: timedelta
) -> tuple[date, ...]:
    """Return those of some days that had to be done by now, the time that a run takes included."""
    found = []
    for day in days:
        due = due_at(expression, day)
        if due is not None and due + grace <= now:
            found.append(day)
    return tuple(found)
