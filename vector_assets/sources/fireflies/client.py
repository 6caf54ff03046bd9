"""Client of Fireflies' GraphQL endpoint, which raises our own errors.

Errors come beside the data or in its place, mostly with HTTP 200 (docs.fireflies.ai, "Errors",
2026-11). Data that an error names is never used; the rest is.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit, RateLimiter
from vector_assets.sources.fireflies.fields import object_in
from vector_assets.sources.http.requests_retries import (
    FAILED_STATUSES,
    TIMEOUT_SECONDS,
    RateLimitedAdapter,
    attempts_of,
)

Json = Mapping[str, Any]

_SERVICE = "fireflies"
_THROTTLED = "too_many_requests"
_FIX_KEY = "Set FIREFLIES_API_KEY to a key from app.fireflies.ai, Settings, Developer Settings."
_FIX_ACCOUNT = "Ask the owner of FIREFLIES_API_KEY's account, or set the key of another."

# Codes that need somebody to act (docs.fireflies.ai, "Error codes", 2026-11).
_NEXT_STEPS = {
    "auth_failed": _FIX_KEY,
    "forbidden": _FIX_ACCOUNT,
    "not_in_team": _FIX_ACCOUNT,
    "require_elevated_privilege": _FIX_ACCOUNT,
    "paid_required": _FIX_ACCOUNT,
    "account_cancelled": _FIX_ACCOUNT,
}
_CODES_BY_STATUS = {401: "auth_failed", 403: "forbidden", 429: _THROTTLED}

RATE_LIMIT = RateLimit(60, 60.0)
"""Of a Business plan (docs.fireflies.ai, "Limits", 2026-11); other plans have 50 requests a day, of
which a nightly run needs a few."""

# Below this a number in `retryAfter` is a span of seconds, from there on epoch milliseconds.
_LEAST_EPOCH_MILLISECONDS = 1e11
_MOST_EPOCH_MILLISECONDS = 1e14
_LEAST_WAIT_SECONDS = 1.0

_MAX_CODE_CHARACTERS = 200


class FirefliesApi:
    """Sends queries over one session, and waits as long as the vendor says.

    Args:
        url: URL of the GraphQL endpoint.
        key: API key.
        meter: Counts the requests of the run.
        limiter: The documented rate limit if None.
    """

    def __init__(
        self, url: str, key: str, meter: Meter, *, limiter: RateLimiter | None = None
    ) -> None:
        self.url = url
        self._meter = meter
        self._limiter = limiter or RateLimiter(_SERVICE, meter, RATE_LIMIT)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"
        # Repeats a 429 with a `Retry-After` header; `_answer` reads the wait of any other from its
        # body, because repeating it blindly would spend the day's requests.
        adapter = RateLimitedAdapter(self._limiter, FAILED_STATUSES)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def ask(self, name: str, query: str, variables: Json | None = None) -> dict[str, Any]:
        """Return a query's data; data beside an error raises.

        Args:
            name: For the meter, such as `transcripts`.
            query: GraphQL.
            variables: Of the query.

        Raises:
            RateLimitedError: The vendor throttles past the ceiling, or does not say for how long.
            CredentialsError: It refuses the key, or the key's owner lacks a permission.
            UnavailableError: It answers with another error, or not at all.
        """
        data, errors = self._answer(name, query, variables)
        if errors:
            raise _translated(errors)
        return data

    def ask_list(
        self, name: str, query: str, variables: Json | None = None
    ) -> tuple[list[dict[str, Any]], dict[int, str]]:
        """Return the list in a field of the data, and the errors of its items by index.

        An error that names one item, such as `path: ["transcripts", 3, "sentences"]`, makes only
        that item incomplete.

        Args:
            name: Of the field.
            query: GraphQL, for that field.
            variables: Of the query.

        Raises:
            ContractError: The field is not a list of objects, and no error says why.
            VectorAssetsError: As `ask` raises, for an error that is not about one item.
        """
        data, errors = self._answer(name, query, variables)
        items = data.get(name)
        if items is not None and not isinstance(items, list):
            raise ContractError(f"{_SERVICE} {name}", type(items).__name__, "a list")
        broken: dict[int, str] = {}
        for error in errors:
            place = _place(error, name)
            if place is None or not items or not 0 <= place < len(items) or not items[place]:
                raise _translated(errors)
            words = _words_of(error, error["path"][2:])
            broken[place] = "; ".join(filter(None, (broken.get(place), words)))
        if items is None or not all(items):
            raise ContractError(f"{_SERVICE} {name}", "null without an error", "a list")
        if not all(isinstance(item, dict) for item in items):
            raise ContractError(f"{_SERVICE} {name}", "JSON of other types", "a list of objects")
        return items, broken

    def ask_object(self, name: str, query: str, variables: Json | None = None) -> tuple[Any, str]:
        """Return the object in a field of the data, and the errors of its own fields, in words.

        Args:
            name: Of the field.
            query: GraphQL, for that field.
            variables: Of the query.

        Raises:
            VectorAssetsError: As `ask` raises, for an error that is not about a field of an object.
        """
        data, errors = self._answer(name, query, variables)
        broken: list[str] = []
        for error in errors:
            match error.get("path"):
                case [str(field), _, *_] as path if field == name and data.get(name):
                    broken.append(_words_of(error, path[1:]))
                case _:
                    raise _translated(errors)
        return data.get(name), "; ".join(broken)

    def _answer(
        self, name: str, query: str, variables: Json | None
    ) -> tuple[dict[str, Any], list[Json]]:
        """Return the data and the errors beside it; wait and ask again while throttled.

        Raises:
            VectorAssetsError: As `ask`, when there is no data at all.
        """
        while True:
            status, answer = self._post(name, {"query": query, "variables": variables or {}})
            errors = _errors_of(answer.get("errors"))
            data = answer["data"] if isinstance(answer.get("data"), dict) else None
            if not errors and (not data or status >= 400):
                errors = [{"code": _CODES_BY_STATUS.get(status, f"HTTP {status}")}]
            if any(_code(error) == _THROTTLED for error in errors):
                seconds = _retry_after_seconds(errors)
                if seconds is None:
                    raise self._limiter.error()
                self._limiter.pause_all(seconds)
                continue
            if not data or status >= 400:
                raise _translated(errors)
            self._limiter.succeeded()
            return data, errors

    def _post(self, name: str, body: Json) -> tuple[int, Json]:
        """Return the status and the answer; an answer that is not a JSON object is empty."""
        try:
            response = self._session.post(self.url, json=body, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            seen = type(error).__name__
            raise UnavailableError(_SERVICE, seen, "Check FIREFLIES_URL.") from error
        self._meter.count(f"{_SERVICE} {name}", attempts_of(response))
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            if response.ok:
                raise UnavailableError(_SERVICE, "no JSON object", "Check FIREFLIES_URL.")
            answer = {}
        return response.status_code, answer


def _translated(errors: list[Json]) -> VectorAssetsError:
    codes = [_code(error) for error in errors]
    seen = ", ".join(dict.fromkeys(codes))
    for code in codes:
        if code in _NEXT_STEPS:
            return CredentialsError(_SERVICE, seen, _NEXT_STEPS[code])
    return UnavailableError(_SERVICE, seen)


def _errors_of(value: object) -> list[Json]:
    """Return the errors of an answer; what is no object becomes one without a code."""
    errors = value if isinstance(value, list) else [value] if value else []
    return [error if isinstance(error, Mapping) else {"message": str(error)} for error in errors]


def _code(error: Json) -> str:
    code = error.get("code") or object_in(error.get("extensions")).get("code")
    return str(code or error.get("message"))[:_MAX_CODE_CHARACTERS]


def _words_of(error: Json, path: list[Any]) -> str:
    """Return which field an error is about, and its code."""
    # Everyone may read it: a message may quote the meeting.
    code = _code({**error, "message": "an error without a code"})
    return f"{'.'.join(map(str, path))}: {code}"


def _place(error: Json, name: str) -> int | None:
    """Return the index of the item that an error is about; None when it is not about one item."""
    match error.get("path"):
        case [str(field), int(place), *_] if field == name:
            return place
    return None


def _retry_after_seconds(errors: list[Json]) -> float | None:
    """Return the longest wait that errors ask for in `extensions.metadata.retryAfter`, or None.

    The vendor does not document its format (docs.fireflies.ai, "Error codes", 2026-11).
    """
    extensions = (object_in(error.get("extensions")) for error in errors)
    metadata = (object_in(fields.get("metadata")) for fields in extensions)
    times = (_seconds_until(fields.get("retryAfter")) for fields in metadata)
    waits = [seconds for seconds in times if seconds is not None]
    return max([_LEAST_WAIT_SECONDS, *waits]) if waits else None


def _seconds_until(when: object) -> float | None:
    """Return the seconds until a time: seconds, epoch milliseconds or ISO text; None if neither."""
    now = datetime.now(UTC)
    if isinstance(when, int | float):
        if not abs(when) < _MOST_EPOCH_MILLISECONDS:
            return None
        return when / 1000 - now.timestamp() if when >= _LEAST_EPOCH_MILLISECONDS else float(when)
    try:
        instant = datetime.fromisoformat(str(when))
    except ValueError:
        return None
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - now).total_seconds()
