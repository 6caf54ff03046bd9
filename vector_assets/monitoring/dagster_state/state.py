"""What Dagster says of itself: the words, whoever asked and whichever way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from vector_assets.sources.items import Gap

RECENT_DAYS = 29
"""How many days the records of an asset go back: four weeks, to compare a day with its like."""


def gap_of(row: Mapping[str, Any]) -> Gap:
    """Return a gap as it stands in a table of a run's metadata."""
    return Gap(
        str(row["subject"]),
        str(row["reason"]),
        str(row["advice"]),
        int(row["count"]),
        # A run of before the word was there may have named anything.
        is_private=bool(row.get("is_private", True)),
    )


@dataclass(frozen=True, slots=True)
class DayRecord:
    """The newest materialization of a day.

    Attributes:
        day: UTC.
        recorded_at: When it was materialized, UTC.
        documents: Whose last activity was on this day, as the run saw it.
        failed_documents: That could not be brought into the index.
        gaps: What the run did not read; None when it was told on another day of the same run.
    """

    day: date
    recorded_at: datetime
    documents: int
    failed_documents: int
    gaps: tuple[Gap, ...] | None = None


@dataclass(frozen=True, slots=True)
class AssetHistory:
    """What is known of a source's asset.

    Attributes:
        days: That have been materialized at least once.
        recent: Records of the last `RECENT_DAYS`, oldest first.
        failed_checks: Names of the asset checks whose newest evaluation failed, with its words.
    """

    days: frozenset[date] = frozenset()
    recent: tuple[DayRecord, ...] = ()
    failed_checks: Mapping[str, str] = field(default_factory=dict)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What the newest run did not read."""
        told = [record for record in self.recent if record.gaps is not None]
        newest = max(told, key=lambda record: record.recorded_at, default=None)
        return newest.gaps or () if newest else ()


@dataclass(frozen=True, slots=True)
class Instigator:
    """A schedule or a sensor.

    Attributes:
        is_running: Whether it is switched on.
        last_tick_at: When it was last evaluated, UTC; None when never.
        last_tick_error: What went wrong then; empty when nothing did.
    """

    is_running: bool
    last_tick_at: datetime | None = None
    last_tick_error: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything at one moment.

    Attributes:
        assets: History by source; a source that is missing has no asset there.
        instigators: Schedule and sensors by name; None when that cannot be seen from where we are.
        heartbeats: By daemon that has to run, the last sign of life, UTC; None when that was not
            asked for.
        location_error: Why the code location does not load; empty when it does.
        webserver_error: Why the webserver was not the one who answered; empty when it was.
        database_error: Why Dagster's records cannot be read either; empty when they can, or when
            there was no need.
    """

    assets: Mapping[str, AssetHistory] = field(default_factory=dict)
    instigators: Mapping[str, Instigator] | None = None
    heartbeats: Mapping[str, datetime | None] | None = None
    location_error: str = ""
    webserver_error: str = ""
    database_error: str = ""
