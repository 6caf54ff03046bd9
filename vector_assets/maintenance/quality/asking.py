"""Asks a question of the real search and of its two halves, and notes the place of its document."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vector_assets.core.errors import UnavailableError
from vector_assets.embedding.base import Embedder
from vector_assets.embedding.questions import RecentQuestions
from vector_assets.index.question.parsed import ParseOptions
from vector_assets.index.search import find_in
from vector_assets.maintenance.quality.questions import Kind, Question
from vector_assets.stores.base import Filter, Hit, VectorStore
from vector_assets.stores.records import document_id_of

PLACES = 10
"""A document that is not among the first so many counts as not found."""

_HITS = 30
"""Hits of each half, of which several may be of one document."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """In which place a document stands, from 1; 0 when it is not among the first `PLACES`.

    Attributes:
        answers: In what a person sees.
        meaning: In the search by vector of its source alone; None when it was not asked.
        words: The same of the search by words.
    """

    answers: int
    meaning: int | None = None
    words: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked; `seconds` is how long the answer took."""

    question: Question
    ranks: Ranks
    seconds: float


class Asker:
    """Asks one index, in nobody's name, so that only public documents answer."""

    def __init__(self, store: VectorStore, embedder: Embedder, namespaces: Sequence[str]) -> None:
        self._store = store
        # The answer and the search by vector need the same vector.
        self._embedder = RecentQuestions(embedder)
        self._namespaces = namespaces

    def ask(self, question: Question) -> Asked:
        """Ask a question; one whose words the index has lost is not found anywhere.

        Raises:
            UnavailableError: A part of the index, or the embedder, does not answer: the place of
                a document would say nothing.
            RetryableError: Nothing answers.
        """
        if not question.text:
            half = None if question.kind is Kind.KEY else 0
            return Asked(question, Ranks(0, half, half), 0.0)
        began = time.perf_counter()
        answers = find_in(
            question.text,
            self._namespaces,
            store=self._store,
            embedder=self._embedder,
            limit=PLACES,
            # How fresh it is does not matter here, and takes Pinecone many requests to tell.
            as_of=dict.fromkeys(self._namespaces, datetime.now(UTC)),
            parse_options=ParseOptions(literal=True),
        )
        seconds = time.perf_counter() - began
        if not answers.is_complete:
            raise UnavailableError("the search", answers.warnings[0], "Examine it again later.")
        ids = [answer.document_id for answer in answers.answers]
        return Asked(question, Ranks(_place(ids, question), *self._halves(question)), seconds)

    def _halves(self, question: Question) -> tuple[int | None, int | None]:
        """Return the places by vector and by words; of a key or a team's question, none."""
        if question.kind in {Kind.KEY, Kind.OWN}:
            return None, None
        source = question.source
        store = self._store.for_question(source)
        vector = self._embedder.embed_query(question.text)
        dense = store.search_dense(source, vector, where=Filter(), limit=_HITS)
        meaning = _place(_documents(dense), question)
        if not store.has_lexical_search:
            return meaning, None
        lexical = store.search_lexical(source, question.text, where=Filter(), limit=_HITS)
        return meaning, _place(_documents(lexical), question)


def _documents(hits: Iterable[Hit]) -> list[str]:
    return list(dict.fromkeys(document_id_of(hit.id) for hit in hits))


def _place(document_ids: Sequence[str], question: Question) -> int:
    places = [
        place
        for place, document_id in enumerate(document_ids[:PLACES], start=1)
        if document_id in question.documents
    ]
    return min(places, default=0)
