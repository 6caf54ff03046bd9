"""Our own credentials are shown nowhere, whatever a vendor, a proxy or an SDK echoes of them."""

import base64
import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pytest
import requests
from pydantic import SecretStr

from vector_assets.cli.main import main
from vector_assets.core import credentials
from vector_assets.core.days import Days
from vector_assets.core.errors import UnavailableError, VectorAssetsError
from vector_assets.core.settings import Settings, load_settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.alerts.channels import Kind, Message, WebhookChannel
from vector_assets.monitoring.health import measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.problems import Problem
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.sources.http import requests_retries as http_retries
from vector_assets_tests.api.test_app import served
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.dates import yesterday
from vector_assets_tests.support.serving import serving

SECRET_FIELDS = [
    name for name, field in Settings.model_fields.items() if field.annotation is SecretStr
]
# READ_KEYS holds lines of hashes, which another test covers.
CANARIES = {
    # Long enough for each.
    name: f"canary+{name.replace('_', '/')}=42".ljust(32, "4")
    for name in SECRET_FIELDS
    if name != "read_keys"
}
PASSWORD = "canary-of-a-login-42"
EMAIL = "bot@example.com"


def forms() -> Iterator[str]:
    """Yield each form in which a canary may show."""
    for canary in (*CANARIES.values(), PASSWORD):
        yield canary
        yield quote(canary, safe="")
        yield base64.b64encode(canary.encode()).decode().rstrip("=")
    token = CANARIES["jira_api_token"]
    yield base64.b64encode(f"{EMAIL}:{token}".encode()).decode().rstrip("=")
    yield base64.b64encode(f"ops:{PASSWORD}".encode()).decode().rstrip("=")


def leaks(text: str) -> list[str]:
    return [form for form in forms() if form in text]


class _Echo(BaseHTTPRequestHandler):
    """Answers with all that it was sent, in each of the vendors' shapes of an error."""

    status = 500

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        said = f"{self.path} {json.dumps(dict(self.headers))}"
        body = json.dumps(
            {
                "ok": False,
                "error": {"message": said, "code": said} if "openai" in self.path else said,
                "message": said,
                "code": said,
                "errorMessages": [said],
                "errors": [{"message": said, "code": said}],
                "deploymentType": said,
            }
        ).encode()
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def __getattr__(self, name: str) -> Any:
        if name in ("do_GET", "do_POST", "do_PATCH"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def echo(status: int) -> Iterator[str]:
    """Serve until the block ends; gives host and port."""
    handler = type("Echo", (_Echo,), {"status": status})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with serving(server):
        yield f"127.0.0.1:{server.server_address[1]}"


def environment(host: str, folder: Path, store: str) -> dict[str, str]:
    return {
        **{name.upper(): canary for name, canary in CANARIES.items()},
        "JIRA_SERVER": f"http://{host}/jira",
        "JIRA_EMAIL": EMAIL,
        "SLACK_BASE_URL": f"http://{host}/slack/api/",
        "NOTION_BASE_URL": f"http://{host}/notion",
        "FIREFLIES_URL": f"http://{host}/fireflies?api_key={quote(PASSWORD)}",
        "OPENAI_BASE_URL": f"http://ops:{PASSWORD}@{host}/openai/v1",
        "PINECONE_CONTROLLER_HOST": f"http://{host}/pinecone",
        "DAGSTER_GRAPHQL_URL": f"http://ops:{PASSWORD}@{host}/graphql",
        "ALERT_WEBHOOK_URL": f"http://{host}/services/{CANARIES['alert_webhook_url']}",
        "HEARTBEAT_URL": f"http://ops:{PASSWORD}@{host}/ping/{CANARIES['heartbeat_url']}",
        "VECTOR_STORE": store,
        "LANCEDB_URI": str(folder / "lancedb"),
    }


# What answers 500, or not at all, is asked again for minutes.
STATUSES = [
    200,
    400,
    401,
    403,
    *(pytest.param(status, marks=pytest.mark.slow) for status in (500, 0)),
]


@pytest.fixture(params=STATUSES, ids=str)
def settings(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Settings]:
    """Settings of canaries, over services that echo them, or that are not there at all."""
    monkeypatch.setattr(http_retries, "_ATTEMPTS", 1)
    store = "lancedb" if request.param in (200, 401) else "pinecone"
    with echo(request.param) as host:
        gone = "127.0.0.1:9" if request.param == 0 else host
        for name, value in environment(gone, tmp_path, store).items():
            monkeypatch.setenv(name, value)
        yield load_settings()


def test_no_face_shows_a_credential_that_a_service_echoes(
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    said = ""
    for words in (
        ["sync", "--days", "1"],
        ["find", "anything"],
        ["status", "--json"],
        ["doctor"],
        ["doctor", "--json"],
    ):
        with pytest.raises(SystemExit, match=r"[012]"):
            main(words)
        printed = capfd.readouterr()
        assert printed.out + printed.err, words
        said += printed.out + printed.err
    said += str(measure(settings, Probes(settings), None).as_json())
    headers = {"Authorization": f"Bearer {CANARIES['read_api_key']}"}
    with served(settings, tmp_path) as (url, _):
        for path in ("/api/find-context?q=x", "/api/sync-status", "/metrics", "/openapi.json",
                     "/docs", "/healthz"):  # fmt: skip
            answer = requests.get(f"{url}{path}", headers=headers, timeout=90)
            assert answer.status_code != 401
            said += f"{answer.headers} {answer.text}"
        admin = {"X-Admin-Key": CANARIES["admin_api_key"]}
        said += requests.post(f"{url}/api/backfill/jira", headers=admin, timeout=90).text
    said += repr(settings) + str(settings)
    assert leaks(said) == []
    assert leaks(caplog.text) == []


@pytest.mark.parametrize("settings", [400, 401], indirect=True)
def test_no_record_of_a_run_shows_a_credential_that_a_service_echoes(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    day = Days(yesterday(), yesterday())
    defs = build_defs(settings)
    with dagster_instance() as instance:
        for source in ("jira", "slack", "notion"):
            with suppress(VectorAssetsError, dg.Failure):
                materialize_in_process(defs, source, day, instance=instance)
            run, *_ = instance.get_runs(limit=1)
            assert run.is_failure
            events = instance.all_logs(run.run_id)
            assert leaks("\n".join(map(str, events))) == []
            assert "Failure" in str(events) or "Retry" in str(events)
        stored = Path(instance.root_directory).rglob("*")
        raw = b"".join(path.read_bytes() for path in stored if path.is_file())
        assert raw
        assert leaks(raw.decode("latin-1")) == []
    printed = capfd.readouterr()
    assert leaks(printed.out + printed.err) == []


def test_a_bug_shows_no_credential_in_its_traceback(settings: Settings) -> None:
    token = CANARIES["notion_token"]
    error = UnavailableError("notion", f"said {token}")
    error.__cause__ = ValueError(f"Authorization: Bearer {token}")
    assert leaks(str(error) + repr(vars(error))) == []
    assert leaks(credentials.printed_uncaught(type(error), error, None)) == []
    bug = KeyError(token)
    bug.__context__ = error
    credentials.scrub_error(bug)
    assert leaks("".join(traceback.format_exception(bug))) == []
    assert error.__cause__ is None


def test_alerts_and_their_failures_show_no_credential(settings: Settings) -> None:
    problem = Problem("x", "headline", f"saw {CANARIES['slack_bot_token']}", "advice",
                      link=f"{settings.dagster_url}/runs/1")  # fmt: skip
    assert leaks(repr(problem)) == []
    assert "@" not in problem.link
    message = Message(Kind.OPENED, problem, datetime.now(UTC))
    channel = WebhookChannel("http://127.0.0.1:9/" + CANARIES["alert_webhook_url"])
    with pytest.raises(UnavailableError, match="webhook") as caught:
        channel.send(message)
    assert leaks(str(caught.value)) == []


def test_a_uri_with_a_login_is_shown_without_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    uri = f"s3://key:{PASSWORD}@bucket/index"
    monkeypatch.setenv("LANCEDB_URI", uri)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ops:{PASSWORD}x@proxy.example:3128")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"aws-{PASSWORD}")
    settings = load_settings()
    assert leaks(repr(settings)) == []
    assert f"aws-{PASSWORD}" not in credentials.scrub(f"echo aws-{PASSWORD}")
    assert credentials.REDACTED in credentials.scrub(f"via ops:{PASSWORD}x@proxy")
    manager = build_defs(settings).resources["vector_index"]  # type: ignore[index]
    assert leaks(repr(manager)) == []


def test_a_credential_that_is_cut_in_two_is_no_less_one(settings: Settings) -> None:
    # An address is told by the long parts of its path, and not by how it begins.
    for canary in (value for name, value in CANARIES.items() if not name.endswith("_url")):
        for length in range(12, len(canary)):
            assert canary[:length] not in credentials.scrub(f"a {canary[:length]}")


@pytest.mark.parametrize("text", ["heartbeat", "hooks", "alerts of the night"])
def test_the_words_of_a_secret_address_stay_words(text: str) -> None:
    credentials.register(credentials.of_secret_url("https://example.com/hooks/alerts/heartbeat"))
    assert credentials.scrub(text) == text
