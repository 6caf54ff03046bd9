"""Types for Dagster's state, however it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from vector_assets.core.days import Days
from vector_assets.core.errors import UsageError
from vector_assets.monitoring.dagster_state.names import (
    CODE_SERVER_AWAY,
    NIGHTLY_INGESTION,
    ONE_DAY_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    WEEKLY_RESCAN,
    documents_asset,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.sources.items import Gap

ACTIVE_STATUSES = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED")
"""Of runs that work, or will; one that is being canceled does not."""

FINISHED_TICKS = ("SUCCESS", "SKIPPED", "FAILURE")
"""Statuses of a tick that has a result; one that is being evaluated has none yet."""

RECENT_DAYS = 29
"""How far an asset's records go back: four weeks, to compare a day with the same weekdays."""

_TOOK_TOO_LONG = "timed out due to taking longer than"


def last_line(text: str) -> str:
    """Return the last line of a traceback, which names the error."""
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    return lines[-1][:300] if lines else ""


def tick_error(messages: Sequence[str]) -> str:
    """Return why a tick failed.

    Dagster says that the code server cannot be reached also where it is there and takes too long to
    evaluate a sensor; only a cause tells the two apart (1.13.27).

    Args:
        messages: Of its error, then of the error's causes.
    """
    for message in messages:
        if _TOOK_TOO_LONG in message:
            words = last_line(message).rpartition(f"{CODE_SERVER_AWAY}: ")[2]
            return words.partition(". ")[0]
    return last_line(messages[0]) if messages else ""


def gap_of(row: Mapping[str, Any]) -> Gap:
    """Return a gap from a row of a run's metadata table."""
    return Gap(
        str(row["subject"]),
        str(row["reason"]),
        str(row["advice"]),
        int(row["count"]),
        # Older runs did not record it; assume the stricter value.
        is_private=bool(row.get("is_private", True)),
    )


@dataclass(frozen=True, slots=True)
class PartitionRecord:
    """The newest materialization of a day.

    Attributes:
        recorded_at: When it was materialized, UTC.
        documents: Number of documents whose last activity was on this day.
        gaps: What the run did not read; None when another day of the run records it.
    """

    day: date
    recorded_at: datetime
    documents: int
    failed_documents: int
    gaps: tuple[Gap, ...] | None = None


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that waits or works.

    Attributes:
        assets: Keys of the assets that it materializes, such as `team/jira_documents`; None for all
            of its job.
        job: Its name.
        days: That it materializes.
        created_at: UTC.
        started_at: UTC; None while it waits.
    """

    assets: frozenset[str] | None
    job: str
    days: frozenset[date]
    created_at: datetime
    started_at: datetime | None = None

    def materializes(self, source: str, naming: Naming = APPLICATION) -> bool:
        """Return whether it materializes days of a source."""
        if self.assets is None:
            return self.job in {naming.named(job) for job in (NIGHTLY_INGESTION, WEEKLY_RESCAN)}
        return "/".join(naming.path(documents_asset(source))) in self.assets


def days_of_tags(tags: Mapping[str, str]) -> frozenset[date]:
    """Return the days that a run's tags name; none for a run of other partitions than days."""
    first = tags.get(RANGE_START_TAG) or tags.get(ONE_DAY_TAG)
    last = tags.get(RANGE_END_TAG) or tags.get(ONE_DAY_TAG)
    if not first or not last:
        return frozenset()
    try:
        return frozenset(Days(date.fromisoformat(first), date.fromisoformat(last)))
    except (ValueError, UsageError):
        # A run of another asset may be of an hour, of a customer, or of anything else.
        return frozenset()


@dataclass(frozen=True, slots=True)
class AssetHistory:
    """The materializations and checks of a source's asset.

    Attributes:
        recent: Records of the last `RECENT_DAYS`, oldest first.
        failed_checks: Asset checks whose newest evaluation failed, with its description.
        active_runs: That materialize days of it.
    """

    days: frozenset[date] = frozenset()
    recent: tuple[PartitionRecord, ...] = ()
    failed_checks: Mapping[str, str] = field(default_factory=dict)
    active_runs: tuple[ActiveRun, ...] = ()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What the newest run did not read."""
        with_gaps = [record for record in self.recent if record.gaps is not None]
        newest = max(with_gaps, key=lambda record: record.recorded_at, default=None)
        return newest.gaps or () if newest else ()


@dataclass(frozen=True, slots=True)
class Instigator:
    """A schedule or a sensor.

    Attributes:
        last_tick_at: When the last evaluation began that has a result, UTC; None when none has.
        last_tick_error: The error of that evaluation; empty when it succeeded.
    """

    is_running: bool
    last_tick_at: datetime | None = None
    last_tick_error: str = ""


@dataclass(frozen=True, slots=True)
class DagsterState:
    """Dagster's state at one moment.

    Attributes:
        assets: History by source.
        instigators: Schedules and sensors by name; None when they could not be read.
        heartbeats: By required daemon, the last heartbeat, UTC; None when they were not read.
        location_error: Why the code location does not load; empty when it does.
        webserver_error: Why the webserver did not answer; empty when it did, or was not needed.
        database_error: Why the instance could not be read either; empty when it could, or was not
            needed.
    """

    assets: Mapping[str, AssetHistory] = field(default_factory=dict)
    instigators: Mapping[str, Instigator] | None = None
    heartbeats: Mapping[str, datetime | None] | None = None
    location_error: str = ""
    webserver_error: str = ""
    database_error: str = ""
