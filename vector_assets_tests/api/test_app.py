"""The HTTP routes over real HTTP: keys, statuses, fields of the older API, fuzzed requests."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from vector_assets.api.app import build_api
from vector_assets.api.server import server_config
from vector_assets.core.days import Days
from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.alerter import Alerter
from vector_assets.monitoring.alerts.channels import WebhookChannel
from vector_assets.monitoring.alerts.incidents import FileIncidentStore
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.watcher import Watcher
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.support.patience import first_answer
from vector_assets_tests.support.receiver import Receiver

READ = {"Authorization": "Bearer reading-key"}
ADMIN = {"X-Admin-Key": "admin-key"}
CHECKS = [response_schema_conformance, status_code_conformance]
LENIENT = {"suppress_health_check": list(HealthCheck)}
ROUTES = (
    ("GET", "/api/find-context?q=x"),
    ("GET", "/api/why?document=x"),
    ("GET", "/api/sync-status"),
    ("GET", "/api/backfill/abc"),
    ("POST", "/api/backfill/jira"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/docs/swagger-ui.css"),
)


@contextmanager
def served(settings: Settings, folder: Path) -> Iterator[tuple[str, Watcher]]:
    """Serve in a thread until the block ends; yields the address and the watcher."""
    alerter = Alerter("watcher", (), FileIncidentStore(folder / "incidents"))
    watcher = Watcher(settings, alerter, Probes(settings))
    server = uvicorn.Server(server_config(build_api(settings, watcher)))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert first_answer(lambda: server.started, pause_seconds=0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", watcher
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Sandbox]]:
    """Settings of a small team whose week is in the index."""
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    now = datetime.now(UTC)
    move_to_yesterday(workspace, now)
    with running_sandbox(workspace) as sandbox:
        given = {name.lower(): value for name, value in sandbox.environment.items()}
        settings = Settings.model_validate(
            {
                **given,
                "vector_store": "lancedb",
                "lancedb_uri": str(tmp_path_factory.mktemp("index")),
                "read_api_key": "reading-key",
                "admin_api_key": "admin-key",
                "dagster_graphql_url": "http://127.0.0.1:9/graphql",
                "watch_seconds": 0.2,
            }
        )
        for source in settings.enabled_sources:
            sync_source(source, Days.newest(7, now), settings)
        yield settings, sandbox


@pytest.fixture(scope="module")
def api(
    office: tuple[Settings, Sandbox], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with served(office[0], tmp_path_factory.mktemp("serve")) as (url, _):
        yield url


def test_an_answer_has_title_text_link_author_date_and_score(api: str) -> None:
    context = requests.get(
        f"{api}/api/find-context", params={"q": "HAR-41", "limit": 1}, headers=READ, timeout=60
    ).json()
    [answer] = context["answers"]
    assert answer["title"] == "HAR-41 Shipping labels print blank for parcels to Norway"
    assert answer["link"].endswith("/jira/browse/HAR-41")
    assert answer["author"].startswith("Lena Fischer")
    assert (answer["source"], answer["score"]) == ("jira", 1.0)
    assert "blank" in answer["text"]
    assert set(context["as_of"]) == {"jira", "slack", "notion", "fireflies"}
    assert datetime.fromisoformat(answer["date"]) <= datetime.now(UTC)


def test_a_confirmed_answer_says_what_its_source_says_and_leaves_out_what_is_gone(
    api: str, office: tuple[Settings, Sandbox]
) -> None:
    def asked(**more: str) -> dict[str, Any]:
        query = {"q": "HAR-41", "limit": "1", **more}
        answer = requests.get(f"{api}/api/find-context", params=query, headers=READ, timeout=60)
        context: dict[str, Any] = answer.json()
        return context

    plain, confirmed = asked(), asked(confirm="true")
    assert "left_out" not in plain
    assert "confirmation" not in plain["answers"][0]
    assert confirmed["left_out"] == {}
    unchanged = {"verdict": "unchanged", "edited_at": None, "reason": ""}
    assert confirmed["answers"] == [{**plain["answers"][0], "confirmation": unchanged}]
    native_id = plain["answers"][0]["document_id"].removeprefix("jira:")
    faults = office[1].faults
    rule = faults.fail(f"/jira/rest/api/3/issue/{native_id}", status=404)
    gone = asked(confirm="true")
    faults.rules.remove(rule)
    assert (gone["answers"], gone["left_out"]) == ([], {"deleted": 1})
    assert "Left out, as their sources say: 1 deleted." in gone["warnings"]


def test_answers_are_narrowed_by_source_and_day(api: str) -> None:
    def ask(**params: Any) -> list[dict[str, Any]]:
        response = requests.get(
            f"{api}/api/find-context", params={"q": "labels", **params}, headers=READ, timeout=60
        )
        answers: list[dict[str, Any]] = response.json()["answers"]
        return answers

    assert {answer["source"] for answer in ask(source="notion")} == {"notion"}
    assert {answer["source"] for answer in ask(source="notion,jira")} == {"notion", "jira"}
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert ask(since=tomorrow.isoformat()) == []


def test_sync_status_has_the_fields_of_the_older_api_and_the_verdict(api: str) -> None:
    status = requests.get(f"{api}/api/sync-status", headers=READ, timeout=60).json()
    jira = next(source for source in status["sources"] if source["source"] == "jira")
    assert 0 < jira["age_hours"] < 72
    assert jira["is_stale"] is False
    assert jira["last_sync"] == jira["watermark"]
    assert jira["reasons"] == ["the index is up to date with the source"]
    assert (status["stale_count"], status["verdict"]) == (0, "late")
    # No Dagster runs here, which is reported.
    assert status["all_fresh"] is False
    assert status["problems"][0].startswith("Dagster's webserver does not answer")


def test_healthz_needs_no_key_and_is_503_while_anything_is_wrong(api: str) -> None:
    answer = requests.get(f"{api}/healthz", timeout=60)
    assert (answer.status_code, answer.json()) == (503, {"verdict": "late"})


def test_metrics_are_what_prometheus_reads(api: str) -> None:
    text = requests.get(f"{api}/metrics", headers=READ, timeout=60).text
    assert 'vector_assets_verdict{source="jira",verdict="fresh"} 1.0' in text
    assert 'vector_assets_problem{key="webserver"} 1.0' in text
    assert 'vector_assets_vectors{source="jira"} ' in text


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"X-Admin-Key": "wrong"}, {"Authorization": "reading"}],
)
def test_no_route_answers_without_its_key(
    api: str, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = requests.request(method, api + path, headers=headers, timeout=60)
    assert answer.status_code == 401
    assert set(answer.json()) == {"detail"}


def test_the_reading_key_starts_no_work(api: str) -> None:
    sent = {**READ, "X-Admin-Key": "reading-key"}
    assert requests.post(f"{api}/api/backfill/jira", headers=sent, timeout=60).status_code == 401


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_whose_key_is_not_set_is_closed(
    office: tuple[Settings, Sandbox], tmp_path: Path, method: str, path: str
) -> None:
    closed = office[0].model_copy(
        update={"read_api_key": type(office[0].read_api_key)(""),
                "admin_api_key": type(office[0].admin_api_key)("")}
    )  # fmt: skip
    with served(closed, tmp_path) as (url, _):
        for headers in ({}, {"Authorization": "Bearer "}, {"X-Admin-Key": ""}):
            answer = requests.request(method, url + path, headers=headers, timeout=60)
            assert (answer.status_code, "is closed" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "path", ["/api", "/redoc", "/docs/oauth2-redirect", "/api/find-context/x", "/.env"]
)
def test_nothing_but_the_contract_is_reachable(api: str, path: str) -> None:
    assert requests.get(api + path, headers={**READ, **ADMIN}, timeout=60).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/backfill/confluence", 404, "unknown source 'confluence'"),
        ("/api/backfill/jira?days=0", 422, "greater than or equal to 1"),
        ("/api/backfill/jira?days=401", 422, "less than or equal to 400"),
        ("/api/backfill/jira?days=soon", 422, "valid integer"),
        ("/api/backfill/jira?days=1", 503, "the Dagster webserver at http://127.0.0.1:9"),
    ],
)
def test_a_backfill_that_nothing_would_run_is_not_accepted(
    api: str, path: str, status: int, words: str
) -> None:
    answer = requests.post(api + path, headers=ADMIN, timeout=60)
    assert answer.status_code == status
    assert words in answer.text


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("viewer", ["ann@x.example", "bo@x.example"]),
        ("viewer", ["", "bo@x.example"]),
        ("since", ["2026-01-01", "2026-02-01"]),
        ("limit", ["1", "2"]),
        ("q", ["a", "b"]),
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(api: str, name: str, values: list[str]) -> None:
    params: dict[str, str | list[str]] = {"q": "labels", name: values}
    answer = requests.get(f"{api}/api/find-context", params=params, headers=READ, timeout=60)
    assert answer.status_code == 422
    assert f"{name} is given 2 times" in answer.text


def test_an_answer_says_how_the_question_was_understood(api: str) -> None:
    def asked(**params: object) -> dict[str, Any]:
        query: dict[str, Any] = {"q": "jira tickets about labels since 2020-01-01", **params}
        answer = requests.get(f"{api}/api/find-context", params=query, headers=READ, timeout=60)
        assert answer.status_code == 200
        context: dict[str, Any] = answer.json()
        return context

    context = asked()
    assert context["understood"] == [
        {"words": "jira tickets", "kind": "source", "meaning": "documents of jira",
         "applied": True},
        {"words": "since 2020-01-01", "kind": "time", "meaning": "activity since 2020-01-01",
         "applied": True},
    ]  # fmt: skip
    assert set(context["as_of"]) == {"jira"}
    assert [each["kind"] for each in asked(ignore="source")["understood"]] == ["time"]
    assert asked(ignore=["source", "time"])["understood"] == []
    assert asked(literal="true")["understood"] == []
    assert set(asked(literal="true")["as_of"]) == {"jira", "slack", "notion", "fireflies"}
    given = asked(source="slack")["understood"][0]
    assert (given["kind"], given["applied"]) == ("source", False)
    assert "a filter by source is given" in given["meaning"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"q": "x", "literal": "perhaps"}, "valid boolean"),
        ({"q": "x", "ignore": "times"}, "'time', 'order'"),
        ({"q": ""}, "at least 1 character"),
        ({"q": " "}, "the question is empty"),
        ({"q": "x", "source": "confluence"}, "unknown source 'confluence'"),
        ({"q": "x", "limit": "101"}, "less than or equal to 100"),
        ({"q": "x", "since": "yesterday"}, "valid date"),
    ],
)
def test_an_invalid_parameter_is_named(api: str, params: dict[str, str], words: str) -> None:
    answer = requests.get(f"{api}/api/find-context", params=params, headers=READ, timeout=60)
    assert answer.status_code in {400, 422}
    assert words in answer.text


def test_the_docs_page_opens_in_a_browser_that_sends_the_key(api: str) -> None:
    page = requests.get(f"{api}/docs", auth=("anyone", "reading-key"), timeout=60)
    assert (page.status_code, "swagger" in page.text) == (200, True)
    asked = requests.get(f"{api}/docs", timeout=60)
    assert asked.headers["www-authenticate"].startswith("Basic ")


def test_only_restricted_readers_get_restricted_answers(api: str) -> None:
    def titles(viewer: str) -> set[str]:
        response = requests.get(
            f"{api}/api/find-context", params={"q": "depot", "viewer": viewer, "limit": 50},
            headers=READ, timeout=60,
        )  # fmt: skip
        return {answer["document_id"] for answer in response.json()["answers"]}

    assert titles("") == titles("nobody@harbor.example")


def test_every_request_of_the_schema_gets_a_response_of_the_schema(api: str) -> None:
    schema = schemathesis.openapi.from_url(f"{api}/openapi.json", headers=READ)
    statuses: set[int] = set()
    count = 0
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation, mode in product(operations, schemathesis.GenerationMode):

        @hypothesis_settings(max_examples=40, deadline=None, database=None, **LENIENT)
        @given(case=operation.as_strategy(generation_mode=mode))
        def fuzz(case: schemathesis.Case) -> None:
            nonlocal count
            answer = case.call(headers={**READ, **ADMIN}, timeout=60)
            case.validate_response(answer, checks=CHECKS)
            # 503 is documented, and no Dagster runs here; any other 5xx is a bug.
            assert answer.status_code < 500 or answer.status_code == 503
            statuses.add(answer.status_code)
            count += 1

        with suppress(hypothesis.errors.Unsatisfiable):
            # A route without parameters has no invalid requests.
            fuzz()
    assert count > 100
    assert {200, 422, 503} <= statuses


def test_the_heartbeat_url_is_pinged_only_while_everything_is_healthy(
    office: tuple[Settings, Sandbox], tmp_path: Path, receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from vector_assets.monitoring.dagster_state.state import DagsterState

    seen = [DagsterState(heartbeats={"SENSOR": datetime.now(UTC)})]
    monkeypatch.setattr("vector_assets.monitoring.watcher.observe", lambda _: seen[0])
    settings = office[0].model_copy(
        update={"heartbeat_url": type(office[0].heartbeat_url)(receiver.url)}
    )
    alerter = Alerter("watcher", (), FileIncidentStore(tmp_path))
    watcher = Watcher(settings, alerter, Probes(settings))
    assert watcher.check_once().health.verdict == "fresh"
    assert receiver.pings == 1
    seen[0] = DagsterState(heartbeats={"SENSOR": datetime.now(UTC) - timedelta(hours=1)})
    assert watcher.check_once().health.verdict == "late"
    assert receiver.pings == 1
    receiver.status = 500
    seen[0] = DagsterState(heartbeats={"SENSOR": datetime.now(UTC)})
    assert watcher.check_once().ping_error == "HEARTBEAT_URL cannot be pinged: HTTPError"


def test_concurrent_checks_send_one_alert(
    office: tuple[Settings, Sandbox], tmp_path: Path, receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from vector_assets.monitoring.dagster_state.state import DagsterState

    dead = DagsterState(heartbeats={"SENSOR": datetime.now(UTC) - timedelta(hours=1)})
    monkeypatch.setattr("vector_assets.monitoring.watcher.observe", lambda _: dead)
    alerter = Alerter("watcher", [WebhookChannel(receiver.url)], FileIncidentStore(tmp_path))
    # A watcher that has just started waits this long before it reports a dead daemon.
    settings = office[0].model_copy(update={"heartbeat_max_age_seconds": 0})
    watcher = Watcher(settings, alerter, Probes(settings))
    with ThreadPoolExecutor(8) as threads:
        for check in [threads.submit(watcher.check_once) for _ in range(8)]:
            assert check.result().health.verdict == "late"
    assert receiver.events() == [("opened", "daemon")]
