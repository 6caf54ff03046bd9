"""Arguments that several commands share: days, sources, `--json`."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from vector_assets.core.errors import UsageError
from vector_assets.core.settings import Settings
from vector_assets.index.question.parsed import Kind
from vector_assets.sources import require_known

if TYPE_CHECKING:
    from vector_assets.core.days import Days


class DayType(click.ParamType[date]):
    """A UTC day, `YYYY-MM-DD`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or fail with the expected format."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day: write it as 2026-03-31", param, ctx)


KIND = click.Choice([str(kind) for kind in Kind])
"""Kinds of constraints in a question."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def named_or_enabled(sources: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """Return the named sources, or all enabled ones; each must exist and have credentials."""
    for name in sources:
        require_known(name)
        settings.require_credentials(name)
    names = tuple(dict.fromkeys(sources)) or settings.enabled_sources
    if not names:
        raise UsageError(
            "no source is on: set the credentials of one (`vector-assets doctor` names them), "
            "or try `vector-assets demo`"
        )
    return names


def start_and_end(since: date | None, until: date | None) -> tuple[float | None, float | None]:
    """Return the first instants of two days, epoch seconds; refuse an empty span."""
    from vector_assets.core.days import start_of_day

    if since and until and since >= until:
        raise UsageError(
            f"nothing is active since {since} and before {until}: --until is the first day that "
            f"is left out, so make it later than --since"
        )
    start, end = (start_of_day(day).timestamp() if day else None for day in (since, until))
    return start, end


def asked_days(days: int | None, first: date | None, last: date | None, now: datetime) -> "Days":
    """Return the days of `--days`, or of `--from` and `--to`; yesterday by default."""
    from vector_assets.core.days import Days

    if days is not None and (first or last):
        raise UsageError("--days was given with --from or --to: use one or the other")
    yesterday = Days.newest(1, now).last
    if first is not None and first > yesterday:
        raise UsageError(f"{first} is not over yet in UTC: the newest day to sync is {yesterday}")
    if first or last:
        end = min(last or yesterday, yesterday)
        return Days(first or end, end)
    return Days.newest(1 if days is None else days, now)
