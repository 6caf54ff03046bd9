"""Tells a source that is being loaded from one that is behind."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from vector_assets.monitoring.dagster_state.state import AssetHistory

PROGRESS_WITHIN = timedelta(hours=2)
"""A load that has recorded no day and started no run for longer has stopped."""

LOADING_AT_MOST = timedelta(hours=24)
"""A load that takes longer is overdue."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Runs that load days of a source, and make progress.

    Attributes:
        since: When the oldest of them was created, UTC.
        done_days: How many of their days are recorded since.
        requested_days: How many days they were asked for.
    """

    since: datetime
    done_days: int
    requested_days: int

    def __str__(self) -> str:
        return (
            f"it is being loaded since {self.since:%Y-%m-%d %H:%M} UTC: "
            f"{self.done_days} of {self.requested_days} days are done"
        )


def loading_of(history: AssetHistory, now: datetime) -> Loading | None:
    """Return how far a load of a source is; None when there is none, it stopped or is overdue."""
    runs = history.active_runs
    if not runs:
        return None
    since = min(run.created_at for run in runs)
    progress_at = max(
        *(run.started_at or run.created_at for run in runs),
        *(record.recorded_at for record in history.recent),
        since,
    )
    if now - since > LOADING_AT_MOST or now - progress_at > PROGRESS_WITHIN:
        return None
    requested = frozenset[object]().union(*(run.days for run in runs))
    done = {record.day for record in history.recent if record.recorded_at >= since}
    return Loading(since, len(done & requested), len(requested))
