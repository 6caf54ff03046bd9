"""What an examination says, where people look: status, metrics, the page, alerts, the command."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from vector_assets.api.page.charts import quality_chart
from vector_assets.core.settings import Settings
from vector_assets.index.generations import Index
from vector_assets.index.ledger import Ledger
from vector_assets.maintenance.quality.record import QUALITY, Outcome, Quality, write_quality
from vector_assets.maintenance.quality.scores import Scores
from vector_assets.monitoring.alerts.alerter import Alerter
from vector_assets.monitoring.alerts.channels import WebhookChannel
from vector_assets.monitoring.alerts.incidents import FileIncidentStore, Incident
from vector_assets.monitoring.alerts.routing import (
    FRESHNESS_SENSOR,
    for_sensors,
    for_watcher,
    quality_problem,
)
from vector_assets.monitoring.dagster_state.state import DagsterState, Instigator
from vector_assets.monitoring.health import Health, measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.verdict import Verdict
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.api.page.visitor import Visitor
from vector_assets_tests.api.test_app import READ, served
from vector_assets_tests.cli.conftest import office, run  # noqa: F401 - fixtures
from vector_assets_tests.support.receiver import Receiver

SCORES = Scores(40, 0.875, 0.975, 0.91, 0.12)
OWN = Scores(3, 1.0, 1.0, 1.0, 0.1)
DETAIL = "search by meaning: the mean reciprocal rank of 120 questions fell from 0.98 to 0.68"


def recorded(store: LanceDBStore, outcome: Outcome, at: datetime) -> None:
    day = at.date()
    history = {
        "files": {day - timedelta(days=1): SCORES, day: SCORES},
        "own": {day: OWN},
    }
    detail = DETAIL if outcome is Outcome.WORSE else ""
    write_quality(Ledger(store, 64), Quality(at, outcome, detail, history))


def test_status_metrics_and_page_show_it(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"files_path": ".", "lancedb_uri": str(tmp_path / "index"), "read_api_key": "reading-key"}
    )
    now = datetime.now(UTC)
    recorded(LanceDBStore(settings.lancedb_uri), Outcome.WORSE, now)
    with served(settings, tmp_path) as (url, _):
        status = requests.get(f"{url}/api/sync-status", headers=READ, timeout=60).json()
        assert status["answers"] == "worse"
        [files] = status["sources"]
        assert files["quality"] == {
            "asked": 40, "hit_at_1": 0.875, "hit_at_10": 0.975, "mrr": 0.91, "p95_seconds": 0.12,
        }  # fmt: skip
        assert status["own_questions"]["asked"] == 3
        assert [each for each in status["problems"] if "became worse" in each and DETAIL in each]
        metrics = requests.get(f"{url}/metrics", headers=READ, timeout=60).text.splitlines()
        assert "vector_assets_answers_worse 1.0" in metrics
        assert 'vector_assets_answer_mrr{source="files"} 0.91' in metrics
        assert 'vector_assets_answer_hit_at_1{source="files"} 0.875' in metrics
        assert 'vector_assets_answer_p95_seconds{source="own"} 0.1' in metrics
        assert 'vector_assets_problem{key="quality"} 1.0' in metrics
        visitor = Visitor(url)
        visitor.sign_in("reading-key")
        page = visitor.get("/status")
        assert "Answers a night: Of 40 known questions, 88% find their document first" in page.html
        assert "Your own questions" in page.text
        assert "vector-assets quality" in page.text


def health_of(store: LanceDBStore, state: DagsterState | None, now: datetime) -> Health:
    settings = Settings(files_path=".")
    return measure(settings, Probes(settings, Index(store)), state, now=now)


def watched(health: Health, *, is_running: bool) -> set[str]:
    """Return the keys of what the watcher tells."""
    sensor = Instigator(is_running=is_running)
    state = DagsterState(instigators={FRESHNESS_SENSOR: sensor})
    settings = Settings(files_path=".")
    told = for_watcher(health, state, settings, watched_for=timedelta(days=1))
    return {problem.key for problem in told}


def test_a_fall_opens_an_incident_that_the_next_good_night_closes(
    tmp_path: Path, receiver: Receiver
) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    settings = Settings(files_path=".")
    channel = WebhookChannel(receiver.url)
    alerter = Alerter("watcher", (channel,), FileIncidentStore(tmp_path / "incidents"))
    now = datetime.now(UTC)
    for outcome in (Outcome.WORSE, Outcome.WORSE, Outcome.SAME):
        recorded(store, outcome, now)
        health = health_of(store, DagsterState(), now)
        # The sensors tell it; the watcher does where they do not run.
        problems = for_sensors(health, DagsterState(), {}, settings)
        assert QUALITY not in watched(health, is_running=True)
        assert (QUALITY in watched(health, is_running=False)) is (outcome is Outcome.WORSE)
        quality = [problem for problem in problems if problem.key == QUALITY]
        assert bool(quality) is (outcome is Outcome.WORSE)
        if quality:
            assert health.verdict is not Verdict.FRESH
            assert quality[0].detail == DETAIL
        alerter.reconcile(quality, now)
        now += timedelta(minutes=5)
    assert [(alert["event"], alert["key"]) for alert in receiver.alerts] == [
        ("opened", "quality"),
        ("over", "quality"),
    ]


def test_answers_that_were_not_examined_for_a_day_are_told_where_dagster_runs(
    tmp_path: Path,
) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    now = datetime.now(UTC)

    def told(state: DagsterState | None, hours: int) -> list[str]:
        health = health_of(store, state, now + timedelta(hours=hours))
        return [problem.headline for problem in health.problems if problem.key == QUALITY]

    assert told(DagsterState(), 99) == []
    recorded(store, Outcome.TOO_FEW, now)
    assert told(DagsterState(), 35) == []
    assert told(None, 99) == []
    [headline] = told(DagsterState(), 37)
    assert "were not examined for more than a day" in headline


def test_the_alert_of_a_failed_examination_is_over_after_the_next(tmp_path: Path) -> None:
    store = LanceDBStore(str(tmp_path / "index"))
    now = datetime.now(UTC)
    problem = quality_problem("pinecone did not answer", link="")
    incidents = {problem.key: Incident(problem, opened_at=now, seen_at=now)}

    def is_told() -> bool:
        health = health_of(store, DagsterState(), now)
        told = for_sensors(health, DagsterState(), incidents, Settings(files_path="."))
        return problem.key in {each.key for each in told}

    assert is_told()
    recorded(store, Outcome.SAME, now + timedelta(hours=1))
    assert not is_told()


def test_a_chart_has_a_bar_for_each_night() -> None:
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(3)]
    chart = quality_chart({days[0]: SCORES, days[2]: OWN}, days)
    assert chart is not None
    assert [bar.kind for bar in chart.bars] == ["plain", "none", "plain"]
    assert chart.bars[0].height < chart.bars[2].height
    assert chart.summary.endswith(
        "mean reciprocal rank 1.00 on 2026-03-03, at least 0.91 over 2 nights."
    )
    assert quality_chart({}, days) is None


@pytest.mark.usefixtures("office")
def test_the_command_examines_now(run: Callable[..., tuple[int, str, str]]) -> None:  # noqa: F811
    code, out, _ = run("quality")
    assert (code, "not enough to examine: public documents" in out) == (0, True)
    code, out, _ = run("quality", "--json")
    assert (code, json.loads(out)["outcome"]) == (0, "not enough to examine")


@pytest.mark.slow
@pytest.mark.usefixtures("office")
def test_the_command_shows_a_table(run: Callable[..., tuple[int, str, str]]) -> None:  # noqa: F811
    assert run("sync", "--days", "10", "--json")[0] == 0
    code, out, _ = run("quality", "--json")
    night = json.loads(out)
    assert (code, night["outcome"]) == (0, "nothing to compare with yet")
    assert night["all"]["hit_at_10"] > 0.8
    assert {"title", "sentence"} <= night["by_kind"].keys()
    code, out, _ = run("quality")
    assert "hit@1" in out
    assert "nothing to compare with yet" in out
    code, out, _ = run("status", "--json")
    assert json.loads(out)["quality"]["sources"].keys() >= {"jira", "slack", "notion"}
