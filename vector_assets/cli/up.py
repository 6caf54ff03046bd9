"""`vector-assets up`: webserver, daemon and `serve` in one foreground command.

Each is a process of its own; one that dies is restarted, and an alert is sent. For a laptop or a
small server; elsewhere use systemd or Kubernetes.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from vector_assets.core.priority import give_way
from vector_assets.core.settings import load_settings
from vector_assets.monitoring.alerts.alerter import Alerter, build_channels
from vector_assets.monitoring.alerts.incidents import INCIDENTS_FOLDER, FileIncidentStore
from vector_assets.monitoring.problems import Problem
from vector_assets.orchestration.local import packaged_workspace, prepare_home

STABLE_SECONDS = 60.0
"""A process that lived this long is restarted after the shortest pause; others wait longer."""

MAX_PAUSE_SECONDS = 60.0
STOP_SECONDS = 20.0


class _Child:
    """A process that is restarted when it dies.

    One that `is_bulk` loads documents, itself or in processes that it starts.
    """

    def __init__(self, name: str, command: Sequence[str], *, is_bulk: bool = False) -> None:
        self.name = name
        self._command = command
        self._is_bulk = is_bulk
        self._process: subprocess.Popen[str] | None = None
        self._started_at = 0.0
        self._pause_seconds = 1.0
        self._start_at = 0.0

    def tend(self) -> int | None:
        """Start it when it is due; return its exit code if it has just died."""
        if self._process is None:
            if time.monotonic() >= self._start_at:
                self._start()
            return None
        code = self._process.poll()
        if code is None:
            return None
        lived_seconds = time.monotonic() - self._started_at
        if lived_seconds >= STABLE_SECONDS:
            self._pause_seconds = 1.0
        self._start_at = time.monotonic() + self._pause_seconds
        self._pause_seconds = min(MAX_PAUSE_SECONDS, self._pause_seconds * 2)
        self._process = None
        return code

    def stop(self) -> None:
        """Ask the process to stop."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait until it has stopped; kill it when it does not."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C at the terminal must not reach the children; they are stopped here.
            start_new_session=True,
        )
        if self._is_bulk:
            give_way(self._process.pid)
        self._started_at = time.monotonic()
        threading.Thread(target=self._print, args=(self._process,), daemon=True).start()

    def _print(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            click.echo(f"{self.name:<9} | {line}", nl=False)


def run_up(*, home: Path, host: str, port: int, dagster_port: int) -> None:
    """Run all processes until this one is stopped."""
    os.environ["DAGSTER_HOME"] = str(prepare_home(home))
    os.environ["DAGSTER_GRAPHQL_URL"] = f"http://{host}:{dagster_port}/graphql"
    bin_folder = Path(sys.executable).parent
    ours = str(bin_folder / "vector-assets")
    address = ["--host", host, "--port"]
    workspace = ["-w", str(packaged_workspace())]
    children = [
        _Child(
            "webserver",
            [ours, "webserver", *workspace, *address, str(dagster_port)],
            is_bulk=True,
        ),
        _Child("daemon", [str(bin_folder / "dagster-daemon"), "run", *workspace], is_bulk=True),
        _Child("serve", [ours, "serve", *address, str(port)]),
    ]
    click.echo(
        f"Dagster's UI: http://{host}:{dagster_port}   HTTP: http://{host}:{port}   "
        f"Ctrl-C stops all\n"
        f"HTTP wants a key, READ_API_KEY: send it as `Authorization: Bearer`, or open "
        f"http://{host}:{port}/docs in a browser with any name and the key as the password",
        err=True,
    )
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        while not stopped.wait(0.5):
            for child in children:
                code = child.tend()
                if code is not None:
                    _report_restart(child.name, code)
    finally:
        for child in children:
            child.stop()
        for child in children:
            child.wait()


def _report_restart(name: str, code: int) -> None:
    """Print that a process died and is restarted, and send an alert."""
    cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    click.echo(f"{name} died ({cause}) and is restarted", err=True)
    problem = Problem(
        f"restart:{name}",
        f"{name} died and was restarted",
        f"It ended with {cause}.",
        "Nothing if it happens once; otherwise check the output of `vector-assets up`.",
    )
    # A notice is no incident. Dagster's storage, which may be why it died, is not opened for it.
    store = FileIncidentStore(INCIDENTS_FOLDER)
    alerter = Alerter("watcher", build_channels(load_settings()), store)
    alerter.notify_once(problem, datetime.now(UTC))
