"""Measures `vector-assets serve` over 10,000 chunks in LanceDB: alone, beside writers, in a burst.

    python benchmarks/serving.py [--chunks 10000] [--folder data/serving]

Starts the real process with the local model and asks it over HTTP; no question is asked twice. Two
writers beside it are processes that write batches as a sync does. In the burst more is asked than
can be answered: the rest has to be refused at once, `/healthz` has to answer, and afterwards
everything has to be as before. Exits 1 when a target is missed. Takes about three minutes.
"""

import argparse
import asyncio
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from vector_assets.core.days import start_of_day
from vector_assets.core.documents import PUBLIC, Chunk, Document, Section
from vector_assets.core.meter import Meter
from vector_assets.core.priority import give_way
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.index.generations import Generation, build_index
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.extract import BATCH_DOCUMENTS
from vector_assets.stores.base import Record
from vector_assets.stores.records import chunk_metadata, record_id

DIMENSIONS = 384
CHUNK_WORDS = 150
SOURCES = ("jira", "slack", "notion", "fireflies")
KEY = "key-of-the-benchmark"
CLIENTS = 8
STEADY_PER_SECOND = 15
STEADY_SECONDS = 30
BURST_PER_SECOND = 200
BURST_SECONDS = 20
RECOVERY_SECONDS = 10
PULSE_SECONDS = 0.25
WRITERS = 2
WRITER_PAUSE_SECONDS = 0.25

MIN_PER_SECOND = 25
MAX_P99_MILLISECONDS = 500
MAX_P99_BESIDE_WRITERS_MILLISECONDS = 1_500
MAX_PULSE_MILLISECONDS = 1_000
MAX_MEMORY_RATIO = 1.25

WORDS = [
    first + middle + last
    for first, middle, last in itertools.product(
        ("br", "cl", "dr", "fl", "gr", "pl", "st", "tr"),
        ("a", "e", "i", "o", "u"),
        ("ne", "rk", "ll", "st", "nd", "mp", "ck", "ver", "ton", "ling"),
    )
]


@dataclass
class Seen:
    """The answers of one measurement: seconds and status of each."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def milliseconds(self, percentile: float) -> float:
        """Return a percentile of the latency."""
        return 1_000 * float(np.percentile(self.seconds, percentile))

    def __str__(self) -> str:
        return (
            f"{sum(self.statuses.values()):,} answers {dict(self.statuses)}, median "
            f"{self.milliseconds(50):.0f} ms, 99th percentile {self.milliseconds(99):.0f} ms"
        )


class Client:
    """Asks one server, each question once and on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._random = np.random.default_rng(1)

    async def find(self, seen: Seen) -> None:
        """Ask a question."""
        question = "%20".join(self._random.choice(WORDS, 5))
        await self.get(f"/api/find-context?q={question}", seen)

    async def get(self, path: str, seen: Seen) -> None:
        """Request a path; 0 counts as the status of a connection without an answer."""
        began = time.perf_counter()
        status = 0
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
                f"Connection: close\r\n\r\n".encode()
            )
            answer = await reader.read(-1)
            status = int(answer[9:12] or b"0")
            writer.close()
        except OSError:
            pass
        seen.seconds.append(time.perf_counter() - began)
        seen.statuses[status] += 1

    async def closed_loop(self, seconds: float) -> tuple[Seen, float]:
        """Ask from some clients, each as soon as it is answered; return answers a second, too."""
        seen = Seen()
        began = time.perf_counter()

        async def ask() -> None:
            while time.perf_counter() < began + seconds:
                await self.find(seen)

        await asyncio.gather(*(ask() for _ in range(CLIENTS)))
        return seen, seen.statuses[200] / (time.perf_counter() - began)

    async def steady(self, per_second: float, seconds: float) -> Seen:
        """Ask at a rate, whether or not the answers come."""
        seen = Seen()
        await _at_a_rate(per_second, seconds, lambda: self.find(seen))
        return seen

    async def burst(self) -> tuple[Seen, Seen]:
        """Ask more than can be answered; return what was asked, and the pulse meanwhile."""
        asked, pulse = Seen(), Seen()
        pulse_rate = 1 / PULSE_SECONDS
        await asyncio.gather(
            _at_a_rate(BURST_PER_SECOND, BURST_SECONDS, lambda: self.find(asked)),
            _at_a_rate(pulse_rate, BURST_SECONDS, lambda: self.get("/healthz", pulse)),
        )
        return asked, pulse


async def _at_a_rate(per_second: float, seconds: float, ask: Callable[[], Awaitable[None]]) -> None:
    began = time.perf_counter()
    tasks = []
    for number in range(int(per_second * seconds)):
        await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        tasks.append(asyncio.ensure_future(ask()))
    await asyncio.gather(*tasks)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=Path("data/serving"))
    parser.add_argument("--write-beside", metavar="SOURCE", help="Used for the writers.")
    options = parser.parse_args()
    uri = str(options.folder.resolve() / "lancedb")
    if options.write_beside:
        _write_beside(uri, options.write_beside, options.chunks)
    shutil.rmtree(options.folder, ignore_errors=True)
    _fill(uri, options.chunks)
    targets = _measured(options.folder, uri, options.chunks)
    met = [seen <= wanted if sign == "<=" else seen >= wanted for _, seen, sign, wanted in targets]
    for (name, seen, sign, wanted), is_met in zip(targets, met, strict=True):
        print(f"{name:<50}{seen:>10,.2f} {sign} {wanted:<8,} {'met' if is_met else 'MISSED'}")
    sys.exit(0 if all(met) else 1)


def _measured(folder: Path, uri: str, chunks: int) -> list[tuple[str, float, str, float]]:
    """Serve and measure; return name, value, sign and bound of each target."""
    with _serving(folder, uri) as (process, client):
        # The first question loads the model.
        asyncio.run(client.steady(2, 5))
        full, per_second = asyncio.run(client.closed_loop(STEADY_SECONDS))
        print(f"{CLIENTS} clients: {per_second:.1f} a second; {full}")
        alone = asyncio.run(client.steady(STEADY_PER_SECOND, STEADY_SECONDS))
        print(f"{STEADY_PER_SECOND} a second: {alone}")
        with _writing(folder, chunks):
            beside = asyncio.run(client.steady(STEADY_PER_SECOND, STEADY_SECONDS))
        print(f"{STEADY_PER_SECOND} a second beside {WRITERS} writers: {beside}")
        before_mib = _resident_mib(process)
        asked, pulse = asyncio.run(client.burst())
        print(f"{BURST_PER_SECOND} a second: {asked}; /healthz: {pulse}")
        time.sleep(RECOVERY_SECONDS)
        after_mib = _resident_mib(process)
        recovered = asyncio.run(client.steady(STEADY_PER_SECOND, STEADY_SECONDS / 2))
        print(f"afterwards: {recovered}; memory {before_mib:.0f}, then {after_mib:.0f} MiB")
    calm = full.statuses + alone.statuses + beside.statuses + recovered.statuses
    failures = calm.total() - calm[200]
    failures += asked.statuses.total() - asked.statuses[200] - asked.statuses[503]
    rate = f"at {STEADY_PER_SECOND} a second"
    p99s = alone.milliseconds(99), beside.milliseconds(99), recovered.milliseconds(99)
    most, beside_most = MAX_P99_MILLISECONDS, MAX_P99_BESIDE_WRITERS_MILLISECONDS
    return [
        ("answers a second", per_second, ">=", MIN_PER_SECOND),
        (f"99th percentile {rate}, ms", p99s[0], "<=", most),
        (f"99th percentile {rate} beside writers, ms", p99s[1], "<=", beside_most),
        ("slowest /healthz of a burst, ms", pulse.milliseconds(100), "<=", MAX_PULSE_MILLISECONDS),
        (f"99th percentile {rate} after it, ms", p99s[2], "<=", most),
        ("memory after a burst to that before", after_mib / before_mib, "<=", MAX_MEMORY_RATIO),
        ("failures", failures, "<=", 0),
    ]


def _fill(uri: str, count: int) -> None:
    settings = Settings(embedding_provider="local", vector_store="lancedb", lancedb_uri=uri)
    index = build_index(settings, Meter())
    spec = IndexSpec.of(build_embedder(settings, Meter()))
    index.records.set_live(Generation("", spec))
    for source in SOURCES:
        index.base.open(source, DIMENSIONS)
        index.base.upsert(source, _records(source, range(count // len(SOURCES))))
        index.base.maintain(source)


def _records(source: str, numbers: range) -> list[Record]:
    """Return made-up documents of one chunk each, with random words and vectors."""
    random = np.random.default_rng(numbers.start)
    records = []
    for number in numbers:
        text = " ".join(random.choice(WORDS, CHUNK_WORDS))
        at = start_of_day(date(2026, 1, 1) + timedelta(days=number % 300))
        document = Document(
            source=source,
            native_id=str(number),
            title=" ".join(random.choice(WORDS, 5)),
            sections=(Section(text),),
            url=f"https://harbor.example/{number}",
            container=f"HAR{number % 20}",
            authors=("Ann Lee",),
            created_at=at,
            updated_at=at,
            access=(PUBLIC,),
        )
        vector = random.standard_normal(DIMENSIONS, np.float32)
        metadata = chunk_metadata(
            document, Chunk(0, text, document.url), chunk_count=1, vector_spec="made up"
        )
        records.append(Record(record_id(document.id, 0), vector / np.linalg.norm(vector), metadata))
    return records


def _write_beside(uri: str, source: str, first: int) -> None:
    """Write batches until this process is ended, as a sync does with what it has read."""
    give_way()
    store = build_index(Settings(lancedb_uri=uri, vector_store="lancedb"), Meter()).base
    store.open(source, DIMENSIONS)
    for batch in itertools.count():
        numbers = range(first + batch * BATCH_DOCUMENTS, first + (batch + 1) * BATCH_DOCUMENTS)
        records = _records(source, numbers)
        store.heads(source, [record.id.rpartition("#")[0] for record in records])
        store.upsert(source, records)
        store.fingerprints(source, [record.id for record in records])
        store.keep_pace(source)
        time.sleep(WRITER_PAUSE_SECONDS)


@contextmanager
def _serving(folder: Path, uri: str) -> Iterator[tuple["subprocess.Popen[str]", Client]]:
    """Run `serve` on a free port until the block ends."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "VECTOR_ASSETS_SOURCES": ",".join(SOURCES),
        "EMBEDDING_PROVIDER": "local",
        "VECTOR_STORE": "lancedb",
        "LANCEDB_URI": uri,
        "READ_API_KEY": KEY,
        "DAGSTER_HOME": str(folder.resolve()),
        "DAGSTER_GRAPHQL_URL": "http://127.0.0.1:9/graphql",
    }
    command = [str(Path(sys.executable).parent / "vector-assets"), "serve", "--port", "0"]
    with (folder / "serve.log").open("w+") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stderr=log, text=True)
        try:
            yield process, Client(_port_in(folder / "serve.log", process))
        finally:
            process.terminate()
            process.wait()


def _port_in(log: Path, process: "subprocess.Popen[str]") -> int:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("listening on "):
                return int(line.rpartition(":")[2])
        time.sleep(0.1)
    raise SystemExit(f"`vector-assets serve` has ended: {log.read_text()}")


@contextmanager
def _writing(folder: Path, chunks: int) -> Iterator[None]:
    """Run writers, each of a source of its own, until the block ends."""
    with ExitStack() as stack:
        for source in SOURCES[:WRITERS]:
            arguments = ["--folder", folder, "--chunks", chunks, "--write-beside", source]
            writer = subprocess.Popen([sys.executable, __file__, *map(str, arguments)])
            stack.callback(writer.wait)
            stack.callback(writer.terminate)
        time.sleep(3)
        yield


def _resident_mib(process: "subprocess.Popen[str]") -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
