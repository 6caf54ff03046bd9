"""The questions of a source from night to night: kept while their documents stand, then replaced.

The same questions on many nights make pairs. Half of them are of the last days, half of before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from vector_assets.core.documents import PUBLIC
from vector_assets.maintenance.quality.asking import Ranks
from vector_assets.maintenance.quality.questions import (
    MADE,
    HeldDocument,
    Kind,
    Question,
    Rarity,
    made_of,
    with_text,
)
from vector_assets.maintenance.quality.words import place_of
from vector_assets.stores.base import Filter, Head, Hit, VectorStore
from vector_assets.stores.records import document_id_of, record_id

QUESTIONS = 40
"""Of a source."""

RECENT_DAYS = 30
"""Half of the questions are of documents with activity in so many days."""

_RECENT_SPANS_DAYS = ((0, 5), (5, 10), (10, 15), (15, 20), (20, 25), (25, RECENT_DAYS))
_OLD_SPANS_DAYS = ((RECENT_DAYS, 60), (60, 120), (120, 240), (240, 480), (480, 960), (960, 36_500))
"""Each is one request for at most `_OF_A_SPAN` documents, however many the index holds."""

_OF_A_SPAN = 30
_FEWER_KEYS = 4
"""Keys are looked up, not searched: so many times fewer of them than of others are enough."""

KEPT_FOR = timedelta(days=14)
"""Older nights are not compared with: what answers have been for so long is usual by then."""

_MAX_CHUNKS = 64
"""Of a document that are read to see whether its words are lost."""


@dataclass(frozen=True, slots=True)
class Night:
    """Where a question's document stood on a night."""

    day: date
    ranks: Ranks


@dataclass(frozen=True, slots=True)
class Entry:
    """A question with the nights that it is compared with."""

    question: Question
    nights: tuple[Night, ...] = ()


def renewed(
    store: VectorStore, source: str, entries: Sequence[Entry], now: datetime
) -> list[Entry]:
    """Return tonight's questions of a source with their words: the known ones, and new ones.

    A question is dropped when its document is gone, is not public, or was edited so that it no
    longer has the words. Words that are missing without an edit are lost: the question stays
    without them, for as long as there are nights to compare with. A document that is being written
    tonight is not asked for.
    """
    kept = [
        entry
        for entry in _kept(store, source, entries)
        if entry.question.text or _is_compared(entry, now.date())
    ]
    recent_from = (now - timedelta(days=RECENT_DAYS)).timestamp()
    halves = {
        True: [entry for entry in kept if entry.question.updated_at >= recent_from],
        False: [entry for entry in kept if entry.question.updated_at < recent_from],
    }
    for is_recent, half in halves.items():
        missing = QUESTIONS // 2 - len(half)
        if missing > 0:
            spans = _RECENT_SPANS_DAYS if is_recent else _OLD_SPANS_DAYS
            taken = {entry.question.document_id for entry in kept}
            half += _new(
                store, source, _candidates(store, source, spans, now, taken), half, missing
            )
    return [entry for half in halves.values() for entry in half[: QUESTIONS // 2]]


def _is_compared(entry: Entry, day: date) -> bool:
    return any(night.day >= day - KEPT_FOR for night in entry.nights)


def _kept(store: VectorStore, source: str, entries: Sequence[Entry]) -> Iterator[Entry]:
    heads = store.heads(source, [entry.question.document_id for entry in entries])
    standing = [
        (entry, heads[entry.question.document_id])
        for entry in entries
        if entry.question.document_id in heads
    ]
    standing = [(entry, head) for entry, head in standing if PUBLIC in head.access]
    documents = _read(
        store, source, {entry.question.document_id: [entry.question.chunk] for entry, _ in standing}
    )
    for entry, head in standing:
        question = entry.question
        document = documents.get(question.document_id)
        asked = with_text(question, document) if document else None
        if asked is None:
            asked = _sought(store, source, question, head)
        if asked is not None:
            yield replace(entry, question=asked)


def _sought(store: VectorStore, source: str, question: Question, head: Head) -> Question | None:
    """Look for a question's words in the whole document; None when it is not asked any more."""
    document_id = question.document_id
    whole = _read(store, source, {document_id: range(min(head.chunk_count, _MAX_CHUNKS))})
    document = whole.get(document_id)
    asked = with_text(question, document) if document else None
    if asked is not None or not head.document_fingerprint:
        return asked
    is_edited = head.updated_at != question.updated_at
    return None if is_edited or head.chunk_count > _MAX_CHUNKS else replace(question, text="")


def _candidates(
    store: VectorStore,
    source: str,
    spans: Iterable[tuple[int, int]],
    now: datetime,
    taken: set[str],
) -> list[Hit]:
    """Return first records of public documents, of all spans in turn, in a fixed order."""
    end_of_day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    places: list[tuple[int, int, Hit]] = []
    for span, (newest, oldest) in enumerate(spans):
        where = Filter(
            since=(end_of_day - timedelta(days=oldest)).timestamp(),
            until=(end_of_day - timedelta(days=newest)).timestamp(),
        )
        hits = [
            hit
            for hit in store.lookup(source, where=where, limit=_OF_A_SPAN)
            if document_id_of(hit.id) not in taken
            and hit.metadata.get("document_fingerprint", True)
        ]
        hits.sort(key=lambda hit: place_of(hit.id))
        places += [(place, span, hit) for place, hit in enumerate(hits)]
    return [hit for _, _, hit in sorted(places, key=lambda place: place[:2])]


def _new(
    store: VectorStore, source: str, hits: Sequence[Hit], others: Sequence[Entry], wanted: int
) -> list[Entry]:
    """Make so many questions, of the kind that there is least of."""
    if not hits:
        return []
    rarity = Rarity(f"{hit.metadata.get('title')}\n{hit.metadata.get('text')}" for hit in hits)
    counts = dict.fromkeys(MADE, 0)
    for entry in others:
        counts[entry.question.kind] += 1
    # Twice as many as are wanted, as not every document offers a question.
    chosen = hits[: 2 * wanted]
    documents = _read(store, source, {document_id_of(hit.id): [_chunk(hit)] for hit in chosen})
    made: list[Entry] = []
    for hit in chosen:
        document = documents.get(document_id_of(hit.id))
        question = _rarest_kind(document, rarity, counts) if document else None
        if question is not None:
            counts[question.kind] += 1
            made.append(Entry(question))
        if len(made) == wanted:
            break
    return made


def _rarest_kind(
    document: HeldDocument, rarity: Rarity, counts: Mapping[Kind, int]
) -> Question | None:
    for kind in sorted(
        MADE, key=lambda kind: counts[kind] * (_FEWER_KEYS if kind is Kind.KEY else 1)
    ):
        if question := made_of(document, kind, rarity):
            return question
    return None


def _chunk(hit: Hit) -> int:
    """Return the chunk that a question of a document is made of, any of them alike."""
    count = hit.metadata.get("chunk_count")
    return place_of(f"chunk {hit.id}") % int(count) if isinstance(count, int | float) else 0


def _read(
    store: VectorStore, source: str, chunks: Mapping[str, Iterable[int]]
) -> dict[str, HeldDocument]:
    """Read the first and some other chunks of documents."""
    ids = [
        record_id(document_id, chunk)
        for document_id, wanted in chunks.items()
        for chunk in sorted({0, *wanted})
    ]
    records: dict[str, list[Mapping[str, object]]] = {}
    for record in store.fetch(source, ids) if ids else ():
        records.setdefault(document_id_of(record.id), []).append(record.metadata)
    held = {
        document_id: HeldDocument.of(document_id, metadata)  # type: ignore[arg-type]
        for document_id, metadata in records.items()
        if any(fields.get("chunk") == 0 for fields in metadata)
    }
    return {document_id: document for document_id, document in held.items() if document}
