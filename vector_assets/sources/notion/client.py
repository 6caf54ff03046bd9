"""Notion's API: whole lists, objects by id, and refusals as our errors.

API: developers.notion.com/reference, version 2025-09-03 (Markdown alone: 2026-03-11), 2026-11.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from notion_client import Client
from notion_client.errors import (
    HTTPResponseError,
    InvalidPathParameterError,
    RequestTimeoutError,
)

from vector_assets.core.days import Window
from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit, RateLimiter
from vector_assets.core.tls import httpx_context
from vector_assets.sources.http.downloads import Downloader, host_of, is_at
from vector_assets.sources.http.httpx_transport import RateLimitedTransport
from vector_assets.sources.http.requests_retries import TIMEOUT_SECONDS
from vector_assets.sources.notion.refusals import RefusedError

PAGE_ITEMS = 100
"""Most items a page of any list (developers.notion.com/reference/intro, "Pagination", 2026-11)."""

REQUESTS_PER_SECOND = 3.0
"""On average, for each integration (developers.notion.com/reference/request-limits, 2026-11)."""

VERSION = "2025-09-03"
"""The first in which a database with several data sources can be read."""

MARKDOWN_VERSION = "2026-03-11"
"""The first that gives a page as Markdown. It also renames `archived` to `in_trash`, and the block
`transcription` to `meeting_notes`; both names are read."""

_FILE_HOST = re.compile(
    r"(prod-files-secure[a-z0-9-]*\.s3[a-z0-9.-]*\.amazonaws\.com"
    r"|([a-z0-9-]+\.)*(notion\.so|notion-static\.com|notionusercontent\.com))$"
)
"""Hosts of the files that Notion keeps."""

_PASSING = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.CONFLICT)
"""Asked again, besides 429 and 5xx (developers.notion.com/reference/status-codes, 2026-11)."""

_NARROWEST_WINDOW = timedelta(minutes=1)

_NEXT_STEP = (
    "Set NOTION_TOKEN to the token of an integration (notion.so/my-integrations) that may read "
    "content, and share the pages with it."
)

Json = Mapping[str, Any]

PARTIAL = {"object", "id"}
"""The only fields of an object that the integration may not see as a whole."""


class IncompleteError(ContractError):
    """Notion says that a list is incomplete."""


class NotionApi:
    """One integration's view of a workspace.

    A refusal of one object, such as a page that is no longer shared, is a `SkippableError`; every
    other error concerns the whole run.

    Args:
        base_url: Of the API, such as `https://api.notion.com`.
        token: Of the integration.
        meter: Of the run.
        requests_per_second: On average, over all threads.
        max_file_bytes: Of a file that is downloaded.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        meter: Meter,
        requests_per_second: float = REQUESTS_PER_SECOND,
        max_file_bytes: int = 10_000_000,
    ) -> None:
        self._downloader = Downloader(
            "notion",
            meter,
            endpoint="files",
            max_bytes=max_file_bytes,
            is_allowed=lambda url: is_at(url, base_url) or bool(_FILE_HOST.match(host_of(url))),
        )
        limiter = RateLimiter("notion", meter, RateLimit(requests_per_second, 1.0))
        # The transport retries: the SDK repeats neither a failed search nor a broken connection,
        # and caps its waits.
        transport = RateLimitedTransport("notion", meter, _endpoint, limiter, passing=_PASSING)

        def client(version: str) -> Client:
            return Client(
                auth=token,
                base_url=base_url.rstrip("/"),
                timeout_ms=int(TIMEOUT_SECONDS * 1000),
                notion_version=version,
                retry=False,
                log_level=logging.CRITICAL,
                client=httpx.Client(transport=transport, verify=httpx_context()),
            )

        self._client = client(VERSION)
        self._markdown_client = client(MARKDOWN_VERSION)

    def me(self) -> Json:
        """Return the integration's own user."""
        return _asked(self._client.users.me, concerns_all=True)

    def newest_page(self) -> Json | None:
        """Return the newest page that search gives; one request."""
        ask = partial(self._client.search, **_search("page"), page_size=1)
        return next(iter(_results(_asked(ask, concerns_all=True))), None)

    def search(self, kind: str) -> Iterator[Json]:
        """Yield all results of a search, last edited first; it may leave out shared pages."""
        return _listed(partial(self._client.search, **_search(kind)), concerns_all=True)

    def rows(self, data_source_id: str, window: Window) -> Iterator[Json]:
        """Yield the rows of a data source that were edited in a window, some perhaps twice.

        A query gives at most 10,000 rows and then says that it is incomplete: the window is halved
        until it is complete (developers.notion.com/reference/query-a-data-source, 2026-11).
        """
        bounds = [_bound("on_or_after", window.start)]
        if window.end is not None:
            bounds.append(_bound("before", window.end))
        query = partial(self._client.data_sources.query, data_source_id)
        try:
            yield from _listed(partial(query, filter={"and": bounds}))
        except IncompleteError:
            span = (window.end or datetime.now(UTC)) - window.start
            if span <= _NARROWEST_WINDOW:
                raise
            middle = window.start + span / 2
            yield from self.rows(data_source_id, Window(window.start, middle))
            yield from self.rows(data_source_id, Window(middle, window.end))

    def markdown(self, page_id: str) -> Json:
        """Return a page as Markdown; one request."""
        retrieve = self._markdown_client.pages.retrieve_markdown
        return _asked(partial(retrieve, page_id, include_transcript=True))

    def comments(self, block_id: str) -> list[Json]:
        """Return the open comments on this page or block itself."""
        return list(_listed(partial(self._client.comments.list, block_id=block_id)))

    def children(self, block_id: str) -> list[Json]:
        """Return all blocks right below a page or block."""
        return list(_listed(partial(self._client.blocks.children.list, block_id)))

    def fetch_file(self, address: str) -> bytes:
        """Return a file that Notion keeps; raise as `Downloader.fetch` does.

        The address is signed: the token goes to no host of files.
        """
        return self._downloader.fetch(address)

    def page(self, page_id: str) -> Json | None:
        """Return a page; None when it does not exist for us."""
        return _asked_for_one(partial(self._client.pages.retrieve, page_id))

    def page_or_refusal(self, page_id: str) -> Json:
        """Return a page, or raise `RefusedError`."""
        return _with_id(_asked(partial(self._client.pages.retrieve, page_id)))

    def block(self, block_id: str) -> Json | None:
        """Return a block; None when it does not exist for us."""
        return _asked_for_one(partial(self._client.blocks.retrieve, block_id))

    def database(self, database_id: str) -> Json | None:
        """Return a database; None when it does not exist for us, such as a linked view."""
        try:
            return _asked_for_one(partial(self._client.databases.retrieve, database_id))
        except RefusedError as error:
            if error.is_of_view:
                return None
            raise

    def data_source(self, data_source_id: str) -> Json | None:
        """Return a data source; None when it does not exist for us."""
        return _asked_for_one(partial(self._client.data_sources.retrieve, data_source_id))

    def property_items(self, page_id: str, property_id: str) -> Iterator[Json]:
        """Yield all items of a property; a page shows the first 25."""
        retrieve = self._client.pages.properties.retrieve
        return _listed(partial(retrieve, page_id, property_id), has_ids=False)

    def user_names(self) -> dict[str, str] | None:
        """Return the names of users by id; None when the integration may not read them.

        Raises:
            ContractError: The list is empty, and so lacks even the integration itself.
            RefusedError: It is refused for another reason, which may pass.
        """
        try:
            users = list(_listed(self._client.users.list))
        except RefusedError as error:
            if error.lacks_capability:
                return None
            raise
        if not users:
            raise ContractError("notion", "an empty list of users", "at least the integration")
        return {str(user["id"]): str(user.get("name") or "") for user in users}


def _listed(
    ask: Callable[..., Any], *, concerns_all: bool = False, has_ids: bool = True
) -> Iterator[Json]:
    """Yield all items of a list.

    Raises:
        ContractError: A cursor comes twice, or is missing though there is more.
        IncompleteError: The list says that it is not complete.
    """
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        start = {"start_cursor": cursor} if cursor else {}
        answer = _asked(partial(ask, **start, page_size=PAGE_ITEMS), concerns_all=concerns_all)
        status = fields_of(answer.get("request_status"))
        if status.get("type") == "incomplete":
            reason = status.get("incomplete_reason")
            raise IncompleteError("notion", f"a list that is incomplete ({reason})", "all of it")
        yield from _results(answer, has_ids=has_ids)
        has_more, cursor = answer.get("has_more"), answer.get("next_cursor")
        if has_more is False:
            return
        if has_more is not True or not isinstance(cursor, str) or not cursor:
            seen_fields = f"has_more {has_more!r:.40} with a cursor of {type(cursor).__name__}"
            raise ContractError("notion", seen_fields, "false, or true with a cursor")
        if cursor in seen:
            raise ContractError("notion", "a cursor for the second time", "a new one each page")
        seen.add(cursor)


def _results(answer: Json, *, has_ids: bool = True) -> list[Json]:
    results = answer.get("results")
    if not isinstance(results, list):
        raise ContractError("notion", f"the fields {sorted(answer)}", "a list in 'results'")
    return [_with_id(item) if has_ids else _object(item) for item in results]


def _object(answer: object) -> Json:
    if not isinstance(answer, Mapping):
        raise ContractError("notion", f"JSON of type {type(answer).__name__}", "an object")
    return answer


def _with_id(answer: object) -> Json:
    identified = _object(answer)
    if not isinstance(identified.get("id"), str) or not identified["id"]:
        raise ContractError("notion", f"the fields {sorted(identified)}", "an 'id'")
    return identified


def _asked_for_one(ask: Callable[[], Any]) -> Json | None:
    try:
        return _with_id(_asked(ask))
    except RefusedError as error:
        if error.lacks_rights:
            return None
        raise


def _asked(ask: Callable[[], Any], *, concerns_all: bool = False) -> Json:
    """Return an answer, or raise one of our errors.

    Args:
        ask: Makes one request.
        concerns_all: Whether a refusal concerns the whole run, and not one object.
    """
    try:
        return _object(ask())
    except HTTPResponseError as error:
        raise _translated(error, concerns_all=concerns_all) from error
    except (httpx.RequestError, RequestTimeoutError) as error:
        next_step = "Check NOTION_BASE_URL, or run the same days again later."
        raise UnavailableError("notion", type(error).__name__, next_step) from error
    except InvalidPathParameterError as error:
        raise ContractError("notion", "an id with the signs of a path", "a UUID") from error
    except ValueError as error:
        raise ContractError("notion", "a body that is no JSON", "JSON") from error


def _translated(error: HTTPResponseError, *, concerns_all: bool) -> VectorAssetsError:
    code = str(getattr(error.code, "value", error.code))
    refusal = RefusedError(code, str(error), error.status)
    is_forbidden = refusal.lacks_capability and concerns_all
    if error.status == httpx.codes.UNAUTHORIZED or is_forbidden:
        return CredentialsError("notion", code, _NEXT_STEP)
    if error.status >= httpx.codes.INTERNAL_SERVER_ERROR or error.status in _PASSING:
        return UnavailableError("notion", f"HTTP {error.status}, {code}")
    if concerns_all:
        return ContractError("notion", f"{code}: {error}", "an answer to a valid request")
    return refusal


def fields_of(value: object) -> Json:
    """Return an object of the API; none of the fields of anything else."""
    return value if isinstance(value, Mapping) else {}


def instant(text: str) -> datetime:
    """Return an instant of the API, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def last_edit(page_or_block: Json) -> datetime:
    """Return when a page or block was edited last, UTC, floored to the minute by Notion.

    Raises:
        ContractError: It has no such time, as an object that the integration sees in part.
    """
    try:
        return instant(page_or_block["last_edited_time"])
    except (KeyError, TypeError, ValueError) as error:
        seen = f"a {page_or_block.get('object')} with the fields {sorted(page_or_block)}"
        raise ContractError("notion", seen, "its 'last_edited_time'") from error


def is_gone(notion_object: Json) -> bool:
    """Return whether a page, database or data source is in the trash."""
    return any(notion_object.get(mark) is True for mark in ("in_trash", "archived", "is_archived"))


def _search(kind: str) -> dict[str, Any]:
    return {
        "filter": {"property": "object", "value": kind},
        "sort": {"timestamp": "last_edited_time", "direction": "descending"},
    }


def _bound(operator: str, edge: datetime) -> dict[str, Any]:
    return {"timestamp": "last_edited_time", "last_edited_time": {operator: edge.isoformat()}}


def _endpoint(path: str) -> str:
    """Return `blocks.children` for `/v1/blocks/{id}/children`, and so on."""
    return ".".join(path.partition("/v1/")[2].split("/")[::2])
