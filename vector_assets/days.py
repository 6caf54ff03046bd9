"""UTC days: the span that a sync is asked for, and what of it is left to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from vector_assets.errors import UsageError


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
        """Return the newest complete days, yesterday the last of them.

        Raises:
            UsageError: The count is below 1.
        """
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
    """Return what is left of the days that are asked for, newest first.

    Args:
        asked: All that is wanted.
        done: Spans that an unfinished run has brought.
    """
    brought = {day for span in done for day in span}
    return spans_of(day for day in asked if day not in brought)[::-1]
