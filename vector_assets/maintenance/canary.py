"""The nightly canary: write a document as a sync does, then find it as people search."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import not_

from vector_assets.core.documents import Document, Section
from vector_assets.core.errors import CanaryError
from vector_assets.core.waiting import wait_until
from vector_assets.embedding.base import Embedder
from vector_assets.index.question.parsed import ParseOptions
from vector_assets.index.search import find_in
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.pipeline.writer import Writer
from vector_assets.stores.base import Filter, VectorStore
from vector_assets.stores.records import document_id_of

CANARY = "canary"
"""Its namespace in the index, and its name in alerts."""

CANARY_ID = f"{CANARY}:nightly"

OLD_AFTER = timedelta(hours=36)
"""A night and half a day: a canary that was last found earlier has missed a night."""

_MARK = "found"
_SONG = "a small yellow bird sings below the ground for as long as the air is good"
_OTHERS = {
    "bread": "flour, water, salt and a night in the cold make a loaf with a dark crust",
    "tides": "when the moon is full the harbour runs dry and boats lean on the mud until noon",
}
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def song(now: datetime) -> str:
    """Return tonight's text, which contains the current time and is different every night."""
    return f"{_SONG}, {now:%Y%m%dT%H%M%S%f}"


def canary_documents(now: datetime) -> list[Document]:
    """Return tonight's canary, and two documents that it has to be distinguished from."""
    others = [_document(name, text, _LONG_AGO) for name, text in _OTHERS.items()]
    return [_document(CANARY_ID.partition(":")[2], song(now), now), *others]


def mark(now: datetime) -> Document:
    """Return the document whose date is when the canary was last found."""
    return _document(_MARK, "last found", now)


def last_found(store: VectorStore) -> datetime | None:
    """Return when the canary was last found, UTC; None when it never was. One small request."""
    document_id = f"{CANARY}:{_MARK}"
    head = store.heads(CANARY, [document_id]).get(document_id)
    return datetime.fromtimestamp(head.updated_at, UTC) if head is not None else None


def _document(native_id: str, text: str, at: datetime) -> Document:
    return Document(
        source=CANARY,
        native_id=native_id,
        title=native_id,
        sections=(Section(text),),
        url="",
        container=CANARY,
        authors=(),
        created_at=at,
        updated_at=at,
    )


MIN_SCORE = 0.5
"""Lowest accepted cosine of the canary's text with its vector; random vectors stay far below."""

MIN_MARGIN = 0.05
"""How much nearer the canary has to be to its own text than the other documents are."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A canary that was found, how long after its write (UTC, seconds), and with which cosine."""

    found_at: datetime
    waited_seconds: float
    score: float


def try_canary(store: VectorStore, embedder: Embedder, *, now: datetime | None = None) -> Trial:
    """Write tonight's canary, find it by words and by vector, and record that it was found.

    The search is repeated for up to the store's `seen_within_seconds`.

    Raises:
        CanaryError: It was written and is not found, or not distinguished from other documents.
    """
    at = now or datetime.now(UTC)
    store.open(CANARY, embedder.dimensions)
    _write(store, embedder, canary_documents(at))
    began = time.monotonic()
    reason = wait_until(
        lambda: _reason_it_is_not_found(store, embedder, at),
        seconds=store.seen_within_seconds,
        is_done=not_,
    )
    if reason:
        raise CanaryError(reason)
    waited_seconds = time.monotonic() - began
    _write(store, embedder, [mark(at)])
    score, _ = _scores(store, embedder, at)
    store.maintain(CANARY)
    return Trial(at, waited_seconds, score)


def _write(store: VectorStore, embedder: Embedder, documents: Sequence[Document]) -> None:
    planner = Planner(store, CANARY, embedder)
    plans = [plan for plan in planner.plan(documents) if isinstance(plan, DocumentPlan)]
    if len(plans) < len(documents):
        raise CanaryError("the embedder refused its text")
    writer = Writer(store, CANARY, planner)
    writer.write([plan for plan in plans if not plan.is_empty])
    writer.finish()


def _reason_it_is_not_found(store: VectorStore, embedder: Embedder, at: datetime) -> str:
    """Return why tonight's canary is not found; empty when it is."""
    word_for_word = ParseOptions(literal=True)
    answers = find_in(
        song(at), (CANARY,), store=store, embedder=embedder, limit=1, parse_options=word_for_word
    ).answers
    if not answers:
        return "a search for its own text finds nothing"
    if answers[0].document_id != CANARY_ID:
        return f"a search for its own text finds {answers[0].document_id} first"
    if song(at) not in answers[0].passage:
        return "a search for its own text finds the canary of another night"
    score, best_other = _scores(store, embedder, at)
    # Full text alone may have found it, so check that the vectors are meaningful.
    if not score >= MIN_SCORE or not score >= best_other + MIN_MARGIN:
        return (
            f"its text has a cosine of {score:.2f} with its own vector and of {best_other:.2f} "
            f"with that of another document: the embedder's vectors are meaningless"
        )
    return ""


def _scores(store: VectorStore, embedder: Embedder, at: datetime) -> tuple[float, float]:
    """Return the cosine of its text with its vector, and with the nearest other document."""
    vector = embedder.embed_query(song(at))
    hits = store.search_dense(CANARY, vector, where=Filter(), limit=10)
    own = [hit.score for hit in hits if document_id_of(hit.id) == CANARY_ID]
    others = [hit.score for hit in hits if document_id_of(hit.id) != CANARY_ID]
    return max(own, default=0.0), max(others, default=0.0)
