"""Notion: each page is a document, also below another page or in a database.

Everybody who may search sees every page that the integration reads: Notion's API does not tell who
may read a page (developers.notion.com/reference/page, 2026-11). Share nothing else with it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Self

from vector_assets.core.days import Window
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit
from vector_assets.core.settings import Settings
from vector_assets.sources.attachments.reader import AttachmentOptions
from vector_assets.sources.base import ConnectionCheck, Missing, Probed, RemoteState, Source
from vector_assets.sources.estimate import WindowEstimate, picked
from vector_assets.sources.items import Gap, Quarantined, SourceItem
from vector_assets.sources.notion.client import (
    REQUESTS_PER_SECOND,
    NotionApi,
    fields_of,
    last_edit,
)
from vector_assets.sources.notion.crawl import Crawl
from vector_assets.sources.notion.document import SOURCE
from vector_assets.sources.notion.gaps import NO_COMMENTS, NO_NAMES, NO_PAGES
from vector_assets.sources.notion.probe import document_id_in, probed
from vector_assets.sources.notion.refusals import RefusedError
from vector_assets.sources.notion.retry import RetryCrawl

SAMPLED_PAGES = 40
"""Pages that an estimate reads, which takes half a minute at the documented rate limit."""

_ENDPOINTS_BY_PAGE = (
    "pages.markdown", "comments", "blocks", "blocks.children", "pages.properties", "files",
)  # fmt: skip


class NotionSource(Source):
    """Pages by their last edit, which Notion floors to the minute.

    Args:
        base_url: Of the API.
        token: Of the integration.
        meter: Of the run.
        requests_per_second: On average.
        with_comments: Whether comments are read, which costs a request a page.
        attachments: Whether they are read, and how large they may be.
    """

    name: ClassVar[str] = SOURCE
    when_nothing_is_listed: ClassVar[str] = (
        "connect the integration to the pages that it shall read, in the menu … of each page"
    )
    overlap: ClassVar[timedelta] = timedelta(hours=1)

    def __init__(
        self,
        base_url: str,
        token: str,
        meter: Meter,
        *,
        requests_per_second: float = REQUESTS_PER_SECOND,
        with_comments: bool = True,
        attachments: AttachmentOptions = AttachmentOptions(),  # noqa: B008 - it is frozen
    ) -> None:
        self._api = NotionApi(base_url, token, meter, requests_per_second, attachments.max_bytes)
        self._attachments = attachments
        self._with_comments = with_comments
        self._meter = meter
        self._requests_per_second = requests_per_second

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(
            settings.notion_base_url,
            settings.notion_token.get_secret_value(),
            meter,
            requests_per_second=settings.notion_requests_per_second,
            with_comments=settings.notion_comments,
            attachments=AttachmentOptions.of(settings),
        )

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the pages edited in the window, newest first, a checkpoint after each day.

        Pages that search leaves out follow: only the pages above them name them, so no checkpoint
        but the last covers them. Such a page that is edited in a window without the page above it
        waits for the weekly rescan.
        """
        crawl = self._crawl(window)
        yield from crawl.items()

    def _crawl(self, window: Window) -> Crawl:
        return Crawl(
            self._api,
            window,
            with_comments=self._with_comments,
            known=self.known,
            attachments=self._attachments,
        )

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the ids of what `documents` yields, by one request a page beside the listing.

        It reads the body, which alone names the pages below that search leaves out. The body of a
        page in the index may be missing: the prune asks about each page that it would delete.

        Raises:
            SkippableError: A body or database is refused, so the listing would be incomplete.
        """
        yield from Crawl(self._api, window, with_comments=False, known=self.known).ids()

    def estimate(self, window: Window) -> WindowEstimate:
        """List pages as a sync does, without those that search leaves out, and read a sample."""
        crawl = self._crawl(window)
        before = Counter(self._meter.requests)
        by_id = {listed.page_id: listed for listed in crawl.listed()}
        sampled = picked(by_id, SAMPLED_PAGES)
        return WindowEstimate(
            len(by_id),
            "counted, without pages that search leaves out",
            crawl.some([by_id[page_id] for page_id in sampled]),
            len(sampled),
            requests=Counter(self._meter.requests) - before,
            scaled=frozenset(f"notion {endpoint}" for endpoint in _ENDPOINTS_BY_PAGE),
        )

    @property
    def rate_limits(self) -> Mapping[str, RateLimit]:
        """The rate limit of an integration, or the lower one of the settings."""
        return {SOURCE: RateLimit(min(self._requests_per_second, REQUESTS_PER_SECOND), 1.0)}

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield pages by id, a request each beside those that read it.

        A page whose body Notion has never given is yielded without it, with a gap.
        """
        by_window: defaultdict[Window, dict[str, int]] = defaultdict(dict)
        for quarantined in failed:
            identity = quarantined.document_id.partition(":")[2]
            by_window[quarantined.window][identity] = quarantined.attempts
        for window, attempts in by_window.items():
            crawl = RetryCrawl(
                self._api,
                window,
                with_comments=self._with_comments,
                known=self.known,
                attempts=attempts,
                attachments=self._attachments,
            )
            yield from crawl.again(attempts)

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield the state of pages in Notion, a request each; raise as `probe` does."""
        return ((document.document_id, self.probe(document).state) for document in missing)

    def probe(self, document: Missing) -> Probed:
        """Ask for a page by its id; see `probed`."""
        return probed(self._api, document)

    @classmethod
    def document_id_of(cls, text: str) -> str | None:
        """Return the id of the page that a link or an id names."""
        return document_id_in(text)

    def newest(self) -> datetime | None:
        """Return the last edit of the newest page that search gives; one request."""
        page = self._api.newest_page()
        return last_edit(page) if page else None

    def check(self) -> ConnectionCheck:
        """Ask who the integration is, whether anything is shared, and what it may not read."""
        me = self._api.me()
        workspace = fields_of(me.get("bot")).get("workspace_name")
        identity = f"{me.get('name')} in {workspace or 'a Notion workspace'}"
        return ConnectionCheck(identity, tuple(self._gaps()))

    def _gaps(self) -> Iterator[Gap]:
        page = self._api.newest_page()
        if page is None:
            yield NO_PAGES
        elif self._with_comments:
            try:
                self._api.comments(str(page["id"]))
            except RefusedError as error:
                if not error.lacks_capability:
                    raise
                yield NO_COMMENTS
        if self._api.user_names() is None:
            yield NO_NAMES
