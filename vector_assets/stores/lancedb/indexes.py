"""The indexes of a LanceDB table: which columns have one, how a search uses them.

Also how many rows may be unindexed before a run has to update the indexes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lancedb.index import FTS, Bitmap, BTree, IvfRq, LabelList
from lancedb.query import MatchQuery

from vector_assets.core.vectors import Vectors
from vector_assets.stores.lancedb.words import language_of, words_of

_match_query: Any = MatchQuery  # Its optional arguments are typed as required ones.

INDEXED_ROWS = 50_000
"""Below this an exact scan takes milliseconds; above, an approximate index pays off."""

PROBED_PARTS = 50
"""Parts of the vector index that a search reads; it has one for about 8,000 rows."""

REFINED = 20
"""A search compares the whole vectors of so many times its limit of rows: the index keeps one bit
of each number, which alone misses many of the nearest (`benchmarks/scale.py`)."""

MAX_PARTS_ADDED = 20
"""Each maintenance adds new rows to the vector index as another segment, and a search reads all
segments; after so many the index is rebuilt."""

WAITING_IDS, WAITING_IDS_SHARE = 500, 0.01
"""Unindexed rows, and their share of all, from which a run rebuilds the index of ids. That reads
one column, in 0.03 s of 100,000 rows and 0.15 s of a million, while each small unindexed file costs
every query and commit 0.2 to 0.6 ms (2 cores, LanceDB 0.40)."""

WAITING_ROWS, WAITING_ROWS_SHARE, MOST_WAITING_ROWS = 128, 0.06, 20_000
SMALL_TABLE_ROWS = 10_000
"""Unindexed rows from which a run maintains the whole table: those of one batch in a small table,
and a share of the rows beyond in a larger one, but at most the last. A search by words reads each
unindexed row, in 0.07 ms of a core. Maintenance takes 16 microseconds for each row of the table, so
it costs each new row 1.5 ms at most (2 cores, LanceDB 0.40). Beside two writers, the 99th
percentile of 15 searches a second was 1.5 s with twice as many unindexed rows, and is 0.6 s."""

_IDS = BTree()

# Every search filters by `access`, and may filter by the others; without indexes it reads all rows.
_OF_MANY_ROWS = {
    "access": LabelList(),
    "container": Bitmap(),
    "updated_at": BTree(),
    "partition": Bitmap(),
    "issue_key": BTree(),
    # Built in a tenth of the time of `IvfPq`, which has to train, and finds more.
    "vector": IvfRq(distance_type="cosine"),
}


def missing_indexes(table: Any, language: str) -> Iterator[tuple[str, Any]]:
    """Yield column and configuration of each index that is missing or has to be made anew.

    That is one of vectors with too many segments, and one of the words of another language.
    """
    present = {
        column
        for index in table.list_indices()
        for column in index.columns
        if not (column == "vector" and (index.num_segments or 0) > MAX_PARTS_ADDED)
        and not (column == "text" and _language(index) != language)
    }
    always = {"text": words_of(language), "id": _IDS}
    wanted = {**always, **(_OF_MANY_ROWS if table.count_rows() >= INDEXED_ROWS else {})}
    yield from ((column, kind) for column, kind in wanted.items() if column not in present)


def other_languages(tables: Mapping[str, Any], language: str) -> str:
    """Return in words which tables are searched in another language yet; empty without any."""
    others = {
        name: other
        for name, table in tables.items()
        for index in table.list_indices()
        if index.columns == ["text"] and (other := _language(index)) != language
    }
    return (
        f"words of {', '.join(others)} are searched as {', '.join(sorted(set(others.values())))}, "
        f"and as {language} (TEXT_LANGUAGE) after their next run"
        if others
        else ""
    )


def _language(index: Any) -> str:
    return language_of(index.index_details or {})


def wants_maintenance(table: Any) -> bool:
    """Tell whether so many rows are unindexed that queries of all kinds become slow."""
    rows = int(table.count_rows())
    due = max(WAITING_ROWS, WAITING_ROWS_SHARE * (rows - SMALL_TABLE_ROWS))
    return _waiting_rows(table, "text", rows) >= min(due, MOST_WAITING_ROWS)


def wants_ids(table: Any) -> bool:
    """Tell whether so many rows are missing in the index of ids that queries by id become slow."""
    rows = int(table.count_rows())
    return _waiting_rows(table, "id", rows) >= max(WAITING_IDS, WAITING_IDS_SHARE * rows)


def _waiting_rows(table: Any, column: str, rows: int) -> int:
    """Return how many rows are not in a column's index; all when there is none."""
    for index in table.list_indices():
        if index.columns == [column] and (known := table.index_stats(index.name)) is not None:
            return int(known.num_unindexed_rows)
    return rows


def nearest(table: Any, vector: Vectors) -> Any:
    """Return a query for the nearest rows by cosine, which is exact without an index."""
    query = table.search(vector).distance_type("cosine")
    return query.nprobes(PROBED_PARTS).refine_factor(REFINED)


def match_query(text: str) -> Any:
    """Return the query of a text's words; any text is valid."""
    return _match_query(text, "text")


def matching(table: Any, text: str) -> Any:
    """Return a query for the best rows by BM25."""
    return table.search(match_query(text), query_type="fts")


def has_text_index(table: Any) -> bool:
    """Tell whether the text has an index."""
    return any(index.columns == ["text"] for index in table.list_indices())


def text_index(language: str) -> FTS:
    """Return the configuration of the full-text index."""
    return words_of(language)


def id_index() -> BTree:
    """Return the configuration of the index of ids."""
    return _IDS
