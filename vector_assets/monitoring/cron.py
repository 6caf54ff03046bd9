"""Ticks of `NIGHTLY_CRON`, and the days that are due at them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from cronsim import CronSim, CronSimError

from vector_assets.core.errors import SettingsError


def require_cron(expression: str) -> None:
    """Validate a cron expression."""
    try:
        CronSim(expression, datetime.now(UTC))
    except CronSimError as error:
        raise SettingsError(
            f"NIGHTLY_CRON is {expression!r}, which is not a cron expression ({error}): set it to "
            f"five fields such as 0 6 * * *"
        ) from error


def last_tick(expression: str, now: datetime) -> datetime | None:
    """Return the newest tick at or before an instant, UTC; None when there is none."""
    # cronsim excludes its starting point, which may itself be a tick.
    after = now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    return next(CronSim(expression, after, reverse=True), None)


def due_at(expression: str, day: date) -> datetime | None:
    """Return the first tick after a day has ended; None when there is none."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return next(CronSim(expression, end - timedelta(seconds=1)), None)


def overdue(
    expression: str, days: Sequence[date], now: datetime, grace: timedelta
) -> tuple[date, ...]:
    """Return the days whose tick, plus a grace period for the run, has passed."""
    return tuple(
        day for day in days if (due := due_at(expression, day)) is not None and due + grace <= now
    )
