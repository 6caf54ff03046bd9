"""UTC days, spans of days, and the window of time that a run fetches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from vector_assets.core.errors import UsageError

_CLOCKS_DIFFER = timedelta(days=1)
"""How far the clock of a source may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Days:
    """UTC days to sync, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise UsageError(
                f"the first day {self.first} is after the last day {self.last}: swap them"
            )

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    @classmethod
    def newest(cls, count: int, now: datetime) -> "Days":
        """Return the newest complete days, at least one, yesterday the last of them."""
        if count < 1:
            raise UsageError(f"the number of days is {count}: it has to be at least 1")
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        return cls(yesterday - timedelta(days=count - 1), yesterday)


def spans_of(days: Iterable[date]) -> list[Days]:
    """Return days as the fewest spans without gaps, oldest first."""
    spans: list[Days] = []
    for day in sorted(set(days)):
        if spans and spans[-1].last + timedelta(days=1) == day:
            spans[-1] = Days(spans[-1].first, day)
        else:
            spans.append(Days(day, day))
    return spans


def left_of(asked: Days, done: Iterable[Days]) -> list[Days]:
    """Return the spans of the asked days that are not done, newest first."""
    done_days = {day for span in done for day in span}
    return spans_of(day for day in asked if day not in done_days)[::-1]


@dataclass(frozen=True, slots=True)
class Window:
    """A span of last activity to fetch, `[start, end)` in UTC.

    Attributes:
        start: First instant, overlap included.
        end: First instant after it. None when the window reaches the present: an upper bound would
            miss a document that is edited every minute.
    """

    start: datetime
    end: datetime | None

    @classmethod
    def of_days(cls, first: date, last: date, *, overlap: timedelta, now: datetime) -> "Window":
        """Return the window of some days, and an overlap before: a vendor's search lags."""
        end = start_of_day(last + timedelta(days=1))
        newest_complete_day = now.astimezone(UTC).date() - timedelta(days=1)
        return cls(
            start=start_of_day(first) - overlap,
            end=None if last >= newest_complete_day else end,
        )

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant and (self.end is None or instant < self.end)


def is_to_come(instant: datetime, now: datetime) -> bool:
    """Tell whether an instant lies in the future by more than two clocks may differ.

    A document of such a date would pass for the newest for as long, and hide that others are old.
    """
    return instant > now + _CLOCKS_DIFFER


def start_of_day(day: date) -> datetime:
    """Return the first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def complete_days(now: datetime, count: int, first: date | None = None) -> tuple[date, ...]:
    """Return the newest days that are over in UTC, oldest first; none is before `first`."""
    today = now.astimezone(UTC).date()
    days = (today - timedelta(days=n) for n in range(count, 0, -1))
    return tuple(day for day in days if first is None or day >= first)
