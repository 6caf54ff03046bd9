"""Every command of the tutorial is run here in its order, and has to print what it shows.

The clicks of its backfill are done as the UI does them, by a launch over the webserver's GraphQL;
`ui/test_dagster_ui.py` does them in a browser. Ports are free ones instead of the documented.
"""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vector_assets.core.days import Days
from vector_assets.monitoring.dagster_state.webserver import DagsterGraphql
from vector_assets_tests.project.console import (
    ROOT,
    Step,
    assert_shows,
    run,
    sessions,
    start,
    stop,
    wait_for_sandbox,
)
from vector_assets_tests.support.patience import PATIENCE_SECONDS

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


class Tutorial:
    """A person at work on it.

    Args:
        folder: To work in.
        processes: Stopped at the end if the tutorial did not stop them.
    """

    def __init__(self, folder: Path, processes: ExitStack) -> None:
        self._folder = folder
        self._processes = processes
        self._jobs: list[subprocess.Popen[bytes]] = []
        self._port, self._dagster_port = _free_ports()
        self.graphql_url = f"http://127.0.0.1:{self._dagster_port}/graphql"

    def work_through(self, section: str) -> None:
        """Run the commands of a section."""
        for steps in sessions(section):
            for step in steps:
                if step.is_background:
                    self._start(step)
                elif job := re.fullmatch(r"kill %(\d)", step.command):
                    assert stop(self._jobs[int(job[1]) - 1]) == 0
                else:
                    self._run(step)

    def backfill_by_clicks(self, source: str, days: Days) -> None:
        """Launch what the dialog of the UI launches, and wait for its end."""
        dagster = DagsterGraphql(self.graphql_url)
        backfill_id = dagster.launch_backfill(source, list(days), title="")
        deadline = time.monotonic() + PATIENCE_SECONDS
        states: set[str] = set()
        while states != {"materialized"}:
            assert time.monotonic() < deadline, states
            assert "failed" not in states, states
            time.sleep(1)
            backfill = dagster.backfill(backfill_id)
            assert backfill
            states = set(backfill.days.values())

    def _start(self, step: Step) -> None:
        command = step.command.replace("vector-assets sandbox", "vector-assets sandbox --port 0")
        ports = f"--port {self._port} --dagster-port {self._dagster_port}"
        command = command.replace("vector-assets up", f"vector-assets up {ports}")
        process = start(Step(command), self._folder)
        self._processes.callback(stop, process)
        self._jobs.append(process)
        if "sandbox" in command:
            wait_for_sandbox(self._folder)
        else:
            self._wait_for_ports()

    def _run(self, step: Step) -> None:
        """Run a command, again while it does not print yet what it shows; it only asks."""
        command = step.command.replace(":8090/", f":{self._port}/")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            ended = run(command, self._folder)
            try:
                assert_shows(step.shown, ended.stdout.split("\n"))
            except AssertionError as error:
                if command.startswith("vector-assets status") and time.monotonic() < deadline:
                    time.sleep(5)
                    continue
                error.add_note(f"$ {command}\n{ended.stdout}{ended.stderr}")
                raise
            return

    def _wait_for_ports(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        for port in (self._port, self._dagster_port):
            while not _answers(port):
                assert time.monotonic() < deadline, (self._folder / "up.log").read_text()[-4000:]
                time.sleep(0.3)


def test_it_begins_with_an_installation() -> None:
    first, *_ = sessions(TUTORIAL)
    assert [step.command for step in first] == [
        "make install",
        "source .venv/bin/activate",
        "mkdir -p data/tutorial && cd data/tutorial",
    ]
    assert re.search(r"^install: \$\(VENV\)/", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.timeout(1800)
def test_every_command_prints_what_the_tutorial_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as processes:
        tutorial = Tutorial(tmp_path, processes)
        monkeypatch.setenv("DAGSTER_GRAPHQL_URL", tutorial.graphql_url)
        for title, section in _sections():
            if title == "4. Backfill Jira in the UI":
                tutorial.backfill_by_clicks("jira", Days.newest(7, datetime.now(UTC)))
            if title != "1. Install":
                tutorial.work_through(section)


def _sections() -> Iterator[tuple[str, str]]:
    _, *sections = re.split(r"^## ", TUTORIAL, flags=re.MULTILINE)
    for section in sections:
        title, _, text = section.partition("\n")
        yield title, text


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("", 0)) as other:
        return listener.getsockname()[1], other.getsockname()[1]


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
