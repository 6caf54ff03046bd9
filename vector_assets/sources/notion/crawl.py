"""A crawl of one window of Notion: which pages it holds, and in which order they are read.

Search leaves out some shared pages, so data sources are queried for their rows, and child pages and
databases are followed from the pages that hold them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import TypeVar

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import (
    ContractError,
    SkippableError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.sources.attachments.reader import AttachmentOptions, AttachmentReader
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    Known,
    NothingKnown,
    SourceItem,
    Unchanged,
)
from vector_assets.sources.notion.body import Body, Missing
from vector_assets.sources.notion.client import (
    PARTIAL,
    Json,
    NotionApi,
    fields_of,
    is_gone,
    last_edit,
)
from vector_assets.sources.notion.document import SOURCE
from vector_assets.sources.notion.files import PageFiles
from vector_assets.sources.notion.gaps import NO_COMMENTS, NO_NAMES, gaps_of
from vector_assets.sources.notion.names import Names
from vector_assets.sources.notion.reader import Held, Listed, PageReader, Read
from vector_assets.sources.notion.refusals import RefusedError
from vector_assets.sources.notion.stamps import Stamps

PAGES_IN_FLIGHT = 6

PAGES_COMPARED = 200
"""Pages whose stamps are compared with the index by one request."""

MAX_OUTAGES_IN_A_ROW = 5
"""After so many pages in a row without an answer, Notion counts as down."""


_NOTHING_KNOWN = NothingKnown()
_DEFAULT = AttachmentOptions()
_NEVER_TRIED: Mapping[str, int] = MappingProxyType({})


Result = TypeVar("Result", bound=Held)


class Crawl:
    """The state of a crawl; use it once.

    Args:
        api: Of the integration.
        window: Of last edits; its start is floored to the minute, as the API's times are.
        with_comments: Whether comments are read.
        known: What the index holds; a rescan fetches each page of it that search leaves out.
        attempts: In how many earlier runs each page failed, by id.
        attachments: Whether they are read.
    """

    def __init__(
        self,
        api: NotionApi,
        window: Window,
        *,
        with_comments: bool,
        known: Known = _NOTHING_KNOWN,
        attempts: Mapping[str, int] = _NEVER_TRIED,
        attachments: AttachmentOptions = _DEFAULT,
    ) -> None:
        self._api = api
        self._window = Window(window.start.replace(second=0, microsecond=0), window.end)
        self._known = known
        self._names = Names(api)
        self._files = PageFiles(api, AttachmentReader(attachments), known)
        self._reader = PageReader(
            api,
            self._names,
            known,
            with_comments=with_comments,
            attempts=attempts,
            files=self._files,
            stamps=Stamps(self._names, attachments),
        )
        self._data_sources: set[str] = set()
        self._databases: set[str] = set()
        self._listed: set[str] = set()
        self._followed: set[str] = set()
        self._waiting: list[Listed] = []
        self._missing: Counter[Missing] = Counter()
        self._failures: list[DocumentFailure] = []
        self._unchanged: set[str] = set()
        self._outages_in_a_row = 0

    def items(self) -> Iterator[SourceItem]:
        """Yield pages and checkpoints; failures and gaps come before the last checkpoint."""
        self._list_everything(is_rescan=self._known.is_rescan)
        day = None
        for is_first, listed, read in self._each(self._read, self._compared):
            if is_first and day is not None and listed.edited.date() < day:
                yield Checkpoint(start_of_day(day))
            day = listed.edited.date()
            self._notice_outage(read.outage)
            yield read.item
        yield from self._failures
        yield from gaps_of(self._missing)
        yield from self._files.gaps()
        if self._reader.are_comments_refused:
            yield NO_COMMENTS
        if self._names.has_no_users:
            yield NO_NAMES
        yield Checkpoint(self._window.start)

    def listed(self) -> list[Listed]:
        """Return the pages that search and data sources list; use it in place of `items`."""
        self._list_everything(is_rescan=self._known.is_rescan)
        return self._waiting

    def some(self, listed: Sequence[Listed]) -> Iterator[SourceItem]:
        """Yield listed pages, without the pages that they hold."""
        for read in map_ordered(self._read, self._compared(listed), in_flight=PAGES_IN_FLIGHT):
            self._notice_outage(read.outage)
            yield read.item

    def ids(self) -> Iterator[str]:
        """Yield the ids of all pages.

        Raises:
            SkippableError: A page or database is refused, so what it holds is unknown.
        """
        self._list_everything(is_rescan=False)
        for _, listed, held in self._each(self._reader.held):
            self._notice_outage(held.outage)
            yield listed.document_id
        if self._failures:
            raise SkippableError(f"{self._failures[0].document_id}: {self._failures[0].cause}")

    def _compared(self, listed: Iterable[Listed]) -> Iterator[Listed]:
        """Yield pages, after noting those that the index holds as they are listed."""
        waiting = iter(listed)
        while some := list(islice(waiting, PAGES_COMPARED)):
            self._unchanged |= self._reader.unchanged(some)
            yield from some

    def _read(self, listed: Listed) -> Read:
        if listed.document_id not in self._unchanged:
            return self._reader.read(listed)
        self._unchanged.discard(listed.document_id)
        return Read(Body(), item=Unchanged(listed.document_id, listed.edited.date()))

    def _each(
        self,
        read: Callable[[Listed], Result],
        drawn: Callable[[list[Listed]], Iterable[Listed]] = iter,
    ) -> Iterator[tuple[bool, Listed, Result]]:
        """Yield pages level by level: whether it is the first level, the page, its result."""
        is_first = True
        while self._waiting:
            batch, self._waiting = sorted(self._waiting, reverse=True), []
            below: dict[str, Body] = {}
            reads = map_ordered(read, drawn(batch), in_flight=PAGES_IN_FLIGHT)
            for listed, result in zip(batch, reads, strict=True):
                self._missing += result.body.missing
                if result.body.pages or result.body.databases:
                    below[listed.page_id] = result.body
                yield is_first, listed, result
            is_first = False
            self._list_below(below)

    def _list_everything(self, *, is_rescan: bool) -> None:
        """List the pages of search and of data sources."""
        searched: set[str] = set()
        for page in self._api.search("page"):
            searched.add(str(page["id"]))
            if not _has_edit(page) or last_edit(page) >= self._window.start:
                self._list(page)
            elif not is_rescan:
                break
        data_sources = list(self._api.search("data_source"))
        for data_source in data_sources:
            self._names.learn_data_source(data_source)
        self._list_rows(
            [str(data_source["id"]) for data_source in data_sources if not is_gone(data_source)]
        )
        # Search may give only some data sources of a database.
        parents = (
            fields_of(data_source.get("parent")).get("database_id") for data_source in data_sources
        )
        self._list_databases({parent for parent in parents if parent and isinstance(parent, str)})
        if is_rescan:
            self._list_hidden(searched)

    def _list_hidden(self, searched: set[str]) -> None:
        """Fetch and list the pages that the index holds and search leaves out.

        Nothing else shows that such a page was edited when the page above it was not. The prune
        handles those that are gone.
        """
        held = {
            document_id.removeprefix(f"{SOURCE}:") for document_id in self._known.document_ids()
        }
        for page in self._asked_for(self._api.page, sorted(held - searched - self._listed)):
            if page is not None:
                self._list(page)

    def _list_below(self, below: dict[str, Body]) -> None:
        """List the pages and databases in bodies, by page id, that are not listed yet."""
        wanted: list[str] = []
        for page_id, body in below.items():
            new = [
                child_id for child_id in body.pages if child_id not in self._listed | self._followed
            ]
            self._followed.update(new)
            edits = self._edits_of({child_id: body.pages[child_id] for child_id in new}, page_id)
            wanted += [
                child_id for child_id, edit in edits.items() if edit is None or edit in self._window
            ]
        for page in self._asked_for(self._api.page, wanted):
            if page is None:
                self._missing[Missing.UNSHARED] += 1
            else:
                self._list(page)
        self._list_databases(set().union(*(body.databases for body in below.values())))

    def _edits_of(
        self, edits: dict[str, datetime | None], parent_id: str
    ) -> dict[str, datetime | None]:
        """Return the edits, completed by those that the parent's child blocks give.

        Markdown gives no last edits; one list of blocks replaces a request for each page.
        """
        if sum(edit is None for edit in edits.values()) < 2:
            return edits
        try:
            children = self._api.children(parent_id)
            blocks = (block for block in children if block.get("type") == "child_page")
            return edits | {
                str(block["id"]): last_edit(block) for block in blocks if block["id"] in edits
            }
        except (ContractError, SkippableError):
            return edits

    def _list_databases(self, database_ids: set[str]) -> None:
        new = sorted(database_ids - self._databases)
        self._databases.update(new)
        for database in self._asked_for(self._api.database, new):
            if database is None or database.keys() <= PARTIAL:
                self._missing[Missing.DATABASE] += 1
            elif not is_gone(database):
                self._list_data_sources(database)

    def _list_data_sources(self, database: Json) -> None:
        """List the rows of a database; keep a failure when its data sources cannot be told."""
        data_sources = database.get("data_sources")
        if not isinstance(data_sources, list) or not all(
            isinstance(fields_of(data_source).get("id"), str) for data_source in data_sources
        ):
            cause = "a database without a list of its data sources"
            self._failures.append(DocumentFailure(f"{SOURCE}:{database['id']}", cause))
            return
        if not data_sources:
            self._missing[Missing.DATABASE] += 1
        for data_source in data_sources:
            self._names.learn_data_source(data_source)
        self._list_rows([data_source["id"] for data_source in data_sources])

    def _asked_for(
        self, ask: Callable[[str], Json | None], identities: list[str]
    ) -> Iterator[Json | None]:
        """Yield objects by id, None for those not shared; keep a failure for each other one."""

        def answer(identity: str) -> Json | VectorAssetsError | None:
            try:
                return ask(identity)
            except (ContractError, SkippableError, UnavailableError) as error:
                return error

        answers = map_ordered(answer, identities, in_flight=PAGES_IN_FLIGHT)
        for identity, result in zip(identities, answers, strict=True):
            self._notice_outage(result if isinstance(result, UnavailableError) else None)
            if isinstance(result, VectorAssetsError):
                self._failures.append(DocumentFailure(f"{SOURCE}:{identity}", str(result)))
            else:
                yield result

    def _list_rows(self, data_source_ids: list[str]) -> None:
        """List the rows of data sources; keep a gap or failure for each refused one."""
        for identity in data_source_ids:
            if identity in self._data_sources:
                continue
            self._data_sources.add(identity)
            try:
                self._list_rows_of(identity)
                self._notice_outage(None)
            except (RefusedError, UnavailableError) as error:
                self._notice_outage(error if isinstance(error, UnavailableError) else None)
                if isinstance(error, RefusedError) and error.lacks_rights:
                    self._missing[Missing.ROWS] += 1
                    continue
                cause = f"rows of a data source: {error}"
                self._failures.append(DocumentFailure(f"{SOURCE}:{identity}", cause))

    def _list_rows_of(self, data_source_id: str) -> None:
        inner: list[str] = []
        for row in self._api.rows(data_source_id, self._window):
            if row.get("object") == "page":
                self._list(row)
            else:
                # A wiki also holds databases.
                inner.append(str(row["id"]))
        self._list_rows(inner)

    def _list(self, page: Json) -> None:
        """Queue a page of the window, unless it was queued before or is gone.

        One whose last edit cannot be read is a failure.
        """
        try:
            listed = Listed.of(page)
        except ContractError as error:
            self._failures.append(DocumentFailure(f"{SOURCE}:{page['id']}", str(error)))
            return
        if listed.page_id in self._listed or listed.edited not in self._window or is_gone(page):
            return
        self._listed.add(listed.page_id)
        self._waiting.append(listed)
        self._names.learn_page(page)

    def _notice_outage(self, outage: UnavailableError | None) -> None:
        """Count objects in a row without an answer; raise after too many."""
        self._outages_in_a_row = self._outages_in_a_row + 1 if outage else 0
        if outage and self._outages_in_a_row >= MAX_OUTAGES_IN_A_ROW:
            raise outage


def _has_edit(page: Json) -> bool:
    """Tell whether a page says when it was edited last."""
    try:
        last_edit(page)
    except ContractError:
        return False
    return True
