"""Two indexes of LanceDB, compared record by record and vector by vector."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lancedb
import numpy as np

from vector_assets.sources import SOURCE_NAMES

Contents = dict[str, dict[str, dict[str, Any]]]


def contents(uri: Path | str, sources: Sequence[str] = SOURCE_NAMES) -> Contents:
    """Return each source's records by id, the vector among their fields."""
    connection = lancedb.connect(str(uri))
    return {
        name: {row["id"]: row for row in connection.open_table(name).to_arrow().to_pylist()}
        for name in sources
    }


def assert_same(first: Contents, other: Contents) -> None:
    """Check that two indexes hold the same records: ids, every field, and the vectors."""
    assert first.keys() == other.keys()
    for name, records in first.items():
        assert records, f"nothing of {name}"
        assert records.keys() == other[name].keys()
        for identity, record in records.items():
            twin = other[name][identity]
            np.testing.assert_allclose(record["vector"], twin["vector"], atol=1e-6)
            assert {**record, "vector": 0} == {**twin, "vector": 0}
