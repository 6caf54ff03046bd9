"""Processes that are killed while vendors send events: nothing that was acknowledged is lost."""

import itertools
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event as Flag

import pytest
import requests

from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import ChangeQueue
from vector_assets.sandbox.events import jira_event
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.faults import hook_process
from vector_assets_tests.faults.event_processes import (
    SECRET,
    Installation,
    Vendors,
    running_installation,
)
from vector_assets_tests.support.patience import first_answer

KILLS = 30
LONGEST_PAUSE_SECONDS = 12.0

ROOT = Path(__file__).parents[2]


def test_a_hook_that_is_killed_has_queued_all_that_it_acknowledged(tmp_path: Path) -> None:
    random, acknowledged, numbers = Random(3), set[str](), itertools.count(10_000)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hooks/jira"

    def deliver(number: int) -> None:
        fields = {"issue": {"id": str(number)}}
        event = jira_event("jira:issue_updated", fields, SECRET, datetime.now(UTC))
        with suppress(requests.RequestException):
            answer = requests.post(url, data=event.body, headers=event.headers, timeout=60)
            if answer.status_code == 200:
                acknowledged.add(f"jira:{number}")

    command = [sys.executable, "-m", hook_process.__name__, str(port), str(tmp_path), SECRET]
    for _ in range(3):
        with subprocess.Popen(command, cwd=ROOT) as process, ThreadPoolExecutor(8) as pool:
            assert first_answer(lambda: requests.get(url, timeout=60).status_code, process=process)
            list(pool.map(deliver, itertools.islice(numbers, random.randint(1, 20))))
            # Killed in the midst of others.
            more = [pool.submit(deliver, number) for number in itertools.islice(numbers, 30)]
            more[random.randrange(30)].result()
            process.kill()
    queue = ChangeQueue(Ledger(LanceDBStore(str(tmp_path)), hook_process.DIMENSIONS))
    waiting = {each.document_id for each in queue.waiting()}
    assert len(acknowledged) > 3
    assert acknowledged - waiting == set()


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_thirty_kills_of_any_process_lose_and_double_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    random = Random(7)
    killed: Counter[str] = Counter()
    with running_installation(tmp_path) as installation:
        for name in installation.commands:
            installation.start(name)
        installation.wait_until_served()
        vendors, is_over = Vendors(installation), Flag()
        with ThreadPoolExecutor(1) as pool:
            emitting = pool.submit(_emit, vendors, is_over)
            try:
                while killed.total() < KILLS:
                    time.sleep(random.uniform(0.5, LONGEST_PAUSE_SECONDS))
                    killed[_kill_something(installation, random.choice(_VICTIMS))] += 1
            finally:
                is_over.set()
            emitting.result()
        installation.wait_until_served()
        while vendors.unacknowledged_count:
            vendors.deliver_again()
        assert vendors.acknowledged_count >= vendors.count
        installation.wait_until_read()
        assert installation.wrong() == {"missing": [], "doubled": [], "stale": []}
    record_property("changes", vendors.count)
    record_property("kills", dict(killed))
    assert min(killed["serve"], killed["daemon"], killed["run"]) > 0


_VICTIMS = ("serve", "serve", "daemon", "run", "run", "run")


def _emit(vendors: Vendors, is_over: Flag) -> None:
    while not is_over.wait(0.3):
        vendors.change_one()


def _kill_something(installation: Installation, victim: str) -> str:
    """Kill a process and start it again; where no run goes on, `serve` is killed."""
    if victim == "run":
        if installation.kill_run():
            return victim
        victim = "serve"
    installation.kill(victim)
    installation.start(victim)
    if victim == "serve":
        installation.wait_until_served()
    return victim
