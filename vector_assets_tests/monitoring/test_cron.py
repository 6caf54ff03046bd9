"""Ticks of the nightly schedule and due days."""

from datetime import date, timedelta

import pytest

from vector_assets.core.days import complete_days
from vector_assets.core.errors import SettingsError
from vector_assets.monitoring.cron import due_at, last_tick, overdue, require_cron
from vector_assets_tests.support.tiny import utc

SIX = "0 6 * * *"


@pytest.mark.parametrize(
    ("now", "tick"),
    [
        ("2026-03-10T06:00", "2026-03-10T06:00"),
        ("2026-03-10T05:59", "2026-03-09T06:00"),
        ("2026-03-10T23:00", "2026-03-10T06:00"),
    ],
)
def test_the_last_tick_is_this_moment_or_before(now: str, tick: str) -> None:
    assert last_tick(SIX, utc(now)) == utc(tick)


def test_a_day_is_due_at_the_first_tick_after_its_end() -> None:
    assert due_at(SIX, date(2026, 3, 9)) == utc("2026-03-10T06:00")
    assert due_at("0 0 * * *", date(2026, 3, 9)) == utc("2026-03-10T00:00")
    assert due_at("0 6 * * 1", date(2026, 3, 10)) == utc("2026-03-16T06:00")


def test_today_is_not_complete_and_none_is_before_the_first() -> None:
    now = utc("2026-03-10T12:00")
    assert complete_days(now, 3) == (date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9))
    assert complete_days(now, 3, date(2026, 3, 9)) == (date(2026, 3, 9),)


def test_a_day_is_overdue_when_its_tick_and_the_grace_period_have_passed() -> None:
    days, grace = complete_days(utc("2026-03-10T12:00"), 2), timedelta(hours=2)
    assert overdue(SIX, days, utc("2026-03-10T07:59"), grace) == (date(2026, 3, 8),)
    assert overdue(SIX, days, utc("2026-03-10T08:00"), grace) == days


def test_a_cron_expression_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsError, match=r"NIGHTLY_CRON is 'at six'.*five fields such as 0 6"):
        require_cron("at six")
