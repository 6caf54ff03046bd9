"""Measures search while the hooks are flooded with what no vendor has sent, over a real `serve`.

    python benchmarks/flood.py [--per-second 1000] [--seconds 30] [--folder data/flood]

Sends forged, replayed, oversized and malformed deliveries, and asks questions meanwhile. Nothing of
it may be queued, the slowest of 100 questions takes less than a second, and the memory of `serve`
stays as it is. Exits 1 when a target is missed. Takes about two minutes.
"""

import argparse
import asyncio
import itertools
import json
import os
import shutil
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from events import PORT, SECRET, SOURCES, running, wait_for_serve

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import build_index
from vector_assets.index.queue import ChangeQueue
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.events import Event, jira_event, notion_event, signed_slack, slack_event
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace

KEY = "key-of-the-benchmark"
CONNECTIONS = 32
MADE_ANEW_AFTER = 997
"""Deliveries, for signatures hold for minutes alone."""

MAX_P99_SECONDS = 1.0
MAX_GROWTH_MIB = 50.0
OVERSIZED_BYTES = 2 * 1024 * 1024


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
class Flood:
    """Sends deliveries over some connections at a steady pace.

    Attributes:
        statuses: Of the answers, by the kind of delivery.
        queued_count: Changes that `serve` says it has queued.
    """

    per_second: float
    seconds: float
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    queued_count: int = 0

    async def run(self) -> None:
        """Send until the time is over."""
        self._began = time.monotonic()
        self._numbers = itertools.count()
        await asyncio.gather(*(self._connection() for _ in range(CONNECTIONS)))

    async def _connection(self) -> None:
        streams = None
        kinds: list[tuple[str, Event]] = []
        while (number := next(self._numbers)) < self.per_second * self.seconds:
            pause_seconds = self._began + number / self.per_second - time.monotonic()
            if -pause_seconds > self.seconds:
                return
            await asyncio.sleep(max(0.0, pause_seconds))
            if number % MADE_ANEW_AFTER == 0 or not kinds:
                kinds = deliveries(datetime.now(UTC))
            # A large body a hundred deliveries.
            kind, event = kinds[-1] if number % 100 == 0 else kinds[number % (len(kinds) - 1)]
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", PORT)
                is_open = await self._send(*streams, kind, event)
            except (OSError, asyncio.IncompleteReadError, ValueError):
                self.statuses[kind, 0] += 1
                is_open = False
            if not is_open and streams is not None:
                streams[1].close()
                streams = None

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str, event: Event
    ) -> bool:
        """Send one delivery; return whether the connection stays open."""
        headers = {**event.headers, "Host": "127.0.0.1", "Content-Length": str(len(event.body))}
        lines = [f"POST /hooks/{event.source} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + event.body)
        status = int((await reader.readline()).split()[1])
        length, is_open = 0, True
        while line := (await reader.readline()).strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
            is_open = is_open and line != b"connection: close"
        body = await reader.readexactly(length)
        self.statuses[kind, status] += 1
        if status == requests.codes.ok:
            self.queued_count += int(json.loads(body).get("queued", 0))
        return is_open


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
    """Return the resident memory of `serve`, found by the log that it writes."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(folder / "fd" / "1") == str(log):
                for line in (folder / "status").read_text().splitlines():
                    if line.startswith("VmRSS:"):
                        return int(line.split()[1]) / 1024
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
        for source in SOURCES:
            sync_source(source, Days.newest(14, now), settings)
        log = folder / "serve.log"
        with running(["vector-assets", "serve", "--port", str(PORT)], environment, log):
            wait_for_serve()
            calm = ask_for(5.0)
            # What a first flood allocates once does not count.
            asyncio.run(Flood(options.per_second, 3.0).run())
            before_mib = memory_mib(log)
            flood, is_over, asked = (
                Flood(options.per_second, options.seconds),
                threading.Event(),
                [],
            )
            asking = threading.Thread(target=lambda: asked.extend(ask_until(is_over)))
            asking.start()
            began = time.monotonic()
            asyncio.run(flood.run())
            took_seconds = time.monotonic() - began
            is_over.set()
            asking.join()
            growth_mib = memory_mib(log) - before_mib
        waiting = ChangeQueue(build_index(settings, Meter()).ledger).waiting()
    asked.sort()
    p99 = asked[int(len(asked) * 0.99)] if asked else float("inf")
    print(f"deliveries a second     {flood.statuses.total() / took_seconds:.0f}")
    print(f"answers                 {dict(sorted(flood.statuses.items()))}")
    print(f"queued, and waiting     {flood.queued_count}, {len(waiting)}; wanted 0, 0")
    print(f"find-context p99        {p99:.2f} s of {len(asked)}, wanted {MAX_P99_SECONDS:g}; "
          f"without a flood {calm:.2f} s")  # fmt: skip
    print(f"memory grew by          {growth_mib:.0f} MiB, wanted {MAX_GROWTH_MIB:g}")
    is_missed = p99 >= MAX_P99_SECONDS or growth_mib > MAX_GROWTH_MIB
    sys.exit(1 if is_missed or waiting or flood.queued_count else 0)


def ask_for(seconds: float) -> float:
    """Ask questions for some time without a flood; return the p99 in seconds."""
    is_over = threading.Event()
    threading.Timer(seconds, is_over.set).start()
    asked = sorted(ask_until(is_over))
    return asked[int(len(asked) * 0.99)] if asked else float("inf")


if __name__ == "__main__":
    main()
