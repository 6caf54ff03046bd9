"""A LanceDB of a million chunks: how fast it answers, and what a night's write into it costs.

    python benchmarks/scale.py [--chunks 1000000] [--folder data/scale]

Fills a table with made-up chunks, maintains it as the end of a run does, and measures searches with
a filter, a night's write of 1,200 chunks into it against the same into an empty table, and the
maintenance after each. Exits 1 when a target is missed.
Keep out: the pipeline (`speed.py`), and how good the answers are (`retrieval.py`).
"""

import argparse
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

from vector_assets.documents import PUBLIC, Chunk, Document, Section, start_of_day
from vector_assets.records import chunk_metadata, record_id
from vector_assets.stores.base import Filter, Record
from vector_assets.stores.lancedb import LanceDBStore
from vector_assets.stores.lancedb_rows import rows_of_records, schema_of

DIMENSIONS = 384
TOPICS = 2_000
CONTAINERS = 20
FILLED_AT_ONCE = 50_000
NIGHT_CHUNKS = 1_200
QUESTIONS = 100
NAMESPACE = "jira"

MAX_SEARCH_SECONDS = 0.050
MAX_NIGHT_RATIO = 2.0


class Chunks:
    """Chunks around many topics, as texts are: vectors of one topic lie near each other."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._topics = self._random.standard_normal((TOPICS, DIMENSIONS), np.float32)

    def vectors(self, count: int) -> np.ndarray:
        """Return unit vectors."""
        topics = self._topics[self._random.integers(0, TOPICS, count)]
        vectors = topics + self._random.standard_normal((count, DIMENSIONS), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def records(self, first: int, count: int) -> list[Record]:
        """Return chunks with the numbers from the first on, each a document of its own."""
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
            document, Chunk(0, text, document.url), chunk_count=1, vector_kind="made up"
        )
        return Record(record_id(document.id, 0), vector, metadata)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("data/scale"))
    asked = parser.parse_args()
    shutil.rmtree(asked.folder, ignore_errors=True)
    chunks = Chunks()
    large, empty = str(asked.folder / "large"), str(asked.folder / "empty")
    print(f"filled in {_timed(lambda: _fill(large, chunks, asked.chunks)):.0f} s")
    store = LanceDBStore(large)
    print(f"maintained for the first time in {_timed(lambda: store.maintain(NAMESPACE)):.0f} s")
    search = _searched(store, chunks)
    print(f"a search with a filter: {search * 1000:.1f} ms at the median")
    night = chunks.records(asked.chunks, NIGHT_CHUNKS)
    into_empty, into_large = _written(empty, night), _written(large, night)
    for name, (write, maintain) in (("empty", into_empty), ("large", into_large)):
        print(f"a night into the {name} table: {write:.2f} s, then maintained {maintain:.2f} s")
    search_after = _searched(store, chunks)
    print(f"a search after that night: {search_after * 1000:.1f} ms at the median")
    ratio = into_large[0] / into_empty[0]
    print(f"a night's write into the large table takes {ratio:.2f} times that into an empty one")
    is_met = max(search, search_after) < MAX_SEARCH_SECONDS and ratio <= MAX_NIGHT_RATIO
    sys.exit(0 if is_met else 1)


def _fill(uri: str, chunks: Chunks, count: int) -> None:
    """Write a table in large steps, which is no way to sync and the fastest to have one."""
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


def _searched(store: LanceDBStore, chunks: Chunks) -> float:
    """Return the median seconds of a search within a project and the last year."""
    seconds = []
    for n, vector in enumerate(chunks.vectors(QUESTIONS)):
        where = Filter(
            containers=(f"HAR{n % CONTAINERS}",), since=start_of_day(_day(0)).timestamp()
        )
        seconds.append(
            _timed(lambda: store.search_dense(NAMESPACE, vector, where=where, limit=20))  # noqa: B023
        )
    return statistics.median(seconds)


def _written(uri: str, night: list[Record]) -> tuple[float, float]:
    """Return the seconds of a night's write, and of the maintenance after it."""
    store = LanceDBStore(uri)
    store.open(NAMESPACE, DIMENSIONS)
    ids = [record.id.rpartition("#")[0] for record in night]

    def write() -> None:
        for at in range(0, len(night), 64):
            store.heads(NAMESPACE, ids[at : at + 64])
            store.upsert(NAMESPACE, night[at : at + 64])
            store.heads(NAMESPACE, ids[at : at + 64])

    return _timed(write), _timed(lambda: store.maintain(NAMESPACE))


def _day(number: int) -> date:
    return date(2025, 1, 1) + timedelta(days=number % 365)


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
