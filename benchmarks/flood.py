"""Measures search while the hooks are flooded with what no vendor has sent, over a real `serve`.

    python benchmarks/flood.py [--per-second 1000] [--seconds 30] [--folder data/flood]

Sends forged, replayed, oversized and malformed deliveries, and asks questions meanwhile. Nothing of
it may be queued, the slowest of 100 questions takes less than a second, and the memory of `serve`
stays as it is. Exits 1 when a target is missed. Takes about two minutes.
"""

import argparse
import itertools
import json
import os
import re
import selectors
import shutil
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import requests
from events import PORT, SECRET, running, wait_for_serve

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import build_index
from vector_assets.index.queue import ChangeQueue
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.changes import CHANGED_SOURCES
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.events import Event, jira_event, notion_event, signed_slack, slack_event
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace

KEY = "key-of-the-benchmark"
CONNECTIONS = 64
MADE_ANEW_SECONDS = 1.0
"""Signatures hold for minutes alone."""

MAX_P99_SECONDS = 1.0
MAX_GROWTH_MIB = 50.0
OVERSIZED_BYTES = 2 * 1024 * 1024
SENT_OF_LARGE_BYTES = 64 * 1024
"""`serve` refuses by the length that is declared; the kernel's buffers hold as much."""


def deliveries(now: datetime) -> list[tuple[str, Event]]:
    """Return one delivery of each kind, by its name."""
    issue = {"issue": {"id": "1"}}
    page = "11111111-2222-4333-8444-555555555555"
    message = {"type": "message", "channel": "C0000000001", "ts": "1772442000.000000"}
    large = jira_event("jira:issue_updated", issue, SECRET, now)
    large = Event(large.source, large.headers, large.body.ljust(OVERSIZED_BYTES))
    return [
        ("forged", jira_event("jira:issue_updated", issue, "another secret", now)),
        ("forged", notion_event("page.content_updated", page, "another secret", now)),
        ("forged", slack_event(message, "another secret", now)),
        ("replayed", slack_event(message, SECRET, now - timedelta(minutes=10))),
        ("replayed", jira_event("jira:issue_updated", issue, SECRET, now - timedelta(hours=4))),
        (
            "malformed",
            signed_slack(
                {"type": "event_callback", "event": {"type": "message", "channel": "C0000000001"}},
                SECRET,
                now,
            ),
        ),
        ("malformed", jira_event("jira:issue_updated", {"timestamp": "x"}, SECRET, now)),
        ("oversized", large),
    ]


@dataclass
class Answers:
    """What `serve` answered to a flood.

    Attributes:
        statuses: Of the answers, by the kind of delivery; 0 where the connection was closed.
        queued_count: Changes that `serve` says it has queued.
        seconds: How long the flood took.
    """

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    queued_count: int = 0
    seconds: float = 0.0

    def count(self, kind: str, answer: bytes) -> None:
        """Count an answer."""
        status = int(answer[9:12])
        self.statuses[kind, status] += 1
        if status == requests.codes.ok:
            body = answer.partition(b"\r\n\r\n")[2]
            self.queued_count += int(json.loads(body).get("queued", 0))


class Connection:
    """One that stays open; a delivery is sent when the one before it is answered."""

    def __init__(self, selector: selectors.BaseSelector, answers: Answers) -> None:
        self._selector = selector
        self._answers = answers
        self._socket: socket.socket | None = None
        self._read = b""
        self.kind = ""
        """Of the delivery that waits for its answer; empty when none does."""

    def send(self, kind: str, request: bytes) -> None:
        """Send a delivery; it is small enough for the buffers of the kernel."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", PORT))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        self.kind = kind
        try:
            self._socket.sendall(request)
        except OSError:
            self.close()

    def receive(self) -> None:
        """Read what has arrived of an answer."""
        assert self._socket is not None
        try:
            data = self._socket.recv(65_536)
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        length = _CONTENT_LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return
        self._answers.count(self.kind, self._read)
        self._read, self.kind = b"", ""
        if b"connection: close" in head.lower():
            self.close()

    def close(self) -> None:
        """Close it; what waits for an answer counts as status 0."""
        if self.kind:
            self._answers.statuses[self.kind, 0] += 1
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
        self._socket, self._read, self.kind = None, b"", ""


_CONTENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def requests_of(now: datetime) -> list[tuple[str, bytes]]:
    """Return the deliveries as bytes to send; of a large one its beginning."""
    sent = []
    for kind, event in deliveries(now):
        headers = {**event.headers, "Host": "127.0.0.1", "Content-Length": str(len(event.body))}
        lines = [f"POST /hooks/{event.source} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        body = event.body[:SENT_OF_LARGE_BYTES]
        sent.append((kind, "\r\n".join(lines).encode() + b"\r\n\r\n" + body))
    return sent


def flood(per_second: float, seconds: float) -> Answers:
    """Send deliveries over some connections, as many as the pace asks for and answers allow.

    One thread and no library, so that the sender takes little of what `serve` needs.
    """
    answers, selector = Answers(), selectors.DefaultSelector()
    connections = [Connection(selector, answers) for _ in range(CONNECTIONS)]
    numbers = itertools.count()
    kinds: list[tuple[str, bytes]] = []
    began = time.monotonic()
    made_at = -MADE_ANEW_SECONDS
    while (now := time.monotonic() - began) < seconds:
        if now - made_at >= MADE_ANEW_SECONDS:
            kinds, made_at = requests_of(datetime.now(UTC)), now
        sent_count = answers.statuses.total()
        idle = [connection for connection in connections if not connection.kind]
        due_count = int(now * per_second) - sent_count - (CONNECTIONS - len(idle))
        for connection in idle[: max(0, due_count)]:
            number = next(numbers)
            # A large body a hundred deliveries.
            is_large = number % 100 == 0
            connection.send(*(kinds[-1] if is_large else kinds[number % (len(kinds) - 1)]))
        for key, _ in selector.select(timeout=0.002):
            key.data.receive()
    for connection in connections:
        connection.kind = ""
        connection.close()
    answers.seconds = time.monotonic() - began
    return answers


def flooded(per_second: float, seconds: float) -> Answers:
    """Flood from a process of its own, whose Python lock the questions do not share."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(flood, per_second, seconds).result()


def ask_until(is_over: threading.Event) -> list[float]:
    """Ask questions until the flood is over; return how long each took, in seconds."""
    seconds: list[float] = []
    headers = {"Authorization": f"Bearer {KEY}"}
    with requests.Session() as session:
        number = 0
        while not is_over.wait(0.05):
            number += 1
            asked_at = time.monotonic()
            answer = session.get(
                f"http://127.0.0.1:{PORT}/api/find-context",
                params={"q": f"Which crane waits at pier {number}?"},
                headers=headers,
                timeout=60,
            )
            if answer.status_code == requests.codes.ok:
                seconds.append(time.monotonic() - asked_at)
    return seconds


def memory_mib(log: Path) -> float:
    """Return the resident memory of `serve`."""
    for line in (_process(log) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell the memory of serve")


def cpu_seconds(log: Path) -> float:
    """Return the processor time that `serve` has used."""
    fields = (_process(log) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _process(log: Path) -> Path:
    """Return the folder of the process of `serve`, found by the log that it writes."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(folder / "fd" / "1") == str(log):
                return folder
    raise RuntimeError("serve does not run: see serve.log")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--per-second", type=float, default=1_000.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--folder", type=Path, default=Path("data/flood"))
    options = parser.parse_args()
    folder = options.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    now = datetime.now(UTC)
    move_to_yesterday(workspace, now)
    with running_sandbox(workspace) as sandbox:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            **sandbox.environment,
            "LANCEDB_URI": str(folder / "index"),
            "READ_API_KEY": KEY,
            "JIRA_WEBHOOK_SECRET": SECRET,
            "SLACK_SIGNING_SECRET": SECRET,
            "NOTION_WEBHOOK_TOKEN": SECRET,
        }
        settings = Settings.model_validate({key.lower(): environment[key] for key in environment})
        for source in CHANGED_SOURCES:
            sync_source(source, Days.newest(14, now), settings)
        log = folder / "serve.log"
        with running(["vector-assets", "serve", "--port", str(PORT)], environment, log):
            wait_for_serve()
            calm = ask_for(5.0)
            # What a first flood allocates once does not count.
            flooded(options.per_second, 3.0)
            before_mib, before_cpu = memory_mib(log), cpu_seconds(log)
            is_over = threading.Event()
            asked: list[float] = []
            asking = threading.Thread(target=lambda: asked.extend(ask_until(is_over)))
            asking.start()
            answers = flooded(options.per_second, options.seconds)
            is_over.set()
            asking.join()
            growth_mib = memory_mib(log) - before_mib
            used_seconds = cpu_seconds(log) - before_cpu
        waiting = ChangeQueue(build_index(settings, Meter()).ledger).waiting()
    asked.sort()
    p99 = asked[int(len(asked) * 0.99)] if asked else float("inf")
    rate = answers.statuses.total() / answers.seconds
    print(f"deliveries a second     {rate:.0f}, offered up to {options.per_second:.0f}")
    print(f"answers                 {dict(sorted(answers.statuses.items()))}")
    print(
        f"processor of serve      {used_seconds:.1f} s of {answers.seconds:.1f}, questions included"
    )
    print(f"queued, and waiting     {answers.queued_count}, {len(waiting)}; wanted 0, 0")
    print(f"find-context p99        {p99:.2f} s of {len(asked)}, wanted {MAX_P99_SECONDS:g}; "
          f"without a flood {calm:.2f} s")  # fmt: skip
    print(f"memory grew by          {growth_mib:.0f} MiB, wanted {MAX_GROWTH_MIB:g}")
    is_missed = p99 >= MAX_P99_SECONDS or growth_mib > MAX_GROWTH_MIB
    sys.exit(1 if is_missed or waiting or answers.queued_count else 0)


def ask_for(seconds: float) -> float:
    """Ask questions for some time without a flood; return the p99 in seconds."""
    is_over = threading.Event()
    threading.Timer(seconds, is_over.set).start()
    asked = sorted(ask_until(is_over))
    return asked[int(len(asked) * 0.99)] if asked else float("inf")


if __name__ == "__main__":
    main()
