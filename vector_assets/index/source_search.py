"""Searches each source of an index by vector, by words and by key.

Each source is a namespace of its own; all are searched at the same time.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime

from vector_assets.core.documents import Value
from vector_assets.core.errors import RetryableError
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedder
from vector_assets.index.targets import ReadTarget
from vector_assets.stores.base import Filter, Hit, Searchable
from vector_assets.stores.records import document_id_of, head_id

_threads = ThreadPoolExecutor(64, thread_name_prefix="search")
"""Of all searches; to start threads for each takes longer than some of its parts."""

_MAX_KEYS = 5
KEYED_SOURCE = "jira"
"""The source whose documents have keys that people write in questions."""


@dataclass(frozen=True, slots=True)
class SourceHits:
    """What one source returned: hits by meaning, by words, by key, and how fresh it is."""

    dense: Sequence[Hit] = ()
    lexical: Sequence[Hit] = ()
    keyed: Sequence[Hit] = ()
    as_of: datetime | None = None
    error: RetryableError | None = None


class SourceSearch:
    """A search of several sources at once."""

    def __init__(
        self,
        text: str,
        keys: Sequence[str],
        where: Filter,
        target: ReadTarget,
        candidates: int,
    ) -> None:
        self._keys = tuple(dict.fromkeys(map(str.upper, keys)))[:_MAX_KEYS]
        self._question = _shortened(text, target.embedder)
        self._where = where
        self._store = target.store
        self._embedder = target.embedder
        self._candidates = candidates

    def results(
        self, sources: Sequence[str], known_as_of: Mapping[str, datetime | None]
    ) -> tuple[dict[str, SourceHits], BaseException | None]:
        """Return what each source returned, and why meaning was not searched, if it was not."""
        # The vector first: a source that has a thread waits for it, so it must have one by then.
        vector = _threads.submit(self._embedder.embed_query, self._question)
        futures = [_threads.submit(self._ask, source, vector, known_as_of) for source in sources]
        wait(futures)
        results = dict(zip(sources, (future.result() for future in futures), strict=True))
        errors = [result.error for result in results.values() if result.error]
        if len(errors) == len(sources):
            raise errors[0]
        return results, vector.exception()

    def alike(self, source: str, document_id: str) -> list[Hit]:
        """Return the chunks of a source that are nearest to the beginning of one of its documents.

        Nothing when it cannot be read now: the question has its answer without.
        """
        try:
            records = self._store.fetch(source, [head_id(document_id)])
            return [
                hit
                for record in records[:1]
                for hit in self._store.for_question(source).search_dense(
                    source, record.vector, where=self._where, limit=self._candidates
                )
            ]
        except RetryableError:
            return []

    def _ask(
        self,
        source: str,
        vector: Future[Vectors],
        known_as_of: Mapping[str, datetime | None],
    ) -> SourceHits:
        """Search one source: by words first, as the vector may not be ready."""
        where = self._where
        try:
            store = self._store.for_question(source)
            as_of = known_as_of[source] if source in known_as_of else store.watermark(source)
            lexical = (
                store.search_lexical(source, self._question, where=where, limit=self._candidates)
                if store.has_lexical_search
                else []
            )
            dense = self._dense(store, source, vector)
            may_read = self._readable(store, source, (*dense, *lexical))
            return SourceHits(
                [hit for hit in dense if document_id_of(hit.id) in may_read],
                [hit for hit in lexical if document_id_of(hit.id) in may_read],
                self._keyed(store, source),
                as_of,
            )
        except RetryableError as error:
            return SourceHits(error=error)

    def _readable(self, store: Searchable, source: str, hits: Sequence[Hit]) -> set[str]:
        """Return the documents of hits that who asks may read, as their heads have it.

        The store has filtered each chunk already. While the access of a document changes, or after
        a run died at it, its chunks may be out of date; the head is right.
        """
        heads = {document_id_of(hit.id) for hit in hits if hit.metadata.get("chunk") == 0}
        others = sorted({document_id_of(hit.id) for hit in hits} - heads)
        other_heads = store.heads(source, others) if others else {}
        return heads | {
            document_id
            for document_id in others
            if self._where.lets_read(other_heads.get(document_id))
        }

    def _dense(self, store: Searchable, source: str, vector: Future[Vectors]) -> list[Hit]:
        """Search by vector; return nothing where the embedder fails and words can be searched."""
        error = vector.exception()
        if isinstance(error, RetryableError) and store.has_lexical_search:
            return []
        return store.search_dense(
            source, vector.result(), where=self._where, limit=self._candidates
        )

    def _keyed(self, store: Searchable, source: str) -> list[Hit]:
        if source != KEYED_SOURCE:
            return []
        return [
            hit
            for key in self._keys
            for hit in store.lookup(source, where=replace(self._where, issue_key=key), limit=1)
        ]


def further_hits(
    chunk_ids: Mapping[str, Sequence[str]], target: ReadTarget, where: Filter
) -> list[Hit]:
    """Read chunks that are worth showing beside the hits, in a request per source."""
    reads = [
        _threads.submit(_chunks, target, source, ids, where) for source, ids in chunk_ids.items()
    ]
    return [hit for read in reads for hit in read.result()]


def _chunks(target: ReadTarget, source: str, chunk_ids: Sequence[str], where: Filter) -> list[Hit]:
    """Return those of some chunks that who asks may read; without them, hits are shown."""
    readers = set(where.readers)
    try:
        chunks = target.store.for_question(source).metadata(source, chunk_ids)
    except RetryableError:
        return []
    return [
        Hit(chunk_id, 0.0, fields)
        for chunk_id, fields in chunks.items()
        if not readers.isdisjoint(_texts(fields.get("access")))
    ]


def _texts(value: Value | None) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else ()


def _shortened(question: str, embedder: Embedder) -> str:
    if embedder.tokenizer.count(question) <= embedder.chunk_tokens:
        return question
    return embedder.tokenizer.splitter(embedder.chunk_tokens).chunks(question)[0]
