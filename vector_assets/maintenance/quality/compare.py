"""Two indexes of the same documents, asked the same questions: whether the second is worse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vector_assets.embedding.base import Embedder
from vector_assets.index.ledger import Ledger
from vector_assets.maintenance.quality.asking import Asked, Asker
from vector_assets.maintenance.quality.judge import (
    Comparison,
    Pair,
    Series,
    compared,
    pair_of,
    rank_now,
    rank_of,
)
from vector_assets.maintenance.quality.panel import renewed
from vector_assets.maintenance.quality.record import QUESTIONS, entries_of
from vector_assets.stores.base import VectorStore


@dataclass(frozen=True, slots=True)
class Side:
    """An index, with the model of its vectors."""

    store: VectorStore
    embedder: Embedder


def compare(
    old: Side, new: Side, ledger: Ledger, namespaces: Sequence[str]
) -> tuple[Comparison, ...]:
    """Ask both the questions of the nights, and return how the second compares with the first.

    Documents that the second does not hold are left out: who fills it has counted them.
    """
    known = entries_of(ledger.entries(QUESTIONS))
    now = datetime.now(UTC)
    old_asker = Asker(old.store, old.embedder, namespaces)
    new_asker = Asker(new.store, new.embedder, namespaces)
    asked: list[tuple[Asked, Asked]] = []
    for source in namespaces:
        entries = renewed(old.store, source, known.get(source, ()), now)
        heads = new.store.heads(source, [entry.question.document_id for entry in entries])
        asked += [
            (old_asker.ask(entry.question), new_asker.ask(entry.question))
            for entry in entries
            if entry.question.text and entry.question.document_id in heads
        ]
    return tuple(compared(series, _pairs(series, asked)) for series in Series)


def _pairs(series: Series, asked: Sequence[tuple[Asked, Asked]]) -> list[Pair]:
    pairs = []
    for before, after in asked:
        old, new = rank_of(series, before.ranks), rank_now(series, after)
        if old is not None and new is not None:
            question = before.question
            pairs.append(pair_of(question.document_id, question.source, [old], new))
    return pairs
