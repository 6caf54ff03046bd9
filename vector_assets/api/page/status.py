"""The status page: each problem, with its next step."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import HTTPException, Request

from vector_assets.api.models import SourceAge, SyncStatus
from vector_assets.api.page.charts import (
    CHART_DAYS,
    Chart,
    documents_chart,
    lag_chart,
    quality_chart,
)
from vector_assets.api.reading import may_read_all, status_of
from vector_assets.core.days import complete_days
from vector_assets.core.read_keys import ReadKey
from vector_assets.maintenance.quality.questions import Kind
from vector_assets.maintenance.quality.scores import Scores
from vector_assets.monitoring.alerts.incidents import Incident
from vector_assets.monitoring.alerts.routing import advice_on
from vector_assets.monitoring.dagster_state.observe import observe
from vector_assets.monitoring.problems import Problem
from vector_assets.monitoring.watcher import Snapshot

if TYPE_CHECKING:
    from vector_assets.api.app import Services

_KEPT_FOR = timedelta(minutes=10)

Documents = Mapping[str, Mapping[date, int]]
"""By source, the documents of each materialized day."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source, its charts, and the next step for each thing that is wrong with it.

    Attributes:
        advice: For the verdict; empty while it is fresh.
        missing_advice: For the missing days; empty without any.
        documents: None when Dagster does not tell.
        lag: None while no lag is known.
        quality: None before the first examination.
    """

    age: SourceAge
    advice: str
    missing_advice: str
    documents: Chart | None
    lag: Chart | None
    quality: Chart | None


@dataclass(frozen=True, slots=True)
class StatusView:
    """The whole page.

    Attributes:
        problems: Those that no open incident tells.
        is_detailed: Whether details that may name documents are shown.
    """

    verdict: str
    checked_at: datetime
    sources: tuple[SourceView, ...]
    incidents: tuple[Incident, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    canary_found_at: datetime | None
    examined_at: datetime | None
    answers: str | None
    own: Chart | None
    is_detailed: bool


class DailyDocuments:
    """The documents of each of the last `CHART_DAYS`, from Dagster, kept for ten minutes."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._lock = asyncio.Lock()
        self._known: Documents = {}
        self._known_at: datetime | None = None

    async def now(self, request: Request) -> Documents:
        """Return what Dagster tells; nothing when it cannot be asked now."""
        async with self._lock:
            at = datetime.now(UTC)
            if self._known_at is None or at - self._known_at > _KEPT_FOR:
                try:
                    self._known = await self._services.backfills.call(request, self._read)
                except HTTPException:
                    return self._known
                # Not kept when there is nothing: Dagster may be up a moment later.
                self._known_at = at if self._known else None
            return self._known

    def _read(self) -> Documents:
        state = observe(self._services.settings, recent_days=CHART_DAYS)
        return {
            source: {record.day: record.documents for record in history.recent}
            for source, history in state.assets.items()
        }


def status_view(
    snapshot: Snapshot, key: ReadKey, documents: Documents, services: "Services"
) -> StatusView:
    """Return the page of a check, as a key may know it."""
    health = snapshot.health
    status = status_of(health, key)
    nights = health.quality.history if health.quality else {}
    days = _nights_before(status.checked_at)
    told = {incident.problem.key for incident in snapshot.incidents}
    return StatusView(
        verdict=status.verdict,
        checked_at=status.checked_at,
        sources=tuple(_sources(status, documents, nights, services)),
        incidents=snapshot.incidents,
        problems=tuple(problem for problem in health.problems if problem.key not in told),
        notes=health.notes,
        canary_found_at=status.canary_found_at,
        examined_at=status.examined_at,
        answers=status.answers,
        own=quality_chart(nights.get(Kind.OWN, {}), days),
        is_detailed=may_read_all(key),
    )


def _sources(
    status: SyncStatus,
    documents: Documents,
    nights: Mapping[str, Mapping[date, Scores]],
    services: "Services",
) -> Iterator[SourceView]:
    now = status.checked_at
    days = complete_days(now, CHART_DAYS)
    for age in status.sources:
        of_source = documents.get(age.source)
        yield SourceView(
            age,
            advice_on(age.source) if age.is_stale else "",
            _missing_advice(age),
            documents_chart(of_source, age.missing_days, days) if of_source else None,
            lag_chart(services.watcher.lags.of(age.source), now),
            quality_chart(nights.get(age.source, {}), _nights_before(now)),
        )


def _nights_before(now: datetime) -> list[date]:
    """Return the days of a chart of nights; today's is over."""
    return [now.date() - timedelta(days=ago) for ago in reversed(range(CHART_DAYS))]


def _missing_advice(age: SourceAge) -> str:
    if not age.missing_days:
        return ""
    first, last = min(age.missing_days), max(age.missing_days)
    return (
        f"Dagster requests missed days by itself; `vector-assets sync {age.source} --from {first} "
        f"--to {last}` runs them now."
    )
