"""Measures how long a change takes from its event to being found, with real processes.

    python benchmarks/events.py [--changes 1000] [--per-second 5] [--folder data/events]

Starts the sandbox, `serve`, the daemon and the webserver over a workspace that has been synced,
changes issues, channels, pages and meetings one after the other, and delivers a signed event for
each. Then it waits until the queue is empty and reads the lags that the runs recorded: from the
change, as its event dates it, to the end of the run that wrote it. Exits 1 when a target is missed.
Takes about six minutes.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import requests

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import build_index
from vector_assets.index.queue import ChangeQueue
from vector_assets.orchestration.local import prepare_home
from vector_assets.pipeline.arrivals import KIND, Lags, arrivals_of
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.changes import CHANGED_SOURCES, change
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace

SECRET = "secret-of-the-benchmark"
PORT, DAGSTER_PORT = 18_090, 13_000
DRAIN_SECONDS = 600
MAX_P50_SECONDS = 40
MAX_P95_SECONDS = 60


@contextmanager
def running(arguments: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run a program of the environment, with what it starts, until the block ends."""
    program = str(Path(sys.executable).parent / arguments[0])
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *arguments[1:]],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def deliver_all(sandbox: Sandbox, count: int, per_second: float) -> Counter[int]:
    """Make changes at a steady pace and deliver their events; return the statuses."""
    statuses: Counter[int] = Counter()
    began = time.monotonic()
    with requests.Session() as session:
        for number in range(count):
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
            event = change(sandbox.workspace, number, datetime.now(UTC), SECRET)
            url = f"http://127.0.0.1:{PORT}/hooks/{event.source}"
            answer = session.post(url, data=event.body, headers=event.headers, timeout=30)
            statuses[answer.status_code] += 1
    return statuses


def drained(settings: Settings) -> tuple[float, Lags]:
    """Wait until the queue is empty; return how long that took, and the lags of all sources."""
    began = time.monotonic()
    ledger = build_index(settings, Meter()).ledger
    queue = ChangeQueue(ledger)
    while waiting := queue.waiting():
        if time.monotonic() - began > DRAIN_SECONDS:
            raise TimeoutError(f"{len(waiting)} documents wait after {DRAIN_SECONDS} s")
        time.sleep(2)
    each_lags = [counted.lags for counted in arrivals_of(ledger.entries(KIND)).values()]
    counts = tuple(map(sum, zip(*(lags.counts for lags in each_lags), strict=True)))
    return time.monotonic() - began, Lags(counts, sum(lags.sum_seconds for lags in each_lags))


def wait_for_serve() -> None:
    """Return when `serve` answers."""
    for _ in range(600):
        try:
            requests.get(f"http://127.0.0.1:{PORT}/healthz", timeout=60)
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("serve does not answer: see serve.log")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--changes", type=int, default=1_000)
    parser.add_argument("--per-second", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, default=Path("data/events"))
    options = parser.parse_args()
    folder = options.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    home = prepare_home(folder / "home")
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    now = datetime.now(UTC)
    move_to_yesterday(workspace, now)
    with running_sandbox(workspace) as sandbox, ExitStack() as stack:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            **sandbox.environment,
            "VECTOR_STORE": "lancedb",
            "LANCEDB_URI": str(folder / "index"),
            "DAGSTER_HOME": str(home),
            "DAGSTER_GRAPHQL_URL": f"http://127.0.0.1:{DAGSTER_PORT}/graphql",
            "READ_API_KEY": "key-of-the-benchmark",
            "JIRA_WEBHOOK_SECRET": SECRET,
            "SLACK_SIGNING_SECRET": SECRET,
            "NOTION_WEBHOOK_TOKEN": SECRET,
            "FIREFLIES_WEBHOOK_SECRET": SECRET,
            "PARTITIONS_START": str(Days.newest(3, now).first),
        }
        settings = Settings.model_validate({key.lower(): environment[key] for key in environment})
        for source in CHANGED_SOURCES:
            sync_source(source, Days.newest(14, now), settings)
        load = ["-m", "vector_assets.definitions"]
        for name, arguments in {
            "serve": ["vector-assets", "serve", "--port", str(PORT)],
            "daemon": ["dagster-daemon", "run", *load],
            "webserver": ["vector-assets", "webserver", *load, "--port", str(DAGSTER_PORT)],
        }.items():
            stack.enter_context(running(arguments, environment, folder / f"{name}.log"))
        wait_for_serve()
        statuses = deliver_all(sandbox, options.changes, options.per_second)
        drained_seconds, lags = drained(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name="changes_ingestion"))
    failed_count = sum(run.status is dg.DagsterRunStatus.FAILURE for run in runs)
    median, high = (lags.at_most_seconds(share) or 0.0 for share in (0.5, 0.95))
    print(f"deliveries by status    {dict(statuses)}")
    print(f"runs, failed            {len(runs)}, {failed_count}")
    print(f"queue empty after       {drained_seconds:.0f} s")
    print(f"lag p50 at most         {median:.0f} s, wanted {MAX_P50_SECONDS}")
    print(f"lag p95 at most         {high:.0f} s, wanted {MAX_P95_SECONDS}")
    is_missed = median > MAX_P50_SECONDS or high > MAX_P95_SECONDS or failed_count
    sys.exit(1 if is_missed or set(statuses) != {200} else 0)


if __name__ == "__main__":
    main()
