"""Checks parameters of requests: known, given once, and days that make sense.

Everything else is refused with 422, by name: a misspelt parameter that is ignored changes the
answer in silence.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, NoReturn
from urllib.parse import parse_qsl

from fastapi import Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from vector_assets.core.days import Days, complete_days, start_of_day
from vector_assets.index.question.parsed import Kind

MAX_BACKFILL_DAYS = 400
"""Most days per request; more than a year is a first load, which the command line does."""

_LISTS = {"source", "container", "ignore"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NOT_FIELDS = "a body"


def _as_written(value: object) -> object:
    """Refuse what pydantic would read as seconds since 1970, or as an instant."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "Input should be a valid date: write it as 2026-03-31")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]
"""A UTC day, `YYYY-MM-DD` and nothing else."""


WordForWord = Annotated[
    bool,
    Query(description="Take the question word for word, without reading times or names out of it."),
]
IgnoredKinds = Annotated[
    list[Kind] | None,
    Query(description="Kinds of constraints that stay plain words; may be repeated."),
]


def refuse(
    name: str, message: str, value: object, *, kind: str = "value", at: str = "query"
) -> NoReturn:
    """Raise the error that becomes a 422 which names a parameter."""
    raise RequestValidationError(
        [{"type": kind, "loc": (at, name), "msg": message, "input": value}]
    )


async def require_known(request: Request) -> None:
    """Refuse parameters that the route does not have, those given twice, and any body field."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = list(_names(route.dependant))
    for name in dict.fromkeys(request.query_params):
        values = request.query_params.getlist(name)
        if name not in known:
            takes = f"this route takes {', '.join(known)}" if known else "this route takes none"
            refuse(name, f"unknown parameter {name!r}: {takes}", values, kind="unknown")
        if len(values) > 1 and name not in _LISTS:
            # Which of two viewers is meant must not be guessed.
            message = f"{name} is given {len(values)} times: give it once"
            refuse(name, message, values, kind="repeated")
    for name in _body_fields(await request.body()):
        message = f"{name} is sent in the body, which no route reads: send parameters in the query"
        refuse(name, message, None, kind="unknown", at="body")


def _names(dependant: Dependant) -> Iterator[str]:
    """Yield the query parameters of a route, and of what it depends on."""
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _names(inner)


def _body_fields(body: bytes) -> Iterable[str]:
    """Return the names of a body's fields, of a JSON object or a form.

    Text and lists have none and are named as a whole; a number alone says nothing.
    """
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [name for name, _ in parse_qsl(text)] or (_NOT_FIELDS,)
    if isinstance(value, dict):
        return value
    return (_NOT_FIELDS,) if isinstance(value, list) and value else ()


async def asked_days(
    request: Request,
    days: Annotated[
        int | None,
        Query(ge=1, le=MAX_BACKFILL_DAYS, description="Up to yesterday; 1 by default."),
    ] = None,
    first: Annotated[
        Day | None, Query(alias="from", description="First day, UTC; with `to`.")
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="Last day, UTC, included; with `from`.")
    ] = None,
) -> tuple[date, ...]:
    """Return the days that a backfill is asked for, or refuse them with what to ask for."""
    oldest: date = request.app.state.settings.first_day
    now = datetime.now(UTC)
    yesterday = now.date() - timedelta(days=1)
    if oldest > yesterday:
        refuse("days", f"no day since {oldest} (PARTITIONS_START) is over: ask later", days)
    if first is None and last is None:
        return complete_days(now, days or 1, oldest)
    if days is not None:
        refuse("days", "days is given with from or to: use one or the other", days)
    if first is None or last is None:
        missing, given = ("from", "to") if first is None else ("to", "from")
        refuse(missing, f"{given} is given without {missing}: give both", None)
    if first > last:
        refuse("from", f"from {first} is after to {last}: swap them", str(first))
    if last > yesterday:
        message = f"{last} is not over yet in UTC: the newest day to ask for is {yesterday}"
        refuse("to", message, str(last))
    if first < oldest:
        message = f"{first} is before {oldest}, the first day (PARTITIONS_START): begin there"
        refuse("from", message, str(first))
    span = Days(first, last)
    if len(span) > MAX_BACKFILL_DAYS:
        refuse(
            "from",
            f"{first} to {last} are {len(span):,} days, at most {MAX_BACKFILL_DAYS} are allowed: "
            f"ask in parts, or run `vector-assets sync --from {first} --to {last}`",
            str(first),
        )
    return tuple(span)


def instants(since: date | None, until: date | None) -> tuple[float | None, float | None]:
    """Return the first instants of two days, epoch seconds; refuse an empty span."""
    if since is not None and until is not None and since >= until:
        message = (
            f"nothing is active since {since} and before {until}: until is the first day that is "
            f"left out, so make it later than since"
        )
        refuse("until", message, str(until))
    start, end = (start_of_day(day).timestamp() if day else None for day in (since, until))
    return start, end
