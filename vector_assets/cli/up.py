"""`vector-assets up`: webserver, daemon and `serve` in one foreground command.

Each runs as a process of its own; one that dies is started again, and people are told. For a laptop
or a small server: where something better starts processes (systemd, Kubernetes), let it.
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

from vector_assets.core.settings import load_settings
from vector_assets.monitoring.alerts.alerter import Alerter, build_channels
from vector_assets.monitoring.alerts.incidents import incident_store
from vector_assets.monitoring.problems import Problem
from vector_assets.orchestration.local import prepare_home

MODULE = "vector_assets.definitions"

STABLE_SECONDS = 60.0
"""A process that lived so long is started again at once; one that did not, after a pause."""

MAX_PAUSE_SECONDS = 60.0
STOP_SECONDS = 20.0


class _Child:
    """One process, started again whenever it dies.

    Attributes:
        name: For the output and alerts.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._started_at = 0.0
        self._pause_seconds = 1.0
        self._start_at = 0.0

    def tend(self) -> int | None:
        """Start it when it is due; return the code with which it has just died, if it has."""
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
        """Ask it to end, together with its own children."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait until it has ended; end it by force when it does not."""
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
            # A Ctrl-C at the terminal is ours to hand on, in order.
            start_new_session=True,
        )
        self._started_at = time.monotonic()
        threading.Thread(target=self._print, args=(self._process,), daemon=True).start()

    def _print(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            click.echo(f"{self.name:<9} | {line}", nl=False)


def run_up(*, home: Path, host: str, port: int, dagster_port: int) -> None:
    """Run everything until the process is told to stop.

    Args:
        home: `DAGSTER_HOME`, made and configured when it does not exist.
        host: That all of them listen on.
        port: Of `serve`.
        dagster_port: Of Dagster's UI.
    """
    os.environ["DAGSTER_HOME"] = str(prepare_home(home))
    os.environ["DAGSTER_GRAPHQL_URL"] = f"http://{host}:{dagster_port}/graphql"
    bin_folder = Path(sys.executable).parent
    address = ["--host", host, "--port"]
    children = [
        _Child(
            "webserver",
            [str(bin_folder / "dagster-webserver"), "-m", MODULE, *address, str(dagster_port)],
        ),
        _Child("daemon", [str(bin_folder / "dagster-daemon"), "run", "-m", MODULE]),
        _Child("serve", [str(bin_folder / "vector-assets"), "serve", *address, str(port)]),
    ]
    click.echo(
        f"Dagster's UI: http://{host}:{dagster_port}   HTTP: http://{host}:{port}   "
        f"Ctrl-C stops all",
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
                    _report(child.name, code)
    finally:
        for child in children:
            child.stop()
        for child in children:
            child.wait()


def _report(name: str, code: int) -> None:
    """Say that a process died and is started again, here and in the alert channels."""
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    click.echo(f"{name} died ({how}) and is started again", err=True)
    problem = Problem(
        f"restart:{name}",
        f"{name} died and was started again",
        f"It ended with {how}.",
        "Nothing, if it stays the only time; else look at the output of `vector-assets up`.",
    )
    with incident_store() as store:
        alerter = Alerter("watcher", build_channels(load_settings()), store)
        alerter.notice(problem, datetime.now(UTC))
