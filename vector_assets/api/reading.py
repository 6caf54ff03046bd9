"""Answers and status for the holder of a key, for all interfaces over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import TYPE_CHECKING

from fastapi import Request

from vector_assets.api.models import AnswerQuality, EventLag, NotRead, SourceAge, SyncStatus
from vector_assets.api.parameters import instants
from vector_assets.core.read_keys import ANY_VIEWER, ReadKey
from vector_assets.index.answers import Answers
from vector_assets.index.question.parsed import PARSE_ALL, ParseOptions
from vector_assets.maintenance.quality.questions import Kind
from vector_assets.maintenance.quality.scores import Scores
from vector_assets.monitoring.health import Health, SourceHealth
from vector_assets.monitoring.verdict import Verdict
from vector_assets.monitoring.why.answer import Asked, Why
from vector_assets.pipeline.arrivals import Lags
from vector_assets.stores.base import Filter

if TYPE_CHECKING:
    from vector_assets.api.app import Services

MAX_ANSWERS = 100
MAX_QUESTION_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        sources: To search; empty for all.
        since: First day of the last activity, UTC.
        until: Day before which the last activity was, UTC.
        confirms: Whether each document's source is asked if it still stands.
        parse_options: What the question may say about itself.
    """

    text: str
    sources: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    limit: int = 10
    confirms: bool = False
    parse_options: ParseOptions = PARSE_ALL


def source_names(given: Sequence[str]) -> tuple[str, ...]:
    """Return names that may be given several times, or separated by commas."""
    return tuple(name.strip() for name in ",".join(given).split(",") if name.strip())


async def answers_to(
    question: Question, key: ReadKey, viewer: str, request: Request, services: "Services"
) -> tuple[Answers, Health | None]:
    """Search as a key may; with how fresh the sources are, None when that is not known.

    Args:
        question: What is asked.
        key: That was sent.
        viewer: In whose name to read, where the key may name one; empty for nobody.
        request: That asks, for the gate.
        services: Which search.

    Raises:
        ForeignViewerError: The key may not speak for this viewer.
        RequestValidationError: The days are none.
        HTTPException: The gate is full, or the search takes too long.
    """
    where = _filter_of(question, key, viewer)
    answers = await services.searches.call(
        request,
        lambda: services.find(
            question.text,
            question.sources,
            where,
            question.limit,
            confirms=question.confirms,
            parse_options=question.parse_options,
        ),
    )
    # Search works without the watcher; the answer then says that freshness is not known.
    snapshot = services.watcher.last()
    is_known = snapshot is not None and services.watcher.is_checking(datetime.now(UTC))
    return answers, snapshot.health if snapshot and is_known else None


async def why_of(
    document: str,
    question: Question,
    key: ReadKey,
    viewer: str,
    request: Request,
    services: "Services",
) -> Why:
    """Tell why a document is not found, as a key may know it; raises as `answers_to`.

    Args:
        document: A link, an id, a key, or words of it.
        question: That should have found it; its text may be empty.
        key: That was sent.
        viewer: In whose name to ask, where the key may name one; empty for nobody.
        request: That asks, for the gate.
        services: Which index.
    """
    asked = Asked(
        document,
        question=question.text,
        sources=question.sources,
        where=_filter_of(question, key, viewer),
        limit=question.limit,
        is_operator=key.may_know_all(viewer),
        parse_options=question.parse_options,
    )
    return await services.searches.call(request, lambda: services.why(asked))


def _filter_of(question: Question, key: ReadKey, viewer: str) -> Filter:
    start, end = instants(question.since, question.until)
    reader = key.reader(viewer)
    return Filter(
        containers=question.containers,
        since=start,
        until=end,
        viewer=reader.viewer,
        groups=reader.groups,
    )


def may_read_all(key: ReadKey) -> bool:
    """Return whether a key may name any viewer, and so see the ids of all documents."""
    return key.binding == ANY_VIEWER


def status_of(health: Health, key: ReadKey) -> SyncStatus:
    """Return how fresh each source is, as a key may know it."""
    quality = health.quality
    groups = quality.groups if quality else {}
    sources = [_source_age(source, health.checked_at, key, groups) for source in health.sources]
    return SyncStatus(
        verdict=health.verdict,
        checked_at=health.checked_at,
        all_fresh=health.verdict is Verdict.FRESH,
        stale_count=sum(source.is_stale for source in sources),
        sources=sources,
        canary_found_at=health.canary_found_at,
        examined_at=quality.examined_at if quality else None,
        answers=str(quality.outcome) if quality else None,
        own_questions=_answer_quality(groups.get(Kind.OWN)),
        problems=problem_lines(health, is_detailed=may_read_all(key)),
        notes=list(health.notes),
    )


def problem_lines(health: Health, *, is_detailed: bool) -> list[str]:
    """Return each problem in a line; details may name what only operators may know."""
    return [
        f"{problem.headline}: {problem.detail}" if is_detailed else problem.headline
        for problem in health.problems
    ]


def reasons_of(source: SourceHealth, *, is_detailed: bool) -> list[str]:
    """Return the reasons of a verdict, likewise."""
    return list(source.reasons if is_detailed else source.reasons_for_readers)


def _source_age(
    source: SourceHealth, now: datetime, key: ReadKey, groups: Mapping[str, Scores]
) -> SourceAge:
    """Return a source's freshness with the fields of the older API."""
    last_sync = source.last_sync or source.watermark
    fields = asdict(source)
    for name in ("source", "reasons", "last_sync", "gaps", "quarantine", "changes", "error"):
        del fields[name]
    return SourceAge(
        source=source.source,
        reasons=reasons_of(source, is_detailed=may_read_all(key)),
        last_sync=last_sync,
        age_hours=round((now - last_sync).total_seconds() / 3600, 2) if last_sync else None,
        is_stale=source.verdict is not Verdict.FRESH,
        quarantine=[asdict(failed) for failed in source.quarantine] if may_read_all(key) else [],
        waiting_changes=source.changes.waiting_count,
        changes_wait_since=source.changes.waiting_since,
        event_lag_seconds=_lag_seconds(source.changes.lags),
        rereads=source.changes.reread_counts,
        gaps=[NotRead.model_validate(asdict(gap.for_readers())) for gap in source.gaps],
        quality=_answer_quality(groups.get(source.source)),
        **fields,
    )


def _answer_quality(scores: Scores | None) -> AnswerQuality | None:
    return AnswerQuality.model_validate(asdict(scores)) if scores else None


def _lag_seconds(lags: Lags | None) -> EventLag | None:
    """Return the bounds of the lags of events; None before the first."""
    if lags is None or (median := lags.at_most_seconds(0.5)) is None:
        return None
    high = lags.at_most_seconds(0.95)
    return EventLag(
        p50_at_most=median if isfinite(median) else None,
        p95_at_most=high if high is not None and isfinite(high) else None,
    )
