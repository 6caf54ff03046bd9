"""Finds the days that the last nightly run should have synced and that no run is working on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import dagster as dg

from vector_assets.core.days import spans_of
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.instance import materialized_days
from vector_assets.monitoring.dagster_state.names import SCHEDULE
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.dagster_state.private import (
    BulkActionsFilter,
    BulkActionStatus,
    InstigatorStatus,
)
from vector_assets.orchestration.cursors import fields_in, instants_in
from vector_assets.orchestration.jobs import UNFINISHED_RUNS
from vector_assets.orchestration.partitions import days_of_run, range_tags, sources_of

SETTLE = timedelta(seconds=50)
"""How long a day has to be missing: the scheduler may be about to make up for its tick."""

NOTE_EXPIRES_AFTER = timedelta(minutes=5)
"""An older note was written before an outage and is ignored."""


@dataclass(frozen=True, slots=True)
class MissedDays:
    """The result of one evaluation.

    Attributes:
        missing_since: By source and day, such as `jira 2026-11-23`.
    """

    requests: list[dg.RunRequest] = field(default_factory=list)
    reason: str = ""
    missing_since: dict[str, datetime] = field(default_factory=dict)


def missed_requests(
    instance: dg.DagsterInstance,
    settings: Settings,
    keys: Sequence[str],
    *,
    due: datetime | None,
    now: datetime,
    note: str,
    naming: Naming = APPLICATION,
) -> MissedDays:
    """Return the runs to launch for days that were due at the last tick and are not materialized.

    A day is left alone if any run has covered it since that tick, because the next nightly run
    requests failed days again, or if its source is being backfilled. Nothing is requested while
    the schedule is switched off.
    """
    if due is None or not keys:
        return MissedDays(reason="the schedule has not ticked yet")
    schedule = naming.named(SCHEDULE)
    if _is_switched_off(instance, schedule):
        return MissedDays(reason=f"{schedule} is switched off, so nothing is requested")
    noted = _read_note(note, now)
    days = [date.fromisoformat(key) for key in keys]
    missing_since: dict[str, datetime] = {}
    requests: list[dg.RunRequest] = []
    for source in settings.enabled_sources:
        missing = _missing(instance, source, days, due, naming)
        since = {day: noted.get(f"{source} {day}", now) for day in missing}
        settled = [day for day in missing if now - since[day] >= SETTLE]
        missing_since |= {f"{source} {day}": since[day] for day in missing}
        requests += [
            dg.RunRequest(
                run_key=naming.named(
                    f"{source} {span.first}..{span.last} missed at {due.isoformat()}"
                ),
                asset_selection=[asset_key(source, naming)],
                tags={**range_tags(span), "source": naming.named(source)},
            )
            for span in spans_of(settled)
        ]
    named = ", ".join(list(missing_since)[:3])
    waiting = f"waiting for the scheduler to request {len(missing_since)} days, {named} …"
    reason = waiting if missing_since else "nothing is missing"
    return MissedDays(requests, reason, missing_since)


def note_of(missed: MissedDays, now: datetime) -> str:
    """Return what the next evaluation needs to know."""
    seen = {name: at.isoformat() for name, at in missed.missing_since.items()}
    return json.dumps({"at": now.isoformat(), "seen": seen})


def _read_note(note: str, now: datetime) -> dict[str, datetime]:
    fields = fields_in(note)
    written_at = instants_in(fields).get("at")
    if written_at is None or now - written_at > NOTE_EXPIRES_AFTER:
        return {}
    return instants_in(fields.get("seen"))


def _missing(
    instance: dg.DagsterInstance,
    source: str,
    days: Sequence[date],
    due: datetime,
    naming: Naming,
) -> list[date]:
    """Return the days that are not materialized and that no run has covered."""
    if _is_backfilled(instance, asset_key(source, naming)):
        return []
    done = materialized_days(instance, asset_key(source, naming))
    covered = _days_of_runs(instance, source, due, naming)
    return [day for day in days if day not in done and day not in covered]


def _days_of_runs(
    instance: dg.DagsterInstance, source: str, due: datetime, naming: Naming
) -> set[date]:
    """Return the days of a source in unfinished runs, and in runs created since an instant."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED_RUNS))
    recent = instance.get_runs(dg.RunsFilter(created_after=due))
    return {
        day
        for run in (*unfinished, *recent)
        if sources_of(run, (source,), naming)
        for day in days_of_run(run)
    }


def _is_backfilled(instance: dg.DagsterInstance, key: dg.AssetKey) -> bool:
    """Return whether a backfill of an asset may still launch runs.

    One that is canceled or fails launches none, and may hang in that state for ever; the days of
    its unfinished runs count as covered until these end.
    """
    filters = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])
    active = instance.get_backfills(filters=filters)
    return any(key in (backfill.asset_selection or ()) for backfill in active)


def _is_switched_off(instance: dg.DagsterInstance, schedule: str) -> bool:
    return any(
        state.name == schedule and state.status == InstigatorStatus.STOPPED
        for state in instance.all_instigator_state()
    )
