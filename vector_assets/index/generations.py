"""The generations of an index: each has one spec, one is live, and a single record says which.

The record stands in the ledger of the base: the index that the settings name, whose own name among
the generations is empty. Other generations lie beside it (`IndexStore.beside`). Readers ask here
which generation is live and follow a switch within `KEEP_SECONDS`; a run writes to one generation
from its beginning to its end.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vector_assets.core.errors import IndexMismatchError, SwitchedIndexError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.hosts import HostNamespace, host_namespaces
from vector_assets.index.ledger import NAMESPACE, Ledger
from vector_assets.index.spec import IndexSpec
from vector_assets.sources import SOURCES
from vector_assets.stores import build_store
from vector_assets.stores.base import IndexStore

KEEP_SECONDS = 15.0
"""How long a reader relies on its last answer to which generation is live."""

FACTS = "generation"
"""Kind of the ledger's entries about generations."""

_LIVE = "live"
_BUILDING = "building"
_OLD = "old "


@dataclass(frozen=True, slots=True)
class Generation:
    """One of several indexes in the same place, of which one is live; the base has no name."""

    name: str
    spec: IndexSpec
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.spec)


class GenerationRecords:
    """What the ledger of the base says of generations."""

    def __init__(self, base: IndexStore) -> None:
        self._base = base

    def ledger(self, dimensions: int = 1) -> Ledger:
        """Return the ledger; its vectors have the length of the base's, whatever is live.

        `dimensions` are for a base that has to be created.
        """
        return Ledger(self._base, self._base.dimensions(NAMESPACE) or dimensions)

    def live(self) -> Generation | None:
        """Return the live one; None when nothing was ever recorded."""
        return self._read().get(_LIVE)

    def building(self) -> Generation | None:
        """Return the one that a reindex is filling, or None."""
        return self._read().get(_BUILDING)

    def old(self) -> list[Generation]:
        """Return those that were live once, or were given up while they were filled."""
        generations = self._read()
        live = generations.get(_LIVE)
        return [
            generation
            for key, generation in generations.items()
            if key.startswith(_OLD) and (live is None or generation.name != live.name)
        ]

    def set_live(self, generation: Generation) -> None:
        """Record which is live; this one write is the switch."""
        self._put(_LIVE, generation)

    def set_building(self, generation: Generation) -> None:
        """Record which is being filled."""
        self._put(_BUILDING, generation)

    def end_building(self) -> None:
        """Record that none is being filled."""
        self.ledger().remove(FACTS, [_BUILDING])

    def set_old(self, generation: Generation) -> None:
        """Record that one is no longer written to and is kept for the way back."""
        self._put(_OLD + generation.name, generation)

    def forget_old(self, name: str) -> None:
        """Record that one is deleted."""
        self.ledger().remove(FACTS, [_OLD + name])

    def _put(self, key: str, generation: Generation) -> None:
        spec = generation.spec
        entry = {**generation.facts, "name": generation.name, "kind": spec.as_json()}
        self.ledger(spec.dimensions).put(FACTS, {key: entry})

    def _read(self) -> dict[str, Generation]:
        return {
            key: Generation(
                str(entry["name"]),
                IndexSpec.from_json(entry["kind"]),
                {name: value for name, value in entry.items() if name not in {"name", "kind"}},
            )
            for key, entry in self.ledger().entries(FACTS).items()
        }


class Index:
    """An index with all of its generations, and the ledger beside them.

    The base is the index that the settings name. It holds the ledger; a generation may lie in it
    too.
    """

    def __init__(self, base: IndexStore) -> None:
        self.base = base
        self.records = GenerationRecords(base)
        self._lock = threading.Lock()
        self._live: Generation | None = None
        self._known_until = 0.0
        self._hosts: Mapping[str, HostNamespace] = {}
        self._hosts_known_until = 0.0
        self._stores = {"": base}

    @property
    def ledger(self) -> Ledger:
        """The ledger, which outlives the generations."""
        return self.records.ledger()

    def live(self) -> Generation | None:
        """Return the live generation, as it was at most `KEEP_SECONDS` ago; None of a new index.

        Raises:
            IndexMismatchError: The index holds records and does not say what they were made with.
        """
        with self._lock:
            if time.monotonic() >= self._known_until:
                self._live = self.records.live() or self._begun_meanwhile()
                self._known_until = time.monotonic() + KEEP_SECONDS
            return self._live

    def hosts(self) -> Mapping[str, HostNamespace]:
        """Return the namespaces of other projects, as they were at most `KEEP_SECONDS` ago."""
        with self._lock:
            if time.monotonic() >= self._hosts_known_until:
                self._hosts = host_namespaces(self.ledger)
                self._hosts_known_until = time.monotonic() + KEEP_SECONDS
            return self._hosts

    def live_now(self) -> Generation | None:
        """Return the live generation, as it is at this moment; see `live`."""
        with self._lock:
            self._known_until = 0.0
        return self.live()

    def open(self) -> IndexStore:
        """Return the store of the live generation; it stays the same after a switch."""
        return self.store_of(self.live())

    def store_of(self, generation: Generation | None) -> IndexStore:
        """Return the store of a generation; the base where None is recorded yet."""
        name = generation.name if generation else ""
        with self._lock:
            if name not in self._stores:
                self._stores[name] = self.base.beside(name)
            return self._stores[name]

    def require_live(self, generation: Generation) -> None:
        """Raise `SwitchedIndexError` when a search no longer reads what a run wrote."""
        live = self.records.live()
        if live is not None and live.name != generation.name:
            raise SwitchedIndexError(
                f"the index was switched during this run, and {live} is served now. What this run "
                f"wrote last may not be in it: run the same days again"
            )

    def _begun_meanwhile(self) -> Generation | None:
        """Check that an index without a live generation is empty; return one that has begun since.

        A run records the spec of a new index before it writes to it.
        """
        namespaces = [name for name in SOURCES if self.base.count(name)]
        live = self.records.live() if namespaces else None
        if live is None and namespaces:
            setting = "PINECONE_INDEX" if self.base.name == "pinecone" else "LANCEDB_URI"
            raise IndexMismatchError(
                f"the index holds records of {', '.join(namespaces)} and does not say which model, "
                f"chunker and layout they were made with, so it is another program's. Name a new "
                f"one in {setting}"
            )
        return live


def build_index(settings: Settings, meter: Meter) -> Index:
    """Return the index that the settings name; it is not asked anything yet."""
    return Index(build_store(settings, meter))
