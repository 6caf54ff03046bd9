"""Failed pages and lists of pages of Notion, read again by id."""

from collections.abc import Iterable, Iterator

from vector_assets.core.errors import ContractError, SkippableError
from vector_assets.sources.items import DocumentFailure, Resolved, SourceItem
from vector_assets.sources.notion.client import is_gone
from vector_assets.sources.notion.crawl import Crawl, Listed
from vector_assets.sources.notion.document import SOURCE


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
                if self._list_page_again(identity):
                    continue
                if self._list_holder_again(identity):
                    holders.append(document_id)
                else:
                    yield Resolved(document_id)
            except (ContractError, SkippableError) as error:
                yield DocumentFailure(document_id, str(error))
        for _, _, read in self._each(self._read):
            self._notice_outage(read)
            yield read.item
        failed = {failure.document_id for failure in self._failures}
        yield from self._failures
        yield from (Resolved(document_id) for document_id in holders if document_id not in failed)

    def _list_page_again(self, identity: str) -> bool:
        """List a page whatever its last edit; return whether it exists."""
        page = self._api.page(identity)
        if page is None or is_gone(page):
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
        if self._api.database(identity) is None:
            return False
        self._list_databases({identity})
        return True
