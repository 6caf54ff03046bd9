"""The example package of `docs/own-source.md`: installed, synced twice over HTTP, and asked."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.support.serving import serving

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "vector-assets-github"
TOKEN = "gh-token-of-the-test"
DAY = "2026-03-02"

COMMAND = ("-c", "from vector_assets.cli.main import main; main()")

MATERIALIZE = """
import dagster as dg
from vector_assets.definitions import defs
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
job = defs.resolve_job_def("nightly_ingestion")
with dg.DagsterInstance.ephemeral() as instance:
    result = job.execute_in_process(
        asset_selection=[asset_key("github")], partition_key="2026-03-02", instance=instance
    )
    (event,) = result.asset_materializations_for_node("github_documents")
    names = ("documents", "run_embedded_chunks", "run_unchanged_documents")
    print("numbers", *(event.metadata[name].value for name in names))
"""


def issue(number: int, body: str) -> dict[str, object]:
    return {
        "id": number,
        "title": f"Issue {number}",
        "body": body,
        "html_url": f"https://github.com/harbour/boats/issues/{number}",
        "user": {"login": "ann"},
        "created_at": "2026-03-01T08:00:00Z",
        "updated_at": f"{DAY}T10:00:{number % 60:02}Z",
    }


@dataclass
class GitHub:
    """A server that lists issues as GitHub's REST API does."""

    issues: list[dict[str, object]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def github() -> Iterator[GitHub]:
    fake = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            is_allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
            shown = [each for each in fake.issues if str(each["updated_at"]) >= query["since"]]
            start = (int(query["page"]) - 1) * int(query["per_page"])
            page = shown[start : start + int(query["per_page"])]
            body = json.dumps(page if is_allowed else {"message": "Bad credentials"}).encode()
            self.send_response(200 if is_allowed else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield fake


@pytest.fixture
def environment(tmp_path: Path, github: GitHub, sandbox: Sandbox) -> dict[str, str]:
    """The environment of a person who has installed the package."""
    copied, site = tmp_path / "package", tmp_path / "site"
    shutil.copytree(EXAMPLE, copied)
    install = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", *install, str(copied)], check=True, timeout=120)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(site),
        "PYTHONWARNINGS": "ignore",
        "HOME": str(tmp_path),
        # Of the rules of redaction, which take 5 s of a core to compile.
        "XDG_CACHE_HOME": os.getenv("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "GITHUB_URL": github.url,
        "GITHUB_REPOSITORY": "harbour/boats",
        "GITHUB_TOKEN": TOKEN,
        "LANCEDB_URI": str(tmp_path / "index"),
        "OPENAI_API_KEY": sandbox.environment["OPENAI_API_KEY"],
        "OPENAI_BASE_URL": sandbox.environment["OPENAI_BASE_URL"],
    }


def ran(environment: dict[str, str], *arguments: str, code: int | None = 0) -> str:
    """Run Python with these arguments and return what it prints."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=environment["HOME"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert code is None or ended.returncode == code, ended.stderr
    return ended.stdout


def test_the_example_package_is_a_source_like_ours(
    github: GitHub, environment: dict[str, str]
) -> None:
    github.issues = [issue(number, f"rope number {number} is worn") for number in range(1, 151)]
    github.issues.append({**issue(151, "a change of the code"), "pull_request": {}})
    github.issues.append(issue(152, "the anchor chain of the tug is rusty"))

    assert "numbers 151 151 0" in ran(environment, "-c", MATERIALIZE)
    assert "numbers 151 0 151" in ran(environment, "-c", MATERIALIZE)

    sync = ("sync", "github", "--from", DAY, "--to", DAY, "--again", "--json")
    [report] = json.loads(ran(environment, *COMMAND, *sync))
    assert report["source"] == "github"
    answers = json.loads(
        ran(environment, *COMMAND, "find", "rusty anchor chain of the tug", "--json")
    )
    assert answers["answers"][0]["document_id"] == "github:152"

    assert "github" in ran(environment, *COMMAND, "status", code=None)
    doctor = ran(environment, *COMMAND, "doctor", code=None)
    assert "the issues of harbour/boats" in doctor

    del github.issues[0]
    assert "1" in ran(environment, *COMMAND, "prune", "github", "--dry-run", code=None)
    assert "github" in ran(environment, *COMMAND, "verify", "github", "--json", code=None)


def test_a_wrong_token_is_told_and_not_shown(environment: dict[str, str]) -> None:
    told = ran(
        {**environment, "GITHUB_TOKEN": "a-wrong-token"},
        *COMMAND,
        "doctor",
        code=1,
    )
    assert "github refuses the credentials: HTTP 401" in " ".join(told.split())
    assert "a-wrong-token" not in told
