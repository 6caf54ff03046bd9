"""Measures whether the pipeline's work grows linearly with its documents.

    python benchmarks/law.py [--documents 1000 10000 100000] [--folder data/law] [--plot FILE]

Made-up documents of one chunk each go through the whole pipeline into an embedded LanceDB with
vectors of 384 dimensions. The embedder hashes and the source generates documents on demand, so that
the pipeline itself is measured. A request is a read or a write of the index. The physical limit
beside it chunks, embeds and appends the same documents in large commits, without comparing, reading
back or indexing. Each run is a process of its own; shorter runs count by the median of three.
Writes a picture. Exits 1 when a document of the largest run takes over 1.25 times the seconds or
requests of a document of the run before.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Self

import lancedb
import numpy as np
from speed_plot import plot_law

from vector_assets.core.days import Days, Window, start_of_day
from vector_assets.core.documents import Document, Section
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded, Embedder, Splitter
from vector_assets.embedding.chunking import chunk_document
from vector_assets.index.ledger import Ledger
from vector_assets.index.targets import WriteTarget
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sources.base import ConnectionCheck, Source
from vector_assets.sources.items import SourceItem
from vector_assets.stores.base import Record
from vector_assets.stores.lancedb.rows import rows_of_records, schema_of
from vector_assets.stores.lancedb.store import COMMIT_ROWS, LanceDBStore
from vector_assets.stores.records import chunk_metadata, record_id

MAX_GROWTH = 1.25
"""Most growth of the cost of a document in the next larger run, including measurement noise."""

ROUNDS = 3
"""Rounds of all runs but the largest: a run of a few seconds varies by a seventh."""

DIMENSIONS = 384
FIRST_DAY = date(2020, 1, 1)
DAYS = 2_000
IMAGE = Path(__file__).parents[1] / "docs" / "images" / "law.png"


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run; requests are reads and writes of the index."""

    documents: int
    seconds: float
    cpu_seconds: float
    requests: int
    peak_mib: float


class WordTokenizer:
    """Counts words as tokens; no document here is long enough to be split."""

    def count(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Refuse, as no document is long."""
        raise NotImplementedError


class HashedEmbedder(Embedder):
    """Draws a unit vector from a text's checksum."""

    provider = "law"
    model = "hash"
    dimensions = DIMENSIONS
    chunk_tokens = 254
    dollars_per_million_tokens = 0.0
    tokenizer = WordTokenizer()

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts."""
        return Embedded(np.stack([self.embed_query(text) for text in texts]), len(texts))

    def embed_query(self, text: str) -> Vectors:
        """Embed a text."""
        vector = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(DIMENSIONS)
        unit: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit

    def check(self) -> str:
        """Return a description."""
        return "hash"


class MadeUpSource(Source):
    """Generates a number of documents on demand, oldest first."""

    name = "jira"
    overlap = timedelta(0)

    def __init__(self, count: int) -> None:
        self._count = count

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Return a source without documents."""
        return cls(0)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield documents over all days."""
        yield from made_up(self._count)

    def newest(self) -> datetime | None:
        """Return nothing."""
        return None

    def check(self) -> ConnectionCheck:
        """Return a description."""
        return ConnectionCheck("made up")


class CountedStore(LanceDBStore):
    """A LanceDB store that counts its reads and commits."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.requests = 0

    def _answered(self, ask: Any) -> Any:
        self.requests += 1
        return super()._answered(ask)

    def _committed(self, commit: Any) -> Any:
        self.requests += 1
        return super()._committed(commit)


def made_up(count: int) -> Iterator[Document]:
    """Yield documents of about 100 words."""
    for n in range(count):
        at = start_of_day(FIRST_DAY + timedelta(days=n * DAYS // count)) + timedelta(hours=10)
        yield Document(
            source="jira",
            native_id=str(n),
            title=f"Crane {n} stopped",
            sections=(Section(f"Crane {n} of quay {n % 977} stopped, its brake is worn. " * 9),),
            url=f"https://harbor.example/{n}",
            container=f"HAR{n % 20}",
            authors=("Ann Lee",),
            created_at=at,
            updated_at=at,
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--folder", type=Path, default=Path("data/law"))
    parser.add_argument("--plot", type=Path, default=IMAGE)
    parser.add_argument("--one", choices=("pipeline", "limit"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run = through_pipeline if options.one == "pipeline" else appended
        print(json.dumps(asdict(run(options.documents[0], str(options.folder)))))
        return
    shutil.rmtree(options.folder, ignore_errors=True)
    costs_by_kind: dict[str, list[Cost]] = {"pipeline": [], "limit": []}
    print(f"{'':<10}{'documents':>10}{'s':>9}{'ms each':>9}{'CPU s':>8}{'requests':>10}{'MiB':>7}")
    for count in sorted(options.documents):
        for kind, costs in costs_by_kind.items():
            rounds = 1 if count == max(options.documents) else ROUNDS
            cost = _in_processes(kind, count, options.folder / f"{kind}-{count}", rounds)
            costs.append(cost)
            print(
                f"{kind:<10}{count:>10,}{cost.seconds:>9.1f}{1_000 * cost.seconds / count:>9.2f}"
                f"{cost.cpu_seconds:>8.1f}{cost.requests:>10,}{cost.peak_mib:>7.0f}",
                flush=True,
            )
    shutil.rmtree(options.folder, ignore_errors=True)
    pipeline, limit = costs_by_kind["pipeline"], costs_by_kind["limit"]
    plot_law(
        [cost.documents for cost in pipeline],
        [cost.seconds for cost in pipeline],
        [cost.cpu_seconds for cost in pipeline],
        [cost.seconds for cost in limit],
        [cost.requests for cost in pipeline],
        options.plot,
    )
    sys.exit(0 if all([*_growths(pipeline)]) else 1)


def through_pipeline(count: int, folder: str) -> Cost:
    """Send documents through the pipeline."""
    store = CountedStore(folder)
    embedder = HashedEmbedder()
    pipeline = Pipeline(
        source=MadeUpSource(count),
        target=WriteTarget(store, Ledger(store, embedder.dimensions), embedder),
        meter=Meter(),
    )
    began, cpu_began = time.perf_counter(), time.process_time()
    report = pipeline.run(Days(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS)))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    written = store.count("jira")
    if report.total.documents != count or written != count:
        sys.exit(f"{count} documents were sent, {report.total.documents} went, {written} are there")
    return Cost(count, seconds, cpu_seconds, store.requests, _peak_mib())


def appended(count: int, folder: str) -> Cost:
    """Append the same documents: the lower bound of every pipeline into this index."""
    embedder = HashedEmbedder()
    table = lancedb.connect(folder).create_table("jira", schema=schema_of(DIMENSIONS))
    began, cpu_began = time.perf_counter(), time.process_time()
    requests = 0
    documents = made_up(count)
    while batch := list(islice(documents, COMMIT_ROWS)):
        table.add(rows_of_records(list(_records(batch, embedder)), table.schema))
        requests += 1
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return Cost(count, seconds, cpu_seconds, requests, _peak_mib())


def _records(documents: Iterable[Document], embedder: Embedder) -> Iterator[Record]:
    for document in documents:
        chunks = chunk_document(document, embedder.tokenizer, embedder.chunk_tokens)
        vectors = embedder.embed([chunk.text for chunk in chunks]).vectors
        for chunk, vector in zip(chunks, vectors, strict=True):
            metadata = chunk_metadata(
                document, chunk, chunk_count=len(chunks), vector_spec="made up"
            )
            yield Record(record_id(document.id, chunk.ordinal), vector, metadata)


def _in_processes(kind: str, count: int, folder: Path, rounds: int) -> Cost:
    """Return the run of median time."""
    costs = [_in_a_process(kind, count, folder / str(number)) for number in range(rounds)]
    return sorted(costs, key=lambda cost: cost.seconds)[rounds // 2]


def _in_a_process(kind: str, count: int, folder: Path) -> Cost:
    command = [sys.executable, __file__, "--one", kind]
    command += ["--documents", str(count), "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Cost(**json.loads(done.stdout))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _growths(costs: list[Cost]) -> Iterator[bool]:
    """Print the growth of the cost of a document; yield whether each run meets the target."""
    for fewer, more in pairwise(costs):
        for name in ("seconds", "requests"):
            before, after = (getattr(cost, name) / cost.documents for cost in (fewer, more))
            growth = after / before
            is_met = more is not costs[-1] or growth <= MAX_GROWTH
            print(
                f"{name} a document, {more.documents:,} to {fewer.documents:,}: {growth:.2f} "
                f"(at most {MAX_GROWTH}) {'met' if is_met else 'MISSED'}"
            )
            yield is_met


if __name__ == "__main__":
    main()
