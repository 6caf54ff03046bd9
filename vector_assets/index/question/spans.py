"""Spans of UTC days, and the dates that people write, read through dateutil."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.parser import ParserError, parse
from dateutil.relativedelta import relativedelta

from vector_assets.core.days import start_of_day

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",),
            ("june", "jun"), ("july", "jul"), ("august", "aug"), ("september", "sept", "sep"),
            ("october", "oct"), ("november", "nov"), ("december", "dec"),
        ),
        1,
    )
    for name in names
}  # fmt: skip

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

OLDEST_YEAR = 1990


@dataclass(frozen=True, slots=True)
class Span:
    """UTC days from `first` to before `end`."""

    first: date
    end: date


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """Bounds of the last activity; None for none.

    Attributes:
        first: First UTC day.
        end: UTC day before which it was.
    """

    first: date | None = None
    end: date | None = None

    @property
    def meaning(self) -> str:
        """In words."""
        if self.first is None:
            return f"activity before {self.end}"
        if self.end is None:
            return f"activity since {self.first}"
        if self.end == self.first + timedelta(days=1):
            return f"activity on {self.first}"
        return f"activity from {self.first} to before {self.end}"

    @property
    def since(self) -> float | None:
        """The first instant, epoch seconds."""
        return None if self.first is None else start_of_day(self.first).timestamp()

    @property
    def until(self) -> float | None:
        """The end, exclusive, epoch seconds."""
        return None if self.end is None else start_of_day(self.end).timestamp()


def span_of_days(first: date, count: int = 1) -> Span:
    """Return so many days from a first."""
    return Span(first, first + timedelta(days=count))


def span_of(unit: str, day: date) -> Span:
    """Return the calendar day, week (from Monday), month, quarter or year that holds a day."""
    if unit == "day":
        return span_of_days(day)
    if unit == "week":
        return span_of_days(day - timedelta(days=day.weekday()), 7)
    if unit == "month":
        first = day.replace(day=1)
        return Span(first, first + relativedelta(months=1))
    if unit == "quarter":
        first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        return Span(first, first + relativedelta(months=3))
    first = date(day.year, 1, 1)
    return Span(first, first + relativedelta(years=1))


def before(day: date, count: int, unit: str) -> date:
    """Return the day that was so many units before another.

    Raises:
        OverflowError: No calendar has it.
    """
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit, 0) * count
    days = {"day": 1, "week": 7}.get(unit, 0) * count
    try:
        earlier: date = day - relativedelta(months=months, days=days)
    except ValueError as error:
        raise OverflowError(str(error)) from None
    return earlier


def written_day(text: str, today: date) -> date | None:
    """Return the day that is written, such as `3rd of May`; without a year, the last such day."""
    has_year = re.search(r"\d{4}", text) is not None
    default = start_of_day(date(today.year, 1, 1)).replace(tzinfo=None)
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b|,", " ", text, flags=re.IGNORECASE)
    try:
        day: date = parse(plain, default=default, yearfirst=True).date()
        return day if has_year or day <= today else day.replace(year=day.year - 1)
    except (ParserError, ValueError, OverflowError):
        return None


def written_month(name: str, year: str | None, today: date) -> Span:
    """Return a month; without a year, the last such month that has begun.

    Raises:
        ValueError: It is written with a letter that only patterns take for one of the month's.
    """
    month = MONTHS.get(name.casefold().rstrip("."))
    if month is None:
        raise ValueError(f"{name!r} is no month")
    number = int(year) if year else today.year - (month > today.month)
    return span_of("month", date(number, month, 1))
