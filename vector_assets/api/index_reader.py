"""One connection to the index for a long-lived process: search, documents, and `why`."""

import threading
from functools import partial

from vector_assets.core.settings import Settings
from vector_assets.index.answers import Answers
from vector_assets.index.confirm import Confirmer
from vector_assets.index.document import Page, read_page
from vector_assets.index.question.parsed import PARSE_ALL, ParseOptions
from vector_assets.index.search import find
from vector_assets.index.targets import LiveIndex
from vector_assets.monitoring.dagster_state.observe import observe_if_any
from vector_assets.monitoring.why.answer import Asked, Why
from vector_assets.monitoring.why.walk import explain
from vector_assets.stores.base import Filter


class IndexReader:
    """Reads the live index, and follows a switch to another generation; connects when first used.

    Its methods block, and may be called from several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opening = threading.Lock()
        self._index: LiveIndex | None = None
        self._confirmer = Confirmer(settings)

    def find(
        self,
        question: str,
        sources: tuple[str, ...],
        where: Filter,
        limit: int,
        *,
        confirms: bool = False,
        parse_options: ParseOptions = PARSE_ALL,
    ) -> Answers:
        """Search, and ask the sources whether the answers stand; raises as `index.search.find`."""
        index = self.live_index()
        answers = find(
            question,
            settings=self.settings,
            sources=sources,
            where=where,
            limit=limit,
            index=index,
            parse_options=parse_options,
        )
        return self._confirmer.confirm(answers, index) if confirms else answers

    def read(self, document_id: str, where: Filter, characters: int, cursor: str) -> Page | None:
        """Return a page of a document; raises as `index.document.read_page`."""
        index = self.live_index()
        return read_page(
            document_id,
            index.now().store,
            where=where,
            characters=characters,
            cursor=cursor,
            hosts=index.hosts(),
        )

    def why(self, asked: Asked) -> Why:
        """Tell why a document is not found; raises as `explain`."""
        observe = partial(observe_if_any, self.settings)
        return explain(asked, self.settings, self.live_index(), observe=observe)

    def live_index(self) -> LiveIndex:
        """Return the connection."""
        with self._opening:
            self._index = self._index or LiveIndex(self.settings, keeps_copies=True)
            return self._index
