"""A source that is being loaded is reported with its progress, and alerted when that stops."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from vector_assets.core.days import Days
from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.incidents import Incident
from vector_assets.monitoring.alerts.routing import for_sensors
from vector_assets.monitoring.changes import Changes
from vector_assets.monitoring.dagster_state.instance import observe_records
from vector_assets.monitoring.dagster_state.state import (
    ActiveRun,
    AssetHistory,
    DagsterState,
    PartitionRecord,
)
from vector_assets.monitoring.health import Health, SourceHealth, source_health
from vector_assets.monitoring.loading import LOADING_AT_MOST, PROGRESS_WITHIN, loading_of
from vector_assets.monitoring.probes import SourceProbe
from vector_assets.monitoring.verdict import Verdict
from vector_assets.orchestration.partitions import range_tags
from vector_assets_tests.support.dagster_home import dagster_instance

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
REQUESTED = frozenset(date(2026, 3, day) for day in range(6, 20))
EMPTY_INDEX = SourceProbe("jira", newest_at_source=NOW)


def history(
    *, created: timedelta, started: timedelta | None = None, recorded: timedelta | None = None
) -> AssetHistory:
    """Return a history with one active run; each time is how long ago it was."""
    run = ActiveRun(
        frozenset({"jira_documents"}),
        "__ASSET_JOB",
        REQUESTED,
        NOW - created,
        None if started is None else NOW - started,
    )
    records: tuple[PartitionRecord, ...] = ()
    if recorded is not None:
        records = (PartitionRecord(date(2026, 3, 19), NOW - recorded, 5, 0),)
    days = frozenset(record.day for record in records)
    return AssetHistory(days, records, active_runs=(run,))


def judged(known: AssetHistory) -> tuple[SourceHealth, list[str]]:
    """Return the health of a source whose index is empty, and the keys of what is alerted."""
    source = source_health(EMPTY_INDEX, known, Settings(), NOW)
    state = DagsterState(assets={"jira": known})
    problems = for_sensors(Health(NOW, (source,)), state, {}, Settings())
    return source, [problem.key for problem in problems]


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("known", "done_days"),
    [
        (history(created=hours(1)), 0),
        (history(created=hours(3), started=hours(1)), 0),
        (history(created=hours(20), started=hours(20), recorded=hours(1)), 1),
    ],
    ids=["it waits", "it was started", "it records days"],
)
def test_a_load_that_makes_progress_is_late_and_alerts_nobody(
    known: AssetHistory, done_days: int
) -> None:
    source, alerted = judged(known)
    assert source.verdict is Verdict.LATE
    assert f"{done_days} of 14 days are done" in source.reasons[0]
    assert "run `vector-assets sync`" not in " ".join(source.reasons)
    assert alerted == []


@pytest.mark.parametrize(
    "known",
    [
        AssetHistory(),
        history(created=PROGRESS_WITHIN + hours(1)),
        history(created=hours(5), started=PROGRESS_WITHIN + hours(1)),
        history(created=hours(9), started=hours(9), recorded=PROGRESS_WITHIN + hours(1)),
        history(created=LOADING_AT_MOST + hours(1), started=hours(1), recorded=hours(1)),
    ],
    ids=["no run", "it waits too long", "it stopped", "it stopped after a day", "it is overdue"],
)
def test_a_load_that_stopped_or_is_overdue_is_alerted(known: AssetHistory) -> None:
    assert loading_of(known, NOW) is None
    source, alerted = judged(known)
    assert source.verdict is Verdict.STALE
    assert alerted == ["source:jira"]


def test_a_nightly_run_does_not_close_the_incident_of_a_stale_source() -> None:
    known = history(created=hours(0.1), started=hours(0.1))
    source, _ = judged(known)
    [problem] = for_sensors(
        Health(NOW, (source_health(EMPTY_INDEX, None, Settings(), NOW),)),
        DagsterState(),
        {},
        Settings(),
    )
    incident = Incident(problem, NOW, NOW, notified_at={"webhook": NOW})
    state = DagsterState(assets={"jira": known})
    open_still = for_sensors(Health(NOW, (source,)), state, {"source:jira": incident}, Settings())
    assert [problem.key for problem in open_still] == ["source:jira"]


def test_a_fresh_source_with_a_run_is_fresh() -> None:
    probe = SourceProbe("jira", watermark=NOW, vectors=1, newest_at_source=NOW)
    source = source_health(probe, history(created=hours(1)), Settings(), NOW)
    assert source.verdict is Verdict.FRESH
    assert source.reasons == ("the index is up to date with the source",)


def test_the_runs_of_an_instance_are_read_with_their_days() -> None:
    @dg.op
    def nothing() -> None: ...

    @dg.job(name="nightly_ingestion")
    def nightly() -> None:
        nothing()

    days = Days(date(2026, 3, 18), date(2026, 3, 19))
    with dagster_instance() as instance:
        # A queued run needs the origin of a code location.
        for status in set(dg.DagsterRunStatus) - {dg.DagsterRunStatus.QUEUED}:
            instance.create_run_for_job(nightly, status=status, tags=dict(range_tags(days)))
        state = observe_records(instance, ["jira", "slack"], [])
    for source in ("jira", "slack"):
        runs = state.assets[source].active_runs
        assert [run.days for run in runs] == [frozenset(days)] * 3
        assert all(datetime.now(UTC) - run.created_at < timedelta(minutes=5) for run in runs)


def test_changes_that_wait_for_a_load_to_end_make_nothing_late() -> None:
    waiting = Changes(3, NOW - timedelta(minutes=20))
    fresh = SourceProbe("jira", watermark=NOW, vectors=1, newest_at_source=NOW, changes=waiting)
    idle = source_health(fresh, AssetHistory(), Settings(), NOW)
    assert (idle.verdict, "3 changes wait" in idle.reasons[0]) == (Verdict.LATE, True)
    loading = history(created=hours(1), started=hours(1))
    assert source_health(fresh, loading, Settings(), NOW).verdict is Verdict.FRESH
