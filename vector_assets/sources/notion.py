"""Notion: a page is a document, whether it stands alone, under another, or in a database.

Search leaves out pages that are shared, so rows are asked of their data sources too, and child
pages and databases are followed from the pages that hold them.
Keep out: requests and errors (`notion_api.py`), and what a page says (`notion_document.py`).
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from vector_assets.concurrency import mapped_in_order
from vector_assets.documents import (
    Checkpoint,
    Document,
    DocumentFailure,
    SourceItem,
    Window,
    start_of_day,
)
from vector_assets.errors import ContractError, SkippableError, UnavailableError
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Reach, Source
from vector_assets.sources.notion_api import Json, NotionApi, last_edit
from vector_assets.sources.notion_document import SOURCE, document_of
from vector_assets.sources.notion_names import Names
from vector_assets.sources.notion_walk import walk

PAGES_IN_FLIGHT = 4

MAX_OUTAGES_IN_A_ROW = 5
"""So many pages in a row that Notion does not give are no bad pages: Notion is down."""


@dataclass(frozen=True, slots=True, order=True)
class _Listed:
    """A page that waits to be read; packed, for a backfill lists a whole workspace at once."""

    edited: datetime
    page_id: str
    packed: bytes = field(compare=False)

    @classmethod
    def of(cls, page: Json) -> Self:
        packed = zlib.compress(json.dumps(page).encode(), level=1)
        return cls(last_edit(page), str(page["id"]), packed)

    def failure(self, cause: str) -> DocumentFailure:
        return DocumentFailure(f"{SOURCE}:{self.page_id}", cause, self.edited.date())

    def page(self) -> Json:
        page: Json = json.loads(zlib.decompress(self.packed))
        return page


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of reading a page.

    Attributes:
        item: The page, or why it could not be read.
        outage: Set when Notion did not answer.
        pages: Ids of the pages right below it that may have changed.
        databases: Ids of the databases right below it.
    """

    item: Document | DocumentFailure
    outage: UnavailableError | None = None
    pages: frozenset[str] = frozenset()
    databases: frozenset[str] = frozenset()


class NotionSource(Source):
    """Pages by their last edit, which Notion floors to the minute.

    Args:
        base_url: Of the API.
        token: Of the integration.
        meter: Of the run.
    """

    name: ClassVar[str] = SOURCE
    overlap: ClassVar[timedelta] = timedelta(hours=1)

    def __init__(self, base_url: str, token: str, meter: Meter) -> None:
        self._api = NotionApi(base_url, token, meter)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(settings.notion_base_url, settings.notion_token.get_secret_value(), meter)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the pages edited in the window, oldest first, a checkpoint after each day.

        Then come those that only the pages above them know of. They count to no checkpoint but
        the last: nobody can tell them before all else is read.
        """
        yield from _Run(self._api, window).items()

    def newest(self) -> datetime | None:
        """Return the last edit of the page that search calls the newest; one request."""
        found = self._api.newest_page()
        return last_edit(found) if found else None

    def check(self) -> Reach:
        """Ask who we are."""
        me = self._api.me()
        workspace = (me.get("bot") or {}).get("workspace_name")
        return Reach(f"{me.get('name')} in {workspace or 'a Notion workspace'}")


class _Run:
    """One reading of a window: what has been seen, and what waits to be read.

    Args:
        api: Of the integration.
        window: Of last edits; its start is floored to the minute, as the API's times are.
    """

    def __init__(self, api: NotionApi, window: Window) -> None:
        self._api = api
        self._window = Window(window.start.replace(second=0, microsecond=0), window.end)
        self._began = datetime.now(UTC)
        self._names = Names(api)
        self._data_sources: set[str] = set()
        self._databases: set[str] = set()
        self._listed: set[str] = set()
        self._followed: set[str] = set()
        self._waiting: list[_Listed] = []
        self._outages_in_a_row = 0

    def items(self) -> Iterator[SourceItem]:
        """Yield all of it."""
        yield from self._list_everything()
        is_ordered = True
        while self._waiting:
            batch, self._waiting = sorted(self._waiting), []
            below_pages: set[str] = set()
            below_databases: set[str] = set()
            day = batch[0].edited.date()
            reads = mapped_in_order(self._read, batch, in_flight=PAGES_IN_FLIGHT)
            for listed, read in zip(batch, reads, strict=True):
                if is_ordered and listed.edited.date() > day:
                    day = listed.edited.date()
                    yield Checkpoint(start_of_day(day))
                self._notice_outage(read)
                yield read.item
                below_pages |= read.pages
                below_databases |= read.databases
            is_ordered = False
            yield from self._list_below(below_pages, below_databases)
        yield Checkpoint(self._window.end or self._began)

    def _list_everything(self) -> Iterator[DocumentFailure]:
        """List what search and the data sources know."""
        for page in self._api.search("page"):
            if last_edit(page) < self._window.start:
                break
            self._list(page)
        data_sources = list(self._api.search("data_source"))
        for data_source in data_sources:
            self._names.learn_data_source(data_source)
            parent = data_source.get("parent") or {}
            self._databases.add(str(parent.get("database_id")))
        yield from self._list_rows(str(one["id"]) for one in data_sources if not _is_gone(one))

    def _list_below(self, pages: set[str], databases: set[str]) -> Iterator[DocumentFailure]:
        """List what the pages just read hold, and nobody else knew."""
        new_pages = sorted(pages - self._listed - self._followed)
        self._followed.update(new_pages)
        for page in mapped_in_order(self._api.page, new_pages, in_flight=PAGES_IN_FLIGHT):
            if page is not None:
                self._list(page)
        new_databases = sorted(databases - self._databases)
        self._databases.update(new_databases)
        for database in map(self._api.database, new_databases):
            if database is not None and not _is_gone(database):
                found = database.get("data_sources") or []
                yield from self._list_rows(str(one["id"]) for one in found)

    def _list_rows(self, data_source_ids: Iterable[str]) -> Iterator[DocumentFailure]:
        """List the rows of data sources; one that is refused is named, and the others go on."""
        for identity in data_source_ids:
            if identity in self._data_sources:
                continue
            self._data_sources.add(identity)
            try:
                for page in self._api.rows(identity, self._window):
                    if page.get("object") == "page":
                        self._list(page)
            except SkippableError as error:
                yield DocumentFailure(f"{SOURCE}:{identity}", f"rows of a data source: {error}")

    def _list(self, page: Json) -> None:
        """Put a page among those that wait, unless it was among them or is none of the window."""
        listed = _Listed.of(page)
        if listed.page_id in self._listed or listed.edited not in self._window or _is_gone(page):
            return
        self._listed.add(listed.page_id)
        self._waiting.append(listed)
        self._names.learn_page(page)

    def _read(self, listed: _Listed) -> _Read:
        """Read a page whole, or say why not: never a shorter page in place of a good one."""
        try:
            blocks = list(walk(listed.page_id, self._api.children))
            item = document_of(listed.page(), blocks, self._names, self._api)
        except (ContractError, SkippableError, UnavailableError) as error:
            outage = error if isinstance(error, UnavailableError) else None
            return _Read(listed.failure(str(error)), outage)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # Of dozens of types of blocks and properties, one may have a new shape.
            return _Read(listed.failure(f"a field is not as documented: {error!r}"))
        held = [placed.block for placed in blocks]
        return _Read(
            item,
            pages=frozenset(
                str(block["id"])
                for block in held
                # This block is the page itself, so its last edit is the page's.
                if block.get("type") == "child_page" and last_edit(block) in self._window
            ),
            databases=frozenset(
                str(block["id"]) for block in held if block.get("type") == "child_database"
            ),
        )

    def _notice_outage(self, read: _Read) -> None:
        """Count pages that Notion did not give.

        Raises:
            UnavailableError: Too many in a row.
        """
        self._outages_in_a_row = self._outages_in_a_row + 1 if read.outage else 0
        if read.outage and self._outages_in_a_row >= MAX_OUTAGES_IN_A_ROW:
            raise read.outage


def _is_gone(thing: Json) -> bool:
    return bool(thing.get("in_trash") or thing.get("archived") or thing.get("is_archived"))
