"""Failed pages and lists of pages of Notion, read again by id."""

from collections.abc import Iterable, Iterator

from vector_assets.core.errors import ContractError, SkippableError, UnavailableError
from vector_assets.sources.items import DocumentFailure, Resolved, SourceItem
from vector_assets.sources.notion.body import Missing
from vector_assets.sources.notion.client import Json, is_gone
from vector_assets.sources.notion.crawl import Crawl
from vector_assets.sources.notion.document import SOURCE
from vector_assets.sources.notion.gaps import gaps_of
from vector_assets.sources.notion.reader import Listed
from vector_assets.sources.notion.refusals import RefusedError


class RetryCrawl(Crawl):
    """Reads pages by id; use it once. The window is that of the crawl that failed."""

    def again(self, identities: Iterable[str]) -> Iterator[SourceItem]:
        """Yield pages by id, whenever they were edited, and the pages of the window below them.

        Data sources and databases that could not be listed are listed for the window.

        Raises:
            UnavailableError: Too many pages in a row got no answer.
        """
        holders: list[str] = []
        for identity in identities:
            document_id = f"{SOURCE}:{identity}"
            try:
                is_page, is_holder = self._list_again(identity)
            except (ContractError, SkippableError, UnavailableError) as error:
                self._notice_outage(error if isinstance(error, UnavailableError) else None)
                yield DocumentFailure(document_id, str(error))
                continue
            self._notice_outage(None)
            if is_holder:
                holders.append(document_id)
            elif not is_page:
                yield Resolved(document_id)
        for _, _, read in self._each(self._reader.read):
            self._notice_outage(read.outage)
            yield read.item
        yield from self._files.gaps()
        yield from gaps_of({Missing.BODY: self._missing[Missing.BODY]})
        failed = {failure.document_id for failure in self._failures}
        yield from self._failures
        yield from (Resolved(document_id) for document_id in holders if document_id not in failed)

    def _list_again(self, identity: str) -> tuple[bool, bool]:
        """List what an id names; return whether that is a page, and whether it holds pages."""
        try:
            page = self._api.page_or_refusal(identity)
        except RefusedError as error:
            if error.is_of_database:
                return False, self._list_database_again(identity)
            # A missing capability says nothing about the page.
            if error.is_of_one_object:
                return False, self._list_holder_again(identity)
            raise
        # A page in the trash is not asked for as a database, which would be refused.
        return self._list_page_again(identity, page), False

    def _list_page_again(self, identity: str, page: Json) -> bool:
        """List a page whatever its last edit; return whether it exists."""
        if is_gone(page):
            return False
        if identity not in self._listed:
            self._listed.add(identity)
            self._waiting.append(Listed.of(page))
            self._names.learn_page(page)
        return True

    def _list_holder_again(self, identity: str) -> bool:
        """List the rows of a data source or database; return whether it exists."""
        data_source = self._api.data_source(identity)
        if data_source is not None:
            self._names.learn_data_source(data_source)
            self._list_rows([] if is_gone(data_source) else [identity])
            return True
        return self._list_database_again(identity)

    def _list_database_again(self, identity: str) -> bool:
        """List the rows of a database; return whether it exists."""
        if self._api.database(identity) is None:
            return False
        self._list_databases({identity})
        return True
