"""One examination: questions are renewed, asked, compared with the nights before, and recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from vector_assets.embedding.base import Embedder
from vector_assets.index.ledger import Ledger
from vector_assets.maintenance.quality.asking import Asked, Asker
from vector_assets.maintenance.quality.judge import (
    MIN_PAIRS,
    Comparison,
    Pair,
    Series,
    compared,
    pair_of,
    rank_now,
    rank_of,
)
from vector_assets.maintenance.quality.own import OwnQuestion, known_documents
from vector_assets.maintenance.quality.panel import Entry, Night, renewed
from vector_assets.maintenance.quality.questions import Kind, Question
from vector_assets.maintenance.quality.record import (
    QUALITY,
    QUESTIONS,
    Outcome,
    Quality,
    entries_of,
    nights_before,
    quality_of,
    with_night,
    write_quality,
    write_questions,
)
from vector_assets.maintenance.quality.scores import Scores, scores_by, scores_of
from vector_assets.stores.base import VectorStore

OnProgress = Callable[[int, int], None]
"""Called with how many questions were asked, of how many."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What an examination says.

    Attributes:
        scores: Of all questions that were made out of documents.
        by_source: The same of each source, and of a team's own questions as `own`.
        lost: Documents whose words the index has lost, by id.
        unknown_links: Links of a team's questions that no public document of the index has.
        detail: What became worse, or why nothing is said.
    """

    examined_at: datetime
    outcome: Outcome
    detail: str
    scores: Scores
    by_source: Mapping[str, Scores]
    by_kind: Mapping[str, Scores]
    comparisons: tuple[Comparison, ...] = field(repr=False)
    lost: tuple[str, ...] = ()
    unknown_links: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it with times as ISO text, for `--json`."""
        return {
            "examined_at": self.examined_at.isoformat(),
            "outcome": str(self.outcome),
            "detail": self.detail,
            "all": asdict(self.scores),
            "by_source": {name: asdict(scores) for name, scores in self.by_source.items()},
            "by_kind": {name: asdict(scores) for name, scores in self.by_kind.items()},
            "lost": list(self.lost),
            "unknown_links": list(self.unknown_links),
        }


def examine(
    store: VectorStore,
    embedder: Embedder,
    ledger: Ledger,
    namespaces: Sequence[str],
    *,
    own: Sequence[OwnQuestion] = (),
    now: datetime | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> Examination:
    """Examine the live index and record what was seen; compare with the nights before.

    A night that is significantly worse is not compared with later, so that the fall stays told
    until it is mended, or has lasted for two weeks.

    Args:
        store: The live generation.
        embedder: Its model.
        ledger: Where questions and scores are kept.
        namespaces: That people search; each is examined.
        own: A team's own questions.
        now: UTC.
        on_progress: Is told how far it is.

    Raises:
        VectorAssetsError: The search cannot be asked; nothing is recorded.
    """
    at = now or datetime.now(UTC)
    plain = ledger.entries_by_kind((QUESTIONS, QUALITY))
    resolved = known_documents(store, own)
    entries = _entries(store, namespaces, entries_of(plain[QUESTIONS]), resolved.questions, at)
    asked = ask_all(Asker(store, embedder, namespaces), entries, on_progress)
    examination = _judged(at, entries, asked, resolved.unknown_links)
    _record(ledger, examination, entries, asked, quality_of(plain[QUALITY]))
    return examination


def _entries(
    store: VectorStore,
    namespaces: Sequence[str],
    known: Mapping[str, Sequence[Entry]],
    own: Sequence[Question],
    at: datetime,
) -> list[Entry]:
    """Return tonight's questions, with the nights that they were asked before."""
    nights = {entry.question.fingerprint: entry.nights for entry in known.get(Kind.OWN, ())}
    return [
        *(
            entry
            for source in namespaces
            for entry in renewed(store, source, known.get(source, ()), at)
        ),
        *(Entry(question, nights.get(question.fingerprint, ())) for question in own),
    ]


def _judged(
    at: datetime, entries: Sequence[Entry], asked: Sequence[Asked], unknown_links: tuple[str, ...]
) -> Examination:
    comparisons = tuple(
        compared(series, _pairs(series, entries, asked, at.date())) for series in Series
    )
    outcome, detail = _outcome(asked, comparisons)
    lost = tuple(result.question.document_id for result in asked if not result.question.text)
    if lost and outcome is Outcome.WORSE:
        detail += f"; the index has lost words of {len(lost)} documents, such as {lost[0]}"
    return Examination(
        at,
        outcome,
        detail,
        scores_of([result for result in asked if result.question.kind is not Kind.OWN]),
        scores_by(asked, lambda result: result.question.source),
        scores_by(asked, lambda result: str(result.question.kind)),
        comparisons,
        lost,
        unknown_links,
    )


def ask_all(
    asker: Asker, entries: Sequence[Entry], on_progress: OnProgress = lambda done, total: None
) -> list[Asked]:
    """Ask all questions, one after the other, as their seconds are measured."""
    asked = []
    for entry in entries:
        asked.append(asker.ask(entry.question))
        on_progress(len(asked), len(entries))
    return asked


def _pairs(
    series: Series, entries: Sequence[Entry], asked: Sequence[Asked], day: date
) -> list[Pair]:
    pairs = []
    for entry, tonight in zip(entries, asked, strict=True):
        known = [rank_of(series, ranks) for ranks in nights_before(entry, day)]
        before = [rank for rank in known if rank is not None]
        now = rank_now(series, tonight)
        if before and now is not None:
            question = entry.question
            pairs.append(pair_of(question.document_id, question.source, before, now))
    return pairs


def _outcome(asked: Sequence[Asked], comparisons: Sequence[Comparison]) -> tuple[Outcome, str]:
    if len(asked) < MIN_PAIRS:
        return Outcome.TOO_FEW, (
            f"public documents of the index gave {len(asked)} questions, and at least {MIN_PAIRS} "
            f"are wanted"
        )
    worse = [comparison for comparison in comparisons if comparison.is_worse]
    if worse:
        return Outcome.WORSE, "; ".join(map(str, worse))
    paired_count = len(comparisons[0].pairs)
    if paired_count < MIN_PAIRS:
        return Outcome.FIRST, (
            f"{paired_count} of {len(asked)} questions were asked on a night before, and at least "
            f"{MIN_PAIRS} are wanted"
        )
    return Outcome.SAME, ""


def _record(
    ledger: Ledger,
    examination: Examination,
    entries: Sequence[Entry],
    asked: Sequence[Asked],
    before: Quality | None,
) -> None:
    at, outcome = examination.examined_at, examination.outcome
    groups: dict[str, list[Entry]] = {source: [] for source in examination.by_source}
    for entry, tonight in zip(entries, asked, strict=True):
        nights = entry.nights
        # Lost words are told for as long as a night is known on which they were there.
        if outcome is not Outcome.WORSE and tonight.question.text:
            nights = with_night(entry, Night(at.date(), tonight.ranks))
        groups[entry.question.source].append(replace(entry, nights=nights))
    write_questions(ledger, groups)
    history = {source: dict(nights) for source, nights in before.history.items()} if before else {}
    for source, scores in examination.by_source.items():
        history.setdefault(source, {})[at.date()] = scores
    write_quality(ledger, Quality(at, outcome, examination.detail, history))
