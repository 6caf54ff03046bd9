"""Question to answers: search by vector and by BM25, merged, with a link and dates for each answer.

Each source is a namespace of its own; all are searched at the same time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from vector_assets.core.documents import Value, clean_text
from vector_assets.core.errors import RetryableError, UsageError
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedder
from vector_assets.embedding.chunking import passage_of
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.question.heard import ATTENTIVE, Given, Listening
from vector_assets.index.question.understanding import Understanding, given_by, understand
from vector_assets.index.ranking import Ranked, Rankings, documents_by_score, rank
from vector_assets.index.sifting import searched_alone, sifted
from vector_assets.index.targets import LiveIndex, ReadTarget
from vector_assets.sources import SOURCES, require_known, shown_sources
from vector_assets.stores.base import Filter, Hit, Searchable, VectorStore
from vector_assets.stores.records import document_id_of

CANDIDATES = 100
"""Hits requested of each source, by vector and by BM25 each."""

SIFTED_CANDIDATES = 300
"""Likewise, where documents are left out afterwards, such as those by other people."""

_threads = ThreadPoolExecutor(64, thread_name_prefix="search")
"""Of all searches; to start threads for each takes longer than some of its parts."""

_MAX_KEYS = 5
_ISSUE_KEY = re.compile(r"\b[A-Z][A-Z0-9]+-\d+\b", re.IGNORECASE)
KEYED_SOURCE = "jira"
"""The source whose documents have keys that people write in questions."""


def find(
    question: str,
    *,
    settings: Settings,
    sources: Sequence[str] = (),
    where: Filter | None = None,
    limit: int = 10,
    index: LiveIndex | None = None,
    store: VectorStore | None = None,
    embedder: Embedder | None = None,
    as_of: Mapping[str, datetime | None] | None = None,
    listening: Listening = ATTENTIVE,
) -> Answers:
    """Find the documents that answer a question, best first.

    A source that cannot be searched, or an embedder that does not answer, costs its share of the
    answers and adds a warning; only when nothing at all can be searched is that an error.

    Without `sources` all that are on are searched, or all there are when none is on. `where` says
    who asks: nobody in particular by default. `index`, or `store` and `embedder`, stand in for what
    the settings name. `as_of` is how fresh each source is, from a caller who knows more than the
    store's watermark. `listening` is for what the question says about itself, such as `last week`;
    `sources` and the filters in `where` win over that.

    Raises:
        UsageError: The question is empty, a source is unknown, or the limit is below 1.
        RetryableError: Neither the store nor the embedder can be used now.
        CredentialsError: The store or the embedder refuses its key.
    """
    is_given = store is not None and embedder is not None
    live = None if is_given and index is None else index or LiveIndex(settings)
    target = _target(live, store, embedder)
    return find_in(
        question,
        sources_to_search(sources, settings, live),
        store=target.store,
        embedder=target.embedder,
        where=where,
        limit=limit,
        as_of=as_of,
        listening=listening,
        is_source_given=bool(sources),
    )


def find_in(
    question: str,
    namespaces: Sequence[str],
    *,
    store: VectorStore,
    embedder: Embedder,
    where: Filter | None = None,
    limit: int = 10,
    as_of: Mapping[str, datetime | None] | None = None,
    listening: Listening = ATTENTIVE,
    is_source_given: bool = False,
) -> Answers:
    """Find what answers a question in some namespaces, at least one; see `find`."""
    if limit < 1:
        raise UsageError(f"the limit is {limit}: ask for at least 1 answer")
    where = where or Filter()
    given = given_by(where, is_source_given=is_source_given)
    understanding = _understood(question, namespaces, given, listening)
    found = _found(understanding, where, ReadTarget(store, embedder), as_of or {})
    return Answers(
        tuple(_answer(ranked) for ranked in found.ranked[:limit]),
        {source: result.as_of for source, result in found.results.items()},
        (*found.understanding.warnings(), *_warnings(found.results, found.embedding_error)),
        is_complete=found.embedding_error is None
        and not any(result.error for result in found.results.values()),
        understood=found.understanding.understood,
    )


def rank_in(
    question: str,
    namespaces: Sequence[str],
    *,
    target: ReadTarget,
    where: Filter,
    listening: Listening = ATTENTIVE,
    is_source_given: bool = False,
) -> Rankings:
    """Rank all candidates for a question in some namespaces; raises as `find`."""
    given = given_by(where, is_source_given=is_source_given)
    understanding = _understood(question, namespaces, given, listening)
    found = _found(understanding, where, target, {})
    return Rankings(
        documents_by_score(hit for result in found.results.values() for hit in result.dense),
        documents_by_score(hit for result in found.results.values() for hit in result.lexical),
        tuple(ranked.document_id for ranked in found.ranked),
        found.understanding.understood,
    )


def _understood(
    question: str, namespaces: Sequence[str], given: Given, listening: Listening
) -> Understanding:
    question = clean_text(question).strip()
    if not question:
        raise UsageError("the question is empty: ask with at least one word")
    return understand(question, namespaces, given=given, listening=listening)


def _target(
    index: LiveIndex | None, store: VectorStore | None, embedder: Embedder | None
) -> ReadTarget:
    if store is not None and embedder is not None:
        return ReadTarget(store, embedder)
    assert index is not None
    live = index.now()
    return ReadTarget(store or live.store, embedder or live.embedder)


def sources_to_search(
    asked: Sequence[str], settings: Settings, index: LiveIndex | None
) -> tuple[str, ...]:
    """Return the sources and namespaces of other projects to search; unknown ones are refused."""
    if asked:
        for name in asked:
            if name not in SOURCES:
                require_known(name, index.hosts() if index else ())
        return tuple(dict.fromkeys(asked))
    hosts = index.hosts() if index else ()
    return (*settings.enabled_sources, *hosts) or shown_sources(settings)


@dataclass(frozen=True, slots=True)
class _Result:
    """What one source returned: hits by meaning, by words, by key, and how fresh it is."""

    dense: Sequence[Hit] = ()
    lexical: Sequence[Hit] = ()
    keyed: Sequence[Hit] = ()
    as_of: datetime | None = None
    error: RetryableError | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What a question found, and what came of what it says about itself."""

    ranked: Sequence[Ranked]
    results: Mapping[str, _Result]
    embedding_error: BaseException | None
    understanding: Understanding


def _found(
    understanding: Understanding,
    where: Filter,
    target: ReadTarget,
    as_of: Mapping[str, datetime | None],
) -> _Found:
    """Search with the limits of a question; without those that leave nothing."""
    found = _searched(understanding, where, target, as_of, understanding.text)
    while not found.ranked and (wider := found.understanding.wider()):
        found = _searched(wider, where, target, as_of, wider.text)
    for words, is_wanted in filter(None, map(searched_alone, found.understanding.applied)):
        if not any(map(is_wanted, found.ranked)):
            # Other words of the question may push it out of the candidates.
            alone = _searched(found.understanding, where, target, as_of, words)
            found = alone if any(map(is_wanted, alone.ranked)) else found
    ranked, understanding = sifted(found.ranked, found.understanding)
    return replace(found, ranked=ranked, understanding=understanding)


def _searched(
    understanding: Understanding,
    where: Filter,
    target: ReadTarget,
    as_of: Mapping[str, datetime | None],
    text: str,
) -> _Found:
    most = min(SIFTED_CANDIDATES, target.store.max_hits)
    candidates = most if understanding.is_sifted else CANDIDATES
    keys = _ISSUE_KEY.findall(understanding.question)
    search = _Search(text, keys, understanding.narrowed(where), target, candidates)
    results, embedding_error = search.results(understanding.sources, as_of)
    return _Found(_ranked(results.values()), results, embedding_error, understanding)


class _Search:
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
    ) -> tuple[dict[str, _Result], BaseException | None]:
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

    def _ask(
        self,
        source: str,
        vector: Future[Vectors],
        known_as_of: Mapping[str, datetime | None],
    ) -> _Result:
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
            return _Result(
                [hit for hit in dense if document_id_of(hit.id) in may_read],
                [hit for hit in lexical if document_id_of(hit.id) in may_read],
                self._keyed(store, source),
                as_of,
            )
        except RetryableError as error:
            return _Result(error=error)

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


def _ranked(results: Iterable[_Result]) -> list[Ranked]:
    """Return the documents of all results, best first."""
    results = tuple(results)
    ranked = rank(
        [hit for result in results for hit in result.dense],
        [hit for result in results for hit in result.lexical],
    )
    return _keyed_first([hit for result in results for hit in result.keyed], ranked)


def _keyed_first(keyed: Sequence[Hit], ranked: Sequence[Ranked]) -> list[Ranked]:
    """Put the issues that were asked for by key before all others, each with its hits."""
    first = {document_id_of(hit.id): Ranked(document_id_of(hit.id), 1.0, (hit,)) for hit in keyed}
    others = []
    for document in ranked:
        if document.document_id in first:
            first[document.document_id] = replace(document, score=1.0)
        else:
            others.append(document)
    return [*first.values(), *others]


def _answer(ranked: Ranked) -> Answer:
    fields = ranked.hits[0].metadata
    title = str(fields.get("title", ""))
    authors = fields.get("authors", [])
    return Answer(
        document_id=ranked.document_id,
        source=str(fields.get("source", "")),
        title=title,
        passage=passage_of(str(fields.get("text", ""))) or title,
        url=str(fields.get("url", "")),
        authors=tuple(authors) if isinstance(authors, list) else (),
        container=str(fields.get("container", "")),
        created_at=_instant(fields.get("created_at")),
        updated_at=_instant(fields.get("updated_at")),
        score=ranked.score,
        chunk=int(_number(fields.get("chunk"))),
    )


def _instant(value: Value | None) -> datetime:
    return datetime.fromtimestamp(_number(value), UTC)


def _number(value: Value | None) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _shortened(question: str, embedder: Embedder) -> str:
    if embedder.tokenizer.count(question) <= embedder.chunk_tokens:
        return question
    return embedder.tokenizer.splitter(embedder.chunk_tokens).chunks(question)[0]


def _warnings(
    results: Mapping[str, _Result], embedding_error: BaseException | None
) -> Iterator[str]:
    if embedding_error is not None:
        yield f"Found by words alone, for meaning could not be searched: {embedding_error}"
    if all(result.error is None and result.as_of is None for result in results.values()):
        names = ", ".join(results)
        yield f"The index holds nothing of {names}: run `vector-assets sync`, then ask again."
        return
    for source, result in results.items():
        if result.error is not None:
            yield f"{source} was not searched: {result.error}"
        elif result.as_of is None:
            yield f"The index holds nothing of {source}: run `vector-assets sync {source}`."
