"""Two indexes of one kind, compared: every id and fingerprint, and of some records everything.

A sum over ids and fingerprints stands for a whole namespace, in whatever order it was read.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from vector_assets.core.documents import Value
from vector_assets.stores.base import Record, VectorStore
from vector_assets.stores.records import without_marks

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
        wanted: Records that the old one holds.
        held: Records that the new one holds.
        held_sum: Of these, in the sense of `summed`.
        missing: Ids that the new one lacks.
        surplus: Ids that only the new one has.
        changed: Ids whose fingerprints differ.
        spoilt: Ids, of those that were read whole, whose records are not what the fingerprint, the
            same in both, stands for.
    """

    namespace: str
    wanted: int = 0
    held: int = 0
    held_sum: int = 0
    missing: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        """Whether both hold the same."""
        return not (self.missing or self.surplus or self.changed or self.spoilt)

    def __str__(self) -> str:
        parts = [
            f"{len(ids):,} {words} ({', '.join(ids[:NAMED])}{', …' if len(ids) > NAMED else ''})"
            for words, ids in (
                ("missing", self.missing),
                ("too many", self.surplus),
                ("of another version", self.changed),
                ("not as they were written", self.spoilt),
            )
            if ids
        ]
        return f"{self.namespace}: {self.held:,} of {self.wanted:,} records, {', '.join(parts)}"


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
        ids = [one for one, _, in_new in pairs if in_new]
        theirs, ours = old.fingerprints(namespace, ids), new.fingerprints(namespace, ids)
        found.wanted += sum(in_old for _, in_old, _ in pairs)
        found.held += len(ids)
        found.held_sum = summed(found.held_sum, ours)
        found.missing += [one for one, _, in_new in pairs if not in_new]
        found.surplus += [one for one, in_old, _ in pairs if not in_old]
        both = [one for one, in_old, in_new in pairs if in_old and in_new]
        same = [one for one in both if theirs.get(one) == ours.get(one)]
        found.changed += sorted(set(both) - set(same))
        found.spoilt += _spoilt(old, new, namespace, same[::SAMPLE_STEP])
        on_records(len(pairs))
    return found


def summed(before: int, fingerprints: Mapping[str, str]) -> int:
    """Return a sum to which some records were added, each by its id and fingerprint."""
    total = before
    for one, fingerprint in fingerprints.items():
        said = f"{one} {fingerprint}".encode()
        total += int.from_bytes(hashlib.blake2b(said, digest_size=8).digest())
    return total % 2**64


def _spoilt(old: VectorStore, new: VectorStore, namespace: str, ids: Sequence[str]) -> list[str]:
    wanted = {one.id: one for one in old.fetch(namespace, ids)}
    held = {one.id: one for one in new.fetch(namespace, ids)}
    return [
        one for one in ids if one in wanted and one in held and not _is_same(wanted[one], held[one])
    ]


def _is_same(one: Record, other: Record) -> bool:
    return _said(one) == _said(other) and np.allclose(one.vector, other.vector, atol=1e-5)


def _said(record: Record) -> dict[str, Value]:
    """Return what a record's metadata say; a store may leave out what is empty."""
    fields = without_marks(record.metadata)
    return {name: value for name, value in fields.items() if value not in ("", [])}


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
