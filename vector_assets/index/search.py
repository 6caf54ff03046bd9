"""Question to answers: parse its constraints, search, rank, choose passages."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from vector_assets.core.documents import Value, clean_text
from vector_assets.core.errors import UsageError
from vector_assets.core.settings import Settings
from vector_assets.embedding.base import Embedder
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.features import Candidates
from vector_assets.index.passages import choose, further_chunks
from vector_assets.index.post_filter import post_filtered, searched_alone
from vector_assets.index.question.parse import ParsedQuestion, given_by, parse_question
from vector_assets.index.question.parsed import PARSE_ALL, GivenFilters, ParseOptions
from vector_assets.index.ranking import FITS_FROM, Ranked, Rankings, documents_by_score, rank
from vector_assets.index.source_search import SourceHits, SourceSearch, further_hits
from vector_assets.index.targets import LiveIndex, ReadTarget
from vector_assets.index.titles import is_title_of
from vector_assets.sources import SOURCES, require_known, shown_sources
from vector_assets.stores.base import Filter, Hit, VectorStore
from vector_assets.stores.records import document_id_of

CANDIDATES = 60
"""Hits requested of each source, by vector and by BM25 each; more where more answers are wanted."""

POST_FILTER_CANDIDATES = 300
"""Likewise, where documents are left out afterwards, such as those by other people."""

_ISSUE_KEY = re.compile(r"\b[A-Z][A-Z0-9]+-\d+\b", re.IGNORECASE)


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
    parse_options: ParseOptions = PARSE_ALL,
) -> Answers:
    """Find the documents that answer a question, best first.

    A source that cannot be searched, or an embedder that does not answer, costs its share of the
    answers and adds a warning; only when nothing at all can be searched is that an error.

    Without `sources` all that are on are searched, or all there are when none is on. `where` says
    who asks: nobody in particular by default. `index`, or `store` and `embedder`, stand in for what
    the settings name. `as_of` is how fresh each source is, from a caller who knows more than the
    store's watermark. `parse_options` is for a question's own constraints, such as `last week`;
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
        parse_options=parse_options,
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
    parse_options: ParseOptions = PARSE_ALL,
    is_source_given: bool = False,
) -> Answers:
    """Find what answers a question in some namespaces, at least one; see `find`."""
    if limit < 1:
        raise UsageError(f"the limit is {limit}: ask for at least 1 answer")
    where = where or Filter()
    given = given_by(where, is_source_given=is_source_given)
    parsed = _parsed(question, namespaces, given, parse_options)
    target = ReadTarget(store, embedder)
    outcome = _search(parsed, where, target, as_of or {}, max(CANDIDATES, limit))
    shown = outcome.ranked[:limit]
    further = further_hits(further_chunks(shown), target, where)
    return Answers(
        tuple(_answer(outcome.parsed.text, document, further) for document in shown),
        {source: result.as_of for source, result in outcome.results.items()},
        (*outcome.parsed.warnings(), *_warnings(outcome.results, outcome.embedding_error)),
        fits_well=not outcome.ranked or outcome.ranked[0].score >= FITS_FROM,
        is_complete=outcome.embedding_error is None
        and not any(result.error for result in outcome.results.values()),
        understood=outcome.parsed.understood,
    )


def rank_in(
    question: str,
    namespaces: Sequence[str],
    *,
    target: ReadTarget,
    where: Filter,
    parse_options: ParseOptions = PARSE_ALL,
    is_source_given: bool = False,
) -> Rankings:
    """Rank all candidates for a question in some namespaces; raises as `find`."""
    given = given_by(where, is_source_given=is_source_given)
    parsed = _parsed(question, namespaces, given, parse_options)
    outcome = _search(parsed, where, target, {})
    return Rankings(
        documents_by_score(hit for result in outcome.results.values() for hit in result.dense),
        documents_by_score(hit for result in outcome.results.values() for hit in result.lexical),
        tuple(ranked.document_id for ranked in outcome.ranked),
        outcome.parsed.understood,
    )


def _parsed(
    question: str, namespaces: Sequence[str], given: GivenFilters, parse_options: ParseOptions
) -> ParsedQuestion:
    question = clean_text(question).strip()
    if not question:
        raise UsageError("the question is empty: ask with at least one word")
    return parse_question(question, namespaces, given=given, parse_options=parse_options)


def candidates_in(
    text: str, namespaces: Sequence[str], *, target: ReadTarget, where: Filter
) -> Candidates:
    """Return what is ranked for a text that is taken word for word; raises as `find`."""
    search = SourceSearch(text, (), where, target, CANDIDATES)
    results, _ = search.results(namespaces, {})
    candidates, _ = _ranked(text, results, search)
    return candidates


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
class _Outcome:
    """What a question found, and which of its constraints held."""

    ranked: Sequence[Ranked]
    results: Mapping[str, SourceHits]
    embedding_error: BaseException | None
    parsed: ParsedQuestion


def _search(
    parsed: ParsedQuestion,
    where: Filter,
    target: ReadTarget,
    as_of: Mapping[str, datetime | None],
    candidates: int = CANDIDATES,
) -> _Outcome:
    """Search with the limits of a question; without those that leave nothing."""

    def search_for(parsed: ParsedQuestion, text: str) -> _Outcome:
        most = min(POST_FILTER_CANDIDATES, target.store.max_hits)
        search = SourceSearch(
            text,
            _ISSUE_KEY.findall(parsed.question),
            parsed.narrowed(where),
            target,
            most if parsed.is_post_filtered else candidates,
        )
        results, embedding_error = search.results(parsed.sources, as_of)
        keyed = [hit for result in results.values() for hit in result.keyed]
        _, ranked = _ranked(text, results, search)
        return _Outcome(_keyed_first(keyed, ranked), results, embedding_error, parsed)

    outcome = search_for(parsed, parsed.text)
    while not outcome.ranked and (wider := outcome.parsed.wider()):
        outcome = search_for(wider, wider.text)
    for words, is_wanted in filter(None, map(searched_alone, outcome.parsed.applied)):
        if not any(map(is_wanted, outcome.ranked)):
            # Other words of the question may push it out of the candidates.
            alone = search_for(outcome.parsed, words)
            outcome = alone if any(map(is_wanted, alone.ranked)) else outcome
    ranked, left = post_filtered(outcome.ranked, outcome.parsed)
    if (wider := outcome.parsed.without_lost(left)) is not None:
        # What it is searched without kept other sources out.
        return _search(wider, where, target, as_of, candidates)
    return replace(outcome, ranked=ranked, parsed=left)


def _ranked(
    text: str, results: Mapping[str, SourceHits], search: SourceSearch
) -> tuple[Candidates, list[Ranked]]:
    """Return what was found, and its documents, best first.

    After a document whose title is the question comes what its source has like it.
    """
    candidates = Candidates(text, *_hits(results.values()))
    ranked = rank(candidates)
    if ranked and is_title_of(text, ranked[0]):
        known = ranked[0]
        candidates.compare(search.alike(_namespace_of(known, results), known.document_id))
        ranked = rank(candidates)
    return candidates, ranked


def _namespace_of(document: Ranked, results: Mapping[str, SourceHits]) -> str:
    """Return the namespace that returned a document."""
    chunk_id = document.hits[0].id
    return next(
        namespace
        for namespace, result in results.items()
        if any(hit.id == chunk_id for hit in (*result.dense, *result.lexical))
    )


def _hits(results: Iterable[SourceHits]) -> tuple[list[Hit], list[Hit]]:
    """Return the hits of all sources by meaning and by words."""
    results = tuple(results)
    return (
        [hit for result in results for hit in result.dense],
        [hit for result in results for hit in result.lexical],
    )


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


def _answer(question: str, ranked: Ranked, further: Sequence[Hit]) -> Answer:
    fields = ranked.hits[0].metadata
    authors = fields.get("authors")
    passages = choose(question, ranked, further)
    return Answer(
        document_id=ranked.document_id,
        source=str(fields.get("source", "")),
        title=str(fields.get("title", "")),
        passage=passages.best.text,
        url=passages.best.url,
        authors=tuple(authors) if isinstance(authors, list) else (),
        container=str(fields.get("container", "")),
        created_at=_instant(fields.get("created_at")),
        updated_at=_instant(fields.get("updated_at")),
        score=ranked.score,
        chunk=passages.best.chunk,
        passages=passages.shown,
    )


def _instant(value: Value | None) -> datetime:
    return datetime.fromtimestamp(_number(value), UTC)


def _number(value: Value | None) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _warnings(
    results: Mapping[str, SourceHits], embedding_error: BaseException | None
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
