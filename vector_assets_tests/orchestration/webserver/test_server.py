"""`vector-assets webserver` as a process, and its refusals to start."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vector_assets_tests.orchestration.webserver.guarded import Guarded
from vector_assets_tests.support.patience import PATIENCE_SECONDS

PROGRAM = str(Path(sys.executable).parent / "vector-assets")
IN_THE_IMAGE = Path(__file__).parents[3] / "deploy" / "bin" / "dagster-webserver"
CODE = """
import dagster as dg

@dg.asset
def numbers(): ...

defs = dg.Definitions([numbers])
"""
REFUSED_IN_READ_ONLY = (
    'mutation { reloadRepositoryLocation(repositoryLocationName: "code.py") { __typename } }'
)


def environment(folder: Path, **more: str) -> dict[str, str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DAGSTER_HOME": str(home),
        "DAGSTER_ALLOWED_HOSTS": "ui.example.com",
        **more,
    }


@pytest.fixture(
    params=[
        [PROGRAM, "webserver", "--port", "0"],
        # As Dagster's Helm chart starts it in the image.
        [str(IN_THE_IMAGE), "-h", "127.0.0.1", "-p", "0"],
    ],
    ids=["our command", "the chart's command"],
)
def process(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    (tmp_path / "code.py").write_text(CODE)
    words = ["-f", "code.py", "--path-prefix", "/dagster", "--read-only"]
    with subprocess.Popen(
        [*request.param, *words],
        cwd=tmp_path,
        env=environment(tmp_path, PATH=f"{Path(PROGRAM).parent}:{os.environ['PATH']}"),
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        started.kill()


@pytest.mark.timeout(300)
def test_it_serves_under_a_prefix_read_only_and_ends_when_told(
    process: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    assert process.stderr is not None
    url = next(found for line in process.stderr if (found := re.search(r"listening on (.+)", line)))
    assert url[1].endswith("/dagster")
    guarded = Guarded(int(url[1].split(":")[2].partition("/")[0]), tmp_path)

    def status(target: str, **headers: str) -> int:
        return guarded.ask("GET", target, headers).status

    assert status("/dagster/server_info") == 200
    assert status("/dagster/server_info", Host="ui.example.com") == 200
    assert status("/dagster/server_info", Host="evil.example") == 421
    assert status("/dagster/graphql?query=mutation+{a}") == 403
    body = json.dumps({"query": REFUSED_IN_READ_ONLY})
    headers = {"Content-Type": "application/json"}
    answer = guarded.ask("POST", "/dagster/graphql", headers, body)
    assert "UnauthorizedError" in answer.body
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize(
    ("words", "more", "said"),
    [
        ((), {"DAGSTER_HOME": ""}, "error: DAGSTER_HOME is not set"),
        ((), {"DAGSTER_ALLOWED_HOSTS": "*.example.com"}, "error: DAGSTER_ALLOWED_HOSTS names"),
        (("--path-prefix", "dagster"), {}, "error: the path prefix is 'dagster'"),
        (("--path-prefix", "/dagster/"), {}, "error: the path prefix is '/dagster/'"),
        (("--port", "TAKEN"), {}, "Choose another --port"),
    ],
)
def test_it_says_why_it_does_not_start(
    words: tuple[str, ...], more: dict[str, str], said: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [PROGRAM, "webserver", *(word.replace("TAKEN", port) for word in words)],
            cwd=tmp_path,
            env=environment(tmp_path, **more),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    assert ended.returncode in {1, 2}
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
