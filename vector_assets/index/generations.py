"""Generations of an index: each holds one kind, one is live, and a single record says which.

The record stands in the ledger of the index that the settings name (the base), whose name among
generations is empty; others lie beside it (`IndexStore.beside`). Whoever reads asks here which is
live, and follows a switch within `KEEP_SECONDS`; whoever writes is tied to one for its whole run.
"""

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import numpy as np

from vector_assets.core.errors import IndexMismatchError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.index.ledger import NAMESPACE, Ledger
from vector_assets.index.spec import IndexKind
from vector_assets.sources import SOURCES
from vector_assets.stores import build_store as build_base_store
from vector_assets.stores.base import Filter, Head, Hit, IndexStore, Metadata, Record, VectorStore


class RoutedStore(VectorStore):
    """All verbs of a store, each spoken to whichever store is at its namespace."""

    @abstractmethod
    def at(self, namespace: str) -> VectorStore:
        """Return the store that holds a namespace."""

    def open(self, namespace: str, dimensions: int) -> None:
        """Make the namespace ready."""
        self.at(namespace).open(namespace, dimensions)

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return what the index holds of these documents."""
        return self.at(namespace).heads(namespace, document_ids)

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return the fingerprints of the chunks that exist."""
        return self.at(namespace).fingerprints(namespace, chunk_ids)

    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        """Return the ids of all chunks of a document."""
        return self.at(namespace).chunk_ids(namespace, document_id)

    def shows_written(self, namespace: str) -> bool:
        """Tell whether a read is known to see all that was written there."""
        return self.at(namespace).shows_written(namespace)

    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        """Yield the id of every record of a namespace, or of a document."""
        return self.at(namespace).record_ids(namespace, document_id)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records."""
        return self.at(namespace).fetch(namespace, chunk_ids)

    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete all but the newest of the records that share one of these ids."""
        self.at(namespace).drop_doubles(namespace, chunk_ids)

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records."""
        self.at(namespace).upsert(namespace, records)

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Replace fields of existing records."""
        self.at(namespace).update_metadata(namespace, metadata_by_id)

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records by id."""
        self.at(namespace).delete(namespace, chunk_ids)

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        """Delete records by id, but for newer ones."""
        self.at(namespace).delete_older(namespace, until)

    def count(self, namespace: str) -> int:
        """Return the number of records."""
        return self.at(namespace).count(namespace)

    def watermark(self, namespace: str) -> datetime | None:
        """Return the newest `updated_at`."""
        return self.at(namespace).watermark(namespace)

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield each document, or those of some days, with its head."""
        return self.at(namespace).documents(namespace, days)

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        """Return the nearest records."""
        return self.at(namespace).search_dense(namespace, vector, where=where, limit=limit)

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by words."""
        return self.at(namespace).search_lexical(namespace, text, where=where, limit=limit)

    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return first chunks that meet a filter."""
        return self.at(namespace).lookup(namespace, where=where, limit=limit)

    def maintain(self, namespace: str) -> None:
        """Bring indexes up to date."""
        self.at(namespace).maintain(namespace)

    def keep_pace(self, namespace: str) -> None:
        """Keep questions by id quick."""
        self.at(namespace).keep_pace(namespace)


KEEP_SECONDS = 15.0
"""How long a reader believes what it knows of the live generation."""

FACTS = "generation"
"""Kind of the entries of the ledger that say which generation is live."""

_LIVE = "live"
_BUILDING = "building"
_OLD = "old "


@dataclass(frozen=True, slots=True)
class Generation:
    """One index among those that lie side by side.

    Attributes:
        name: Empty for the base.
        kind: Of all its records.
        facts: What else was noted of it, such as when it was begun.
    """

    name: str
    kind: IndexKind
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.kind)


class Catalogue:
    """What the ledger of the base says of generations.

    Args:
        base: The index that the settings name.
    """

    def __init__(self, base: IndexStore) -> None:
        self._base = base

    def live(self) -> Generation | None:
        """Return the live one; None when nothing was ever recorded."""
        return self._read().get(_LIVE)

    def building(self) -> Generation | None:
        """Return the one that a reindex is filling, or None."""
        return self._read().get(_BUILDING)

    def old(self) -> list[Generation]:
        """Return those that were live once, or were given up while they were filled."""
        found = self._read()
        live = found.get(_LIVE)
        return [
            one
            for key, one in found.items()
            if key.startswith(_OLD) and (live is None or one.name != live.name)
        ]

    def set_live(self, generation: Generation) -> None:
        """Say which is live; this one write is the switch."""
        self._put(_LIVE, generation)

    def set_building(self, generation: Generation) -> None:
        """Say which is being filled."""
        self._put(_BUILDING, generation)

    def end_building(self) -> None:
        """Say that none is being filled."""
        self._ledger(1).remove(FACTS, [_BUILDING])

    def set_old(self, generation: Generation) -> None:
        """Say that one stays beside for nothing but the way back."""
        self._put(_OLD + generation.name, generation)

    def forget_old(self, name: str) -> None:
        """Say that one is gone."""
        self._ledger(1).remove(FACTS, [_OLD + name])

    def _put(self, key: str, generation: Generation) -> None:
        kind = generation.kind
        entry = {**generation.facts, "name": generation.name, "kind": kind.as_json()}
        self._ledger(kind.dimensions).put(FACTS, {key: entry})

    def _read(self) -> dict[str, Generation]:
        return {
            key: Generation(
                str(entry["name"]),
                IndexKind.from_json(entry["kind"]),
                {name: value for name, value in entry.items() if name not in {"name", "kind"}},
            )
            for key, entry in self._ledger(1).entries(FACTS).items()
        }

    def _ledger(self, dimensions: int) -> Ledger:
        """Return the ledger; the base's vectors have their length, whatever a generation's have."""
        return Ledger(self._base, self._base.dimensions(NAMESPACE) or dimensions)


class _Beside(RoutedStore):
    """A generation, with the ledger of the base: facts outlive the generations.

    Args:
        base: The index that the settings name.
    """

    def __init__(self, base: IndexStore) -> None:
        self.base = base
        self.name = base.name
        self.seen_within_seconds = base.seen_within_seconds
        self.atomic_records = base.atomic_records
        self.batches_in_flight = base.batches_in_flight

    def open(self, namespace: str, dimensions: int) -> None:
        """Make the namespace ready; the ledger's vectors have the length that they have."""
        if namespace == NAMESPACE:
            dimensions = self.base.dimensions(NAMESPACE) or dimensions
        self.at(namespace).open(namespace, dimensions)

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records; vectors in the ledger mean nothing, and only their length counts."""
        if namespace == NAMESPACE:
            dimensions = self.base.dimensions(NAMESPACE)
            records = [replace(one, vector=_fitting(one.vector, dimensions)) for one in records]
        self.at(namespace).upsert(namespace, records)


class TiedStore(_Beside):
    """One generation, whatever becomes live meanwhile: for a run that writes, or one question.

    Args:
        base: The index that the settings name.
        generation: The one; None of a new index.
        store: Its store.
        is_filling: Whether it is filled to be served later.
    """

    def __init__(
        self,
        base: IndexStore,
        generation: Generation | None,
        store: IndexStore,
        *,
        is_filling: bool,
    ) -> None:
        super().__init__(base)
        self._is_filling = is_filling
        self.generation = generation
        self.store = store

    @property
    def has_lexical_search(self) -> bool:  # type: ignore[override]  # each generation has its own
        """Whether this generation has full text."""
        return self.store.has_lexical_search

    def at(self, namespace: str) -> VectorStore:
        """Return the generation, or the base for the ledger."""
        return self.base if namespace == NAMESPACE else self.store

    def served_instead(self) -> str:
        """Return the live generation when it is another one, and this is meant to be it."""
        if self._is_filling:
            return ""
        live = Catalogue(self.base).live()
        name = self.generation.name if self.generation else ""
        return str(live) if live is not None and live.name != name else ""

    def check(self) -> str:
        """Ask the generation whether it can be used."""
        return self.store.check()


class LiveStore(_Beside):
    """Whichever generation is live.

    Args:
        base: The index that the settings name.
    """

    def __init__(self, base: IndexStore) -> None:
        super().__init__(base)
        self.catalogue = Catalogue(base)
        self._lock = threading.Lock()
        self._live: Generation | None = None
        self._known_until = 0.0
        self._stores: dict[str, IndexStore] = {"": base}

    @property
    def has_lexical_search(self) -> bool:  # type: ignore[override]  # each generation has its own
        """Whether the live generation has full text."""
        return self._store(self.live()).has_lexical_search

    def live(self) -> Generation | None:
        """Return the live generation, as it was at most `KEEP_SECONDS` ago; None of a new index.

        Raises:
            IndexMismatchError: The index holds records and does not say what they were made with.
        """
        with self._lock:
            if time.monotonic() >= self._known_until:
                self._live = self.catalogue.live() or self._new()
                self._known_until = time.monotonic() + KEEP_SECONDS
            return self._live

    def _new(self) -> Generation | None:
        """Check that an index without a live generation is empty."""
        held = [name for name in SOURCES if self.base.count(name)]
        # A run records the kind of a new index before it writes: look again who has begun since.
        live = self.catalogue.live() if held else None
        if live is None and held:
            setting = "PINECONE_INDEX" if self.base.name == "pinecone" else "LANCEDB_URI"
            raise IndexMismatchError(
                f"the index holds records of {', '.join(held)} and does not say which model, "
                f"chunker and layout they were made with, so it is another program's. Name a new "
                f"one in {setting}"
            )
        return live

    def forget(self) -> None:
        """Ask anew at the next question."""
        with self._lock:
            self._known_until = 0.0

    def tied(self, generation: Generation | None = None, *, is_filling: bool = False) -> TiedStore:
        """Return a generation, the live one if none is given, for as long as it is wanted."""
        one = generation or self.live()
        return TiedStore(self.base, one, self._store(one), is_filling=is_filling)

    def at(self, namespace: str) -> VectorStore:
        """Return the live generation, or the base for the ledger."""
        return self.base if namespace == NAMESPACE else self._store(self.live())

    def check(self) -> str:
        """Ask the live generation whether it can be used."""
        return self._store(self.live()).check()

    def _store(self, generation: Generation | None) -> IndexStore:
        name = generation.name if generation else ""
        with self._lock:
            if name not in self._stores:
                self._stores[name] = self.base.beside(name)
            return self._stores[name]


def build_store(settings: Settings, meter: Meter) -> LiveStore:
    """Return the index that the settings name, whichever generation of it is live.

    Raises:
        SettingsError: A setting that it needs is missing.
    """
    return LiveStore(build_base_store(settings, meter))


def _fitting(vector: Vectors, dimensions: int | None) -> Vectors:
    """Return a vector of some length that is not zero."""
    fitting = np.zeros(dimensions or len(vector), np.float32)
    fitting[0] = 1.0
    return fitting
