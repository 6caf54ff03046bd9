"""Two indexes of one kind, compared: every id and fingerprint, and of some records everything.

Keep out: what a difference means (`importing.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from vector_assets.documents import Value
from vector_assets.stores.base import Record, VectorStore

Pair = tuple[str, bool, bool]
"""An id, and whether the old and the new index hold it."""

BATCH_RECORDS = 1_000

SAMPLE_STEP = 100
"""One of so many records is read whole from both, its vector too."""

NAMED = 5


@dataclass(slots=True)
class Difference:
    """How an index differs from the one that it was made of.

    Attributes:
        namespace: Which.
        compared: Records that the old one holds.
        missing: Ids that the new one lacks.
        surplus: Ids that only the new one has.
        changed: Ids of records that are another in the new one.
    """

    namespace: str
    compared: int = 0
    missing: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        """Whether both hold the same."""
        return not (self.missing or self.surplus or self.changed)

    def __str__(self) -> str:
        held = self.compared - len(self.missing) + len(self.surplus)
        parts = [
            f"{len(ids):,} {words} ({', '.join(ids[:NAMED])}{', …' if len(ids) > NAMED else ''})"
            for words, ids in (
                ("missing", self.missing),
                ("too many", self.surplus),
                ("not the same", self.changed),
            )
            if ids
        ]
        return f"{self.namespace}: {held:,} of {self.compared:,} records, {', '.join(parts)}"


def difference(
    old: VectorStore,
    new: VectorStore,
    namespace: str,
    on_records: Callable[[int], None] = lambda count: None,
) -> Difference:
    """Compare a namespace of two indexes.

    Args:
        old: What the new one was made of.
        new: The other.
        namespace: In both.
        on_records: Called after each batch with how many records it had.
    """
    found = Difference(namespace)
    for pairs in _batched(_merged(old.record_ids(namespace), new.record_ids(namespace))):
        found.compared += sum(in_old for _, in_old, _ in pairs)
        found.missing += [one for one, _, in_new in pairs if not in_new]
        found.surplus += [one for one, in_old, _ in pairs if not in_old]
        both = [one for one, in_old, in_new in pairs if in_old and in_new]
        found.changed += _changed(old, new, namespace, both)
        on_records(len(pairs))
    return found


def _changed(old: VectorStore, new: VectorStore, namespace: str, ids: Sequence[str]) -> list[str]:
    theirs, ours = old.fingerprints(namespace, ids), new.fingerprints(namespace, ids)
    sample = ids[::SAMPLE_STEP]
    wanted = {one.id: one for one in old.fetch(namespace, sample)}
    held = {one.id: one for one in new.fetch(namespace, sample)}
    return [
        one
        for one in ids
        if theirs.get(one) != ours.get(one)
        or (one in wanted and not (one in held and _is_same(wanted[one], held[one])))
    ]


def _is_same(one: Record, other: Record) -> bool:
    return _said(one) == _said(other) and np.allclose(one.vector, other.vector, atol=1e-5)


def _said(record: Record) -> dict[str, Value]:
    """Return what a record's metadata say; a store may leave out what is empty."""
    return {name: value for name, value in record.metadata.items() if value not in ("", [])}


def _merged(old: Iterator[str], new: Iterator[str]) -> Iterator[Pair]:
    """Yield each id of two ordered listings once, and in which of them it is."""
    theirs, ours = _next(old), _next(new)
    while theirs is not None or ours is not None:
        one = min(x for x in (theirs, ours) if x is not None)
        yield one, theirs == one, ours == one
        while theirs == one:  # An id may come several times.
            theirs = _next(old)
        while ours == one:
            ours = _next(new)


def _next(ids: Iterator[str]) -> str | None:
    return next(ids, None)


def _batched(pairs: Iterator[Pair]) -> Iterator[list[Pair]]:
    while batch := list(islice(pairs, BATCH_RECORDS)):
        yield batch
