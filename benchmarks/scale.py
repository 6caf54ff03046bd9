"""Measures searches and nightly writes of a LanceDB with a million chunks.

    python benchmarks/scale.py [--chunks 1000000] [--folder data/scale]

Fills a table with made-up chunks and maintains it as a run does at its end. Measures the speed and
recall of filtered searches, and nights: a write of 1,200 new chunks as the pipeline does it, then
the maintenance, compared with the same into an empty table. Exits 1 when a target is missed. A
million chunks take about three minutes, 6 GB of disk and 2 GB of memory.
"""

import argparse
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa

from vector_assets.core.days import start_of_day
from vector_assets.core.documents import PUBLIC, Chunk, Document, Section
from vector_assets.pipeline.extract import BATCH_DOCUMENTS
from vector_assets.stores.base import Filter, Record
from vector_assets.stores.lancedb.rows import rows_of_records, schema_of, where_clause
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import chunk_metadata, record_id

DIMENSIONS = 384
TOPICS = 2_000
CONTAINERS = 20
FILLED_AT_ONCE = 50_000
NIGHT_CHUNKS = 1_200
NIGHTS = 7
QUESTIONS = 100
COMPARED_QUESTIONS = 50
HITS = 20
NAMESPACE = "jira"

MAX_SEARCH_MILLISECONDS = 50
MAX_NIGHT_RATIO = 2.0
MAX_MAINTENANCE_SECONDS = 10
MIN_RECALL = 0.95
MAX_PEAK_MIB = 8_192


class Chunks:
    """Chunks of many topics: vectors of a topic are near each other, as those of real texts."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._topics = self._random.standard_normal((TOPICS, DIMENSIONS), np.float32)

    def vectors(self, count: int) -> np.ndarray:
        """Return unit vectors."""
        topics = self._topics[self._random.integers(0, TOPICS, count)]
        vectors = topics + self._random.standard_normal((count, DIMENSIONS), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def records(self, first: int, count: int) -> list[Record]:
        """Return chunks numbered from `first`, each a document of its own."""
        vectors = self.vectors(count)
        return [self._record(first + n, vectors[n]) for n in range(count)]

    def _record(self, number: int, vector: np.ndarray) -> Record:
        at = start_of_day(_day(number))
        text = f"Crane {number} of quay {number % 977} stopped: its brake is worn. " * 6
        document = Document(
            source=NAMESPACE,
            native_id=str(number),
            title=f"Crane {number}",
            sections=(Section(text),),
            url=f"https://harbor.example/{number}",
            container=f"HAR{number % CONTAINERS}",
            authors=("Ann Lee",),
            created_at=at,
            updated_at=at,
            access=(PUBLIC,),
        )
        metadata = chunk_metadata(
            document, Chunk(0, text, document.url), chunk_count=1, vector_spec="made up"
        )
        return Record(record_id(document.id, 0), vector, metadata)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("data/scale"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    chunks = Chunks()
    large = str(options.folder / "large")
    print(f"filled in {_timed(lambda: _fill(large, chunks, options.chunks)):.0f} s")
    store = LanceDBStore(large)
    print(f"maintained for the first time in {_timed(lambda: store.maintain(NAMESPACE)):.0f} s")
    before = _searched(store, chunks)
    recall = _recall(store, large, chunks)
    nights = [
        chunks.records(options.chunks + n * NIGHT_CHUNKS, NIGHT_CHUNKS) for n in range(NIGHTS)
    ]
    empty = [_night(str(options.folder / f"empty-{n}"), night) for n, night in enumerate(nights)]
    into_large = [_night(large, night) for night in nights]
    after = _searched(store, chunks)
    for name, milliseconds in (("first maintenance", before), (f"{NIGHTS} nights", after)):
        print(
            f"search after the {name}: median {np.median(milliseconds):.1f} ms, "
            f"95th percentile {np.percentile(milliseconds, 95):.1f} ms"
        )
    for name, seconds in (("empty", empty), ("large", into_large)):
        writes, maintenances = zip(*seconds, strict=True)
        print(
            f"a night into the {name} table: write {statistics.median(writes):.2f} s, maintenance "
            f"{statistics.median(maintenances):.2f} s ({min(maintenances):.2f} to "
            f"{max(maintenances):.2f})"
        )
    print(f"on disk: {_disk_mib(options.folder / 'large'):,.0f} MiB with all versions of a day")
    into_large_seconds = statistics.median(write for write, _ in into_large)
    ratio = into_large_seconds / statistics.median(write for write, _ in empty)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slowest_search = max(float(np.median(before)), float(np.median(after)))
    targets = [
        ("search with a filter, ms at the median", slowest_search, "<=", MAX_SEARCH_MILLISECONDS),
        (f"of the {HITS} nearest, found", recall, ">=", MIN_RECALL),
        ("a night's write to that into an empty table", ratio, "<=", MAX_NIGHT_RATIO),
        ("a night's maintenance, s", max(m for _, m in into_large), "<=", MAX_MAINTENANCE_SECONDS),
        ("peak memory, MiB", peak_mib, "<=", MAX_PEAK_MIB),
    ]
    met = [seen <= wanted if sign == "<=" else seen >= wanted for _, seen, sign, wanted in targets]
    for (name, seen, sign, wanted), is_met in zip(targets, met, strict=True):
        print(f"{name:<45}{seen:>10,.2f} {sign} {wanted:<8,} {'met' if is_met else 'MISSED'}")
    sys.exit(0 if all(met) else 1)


def _fill(uri: str, chunks: Chunks, count: int) -> None:
    """Write a table in large steps, the fastest way to fill it."""
    table = lancedb.connect(uri).create_table(NAMESPACE, schema=schema_of(DIMENSIONS))
    pattern: pa.Table | None = None
    for first in range(0, count, FILLED_AT_ONCE):
        step = min(FILLED_AT_ONCE, count - first)
        if pattern is None or pattern.num_rows != step:
            pattern = rows_of_records(chunks.records(first, step), table.schema)
        table.add(_renumbered(pattern, first, chunks.vectors(step)))


def _renumbered(rows: pa.Table, first: int, vectors: np.ndarray) -> pa.Table:
    """Return rows under other ids, on other days, with other vectors."""
    numbers = range(first, first + rows.num_rows)
    flat = pa.array(vectors.ravel(), pa.float32())
    columns = {
        "id": pa.array([record_id(f"{NAMESPACE}:{n}", 0) for n in numbers]),
        "document_id": pa.array([f"{NAMESPACE}:{n}" for n in numbers]),
        "updated_at": pa.array([start_of_day(_day(n)).timestamp() for n in numbers]),
        "vector": pa.FixedSizeListArray.from_arrays(flat, DIMENSIONS),
    }
    for name, column in columns.items():
        place = rows.schema.get_field_index(name)
        kind = rows.schema.field(place)
        rows = rows.set_column(place, kind, column.cast(kind.type))
    return rows


def _searched(store: LanceDBStore, chunks: Chunks) -> list[float]:
    """Return the milliseconds of searches within a project and the last year."""
    return [
        1_000 * _timed(lambda: store.search_dense(NAMESPACE, vector, where=_filter(n), limit=HITS))  # noqa: B023
        for n, vector in enumerate(chunks.vectors(QUESTIONS))
    ]


def _recall(store: LanceDBStore, uri: str, chunks: Chunks) -> float:
    """Return the share of the nearest chunks, determined by a scan, that a search finds."""
    table = lancedb.connect(uri).open_table(NAMESPACE)
    shares = []
    for n, vector in enumerate(chunks.vectors(COMPARED_QUESTIONS)):
        scan = table.search(vector).distance_type("cosine").bypass_vector_index()
        rows = scan.where(where_clause(_filter(n))).select(["id", "_distance"]).limit(HITS)
        nearest = {row["id"] for row in rows.to_list()}
        hits = store.search_dense(NAMESPACE, vector, where=_filter(n), limit=HITS)
        shares.append(len(nearest & {hit.id for hit in hits}) / len(nearest))
    return statistics.fmean(shares)


def _filter(number: int) -> Filter:
    return Filter(
        containers=(f"HAR{number % CONTAINERS}",), since=start_of_day(_day(0)).timestamp()
    )


def _night(uri: str, night: list[Record]) -> tuple[float, float]:
    """Return the seconds of a night's write and of its maintenance."""
    store = LanceDBStore(uri)
    store.open(NAMESPACE, DIMENSIONS)
    ids = [record.id.rpartition("#")[0] for record in night]

    def write() -> None:
        for at in range(0, len(night), BATCH_DOCUMENTS):
            batch, batch_ids = night[at : at + BATCH_DOCUMENTS], ids[at : at + BATCH_DOCUMENTS]
            store.heads(NAMESPACE, batch_ids)
            store.heads(NAMESPACE, batch_ids)
            store.upsert(NAMESPACE, batch)
            store.heads(NAMESPACE, batch_ids)
            store.fingerprints(NAMESPACE, [record.id for record in batch])

    return _timed(write), _timed(lambda: store.maintain(NAMESPACE))


def _disk_mib(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


def _day(number: int) -> date:
    return date(2025, 1, 1) + timedelta(days=number % 365)


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
