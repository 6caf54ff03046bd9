"""What the webserver answers, over real HTTP: errors, and the days that it knows."""

import json
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import ContractError, CredentialsError, UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.instance import observe_records
from vector_assets.monitoring.dagster_state.observe import observe
from vector_assets.monitoring.dagster_state.webserver import DagsterGraphql
from vector_assets.orchestration.local import MODULE
from vector_assets.orchestration.webserver.hosts import allowed_hosts
from vector_assets.orchestration.webserver.server import Code
from vector_assets_tests.orchestration.parts import Location
from vector_assets_tests.orchestration.webserver.guarded import running_webserver
from vector_assets_tests.support.serving import serving
from vector_assets_tests.support.tiny import document

DEAD_CONNECTION = (500, {"data": None, "errors": [{"message": "terminating connection\nby admin"}]})
NO_BACKFILL = (200, {"data": {"partitionBackfillOrError": {"__typename": "BackfillNotFoundError"}}})
LAUNCHED = (200, {"data": {"launchPartitionBackfill": {"__typename": "LaunchBackfillSuccess",
                                                       "backfillId": "abc"}}})  # fmt: skip


class Webserver(ThreadingHTTPServer):
    """Gives one answer per request and repeats the last.

    Attributes:
        answers: Statuses and bodies to come; a text is sent as it is, all else as JSON.
        asked: How many requests came.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, object]] = []
        self.asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: Webserver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.server.asked += 1
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webserver() -> Iterator[Webserver]:
    with serving(Webserver()) as server:
        yield server


@pytest.fixture
def dagster(webserver: Webserver) -> DagsterGraphql:
    return DagsterGraphql(f"http://127.0.0.1:{webserver.server_port}/graphql")


def test_a_query_is_retried_over_dead_database_connections(
    dagster: DagsterGraphql, webserver: Webserver
) -> None:
    webserver.answers = [DEAD_CONNECTION] * 3 + [NO_BACKFILL]
    assert dagster.backfill("abc") is None
    assert webserver.asked == 4


def test_a_webserver_that_keeps_failing_is_reported_with_its_message(
    dagster: DagsterGraphql, webserver: Webserver
) -> None:
    webserver.answers = [DEAD_CONNECTION]
    with pytest.raises(UnavailableError, match=r"HTTP 500: terminating connection\."):
        dagster.backfill("abc")


def test_a_launch_that_fails_is_not_repeated(dagster: DagsterGraphql, webserver: Webserver) -> None:
    webserver.answers = [DEAD_CONNECTION, LAUNCHED]
    with pytest.raises(UnavailableError, match="HTTP 500"):
        dagster.launch_backfill("jira", [date(2026, 3, 1)], title="by a test")
    assert webserver.asked == 1
    assert dagster.launch_backfill("jira", [date(2026, 3, 1)], title="by a test") == "abc"


def test_a_proxy_without_a_webserver_behind_it_is_unavailable(
    dagster: DagsterGraphql, webserver: Webserver
) -> None:
    webserver.answers = [(502, "<html>Bad Gateway</html>")]
    with pytest.raises(UnavailableError, match="did not answer: HTTP 502"):
        dagster.backfill("abc")


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ((200, "<html>A page</html>"), "HTTP 200 and no JSON"),
        ((404, "Not Found"), "HTTP 404 and no JSON"),
        ((400, {"errors": [{"message": "no field launch"}]}), "HTTP 400: no field launch"),
        ((200, []), "HTTP 200 and JSON that is no object"),
        ((200, None), "HTTP 200 and JSON that is no object"),
        ((200, {"status": "ok"}), "HTTP 200: no data"),
        ((200, {"data": "ok"}), "HTTP 200: no data"),
        ((200, {"data": {}, "errors": []}), "HTTP 200: no data"),
        ((200, {"errors": [{"message": ""}]}), "HTTP 200: no data, where .*DAGSTER_GRAPHQL_URL"),
        ((401, {"errors": "no token"}), "HTTP 401: no token"),
        ((403, {"errors": ["no right"]}), "HTTP 403: no right"),
    ],
)
def test_an_answer_that_is_not_dagsters_is_refused(
    dagster: DagsterGraphql, webserver: Webserver, answer: tuple[int, object], seen: str
) -> None:
    webserver.answers = [answer]
    with pytest.raises(ContractError, match=seen):
        dagster.backfill("abc")


@pytest.mark.parametrize(
    "body",
    [[], "x", 7, None, {}, {"data": []}, {"data": {"instance": 1}}, {"data": {"instance": None}},
     {"data": {"instance": {"daemonHealth": {"allDaemonStatuses": [1]}}}}, "<html>"],
    ids=repr,
)  # fmt: skip
def test_an_odd_answer_is_part_of_the_state(
    webserver: Webserver, body: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    webserver.answers = [(200, body)]
    url = f"http://127.0.0.1:{webserver.server_port}/graphql"
    state = observe(Settings(dagster_graphql_url=url))
    assert webserver.asked > 0
    assert state.webserver_error
    assert state.heartbeats is None


@pytest.mark.timeout(300)
def test_a_day_that_was_brought_is_there_though_a_later_run_of_it_failed(tmp_path: Path) -> None:
    days = Days(date(2025, 3, 13), date(2025, 3, 14))
    hosts = allowed_hosts("127.0.0.1", Settings().dagster_url, ())
    with (
        running_webserver(tmp_path, code=Code(modules=[MODULE]), hosts=hosts) as served,
        dg.DagsterInstance.from_config(str(served.home)) as instance,
    ):
        location = Location(tmp_path, instance)
        kept = document("1", "words", updated_at="2025-03-14T10:00")
        assert location.sync(days, kept).success
        assert not location.sync(days, CredentialsError("jira", "HTTP 401", "Renew it.")).success
        url = f"http://{served.own}/graphql"
        by_webserver = DagsterGraphql(url).observe(["jira"], list(days)).assets["jira"]
        by_records = observe_records(instance, ["jira"], list(days)).assets["jira"]
    assert by_webserver.days == by_records.days == set(days)
