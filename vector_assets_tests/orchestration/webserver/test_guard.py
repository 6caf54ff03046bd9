"""What the guard lets through to Dagster's webserver, and what it refuses, over real HTTP."""

import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from starlette.responses import JSONResponse
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from vector_assets.core.errors import ContractError
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.webserver import DagsterGraphql
from vector_assets.orchestration.webserver.guard import Guard
from vector_assets.orchestration.webserver.hosts import allowed_hosts
from vector_assets.orchestration.webserver.server import Code
from vector_assets_tests.orchestration.webserver.guarded import Guarded, running, running_webserver

PAUSED = "{ instance { autoMaterializePaused } }"
PAUSE = "mutation { setAutoMaterializePaused(paused: true) }"
RESUME = "mutation { setAutoMaterializePaused(paused: false) }"
SCHEDULE = """
query ($name: String!) {
  scheduleOrError(scheduleSelector: {
    repositoryLocationName: "vector_assets", repositoryName: "__repository__",
    scheduleName: $name
  }) { ... on Schedule { id scheduleState { status } } }
}
"""
STOP = "mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
JSON = {"Content-Type": "application/json"}
REFUSED = {400, 403, 421}


@pytest.fixture(scope="module")
def webserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("webserver")
    with pytest.MonkeyPatch.context() as environment:
        for name in Settings.model_fields:
            environment.delenv(name.upper(), raising=False)
        environment.chdir(folder)
        environment.setenv("DAGSTER_HOME", str(folder / "home"))
        others = ("https://dagster.example.com", "fd00::7")
        hosts = allowed_hosts("127.0.0.1", Settings().dagster_url, others)
        code = Code(modules=["vector_assets.definitions"])
        with running_webserver(folder, code=code, hosts=hosts) as guarded:
            yield guarded


@pytest.fixture
def guarded(webserver: Guarded) -> Guarded:
    """The webserver, with automation not paused; our own tools have seen to it."""
    assert webserver.post(RESUME).status == 200
    assert not is_paused(webserver)
    return webserver


def is_paused(guarded: Guarded) -> bool:
    data = json.loads(guarded.post(PAUSED).body)["data"]
    return bool(data["instance"]["autoMaterializePaused"])


def same(**headers: str) -> dict[str, str]:
    return {"Origin": "http://127.0.0.1:PORT", "Host": "127.0.0.1:PORT", **headers}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:PORT", 200),
        ("127.0.0.1", 200),
        # A tunnel to another port of the same machine.
        ("127.0.0.1:8888", 200),
        ("localhost:PORT", 200),
        ("LocalHost:PORT", 200),
        ("localhost.:PORT", 200),
        ("[::1]:PORT", 200),
        ("[::1]", 200),
        ("[0:0:0:0:0:0:0:1]:PORT", 200),
        ("dagster.example.com", 200),
        ("DAGSTER.example.com.:443", 200),
        ("[fd00::7]:3000", 200),
        ("evil.example:PORT", 421),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:PORT", 421),
        ("localhost.evil.example:PORT", 421),
        ("evil.dagster.example.com", 421),
        ("dagster.example.com.evil.example", 421),
        ("127.0.0.1@evil.example:PORT", 421),
        ("evil.example:PORT@127.0.0.1", 421),
        ("localhost..:PORT", 421),
        ("localhost:PORT, evil.example", 421),
        ("localhost evil.example", 421),
        ("localhost:PORT:80", 421),
        ("localhost:99999", 421),
        ("localhost:-1", 421),
        ("localhost/evil.example", 421),
        ("http://localhost", 421),
        ("[127.0.0.1]:PORT", 421),
        ("::1", 421),
        ("[::2]:PORT", 421),
        ("10.0.0.1:PORT", 421),
        ("2130706433:PORT", 421),
        ("*", 421),
        (":PORT", 421),
    ],
)
def test_only_its_own_hosts_are_answered_whatever_is_asked(
    guarded: Guarded, host: str, status: int
) -> None:
    for target in ("/", "/server_info", "/graphql?" + urlencode({"query": PAUSED})):
        answer = guarded.ask("GET", target, {"Host": host})
        assert answer.status == status, (target, answer.body[:200])
    # A page that reached us under its own name is of the same origin for the browser.
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert guarded.post(PAUSE, headers).status == status
    assert is_paused(guarded) == (status == 200)


def test_a_request_without_a_host_or_with_two_is_refused(guarded: Guarded) -> None:
    absent = guarded.ask("GET", "/server_info", {"Host": ""}, version="1.0")
    assert absent.status == 421
    assert "DAGSTER_ALLOWED_HOSTS" in absent.message
    twice = (("Host", "evil.example"), ("Host", "127.0.0.1"))
    assert guarded.ask("GET", "/server_info", twice).status in REFUSED


def test_forwarded_names_of_the_host_are_not_believed(guarded: Guarded) -> None:
    for name in ("X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"):
        headers = {"Host": "evil.example", name: "127.0.0.1:PORT"}
        assert guarded.post(PAUSE, headers).status == 421


def test_a_page_that_rebinds_its_name_cannot_stop_the_nightly_schedule(guarded: Guarded) -> None:
    def schedule() -> dict[str, Any]:
        asked = guarded.post(SCHEDULE, name="nightly_ingestion_schedule")
        return dict(json.loads(asked.body)["data"]["scheduleOrError"])

    found = schedule()
    assert found["scheduleState"]["status"] == "RUNNING"
    page = {"Host": "evil.example:PORT", "Sec-Fetch-Site": "same-origin"}
    assert guarded.post(STOP, page, id=found["id"]).status == 421
    assert guarded.post(SCHEDULE, page, name="nightly_ingestion_schedule").status == 421
    variables = json.dumps({"id": found["id"]})
    for headers in (page, {}, {"Sec-Fetch-Site": "cross-site"}):
        assert guarded.get(STOP, headers, variables=variables).status in {403, 421}
    assert schedule()["scheduleState"]["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        # Our own tools: `requests` and curl.
        ({}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        # The UI.
        (same(), 200),
        (same(**{"Sec-Fetch-Site": "same-origin"}), 200),
        (same(Host="localhost:PORT", Origin="http://localhost:PORT"), 200),
        (same(Host="LOCALHOST:PORT", Origin="http://localhost:PORT"), 200),
        (same(Host="[::1]:PORT", Origin="http://[::1]:PORT"), 200),
        (same(Host="127.0.0.1:8888", Origin="http://127.0.0.1:8888"), 200),
        # Behind a proxy that ends TLS and passes the host on.
        (same(Host="dagster.example.com", Origin="https://dagster.example.com"), 200),
        (same(Host="dagster.example.com:443", Origin="https://dagster.example.com"), 200),
        (same(Host="dagster.example.com:8443", Origin="https://dagster.example.com:8443"), 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        # Other pages.
        (same(Origin="http://evil.example"), 403),
        (same(Origin="http://evil.example:PORT"), 403),
        (same(Origin="null"), 403),
        (same(Origin=""), 403),
        (same(Origin="file://"), 403),
        (same(Origin="chrome-extension://abcdefghijklmnop"), 403),
        (same(Origin="http://127.0.0.1"), 403),
        (same(Origin="http://127.0.0.1:8000"), 403),
        (same(Origin="http://localhost:PORT"), 403),
        (same(Origin="http://127.0.0.1:PORT.evil.example"), 403),
        (same(Origin="http://127.0.0.1:PORT@evil.example"), 403),
        (same(Origin="http://evil.example@127.0.0.1:PORT"), 403),
        (same(Origin="http://127.0.0.1:PORT http://evil.example"), 403),
        (same(Origin="127.0.0.1:PORT"), 403),
        (same(Host="dagster.example.com", Origin="https://evil.dagster.example.com"), 403),
        (same(Host="dagster.example.com", Origin="https://dagster.example.com:8443"), 403),
        # A proxy that does not pass the host on.
        (same(Origin="https://dagster.example.com"), 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "anything"}, 403),
        (same(**{"Sec-Fetch-Site": "cross-site"}), 403),
    ],
)
def test_a_mutation_comes_from_the_ui_itself_or_from_a_program(
    guarded: Guarded, headers: dict[str, str], status: int
) -> None:
    answer = guarded.post(PAUSE, headers)
    assert answer.status == status, answer.body
    assert is_paused(guarded) == (status == 200)
    if status == 403 and "Sec-Fetch-Site" not in headers:
        assert "DAGSTER_ALLOWED_HOSTS" in answer.message


BODY = json.dumps({"query": PAUSE})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", BODY),
        ("text/plain; application/json", BODY),
        ("text/plain;charset=application/json", BODY),
        ("TEXT/PLAIN ;a=application/json", BODY),
        ("text/plain; application/graphql", PAUSE),
        ("text/plain, application/json", BODY),
        ("application/x-www-form-urlencoded", urlencode({"query": PAUSE})),
        ("application/x-www-form-urlencoded; application/json", BODY),
        ("multipart/form-data; boundary=application/json", BODY),
        ("multipart/form-data; boundary=b",
         f'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\n{PAUSE}\r\n--b--\r\n'),
        ("text/html", BODY),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["/graphql", "/graphql?" + urlencode({"query": PAUSE})])
def test_bodies_that_a_browser_sends_without_asking_are_refused(
    guarded: Guarded, content_type: str, body: str, target: str
) -> None:
    for origin in ({}, same()):
        answer = guarded.ask("POST", target, {"Content-Type": content_type, **origin}, body)
        assert answer.status == 403
        assert "application/json" in answer.message
    assert not is_paused(guarded)


def test_two_content_types_or_origins_are_refused(guarded: Guarded) -> None:
    for name, first, second in (
        ("Content-Type", "application/json", "text/plain"),
        ("Origin", f"http://{guarded.own}", "http://evil.example"),
    ):
        headers = ((name, first), (name, second))
        if name == "Origin":
            headers += (("Content-Type", "application/json"),)
        assert guarded.ask("POST", "/graphql", headers, BODY).status == 403
    assert not is_paused(guarded)


def test_graphql_as_a_body_of_its_own_type_is_taken(guarded: Guarded) -> None:
    headers = {"Content-Type": "application/graphql"}
    assert guarded.ask("POST", "/graphql", headers, PAUSE).status == 200
    assert is_paused(guarded)


FIELD = "setAutoMaterializePaused(paused: true)"


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": PAUSE},
        {"query": f"\ufeff # query\n,,,mutation,{{{FIELD}}}"},
        {"query": f"#mutation\nmutation Named @include(if: true) {{ {FIELD} }}"},
        {"query": f"mutation{{alias:{FIELD}}}"},
        {"query": "mutation { ...F } fragment F on Mutation { " + FIELD + " }"},
        {"query": "fragment F on Mutation { " + FIELD + " } mutation { ...F }"},
        {"query": f"mutation {{ ... on Mutation {{ {FIELD} }} }}"},
        {"query": f"mutation ($p: Boolean!) {{ {FIELD.replace('true', '$p')} }}",
         "variables": '{"p": true}'},
        {"query": f"query A {PAUSED} mutation B {{ {FIELD} }}", "operationName": "B"},
        {"query": f"query A {PAUSED} mutation B {{ {FIELD} }}", "operationName": "A"},
        {"query": f"mutation B {{ {FIELD} }} query A {PAUSED}", "operationName": "B"},
        {"query": f"query A {PAUSED} mutation A {{ {FIELD} }}", "operationName": "A"},
        {"query": f'"""{{ query }}""" mutation {{ {FIELD} }}'},
        {"query": json.dumps([{"query": PAUSE}])},
        {"query": json.dumps({"query": PAUSE})},
        {"query": "subscription { capturedLogs(logKey: []) { stdout } }"},
        {"query": "type Query { mutation: Int }"},
        {"query": f"{PAUSE} type Query {{ a: Int }}"},
        {"query": "query { " + "a { " * 3000 + " } " * 3000 + "}"},
        {"query": ""},
    ],
)  # fmt: skip
def test_a_url_may_only_query(guarded: Guarded, parameters: dict[str, str]) -> None:
    target = "/graphql?" + urlencode(parameters)
    for method, headers in (("GET", {}), ("GET", same()), ("POST", {}), ("POST", JSON)):
        answer = guarded.ask(method, target, headers)
        assert answer.status in {400, 403}, answer.body
        assert answer.message
    assert not is_paused(guarded)


@pytest.mark.parametrize(
    "target",
    [
        f"/graphql?query={quote(PAUSED)}&query={quote(PAUSE)}",
        f"/graphql?query={quote(PAUSE)}&query={quote(PAUSED)}",
        f"/graphql?%71uery={quote(PAUSE)}",
        f"/graphql?a=1;query=x&query={PAUSE.replace(' ', '+')}",
        f"/%67raphql?query={quote(PAUSE)}",
        # Python's "$" also stands before a line feed at the end, and so does Starlette's route.
        f"/graphql%0A?query={quote(PAUSE)}",
        f"/graphql/?query={quote(PAUSE)}",
        f"//graphql?query={quote(PAUSE)}",
        f"/x/../graphql?query={quote(PAUSE)}",
        f"/graphql?query={''.join(f'%{byte:02X}' for byte in PAUSE.encode())}",
    ],
)
def test_a_mutation_is_seen_however_the_url_is_written(guarded: Guarded, target: str) -> None:
    answer = guarded.ask("GET", target)
    assert answer.status == 403
    assert "POST" in answer.message
    assert not is_paused(guarded)


@pytest.mark.parametrize(
    "target",
    [
        "/graphql?extensions=" + quote('{"persistedQuery":{"version":1,"sha256Hash":"abc"}}'),
        "/graphql?" + urlencode({"mutation": PAUSE, "Query": PAUSE, "documentId": "1"}),
    ],
)
def test_a_stored_query_or_another_parameter_starts_nothing(guarded: Guarded, target: str) -> None:
    assert guarded.ask("GET", target).status == 400
    assert not is_paused(guarded)


def test_a_body_of_a_get_starts_nothing(guarded: Guarded) -> None:
    assert guarded.ask("GET", "/graphql", JSON, BODY).status == 400
    target = "/graphql?" + urlencode({"query": PAUSED})
    assert guarded.ask("GET", target, JSON, BODY).status == 200
    assert not is_paused(guarded)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "PROPFIND"])
def test_other_methods_need_the_same_origin_as_well(guarded: Guarded, method: str) -> None:
    for target in ("/graphql", "/server_info", "/report_asset_materialization/jira_documents"):
        answer = guarded.ask(method, target, {"Origin": "http://evil.example", **JSON}, BODY)
        assert answer.status == 403


@pytest.mark.parametrize("kind", ["materialization", "check", "observation"])
def test_no_other_page_reports_events_of_an_asset(guarded: Guarded, kind: str) -> None:
    target = f"/report_asset_{kind}/jira_documents?description=evil"
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example:PORT"},
        {"Content-Type": "text/plain"},
    ):
        assert guarded.ask("POST", target, headers).status in {403, 421}


def test_programs_report_events_of_an_asset(guarded: Guarded) -> None:
    target = "/report_asset_materialization/elsewhere?description=ours"
    assert guarded.ask("POST", target).status == 200


@pytest.mark.parametrize(
    ("query", "more"),
    [
        (PAUSED, {}),
        ("query A " + PAUSED + " query B { version }", {"operationName": "B"}),
        ("{ ...F } fragment F on Query { version } # mutation", {}),
        ("{ mutation: version }", {}),
    ],
)
def test_queries_in_a_url_are_answered(guarded: Guarded, query: str, more: dict[str, str]) -> None:
    answer = guarded.get(query, **more)
    assert answer.status == 200
    assert json.loads(answer.body)["data"]


def test_the_ui_and_its_files_are_served_from_a_link_elsewhere(guarded: Guarded) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    for target in ("/", "/runs", "/assets/graphql?query=kind:graphql", "/graphql"):
        page = guarded.ask("GET", target, link)
        if "?query" in target:
            # Not a page of the UI's own making; refused rather than guessed at.
            assert page.status == 400
            continue
        assert page.status == 200
        assert "<html" in page.body
        assert "x-frame-options: SAMEORIGIN" in page.headers
    files = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', guarded.ask("GET", "/").body)
    assert files
    assert {guarded.ask("GET", file).status for file in files} == {200}
    assert guarded.ask("GET", "/favicon.png").status == 200
    assert guarded.ask("HEAD", "/server_info").status == 200


SUBSCRIPTION = {
    "id": "1", "type": "start",
    "payload": {"query": "subscription { locationStateChangeEvents { event { message } } }"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        ({}, True),
        ({"Origin": "http://127.0.0.1:PORT"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://127.0.0.1:1"}, False),
        ({"Origin": "http://localhost:PORT"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Host": "evil.example:PORT", "Origin": "http://evil.example:PORT"}, False),
    ],
)
def test_a_websocket_is_opened_by_the_ui_and_by_programs_only(
    guarded: Guarded, headers: dict[str, str], is_allowed: bool
) -> None:
    given = {name: value.replace("PORT", str(guarded.port)) for name, value in headers.items()}
    host = given.pop("Host", guarded.own)
    url, address = f"ws://{host}/graphql", ("127.0.0.1", guarded.port)
    with socket.create_connection(address, 60) as opened:
        if is_allowed:
            protocol = [Subprotocol("graphql-ws")]
            with connect(url, sock=opened, additional_headers=given, subprotocols=protocol) as sent:
                sent.send(json.dumps({"type": "connection_init"}))
                assert json.loads(sent.recv(60)) == {"type": "connection_ack"}
                sent.send(json.dumps({**SUBSCRIPTION, "payload": {"query": PAUSE}}))
                assert json.loads(sent.recv(60))["type"] in {"error", "data"}
        else:
            with pytest.raises(InvalidStatus, match=r"HTTP (403|421)") as refused:
                connect(url, sock=opened, additional_headers=given)
            assert b"errors" in refused.value.response.body
    assert not is_paused(guarded)


# Dagster's own, which its webserver as a process only prints.
@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`:DeprecationWarning")
def test_our_own_backfill_and_state_work_through_it(guarded: Guarded) -> None:
    dagster = DagsterGraphql(f"http://{guarded.own}/graphql")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    backfill_id = dagster.launch_backfill("jira", [yesterday], title="test")
    backfill = dagster.backfill(backfill_id)
    assert backfill is not None
    assert backfill.days == {yesterday: "waiting"}
    assert dagster.observe(["jira"], [yesterday]).location_error == ""


def test_our_own_client_says_what_to_set(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    with running(Guard(JSONResponse({}), hosts=()), guarded.home) as elsewhere:
        dagster = DagsterGraphql(f"http://localhost:{elsewhere.port}/graphql")
        with pytest.raises(ContractError, match=r"HTTP 421: .*'localhost:.*DAGSTER_ALLOWED_HOSTS"):
            dagster.backfill("abc")
        # The address to which a client connects is always one of its own.
        assert elsewhere.ask("GET", "/").status == 200
    [line] = caplog.messages
    assert "refused POST" in line
