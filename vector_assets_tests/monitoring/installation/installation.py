"""The product as installed on a server: webserver, daemon and `serve` as real processes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from vector_assets.orchestration.local import prepare_home
from vector_assets_tests.orchestration.dagster_processes import DagsterProcesses
from vector_assets_tests.support.patience import COSTLY_PAUSE_SECONDS, PATIENCE_SECONDS, waited_for
from vector_assets_tests.support.receiver import Receiver

BIN = Path(sys.executable).parent
HEARTBEAT_MAX_AGE_SECONDS = 120

_LOCATION = """
import os
from datetime import timedelta
from pathlib import Path

if Path(__file__).with_name("broken").exists():
    raise RuntimeError("somebody has deployed a mistake")

from vector_assets.definitions import build_defs
from vector_assets.orchestration.io_managers import LanceDBIOManager
from vector_assets.sources import SOURCE_NAMES, source_class

# Seconds here stand for minutes there.
for name in SOURCE_NAMES:
    source_class(name).newest_every = timedelta(seconds=2)
index = LanceDBIOManager(uri=os.environ["LANCEDB_URI"], retry_delay_seconds=1)
defs = build_defs(resource_overrides={"vector_index": index})
"""


class Installation:
    """All processes of a team.

    Attributes:
        environment: Of all processes; changes count when one is started.
        url: Of `serve`.
        dagster: The webserver, as the UI asks it.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], receiver: Receiver) -> None:
        self.folder = folder
        self.receiver = receiver
        dagster_port, port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._dagster_url = f"http://127.0.0.1:{dagster_port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "DAGSTER_HOME": str(prepare_home(folder / "home")),
            "DAGSTER_GRAPHQL_URL": f"{self._dagster_url}/graphql",
            "VECTOR_STORE": "lancedb",
            "LANCEDB_URI": str(folder / "lancedb"),
            "READ_API_KEY": "reading-key",
            "ADMIN_API_KEY": "admin-key",
            "ALERT_WEBHOOK_URL": receiver.url,
            "HEARTBEAT_URL": receiver.url,
            "HEARTBEAT_MAX_AGE_SECONDS": str(HEARTBEAT_MAX_AGE_SECONDS),
            "WATCH_SECONDS": "5",
            "NIGHTLY_CRON": "0 0 * * *",
            **environment,
        }
        location = folder / "location.py"
        location.write_text(_LOCATION)
        load = ["-f", str(location)]
        self._commands = {
            "webserver": ["vector-assets", "webserver", *load, "--port", str(dagster_port)],
            "daemon": ["dagster-daemon", "run", *load],
            "serve": ["vector-assets", "serve", "--port", str(port)],
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def dagster(self) -> DagsterProcesses:
        return DagsterProcesses(
            self._processes["webserver"], self._dagster_url, self.folder / "webserver.log",
            location="location.py",
        )  # fmt: skip

    def start(self, name: str) -> None:
        """Start one of `webserver`, `daemon`, `serve`."""
        program, *arguments = self._commands[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [str(BIN / program), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_all(self) -> None:
        """Start everything, and return when it answers."""
        for name in ("webserver", "daemon", "serve"):
            self.start(name)
        self.wait_until(
            lambda: requests.get(f"{self.url}/healthz", timeout=60) is not None, "serve"
        )
        self.dagster.wait_until_up()

    def kill(self, name: str) -> None:
        """Kill a process as the kernel does when memory runs out."""
        self._processes[name].kill()
        self._processes[name].wait()

    def stop(self) -> None:
        """Stop everything, with what it has started."""
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def break_the_location(self, *, is_broken: bool) -> None:
        """Deploy a mistake, or take it back; then reload as the UI does."""
        mark = self.folder / "broken"
        mark.touch() if is_broken else mark.unlink()
        self.dagster.query(
            'mutation { reloadRepositoryLocation(repositoryLocationName: "location.py") '
            "{ __typename } }"
        )

    def status(self) -> dict[str, Any]:
        """Return what `serve` says of everything."""
        headers = {"Authorization": "Bearer reading-key"}
        answer = requests.get(f"{self.url}/api/sync-status", headers=headers, timeout=90)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def verdicts(self) -> dict[str, str]:
        """Return the verdict on each source."""
        return {source["source"]: source["verdict"] for source in self.status()["sources"]}

    def post_backfill(self, source: str, days: int) -> requests.Response:
        """Ask for a backfill over HTTP."""
        return requests.post(
            f"{self.url}/api/backfill/{source}",
            params={"days": days},
            headers={"X-Admin-Key": "admin-key"},
            timeout=60,
        )

    def wait_until(self, question: Callable[[], Any], what: str) -> Any:
        """Return a question's answer once it is something."""
        return waited_for(
            question,
            what,
            patience_seconds=PATIENCE_SECONDS,
            logs=self.folder,
            pause_seconds=COSTLY_PAUSE_SECONDS,
        )


@contextmanager
def installed(
    folder: Path, environment: Mapping[str, str], receiver: Receiver, *, starts: bool = True
) -> Iterator[Installation]:
    """Run webserver, daemon and `serve` until the block ends.

    Args:
        folder: Of the installation.
        environment: What differs from the defaults here.
        receiver: Takes alerts and pings.
        starts: Whether all is started at once; else `start_all` does it.
    """
    installation = Installation(folder, environment, receiver)
    try:
        if starts:
            installation.start_all()
        yield installation
    finally:
        installation.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
