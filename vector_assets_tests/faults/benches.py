"""Real indexes for schedules of faults: LanceDB, and Pinecone by each of its APIs.

A bench makes a fresh namespace for each schedule, can be made to misbehave once, and shows all that
the namespace holds, read past our own code.
"""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
from pinecone import Pinecone

from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import VectorStore
from vector_assets.stores.lancedb.rows import metadata_of
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.pinecone.api import restored
from vector_assets.stores.pinecone.store import PineconeStore
from vector_assets_tests.faults.world import Contents
from vector_assets_tests.stores.test_pinecone import build

DIMENSIONS = 16
DATA = "/pinecone/vector-assets"

WIRE_FAULTS: dict[str, dict[str, Any]] = {
    "throttled": {"status": 429, "retry_after_seconds": 0, "times": 1},
    "throttled for long": {"status": 429, "retry_after_seconds": 0, "times": 5},
    "refused": {"status": 400, "times": 1},
    "server error": {"status": 503, "times": 1},
    "connection dropped": {"break_connection": "drop", "times": 1},
    "connection reset after the work": {"break_connection": "reset", "times": 1},
    "body truncated": {"break_connection": "truncate", "times": 1},
    "order turned": {"twist": "reorder", "times": 1},
    "page repeated": {"twist": "repeat", "times": 1},
    "counts lied about": {"twist": "miscount", "times": 1},
    "counts lied about for long": {"twist": "miscount", "times": 12},
    "write acknowledged and lost": {"twist": "lose", "times": 1},
}


class LanceDBBench:
    """LanceDB in a folder."""

    faults: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self.injected: Counter[str] = Counter()

    def fresh(self) -> tuple[VectorStore, str]:
        """Return a store and the name of a namespace that nobody has used."""
        store = LanceDBStore(str(self._folder / f"{next(self._numbers)}"))
        return store, "schedule"

    def another(self, store: VectorStore) -> VectorStore:
        """Return a connection of its own to the same index."""
        assert isinstance(store, LanceDBStore)
        return LanceDBStore(store._uri)

    def arm(self, fault: str, skip: int) -> None:
        """Do nothing: LanceDB has no wire."""

    def lag(self, seconds: float) -> None:
        """Do nothing: LanceDB reads what was written."""

    def heal(self) -> None:
        """Do nothing."""

    def contents(self, store: VectorStore, namespace: str) -> Contents:
        """Return all that a namespace holds."""
        assert isinstance(store, LanceDBStore)
        rows = lancedb.connect(store._uri).open_table(namespace).to_arrow().to_pylist()
        assert len(rows) == len({row["id"] for row in rows}), "doubled rows"
        return {row["id"]: (metadata_of(row), np.asarray(row["vector"])) for row in rows}


class PineconeBench:
    """The sandbox's Pinecone, through one of its APIs."""

    faults = tuple(WIRE_FAULTS)

    def __init__(self, sandbox: Sandbox, api: str) -> None:
        self._sandbox = sandbox
        self._api = api
        self._numbers = itertools.count()
        self.injected: Counter[str] = Counter()
        self._armed: list[tuple[str, Any]] = []
        self._lag_seconds = 0.0

    def fresh(self) -> tuple[VectorStore, str]:
        return build(self._sandbox), f"schedule-{next(self._numbers)}"

    def another(self, store: VectorStore) -> VectorStore:
        return build(self._sandbox)

    def arm(self, fault: str, skip: int) -> None:
        """Have one of the next requests misbehave."""
        rule = self._sandbox.faults.fail(DATA, skip=skip, **WIRE_FAULTS[fault])
        self._armed.append((fault, rule))

    def lag(self, seconds: float) -> None:
        """Have writes stay unseen for so long."""
        self._sandbox.faults.index_lag_seconds = seconds
        self._lag_seconds = max(seconds, self._lag_seconds)
        self.injected["stale reads"] += 1

    def heal(self) -> None:
        """End all faults, count those that have struck, and let what was written be seen."""
        for fault, rule in self._armed:
            self.injected[fault] += rule.times < WIRE_FAULTS[fault]["times"]
        self._armed.clear()
        self._sandbox.faults.clear()
        # What was written last may be what an older run had begun: nobody knows before it is seen.
        time.sleep(self._lag_seconds)
        self._lag_seconds = 0.0

    def contents(self, store: VectorStore, namespace: str) -> Contents:
        assert isinstance(store, PineconeStore)
        index = Pinecone(
            api_key="sandbox-pinecone-key",
            host=self._sandbox.environment["PINECONE_CONTROLLER_HOST"],
        ).Index(host=f"{self._sandbox.url}/pinecone/{store._index_name}")
        if self._api == "vectors":
            pages = index.list(namespace=namespace)
            ids = [getattr(item, "id", item) for page in pages for item in _items(page)]
            held = index.fetch(ids=ids, namespace=namespace).vectors if ids else {}
            return {
                identity: (restored(vector.metadata), np.asarray(vector.values))
                for identity, vector in held.items()
            }
        ids = [listed.id for listed in index.documents.list(namespace=namespace)]
        if not ids:
            return {}
        documents = index.documents.fetch(namespace=namespace, ids=ids).documents
        contents: Contents = {}
        for identity, document in documents.items():
            fields = document.to_dict()
            vector = np.asarray(fields.pop("vector"))
            contents[identity] = (
                restored({k: v for k, v in fields.items() if k[0] != "_"}),
                vector,
            )
        return contents


Bench = LanceDBBench | PineconeBench


def _items(page: Any) -> list[Any]:
    return list(getattr(page, "vectors", page))


@contextmanager
def healed(bench: Bench) -> Iterator[None]:
    """Leave a bench in good order, whatever happens."""
    try:
        yield
    finally:
        bench.heal()
