"""Which days to ask for outside of the night: those it should have brought and nobody works on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.scheduler.instigation import InstigatorStatus

from vector_assets.core.days import spans_of
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.instance import materialized_days
from vector_assets.monitoring.dagster_state.names import SCHEDULE
from vector_assets.orchestration.partitions import days_of_run, range_tags, sources_of

SETTLE = timedelta(seconds=50)
"""How long a day has to be seen missing: the scheduler may be about to make up for its tick."""

FORGET = timedelta(minutes=5)
"""A note that is older was written before an outage, and says nothing of now."""

_GOING = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True, slots=True)
class Missed:
    """What was found.

    Attributes:
        requests: To be launched now.
        reason: Why there is none.
        seen: By source and day, as `jira 2026-11-23`, since when it is missing.
    """

    requests: list[dg.RunRequest] = field(default_factory=list)
    reason: str = ""
    seen: dict[str, datetime] = field(default_factory=dict)


def missed_requests(
    instance: dg.DagsterInstance,
    settings: Settings,
    keys: Sequence[str],
    *,
    due: datetime | None,
    now: datetime,
    note: str,
) -> Missed:
    """Return the runs to launch for days that were due at the last night and are not there.

    A day that a run has worked on since that night is left alone, whether the run succeeded, failed
    or goes on: what failed is asked for again by the next night. So is a day of a source that is
    being backfilled. Nothing is asked for while a person has the schedule switched off.

    Args:
        instance: Asked what has been materialized, and what runs.
        settings: Say which sources are on.
        keys: Days that the last night was to see to, as partition keys, oldest first.
        due: When that night began; None when there was none yet.
        now: UTC.
        note: What `note_of` returned the last time.
    """
    if due is None or not keys:
        return Missed(reason="no night was due yet")
    if _is_switched_off(instance):
        return Missed(reason=f"{SCHEDULE} is switched off, so nothing is asked for")
    known = _read_note(note, now)
    days = [date.fromisoformat(key) for key in keys]
    seen: dict[str, datetime] = {}
    requests: list[dg.RunRequest] = []
    for source in settings.enabled_sources:
        missing = _missing(instance, source, days, due)
        since = {day: known.get(f"{source} {day}", now) for day in missing}
        settled = [day for day in missing if now - since[day] >= SETTLE]
        seen |= {f"{source} {day}": since[day] for day in missing}
        requests += [
            dg.RunRequest(
                run_key=f"{source} {span.first}..{span.last} missed at {due.isoformat()}",
                asset_selection=[asset_key(source)],
                tags={**range_tags(span), "source": source},
            )
            for span in spans_of(settled)
        ]
    waiting = f"waiting for the scheduler to see to {len(seen)} days, {', '.join(list(seen)[:3])} …"
    reason = waiting if seen else "nothing is missing"
    return Missed(requests, reason, seen)


def note_of(found: Missed, now: datetime) -> str:
    """Return what the next look needs to know."""
    seen = {name: at.isoformat() for name, at in found.seen.items()}
    return json.dumps({"at": now.isoformat(), "seen": seen})


def _read_note(note: str, now: datetime) -> dict[str, datetime]:
    if not note:
        return {}
    found = json.loads(note)
    if now - datetime.fromisoformat(found["at"]) > FORGET:
        return {}
    return {name: datetime.fromisoformat(at) for name, at in found["seen"].items()}


def _missing(
    instance: dg.DagsterInstance, source: str, days: Sequence[date], due: datetime
) -> list[date]:
    """Return those of some days that are not there, and that nobody works on."""
    if _is_backfilled(instance, source):
        return []
    done = materialized_days(instance, asset_key(source))
    busy = _worked_on(instance, source, due)
    return [day for day in days if day not in done and day not in busy]


def _worked_on(instance: dg.DagsterInstance, source: str, due: datetime) -> set[date]:
    """Return the days of a source that a run is at, or has been at since a night."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
    recent = instance.get_runs(dg.RunsFilter(created_after=due))
    return {
        day
        for run in (*unfinished, *recent)
        if sources_of(run, (source,))
        for day in days_of_run(run)
    }


def _is_backfilled(instance: dg.DagsterInstance, source: str) -> bool:
    """Return whether a backfill of a source has been asked for and is not over."""
    going = instance.get_backfills(filters=BulkActionsFilter(statuses=_GOING))
    return any(asset_key(source) in (backfill.asset_selection or ()) for backfill in going)


def _is_switched_off(instance: dg.DagsterInstance) -> bool:
    return any(
        state.name == SCHEDULE and state.status == InstigatorStatus.STOPPED
        for state in instance.all_instigator_state()
    )
