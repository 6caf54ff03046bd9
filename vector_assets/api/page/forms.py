"""Reads forms: the question in a URL, and the fields of a body."""

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from vector_assets.api.parameters import Day, refuse
from vector_assets.api.reading import (
    MAX_ANSWERS,
    MAX_QUESTION_CHARACTERS,
    Question,
    source_names,
)
from vector_assets.index.question.parsed import Kind, ParseOptions

LIMITS = (10, 25, 50, 100)

_ALONE = ("q", "since", "until", "limit", "literal")
_REPEATED = ("source", "container", "ignore")
_MAX_FIELDS = 20
_FORM_TYPE = "application/x-www-form-urlencoded"
_PAGES = {"", "./", "status", "why"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The search form as it was filled in, before anything is checked."""

    q: str = ""
    sources: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    limit: str = str(LIMITS[0])
    literal: str = ""
    ignore: tuple[str, ...] = ()

    @property
    def has_filters(self) -> bool:
        """Whether anything but the question is filled in."""
        filters = (self.sources, self.containers, self.since, self.until)
        return any(filters) or self.limit != str(LIMITS[0])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What an address that asks the same has."""
        pairs = [("q", self.q), *(("source", name) for name in self.sources)]
        pairs += [("container", name) for name in self.containers]
        pairs += [("since", self.since), ("until", self.until)]
        if self.limit != str(LIMITS[0]):
            pairs.append(("limit", self.limit))
        pairs += [("literal", self.literal), *(("ignore", kind) for kind in self.ignore)]
        return [(name, value) for name, value in pairs if value]

    @property
    def query(self) -> str:
        """The address's query that asks the same."""
        return urlencode(self.pairs)

    def without(self, kind: str) -> str:
        """Return the query that asks the same, and in which such parts are plain words."""
        return replace(self, ignore=(*self.ignore, kind)).query

    @property
    def word_for_word(self) -> str:
        """The query that asks the same, word for word."""
        return replace(self, literal="true", ignore=()).query

    @property
    def as_parsed(self) -> str:
        """The query that asks the same, and in which all constraints are read."""
        return replace(self, literal="", ignore=()).query


class _Checked(BaseModel):
    """The bounds that the JSON route has."""

    q: Annotated[str, Field(max_length=MAX_QUESTION_CHARACTERS)]
    since: Day | None
    until: Day | None
    limit: Annotated[int, Field(ge=1, le=MAX_ANSWERS)]
    literal: bool
    ignore: frozenset[Kind]


def asked_of(request: Request, *others: str) -> Asked:
    """Return the search form of an address; an empty field is not filled in.

    Args:
        request: With the address.
        *others: Names of further parameters that the page has.

    Raises:
        RequestValidationError: A parameter is unknown, or given twice where one counts.
    """
    given: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name not in {*_ALONE, *_REPEATED, *others}:
            refuse(name, f"unknown parameter {name!r}", value, kind="unknown")
        if value.strip():
            given.setdefault(name, []).append(value.strip())
    for name in (*_ALONE, *others):
        if len(given.get(name, ())) > 1:
            refuse(name, f"{name} is given more than once: give it once", given[name])
    alone = {name: given[name][0] for name in _ALONE if name in given}
    return Asked(
        sources=source_names(given.get("source", ())),
        containers=tuple(given.get("container", ())),
        ignore=tuple(dict.fromkeys(given.get("ignore", ()))),
        **alone,
    )


def question_of(asked: Asked) -> Question:
    """Return a form as a question.

    Raises:
        RequestValidationError: A field holds what the JSON route refuses too; names it.
    """
    try:
        checked = _Checked.model_validate(
            {"q": asked.q, "since": asked.since or None, "until": asked.until or None,
             "limit": asked.limit, "literal": asked.literal or False, "ignore": asked.ignore}
        )  # fmt: skip
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    return Question(
        checked.q,
        asked.sources,
        asked.containers,
        checked.since,
        checked.until,
        checked.limit,
        parse_options=ParseOptions(checked.literal, checked.ignore),
    )


def said_of(error: RequestValidationError) -> str:
    """Return what is wrong with a request, in words."""
    parts = []
    for fault in error.errors():
        name, message = str(fault["loc"][-1]), str(fault["msg"])
        parts.append(message if name in message else f"{name}: {message}")
    return "; ".join(parts)


async def posted_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form that was sent, each given once.

    Raises:
        HTTPException: 415 or 400, when the body is no such form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM_TYPE:
        raise HTTPException(415, f"send the form as {_FORM_TYPE}")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise HTTPException(400, f"the form has more than {_MAX_FIELDS} fields") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise HTTPException(400, "a field of the form is given twice: give it once")
    return fields


def own_page(address: str) -> str:
    """Return a page of ours to go on to, as a relative address; the search for any other."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "./"
    if parts.scheme or parts.netloc or parts.path not in _PAGES:
        return "./"
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True))
    return (parts.path or "./") + (f"?{query}" if query else "")
