"""Notion: a page is a document, whether it stands alone, under another, or in a database.

Every page that the integration reads counts as public to those who may search: Notion's API does
not tell who may read a page (developers.notion.com/reference/page, 2026-11). Share with the
integration what everybody who searches may see, and nothing else.
Keep out: requests and errors (`notion_api.py`), which pages there are (`notion_run.py`), and what a
page says (`notion_body.py`, `notion_document.py`).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Self

from vector_assets.documents import Gap, Quarantined, SourceItem, Window
from vector_assets.errors import SkippableError
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Reach, Source
from vector_assets.sources.notion_api import REQUESTS_PER_SECOND, NotionApi, last_edit
from vector_assets.sources.notion_document import SOURCE
from vector_assets.sources.notion_gaps import NO_COMMENTS, NO_NAMES, NO_PAGES
from vector_assets.sources.notion_run import Run


class NotionSource(Source):
    """Pages by their last edit, which Notion floors to the minute.

    Args:
        base_url: Of the API.
        token: Of the integration.
        meter: Of the run.
        requests_per_second: The pace that a run keeps on average.
        with_comments: Whether comments are read, which costs a request a page.
    """

    name: ClassVar[str] = SOURCE
    overlap: ClassVar[timedelta] = timedelta(hours=1)

    def __init__(
        self,
        base_url: str,
        token: str,
        meter: Meter,
        *,
        requests_per_second: float = REQUESTS_PER_SECOND,
        with_comments: bool = True,
    ) -> None:
        self._api = NotionApi(base_url, token, meter, requests_per_second)
        self._with_comments = with_comments

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
        )

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the pages edited in the window, oldest first, a checkpoint after each day.

        Then come those that only the pages above them know of. They count to no checkpoint but
        the last: nobody can tell them before all else is read. One that search never learns of and
        that changes alone, in no window with the page above it, waits for the weekly rescan.
        """
        reading = Run(self._api, window, with_comments=self._with_comments, known=self.known)
        yield from reading.items()

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the ids of what `documents` yields: listed, and one more request a page.

        That one is for the pages which search leaves out: only the body of the page above names
        them. No properties, comments or names are read.

        Raises:
            SkippableError: The body of a page, or a database, is not given: what it holds is not
                known, so the listing would not be complete.
        """
        yield from Run(self._api, window, with_comments=False).ids()

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield pages by their ids: a request each, and those of reading it."""
        by_window: defaultdict[Window, list[str]] = defaultdict(list)
        for one in failed:
            by_window[one.window].append(one.document_id.partition(":")[2])
        for window, identities in by_window.items():
            run = Run(self._api, window, with_comments=self._with_comments)
            yield from run.again(identities)

    def newest(self) -> datetime | None:
        """Return the last edit of the page that search calls the newest; one request."""
        found = self._api.newest_page()
        return last_edit(found) if found else None

    def check(self) -> Reach:
        """Ask who we are, whether anything is shared, and what of it we may not read."""
        me = self._api.me()
        workspace = (me.get("bot") or {}).get("workspace_name")
        identity = f"{me.get('name')} in {workspace or 'a Notion workspace'}"
        return Reach(identity, tuple(self._gaps()))

    def _gaps(self) -> Iterator[Gap]:
        page = self._api.newest_page()
        if page is None:
            yield NO_PAGES
        elif self._with_comments:
            try:
                self._api.comments(str(page["id"]))
            except SkippableError:
                yield NO_COMMENTS
        if self._api.user_names() is None:
            yield NO_NAMES
