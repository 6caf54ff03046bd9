"""`serve` and Dagster's daemon as real processes, beside vendors that change and send events."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import requests

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import build_index
from vector_assets.index.queue import ChangeQueue, Waiting
from vector_assets.orchestration.local import prepare_home
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.changes import CHANGED_SOURCES, change
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.events import Event, signed_slack
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets_tests.support.indexes import contents
from vector_assets_tests.support.patience import first_answer, waited_for

SECRET = "secret-of-the-events"
DRAIN_SECONDS = 1_800


class Installation:
    """Processes over an index that holds the last days of a workspace.

    Attributes:
        sandbox: The vendors.
        settings: Of the processes.
    """

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        home = prepare_home(folder / "home")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            **sandbox.environment,
            "VECTOR_STORE": "lancedb",
            "LANCEDB_URI": str(folder / "index"),
            "DAGSTER_HOME": str(home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "DAGSTER_GRAPHQL_URL": "http://127.0.0.1:9/graphql",
            "READ_API_KEY": "key-of-the-test",
            "JIRA_WEBHOOK_SECRET": SECRET,
            "SLACK_SIGNING_SECRET": SECRET,
            "NOTION_WEBHOOK_TOKEN": SECRET,
            "FIREFLIES_WEBHOOK_SECRET": SECRET,
            "NIGHTLY_CRON": "0 0 1 1 *",
            "PARTITIONS_START": str(Days.newest(3, datetime.now(UTC)).first),
        }
        self.settings = Settings.model_validate(
            {name.lower(): value for name, value in self.environment.items()}
        )
        self.commands = {
            "serve": ["vector-assets", "serve", "--port", str(self.port)],
            "daemon": ["dagster-daemon", "run", "-m", "vector_assets.definitions"],
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a process, with what it starts in a session of its own."""
        program, *arguments = self.commands[name]
        with (self.folder / f"{name}.log").open("ab") as output:
            self._processes[name] = subprocess.Popen(
                [str(Path(sys.executable).parent / program), *arguments],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a process with all that it has started."""
        process = self._processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_run(self) -> bool:
        """Kill the process of a run, if there is one just now."""
        daemon = self._processes.get("daemon")
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                session = (folder / "stat").read_text().rpartition(")")[2].split()[3]
                is_run = b"--multiprocessing-fork" in words or b"execute_run" in words
                if daemon and is_run and int(session) == daemon.pid:
                    os.kill(int(folder.name), signal.SIGKILL)
                    return True
        return False

    def wait_until_served(self) -> None:
        """Return when `serve` answers."""
        url = f"http://127.0.0.1:{self.port}/healthz"
        waited_for(
            lambda: requests.get(url, timeout=60).status_code,
            "serve answers",
            patience_seconds=300,
            logs=self.folder,
        )

    def stop(self) -> None:
        """Stop everything."""
        for name in list(self._processes):
            self.kill(name)

    def deliver(self, event: Event) -> int:
        """Deliver an event once; return the status, 0 without an answer."""
        url = f"http://127.0.0.1:{self.port}/hooks/{event.source}"
        try:
            return requests.post(
                url, data=event.body, headers=event.headers, timeout=30
            ).status_code
        except requests.RequestException:
            return 0

    def waiting(self) -> list[Waiting]:
        """Return what waits in the queue."""
        return ChangeQueue(build_index(self.settings, Meter()).ledger).waiting()

    def wait_until_read(self) -> None:
        """Return when nothing waits any more."""
        if first_answer(
            lambda: not self.waiting(), patience_seconds=DRAIN_SECONDS, pause_seconds=2
        ):
            return
        waiting = [each.document_id for each in self.waiting()]
        raise TimeoutError(f"{len(waiting)} documents wait: {waiting[:5]}; see {self.folder}")

    def night(self) -> None:
        """Read the last days, as a night does."""
        for source in CHANGED_SOURCES:
            sync_source(source, Days.newest(3, datetime.now(UTC)), self.settings)

    def wrong(self) -> dict[str, list[str]]:
        """Return what is missing, doubled or stale, compared with an index that is made anew."""
        fresh = self.settings.model_copy(update={"lancedb_uri": str(self.folder / "fresh")})
        for source in CHANGED_SOURCES:
            sync_source(source, Days.newest(14, datetime.now(UTC)), fresh)
        held, wanted = (
            contents(self.settings.lancedb_uri, CHANGED_SOURCES),
            contents(fresh.lancedb_uri, CHANGED_SOURCES),
        )
        wrong: dict[str, list[str]] = {"missing": [], "doubled": [], "stale": []}
        for source in CHANGED_SOURCES:
            rows = self._row_counts(source)
            wrong["doubled"] += [f"{key}" for key, count in rows.items() if count > 1]
            wrong["doubled"] += sorted(held[source].keys() - wanted[source].keys())
            for key, record in wanted[source].items():
                if key not in held[source]:
                    wrong["missing"].append(key)
                elif held[source][key]["text"] != record["text"]:
                    wrong["stale"].append(key)
        return wrong

    def _row_counts(self, source: str) -> Counter[str]:
        import lancedb

        table = lancedb.connect(self.settings.lancedb_uri).open_table(source)
        return Counter(table.to_arrow().column("id").to_pylist())


class Vendors:
    """Changes things and delivers the events; what is not acknowledged is delivered again."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._unacknowledged: deque[Event] = deque()
        self.acknowledged_count = 0
        self.count = 0

    def change_one(self) -> None:
        """Change something and deliver its event, and one that had no answer before."""
        event = change(self._installation.sandbox.workspace, self.count, datetime.now(UTC), SECRET)
        self.count += 1
        self._deliver(event)
        self.deliver_again(at_most=1)

    def deliver_again(self, at_most: int = 10_000) -> None:
        """Deliver what was not acknowledged."""
        for _ in range(min(at_most, len(self._unacknowledged))):
            event = self._unacknowledged.popleft()
            if event.source == "slack":
                # Slack signs each attempt anew.
                event = signed_slack(json.loads(event.body), SECRET, datetime.now(UTC), retry=1)
            self._deliver(event)

    @property
    def unacknowledged_count(self) -> int:
        """How many events have had no answer."""
        return len(self._unacknowledged)

    def _deliver(self, event: Event) -> None:
        if self._installation.deliver(event) == 200:
            self.acknowledged_count += 1
        else:
            self._unacknowledged.append(event)


@contextmanager
def running_installation(
    folder: Path, prepare: Callable[[Workspace, datetime], None] = lambda workspace, now: None
) -> Iterator[Installation]:
    """Serve the packaged workspace, fill an index, and yield the installation, not started yet.

    Args:
        folder: Of the index, Dagster's records and the logs.
        prepare: Changes the workspace before it is read; takes the present time as well.
    """
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    now = datetime.now(UTC)
    move_to_yesterday(workspace, now)
    prepare(workspace, now)
    with running_sandbox(workspace) as sandbox:
        installation = Installation(sandbox, folder)
        for source in CHANGED_SOURCES:
            sync_source(source, Days.newest(14, now), installation.settings)
        try:
            yield installation
        finally:
            installation.stop()
