"""Notion: a page is a document, whether it stands alone, under another, or in a database.

Search leaves out pages that are shared, so rows are asked of their data sources too, and child
pages are followed from the pages that hold them.
Keep out: blocks, properties and rich text (`notion_*.py` beside this).
API: developers.notion.com/reference, version 2025-09-03, 2026-11.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Self

import httpx
from notion_client import Client
from notion_client.client import RetryOptions
from notion_client.errors import APIResponseError, HTTPResponseError, RequestTimeoutError

from vector_assets.concurrency import mapped_in_order
from vector_assets.documents import (
    Checkpoint,
    Document,
    DocumentFailure,
    Section,
    SourceItem,
    Window,
)
from vector_assets.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Source
from vector_assets.sources.notion_blocks import sections_of
from vector_assets.sources.notion_properties import property_text, title_of
from vector_assets.sources.notion_text import plain
from vector_assets.sources.notion_walk import walk

PAGE_ITEMS = 100
"""Most items a page of any list (developers.notion.com/reference/intro, "Pagination", 2026-11)."""

PAGES_IN_FLIGHT = 4
MAX_RETRIES = 8
MAX_RETRY_SECONDS = 120
TIMEOUT_SECONDS = 60

_NEXT_STEP = (
    "Set NOTION_TOKEN to the token of an integration (notion.so/my-integrations) that the pages "
    "are shared with."
)

Page = Mapping[str, Any]


class NotionSource(Source):
    """Pages by their last edit, which Notion floors to the minute.

    Args:
        base_url: Of the API.
        token: Of the integration.
        meter: Of the run.
    """

    name: ClassVar[str] = "notion"
    overlap: ClassVar[timedelta] = timedelta(hours=1)

    def __init__(self, base_url: str, token: str, meter: Meter) -> None:
        self._client = Client(
            auth=token,
            base_url=base_url.rstrip("/"),
            timeout_ms=TIMEOUT_SECONDS * 1000,
            retry=RetryOptions(
                max_retries=MAX_RETRIES, max_retry_delay_ms=MAX_RETRY_SECONDS * 1000
            ),
            client=httpx.Client(event_hooks={"response": [_counter(meter)]}),
        )
        self._names: dict[str, str] = {}

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(settings.notion_base_url, settings.notion_token.get_secret_value(), meter)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the pages edited in the window, oldest first; then those found beneath them."""
        began = datetime.now(UTC)
        # The API's times are floored, so an edit just after the start reads as before it.
        window = Window(window.start.replace(second=0, microsecond=0), window.end)
        self._names = self._user_names()
        titles = self._data_sources()
        changed = {page["id"]: page for page in self._changed(window, list(titles))}
        known = set(changed)
        while changed:
            children: dict[str, Page] = {}
            ordered = sorted(changed.values(), key=lambda page: (_edited(page), page["id"]))
            for item, found in mapped_in_order(
                lambda page: self._read(page, titles), ordered, in_flight=PAGES_IN_FLIGHT
            ):
                yield item
                for child_id in found - known:
                    known.add(child_id)
                    child = self._page(child_id)
                    if child is not None and _edited(child) in window:
                        children[child_id] = child
            changed = children
        yield Checkpoint(window.end or began)

    def newest(self) -> datetime | None:
        """Return the last edit of the page that search calls the newest; one request."""
        found = _asked(lambda: self._client.search(**_search("page"), page_size=1))["results"]
        return _edited(found[0]) if found else None

    def check(self) -> str:
        """Ask who we are."""
        me = _asked(self._client.users.me)
        workspace = (me.get("bot") or {}).get("workspace_name")
        return f"{me.get('name')} in {workspace or 'a Notion workspace'}"

    def _changed(self, window: Window, data_source_ids: list[str]) -> Iterator[Page]:
        """Yield the pages edited in a window, from search and from every data source."""
        for page in self._listed(self._client.search, **_search("page")):
            if _edited(page) < window.start:
                break
            if _edited(page) in window and not _is_gone(page):
                yield page
        bounds = [_bound("on_or_after", window.start)]
        if window.end is not None:
            bounds.append(_bound("before", window.end))
        for identity in data_source_ids:
            query = self._client.data_sources.query
            for page in self._listed(query, data_source_id=identity, filter={"and": bounds}):
                if page.get("object") == "page" and not _is_gone(page):
                    yield page

    def _data_sources(self) -> dict[str, str]:
        """Return the titles of all data sources that are shared, by id."""
        found = self._listed(self._client.search, **_search("data_source"))
        return {one["id"]: plain(one.get("title")) for one in found}

    def _user_names(self) -> dict[str, str]:
        """Return the names of users by id; an integration may lack the right to read them."""
        try:
            users = list(self._listed(self._client.users.list))
        except CredentialsError:
            return {}
        return {user["id"]: str(user.get("name") or "") for user in users}

    def _page(self, page_id: str) -> Page | None:
        """Return a page by id; None when it is not shared with us."""
        try:
            page: Any = self._client.pages.retrieve(page_id)
        except APIResponseError as error:
            if error.status in (403, 404):
                return None
            raise _translated(error) from error
        return None if _is_gone(page) else page

    def _read(
        self, page: Page, titles: Mapping[str, str]
    ) -> tuple[Document | DocumentFailure, set[str]]:
        """Return a page as a document, and the ids of the pages beneath it.

        A page that cannot be read whole is a failure, never a shorter page.
        """
        try:
            blocks = list(walk(page["id"], self._children))
        except (UnavailableError, ContractError, CredentialsError) as error:
            failure = DocumentFailure(
                f"{self.name}:{page['id']}", f"its blocks: {error}", _edited(page).date()
            )
            return failure, set()
        children = {
            str(placed.block["id"]) for placed in blocks if placed.block.get("type") == "child_page"
        }
        properties = page.get("properties") or {}
        sections = [*_facts(properties), *sections_of(blocks, str(page.get("url") or ""))]
        container = _container(page, titles)
        return self._document(page, properties, sections, container), children

    def _document(
        self, page: Page, properties: Mapping[str, Any], sections: list[Section], container: str
    ) -> Document:
        people = [(page.get(one) or {}).get("id", "") for one in ("created_by", "last_edited_by")]
        names = (self._names.get(one, "") for one in people)
        return Document(
            source=self.name,
            native_id=str(page["id"]),
            title=title_of(properties) or "Untitled",
            sections=tuple(sections),
            url=str(page.get("url") or ""),
            container=container or "Notion",
            authors=tuple(dict.fromkeys(name for name in names if name)),
            created_at=_instant(page["created_time"]),
            updated_at=_edited(page),
            extra={"page_id": str(page["id"]), "database": container},
        )

    def _children(self, block_id: str) -> list[Mapping[str, Any]]:
        return list(self._listed(self._client.blocks.children.list, block_id=block_id))

    def _listed(self, ask: Callable[..., Any], **asked: Any) -> Iterator[Page]:
        """Yield all items of a list.

        Raises:
            ContractError: A cursor comes twice, or the list says that it is not complete.
        """
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            start = {"start_cursor": cursor} if cursor else {}
            answer = _asked(partial(ask, **asked, **start, page_size=PAGE_ITEMS))
            status = answer.get("request_status") or {}
            if status.get("type") == "incomplete":
                raise ContractError(
                    "notion", f"a list that is {status.get('incomplete_reason')}", "all of it"
                )
            yield from answer["results"]
            cursor = answer.get("next_cursor")
            if not answer.get("has_more") or not cursor:
                return
            if cursor in seen:
                raise ContractError("notion", "a cursor for the second time", "a new one each page")
            seen.add(cursor)


def _facts(properties: Mapping[str, Mapping[str, Any]]) -> Iterator[Section]:
    """Yield one section with a page's properties, those without a value left out."""
    lines = [
        f"- {name}: {text}"
        for name, value in properties.items()
        if value.get("type") != "title" and (text := property_text(value))
    ]
    if lines:
        yield Section("\n".join(lines), "Properties")


def _container(page: Page, titles: Mapping[str, str]) -> str:
    parent = page.get("parent") or {}
    return titles.get(str(parent.get("data_source_id")), "")


def _search(kind: str) -> dict[str, Any]:
    return {
        "filter": {"property": "object", "value": kind},
        "sort": {"timestamp": "last_edited_time", "direction": "descending"},
    }


def _bound(operator: str, instant: datetime) -> dict[str, Any]:
    return {"timestamp": "last_edited_time", "last_edited_time": {operator: instant.isoformat()}}


def _is_gone(page: Page) -> bool:
    return bool(page.get("in_trash") or page.get("archived"))


def _edited(page: Page) -> datetime:
    return _instant(page["last_edited_time"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _counter(meter: Meter) -> Callable[[httpx.Response], None]:
    """Return what counts each answer by endpoint, and how long it asks to wait."""

    def count(response: httpx.Response) -> None:
        parts = response.request.url.path.partition("/v1/")[2].split("/")
        # `blocks/{id}/children` is `blocks.children`, `search` is `search`.
        meter.count(f"notion {'.'.join(parts[::2])}")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            meter.throttled(float(response.headers.get("retry-after") or 0))

    return count


def _asked(ask: Callable[[], Any]) -> Any:
    """Return an answer, or raise what went wrong in our words."""
    try:
        return ask()
    except HTTPResponseError as error:
        raise _translated(error) from error
    except (httpx.HTTPError, RequestTimeoutError, ValueError) as error:
        # A body that is cut short is no JSON.
        raise UnavailableError("notion", type(error).__name__, "Check NOTION_BASE_URL.") from error


def _translated(error: HTTPResponseError) -> VectorAssetsError:
    code = getattr(error, "code", None) or f"HTTP {error.status}"
    if error.status in (401, 403):
        return CredentialsError("notion", str(code), _NEXT_STEP)
    if error.status == 429:
        ceiling_seconds = float(MAX_RETRIES * MAX_RETRY_SECONDS)
        return RateLimitedError(
            "notion", waited_seconds=ceiling_seconds, ceiling_seconds=ceiling_seconds
        )
    if error.status >= 500:
        return UnavailableError("notion", str(code))
    return ContractError("notion", f"{code}: {error}", "an answer to a valid request")
