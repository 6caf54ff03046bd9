"""Verdicts on sources, and problems of Dagster."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from vector_assets.core.errors import UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.index.generations import Index
from vector_assets.monitoring.alerts.routing import for_sensors, for_watcher
from vector_assets.monitoring.dagster_state.names import SCHEDULE, SENSORS
from vector_assets.monitoring.dagster_state.state import (
    AssetHistory,
    DagsterState,
    Instigator,
    PartitionRecord,
)
from vector_assets.monitoring.health import Health, SourceHealth, measure, source_health
from vector_assets.monitoring.liveness import problems_of
from vector_assets.monitoring.probes import Probes, SourceProbe
from vector_assets.monitoring.verdict import Verdict, hours
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.tiny import utc

NOW = utc("2026-03-20T09:00")
YESTERDAY = date(2026, 3, 19)


def probe(watermark: str | None = "2026-03-19T22:00", newest: str | None = "", **other: Any) -> Any:
    """Return a probe; by default the index holds the newest activity at the source."""
    seen = watermark if newest == "" else newest
    return SourceProbe(
        "jira",
        watermark=utc(watermark) if watermark else None,
        vectors=100,
        newest_at_source=utc(seen) if seen else None,
        **other,
    )


def history(*days: int, documents: int = 10, last: int | None = None) -> AssetHistory:
    """Return a history in which these days of March are materialized."""
    records = [
        PartitionRecord(date(2026, 3, day), utc(f"2026-03-{day:02}T23:00"), documents, 0)
        for day in days
    ]
    if last is not None:
        newest = records[-1]
        records[-1] = PartitionRecord(newest.day, newest.recorded_at, last, 0)
    return AssetHistory(frozenset(record.day for record in records), tuple(records))


def judged(
    seen: SourceProbe, known: AssetHistory | None = None, now: datetime = NOW
) -> SourceHealth:
    return source_health(seen, known, Settings(), now)


def test_an_index_that_holds_the_newest_of_the_source_is_fresh() -> None:
    health = judged(probe(), history(*range(1, 20)))
    assert (health.verdict, health.missing_days) == (Verdict.FRESH, ())
    assert health.reasons == ("the index is up to date with the source",)
    assert health.lag_seconds == 0


@pytest.mark.parametrize(
    ("newest", "verdict"),
    [
        ("2026-03-20T08:00", Verdict.FRESH),
        ("2026-03-21T04:00", Verdict.FRESH),
        ("2026-03-21T04:01", Verdict.LATE),
        ("2026-03-22T04:01", Verdict.STALE),
    ],
)
def test_the_lag_behind_the_source_decides(newest: str, verdict: Verdict) -> None:
    assert judged(probe(newest=newest)).verdict == verdict


@pytest.mark.parametrize("newest", ["2026-03-20T08:00", "2286-01-01T00:00"])
def test_a_document_of_the_future_does_not_make_an_old_index_fresh(newest: str) -> None:
    health = judged(probe(watermark="2286-01-01T00:00", newest=newest))
    assert health.verdict == Verdict.UNKNOWN
    assert "is of 2286-01-01, which is to come" in health.reasons[0]


def test_an_empty_index_is_stale_and_says_what_to_do() -> None:
    health = judged(probe(watermark=None, newest="2026-03-01"))
    assert health.verdict == Verdict.STALE
    assert health.reasons == ("the index has no documents of it: run `vector-assets sync`",)


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("slack", "invite the bot"),
        ("jira", "Browse projects"),
        ("notion", "connect the integration"),
        ("fireflies", "invited to the meetings"),
        ("files", "FILES_PATH"),
    ],
)
def test_a_source_that_lists_nothing_is_unknown_and_says_what_to_do(
    source: str, advice: str
) -> None:
    health = judged(SourceProbe(source))
    assert health.verdict == Verdict.UNKNOWN
    assert "lists nothing for these credentials" in health.reasons[0]
    assert advice in health.reasons[0]


def test_a_source_that_lists_nothing_any_more_may_have_lost_its_access() -> None:
    health = judged(probe(newest=None))
    assert health.verdict == Verdict.LATE
    assert "the source lists nothing, though the index holds 100 vectors" in health.reasons[0]


def test_what_cannot_be_read_is_unknown_and_never_fresh() -> None:
    assert judged(probe(source_error="jira did not answer")).verdict == Verdict.UNKNOWN
    health = judged(probe(index_error="pinecone did not answer"))
    assert health.reasons == ("the index cannot be read: pinecone did not answer",)


@pytest.mark.parametrize(
    ("now", "verdict", "missing"),
    [
        ("2026-03-20T07:59", Verdict.FRESH, ()),
        ("2026-03-20T08:00", Verdict.LATE, (YESTERDAY,)),
        ("2026-03-21T07:59", Verdict.LATE, (YESTERDAY,)),
        ("2026-03-21T08:00", Verdict.STALE, (YESTERDAY, date(2026, 3, 20))),
    ],
)
def test_a_day_is_late_two_hours_after_its_night_began_and_stale_a_day_later(
    now: str, verdict: Verdict, missing: tuple[date, ...]
) -> None:
    health = judged(probe(), history(*range(1, 19)), utc(now))
    assert (health.verdict, health.missing_days) == (verdict, missing)


def test_a_backfilled_old_day_makes_nothing_fresh() -> None:
    health = judged(probe(), history(1, 2, 3, *range(8, 19)))
    assert health.verdict == Verdict.STALE
    assert health.missing_days == (date(2026, 3, 6), date(2026, 3, 7), YESTERDAY)


def test_days_before_the_first_materialized_day_are_not_missing() -> None:
    assert judged(probe(), history(18, 19)).missing_days == ()


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        (history(*range(1, 20), last=0), Verdict.LATE),
        (history(*range(1, 20), last=1), Verdict.LATE),
        (history(*range(1, 20), last=2), Verdict.FRESH),
        (history(*range(1, 20), documents=4, last=0), Verdict.FRESH),
        (history(18, 19, last=0), Verdict.FRESH),
    ],
)
def test_a_day_with_far_fewer_documents_than_usual_is_late(
    known: AssetHistory, verdict: Verdict
) -> None:
    assert judged(probe(), known).verdict == verdict


def test_a_quiet_weekend_is_compared_with_weekends() -> None:
    quiet = [
        PartitionRecord(day, NOW, 0 if day.weekday() >= 5 else 50, 0)
        for day in (date(2026, 3, 1) + timedelta(days=n) for n in range(22))
    ]
    known = AssetHistory(frozenset(record.day for record in quiet), tuple(quiet))
    assert quiet[-1].day.weekday() == 6
    assert judged(probe(), known, utc("2026-03-23T09:00")).verdict == Verdict.FRESH


def test_the_overall_verdict_is_the_worst_and_late_while_there_is_a_problem() -> None:
    fresh, stale = judged(probe()), judged(probe(watermark=None, newest="2026-03-01"))
    dead = problems_of(DagsterState(heartbeats={"SENSOR": None}), Settings(), NOW)
    assert Health(NOW, (fresh,)).verdict == Verdict.FRESH
    assert Health(NOW, (fresh, stale)).verdict == Verdict.STALE
    assert Health(NOW, (fresh,), dead).verdict == Verdict.LATE
    assert Health(NOW, ()).verdict == Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(minutes=40), "40 min"),
        (timedelta(hours=7), "7 h"),
        (timedelta(days=12), "12 days"),
    ],
)
def test_spans_in_words(span: timedelta, words: str) -> None:
    assert hours(span) == words


def keys(**seen: Any) -> list[str]:
    state = DagsterState(**seen)
    return [problem.key for problem in problems_of(state, Settings(), NOW)]


ALIVE = {"SENSOR": NOW - timedelta(seconds=46), "SCHEDULER": NOW - timedelta(seconds=5)}


def test_a_heartbeat_of_three_minutes_ago_is_a_dead_daemon() -> None:
    assert keys(heartbeats=ALIVE) == []
    assert keys(heartbeats={**ALIVE, "BACKFILL": NOW - timedelta(seconds=181)}) == ["daemon"]
    assert keys(heartbeats={**ALIVE, "BACKFILL": None}) == ["daemon"]
    assert keys(heartbeats={}) == ["daemon"]
    assert keys(heartbeats=None) == []


def test_the_dead_daemon_is_reported_with_its_last_heartbeat_and_what_to_do() -> None:
    beats = {"SENSOR": NOW - timedelta(minutes=10)}
    [problem] = problems_of(DagsterState(heartbeats=beats), Settings(), NOW)
    assert "SENSOR; last heartbeat 2026-03-20 08:50:00 UTC" in problem.detail
    assert problem.since == NOW - timedelta(minutes=10)
    assert "dagster-daemon run" in problem.advice


def schedule(**fields: Any) -> dict[str, Instigator]:
    given = {"is_running": True, "last_tick_at": utc("2026-03-20T06:00"), **fields}
    return {SCHEDULE: Instigator(**given)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"is_running": False}, [f"off:{SCHEDULE}"]),
        ({"last_tick_error": "boom"}, [f"tick:{SCHEDULE}"]),
        ({"last_tick_at": utc("2026-03-19T06:00")}, [f"missed:{SCHEDULE}"]),
        ({"last_tick_at": None}, []),
    ],
)
def test_a_schedule_that_is_off_fails_or_missed_its_tick_is_a_problem(
    fields: dict[str, Any], expected: list[str]
) -> None:
    assert keys(instigators=schedule(**fields)) == expected


@pytest.mark.parametrize(
    "name", ["missed_partitions_sensor", "weekly_rescan_schedule", "weekly_prune_schedule"]
)
def test_another_schedule_or_a_sensor_that_is_off_is_a_problem(name: str) -> None:
    assert keys(instigators={name: Instigator(is_running=False)}) == [f"off:{name}"]


def test_a_location_that_does_not_load_and_a_silent_webserver_are_problems() -> None:
    assert keys(location_error="SyntaxError: invalid syntax") == ["code-location"]
    assert keys(webserver_error="it did not answer") == ["webserver"]


def test_a_database_that_is_down_is_reported_instead_of_its_webserver() -> None:
    problem_keys = keys(webserver_error="it did not answer", database_error="connection refused")
    assert problem_keys == ["database"]


def test_a_code_server_that_is_down_is_one_problem_however_many_sensors_it_stops() -> None:
    words = "dagster._core.errors.DagsterUserCodeUnreachableError: Unable to reach the code server"
    away = Instigator(is_running=True, last_tick_at=NOW, last_tick_error=words)
    sensors = dict.fromkeys(SENSORS, away)
    [problem] = problems_of(DagsterState(instigators=sensors), Settings(), NOW)
    assert (problem.key, problem.detail) == ("code-location", words)
    # The webserver reports it a moment later under the same key, which sends no second alert.
    assert keys(location_error="vector_assets: it cannot be reached") == ["code-location"]


@pytest.mark.parametrize(
    ("days", "listed", "expected"),
    [
        ({YESTERDAY}, (), ["credentials:jira"]),
        ({date(2026, 1, 1)}, (), []),
        ({YESTERDAY}, ("slack",), []),
        (set(), (), []),
    ],
    ids=[
        "a source that was read until yesterday is named",
        "one that has not been read for long is not",
        "nor is one that is off because the others are listed",
        "nor one that was never read",
    ],
)
def test_a_source_whose_credentials_are_gone(
    days: set[date], listed: tuple[str, ...], expected: list[str]
) -> None:
    state = DagsterState(assets={"jira": AssetHistory(frozenset(days))})
    settings = Settings(vector_assets_sources=listed, jira_server="https://x.example")
    problems = problems_of(state, settings, NOW)
    assert [problem.key for problem in problems] == expected
    if problems:
        assert "JIRA_EMAIL, JIRA_API_TOKEN not set" in problems[0].detail


def test_a_source_that_has_its_credentials_is_not_missed() -> None:
    state = DagsterState(assets={"slack": AssetHistory(frozenset({YESTERDAY}))})
    settings = Settings.model_validate({"slack_bot_token": "xoxb-1"})
    assert problems_of(state, settings, NOW) == ()


class _AwayStore(LanceDBStore):
    """An index whose object store does not answer."""

    def dimensions(self, namespace: str) -> int | None:
        raise UnavailableError("LanceDB at s3://index", "connection refused")


def test_an_index_that_is_down_is_one_problem_and_not_one_per_source(sandbox: Sandbox) -> None:
    given = {name.lower(): value for name, value in sandbox.environment.items()}
    settings = Settings.model_validate(given)
    health = measure(settings, Probes(settings, Index(_AwayStore("s3://index"))), None)
    assert [problem.key for problem in health.problems] == ["index"]
    assert "connection refused" in health.problems[0].detail
    assert {source.verdict for source in health.sources} == {Verdict.UNKNOWN}
    assert for_sensors(health, DagsterState(), {}, settings) == []


def test_a_first_load_is_fresh_once_the_newest_day_is_materialized() -> None:
    filling = source_health(probe(), history(19), Settings(), NOW)
    assert (filling.verdict, filling.missing_days) == (Verdict.FRESH, ())


@pytest.mark.parametrize(
    ("assets", "turns"),
    [
        ({"jira": AssetHistory()}, 60),
        ({"jira": history(17, 18)}, 10),
        ({}, 10),
    ],
    ids=[
        "its first load is running",
        "it has materialized days",
        "Dagster has no record of it",
    ],
)
def test_a_first_load_may_take_an_hour_before_an_alert_and_a_later_run_minutes(
    assets: dict[str, AssetHistory], turns: int
) -> None:
    # A first load fills the index from new to old and records a day once it is complete.
    settings = Settings(watch_seconds=60)
    filling = probe(watermark="2026-03-01T10:00", newest="2026-03-19T22:00")
    behind = source_health(filling, assets.get("jira"), settings, NOW)
    assert behind.verdict is Verdict.STALE
    [problem] = for_sensors(Health(NOW, (behind,)), DagsterState(assets=assets), {}, settings)
    assert problem.key == "source:jira"
    assert problem.tell_after_seconds == turns * 60


@pytest.mark.parametrize(
    ("ticked_at", "expected"),
    [
        (NOW - timedelta(minutes=11), []),
        (NOW - timedelta(minutes=13), ["sensors"]),
        (None, ["sensors"]),
        (NOW + timedelta(hours=1), ["sensors"]),
    ],
    ids=["a while ago", "too long ago", "never", "before the clock was set back"],
)
def test_sensors_that_a_living_daemon_does_not_evaluate_are_a_problem(
    ticked_at: datetime | None, expected: list[str]
) -> None:
    sensors = dict.fromkeys(SENSORS, Instigator(is_running=True, last_tick_at=ticked_at))
    assert keys(heartbeats=ALIVE, instigators=sensors) == expected
    # A dead daemon evaluates none, and is told as such.
    assert keys(heartbeats={}, instigators=sensors) == ["daemon"]


def test_while_no_sensor_is_evaluated_the_watcher_tells_of_stale_sources() -> None:
    sensors = dict.fromkeys(SENSORS, Instigator(is_running=True))
    state = DagsterState(heartbeats=ALIVE, instigators=sensors)
    stale = judged(probe(watermark="2026-03-01T10:00", newest="2026-03-19T22:00"))
    health = Health(NOW, (stale,), problems_of(state, Settings(), NOW))
    told = for_watcher(health, state, Settings(), watched_for=timedelta(hours=1))
    assert {problem.key: problem.tell_after_seconds for problem in told} == {
        "sensors": 600,
        "source:jira": 600,
    }
