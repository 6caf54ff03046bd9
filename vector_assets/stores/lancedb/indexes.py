"""Which columns of a LanceDB table have an index, of what kind, and how a search uses them.

Also how many rows may wait for them before a run has to bring them up to date.
"""

from collections.abc import Iterator
from typing import Any

from lancedb.index import FTS, Bitmap, BTree, IvfRq, LabelList

from vector_assets.core.vectors import Vectors

INDEXED_ROWS = 50_000
"""Below this an exact scan answers in milliseconds; above, an approximate index is worth it."""

PROBED_PARTS = 50
"""Parts of the vector index that a search looks into; it has one for some 8,000 rows."""

REFINED = 20
"""So many times the hits that were asked for are compared by their whole vectors: the index keeps a
bit of each number, by which alone many of the nearest are missed (`benchmarks/scale.py`)."""

MAX_PARTS_ADDED = 20
"""Each maintenance adds what is new to the vector index as a part of its own, and a search reads
all parts: after so many the index is made anew."""

WAITING_IDS, WAITING_IDS_SHARE = 500, 0.01
"""Rows, and the share of all, from which on a run makes the index of ids anew. It reads one column:
0.03 s of 100,000 rows and 0.15 s of a million, where each small file that has no index yet costs
every question and commit 0.2 to 0.6 ms (2 cores, LanceDB 0.40)."""

WAITING_ROWS, WAITING_ROWS_SHARE = 5_000, 0.5
"""Rows, and the share of all, from which on a run maintains the whole table, which rewrites much of
it: as the table doubles, so that all of this together grows as the table does. From `INDEXED_ROWS`
waiting rows on it is done in any case, for searches scan those."""

_TEXT = FTS(stem=True, remove_stop_words=True)

_IDS = BTree()

_ALWAYS = {"text": _TEXT, "id": _IDS}

# Every search asks who may read, and may ask for the others; without these it reads all rows.
_OF_MANY_ROWS = {
    "access": LabelList(),
    "container": Bitmap(),
    "updated_at": BTree(),
    "partition": Bitmap(),
    "issue_key": BTree(),
    # Made in a tenth of the time of `IvfPq`, which has to learn its codes, and finds more.
    "vector": IvfRq(distance_type="cosine"),
}


def missing_indexes(table: Any) -> Iterator[tuple[str, Any]]:
    """Yield column and configuration of each index that a table lacks, or has in too many parts."""
    present = {
        column
        for index in table.list_indices()
        for column in index.columns
        if column != "vector" or (index.num_segments or 0) <= MAX_PARTS_ADDED
    }
    wanted = {**_ALWAYS, **(_OF_MANY_ROWS if table.count_rows() >= INDEXED_ROWS else {})}
    yield from ((column, kind) for column, kind in wanted.items() if column not in present)


def wants_maintenance(table: Any) -> bool:
    """Tell whether so many rows wait for indexes that questions of all kinds become slow."""
    rows = int(table.count_rows())
    due = min(max(WAITING_ROWS, WAITING_ROWS_SHARE * rows), INDEXED_ROWS)
    return _waiting_rows(table, "text", rows) >= due


def wants_ids(table: Any) -> bool:
    """Tell whether so many rows wait for the index of ids that questions by id become slow."""
    rows = int(table.count_rows())
    return _waiting_rows(table, "id", rows) >= max(WAITING_IDS, WAITING_IDS_SHARE * rows)


def _waiting_rows(table: Any, column: str, rows: int) -> int:
    """Return how many rows a column's index does not know; all when there is none."""
    for index in table.list_indices():
        if index.columns == [column] and (known := table.index_stats(index.name)) is not None:
            return int(known.num_unindexed_rows)
    return rows


def nearest(table: Any, vector: Vectors) -> Any:
    """Return a query for the nearest rows by cosine; without an index it is exact."""
    query = table.search(vector).distance_type("cosine")
    return query.nprobes(PROBED_PARTS).refine_factor(REFINED)


def has_text_index(table: Any) -> bool:
    """Tell whether words can be searched by an index."""
    return any(index.columns == ["text"] for index in table.list_indices())


def text_index() -> FTS:
    """Return the configuration of the index of words."""
    return _TEXT


def id_index() -> BTree:
    """Return the configuration of the index of ids."""
    return _IDS
