"""What is wrong with a document in the index: each kind of damage, and how it is recognised.

Pure comparison of what a source gives with what an index holds; nothing is read or written here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np

from vector_assets.core.documents import Document, Value
from vector_assets.embedding.base import Embedder
from vector_assets.embedding.chunking import chunk_document
from vector_assets.index.spec import IndexSpec
from vector_assets.stores.base import Metadata, Record
from vector_assets.stores.records import (
    VECTOR_FINGERPRINT,
    chunk_fingerprint,
    chunk_metadata,
    document_fingerprint,
    head_id,
    ordinal_of,
    record_id,
    trusted_fingerprint,
)

UNIT_TOLERANCE = 0.01
"""How far from 1 the length of a unit vector may be; half-precision models need some of it."""

_OF_HEADS = {"document_fingerprint", "stamp"}
"""Fields that a head alone has; they speak for the document."""

_NOT_HASHED = {"fingerprint", VECTOR_FINGERPRINT, *_OF_HEADS}

_MAX_AMBIGUOUS_FIELDS = 6


class Kind(StrEnum):
    """What can be wrong."""

    MISSING = "missing"
    STALE = "stale"
    ORPHANED = "orphaned"
    DOUBLED = "doubled"
    WRONG_DIMENSION = "wrong-dimension"
    BROKEN_VECTOR = "broken-vector"
    MISMATCHED = "mismatched"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: In one word.
        document_id: `{source}:{native id}`.
        chunk_id: Of the record; empty when it is the document as a whole.
        detail: What was seen and what was wanted.
    """

    kind: Kind
    document_id: str
    chunk_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What the configured embedder decides of every record.

    Attributes:
        dimensions: Length of a vector.
        is_unit: Whether the model gives vectors of length 1.
        vector_spec: Model, dimensions and chunker in one word.
    """

    dimensions: int
    is_unit: bool
    vector_spec: str

    @classmethod
    def of(cls, embedder: Embedder) -> "Yardstick":
        """Ask the model for one vector, to see whether it gives unit vectors."""
        norm = float(np.linalg.norm(embedder.embed_query("vector")))
        is_unit = abs(norm - 1) <= UNIT_TOLERANCE
        return cls(embedder.dimensions, is_unit, IndexSpec.of(embedder).vector_spec)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the index has to hold of a document, by what its source gives now.

    Attributes:
        document: Without secrets.
        document_fingerprint: Of this version.
        metadata: Of each record, by id.
        is_due: Whether a run that is over by now had to bring this version.
    """

    document: Document
    document_fingerprint: str
    metadata: Mapping[str, Mapping[str, Value]]
    is_due: bool

    @classmethod
    def of(cls, document: Document, embedder: Embedder, *, is_due: bool) -> "Wanted":
        """Cut a document as the planner does.

        Raises:
            DocumentError: It fits no index.
        """
        vector_spec = IndexSpec.of(embedder).vector_spec
        chunks = chunk_document(document, embedder.tokenizer, embedder.chunk_tokens)
        metadata = {
            record_id(document.id, chunk.ordinal): chunk_metadata(
                document, chunk, chunk_count=len(chunks), vector_spec=vector_spec
            )
            for chunk in chunks
        }
        return cls(document, document_fingerprint(document, vector_spec), metadata, is_due)

    @property
    def date(self) -> float:
        """Last activity, epoch seconds."""
        return self.document.updated_at.timestamp()

    def is_newer_than(self, date: float | None) -> bool:
        """Tell whether the index, which holds a version of this date, should hold this one."""
        return self.is_due and date is not None and date < self.date

    @property
    def urls(self) -> set[str]:
        """Links of its passages."""
        return {str(fields["url"]) for fields in self.metadata.values()}


def examine(
    document_id: str,
    wanted: Wanted | None,
    records: Sequence[Record],
    yardstick: Yardstick,
    owner_of: Callable[[str], str | None] = lambda url: None,
) -> list[Finding]:
    """Return what is wrong with a document in the index.

    Args:
        document_id: Which.
        wanted: What the source gives; None when it lists no such document in these days.
        records: All that the index holds under ids of the document, doubled ones included.
        yardstick: Of the configured embedder.
        owner_of: Returns the document that a passage's link belongs to, by the source.
    """
    return list(_Examination(document_id, wanted, records, yardstick, owner_of).findings())


class _Examination:
    """One document; see `examine`."""

    def __init__(
        self,
        document_id: str,
        wanted: Wanted | None,
        records: Sequence[Record],
        yardstick: Yardstick,
        owner_of: Callable[[str], str | None],
    ) -> None:
        self._id = document_id
        self._wanted = wanted
        self._yardstick = yardstick
        self._owner_of = owner_of
        self._copies: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            self._copies[record.id].append(record)
        # Of doubled records the newest is the one that a repair leaves.
        self._held = {
            one: max(copies, key=lambda each: _number(each.metadata, "updated_at"))
            for one, copies in sorted(self._copies.items(), key=lambda item: ordinal_of(item[0]))
        }
        self._head = self._held.get(head_id(document_id))
        self._corrupt = {
            one for one, record in self._held.items() if not is_sound(record, yardstick.vector_spec)
        }

    def findings(self) -> Iterator[Finding]:
        """Yield them: what each record shows by itself, then what they are together."""
        if not self._held:
            if self._wanted is not None and self._wanted.is_due:
                yield self._finding(Kind.MISSING, "", "the index holds nothing of it")
            return
        yield from self._of_single_records()
        if self._head is not None and not self._head.metadata.get("document_fingerprint"):
            detail = "a write of it was begun and never ended"
            yield self._finding(Kind.UNFINISHED, "", detail)
            return
        shared = list(self._shared())
        yield from shared
        if self._wanted is not None and self._date() == self._wanted.date:
            yield from self._beside_source(self._wanted, is_told=bool(shared))
        else:
            yield from self._by_itself(is_told=bool(shared))

    def _of_single_records(self) -> Iterator[Finding]:
        for one, copies in self._copies.items():
            if len(copies) > 1:
                detail = f"{len(copies)} records have this id"
                yield self._finding(Kind.DOUBLED, one, detail)
        for one, record in self._held.items():
            yield from self._of_vector(record)
            is_begun_head = record is self._head and not record.metadata.get("document_fingerprint")
            if one in self._corrupt and not is_begun_head:
                detail = "its text or metadata is not what its fingerprint stands for"
                yield self._finding(Kind.MISMATCHED, one, detail)

    def _of_vector(self, record: Record) -> Iterator[Finding]:
        wanted = self._yardstick.dimensions
        if record.vector.shape != (wanted,):
            detail = f"its vector has {record.vector.size} numbers, {wanted} are wanted"
            yield self._finding(Kind.WRONG_DIMENSION, record.id, detail)
        elif not np.isfinite(record.vector).all():
            detail = "its vector holds what is no number"
            yield self._finding(Kind.BROKEN_VECTOR, record.id, detail)
        elif not record.vector.any():
            yield self._finding(Kind.BROKEN_VECTOR, record.id, "its vector is all zeros")
        elif self._yardstick.is_unit:
            norm = float(np.linalg.norm(record.vector))
            if abs(norm - 1) > UNIT_TOLERANCE:
                detail = f"its vector has the length {norm:.3f}, the model gives 1"
                yield self._finding(Kind.BROKEN_VECTOR, record.id, detail)

    def _shared(self) -> Iterator[Finding]:
        """Yield records whose passage belongs to another document of the source by now."""
        if self._wanted is None and self._head is None:
            return
        own = self._wanted.urls if self._wanted is not None else set()
        for one, record in self._held.items():
            url = str(record.metadata.get("url", ""))
            owner = self._owner_of(url) if url and url not in own else None
            if owner is not None and owner != self._id:
                detail = f"the source gives this passage in {owner}"
                yield self._finding(Kind.DOUBLED, one, detail)

    def _beside_source(self, wanted: Wanted, *, is_told: bool) -> Iterator[Finding]:
        """Compare with the very version that the source gives."""
        head = self._head
        is_sound_head = head is not None and head.id not in self._corrupt
        if head is not None and is_sound_head and not _is_version(head, wanted):
            if not is_told:
                detail = "it differs from what the source gives, though both have the same date"
                yield self._finding(Kind.MISMATCHED, "", detail)
            yield from self._within(range(int(_number(head.metadata, "chunk_count"))))
            return
        yield from self._within(range(len(wanted.metadata)))
        for one, fields in wanted.metadata.items():
            record = self._held.get(one)
            if record is None or one in self._corrupt:
                continue
            if record.metadata.get("fingerprint") == fields["fingerprint"]:
                continue
            if _number(record.metadata, "updated_at") < _number(fields, "updated_at"):
                yield self._finding(Kind.STALE, one, "it is of an older version than its head")
            else:
                detail = "it differs from what the source gives, though its head does not"
                yield self._finding(Kind.MISMATCHED, one, detail)

    def _by_itself(self, *, is_told: bool) -> Iterator[Finding]:
        """Judge a version that is not the source's: older, newer, or listed no more."""
        wanted, date = self._wanted, self._date()
        if wanted is None and not is_told:
            yield from self._unlisted()
        elif wanted is not None and self._head is None:
            detail = "the chunk that speaks for the document is not there"
            yield self._finding(Kind.MISSING, head_id(self._id), detail)
        elif wanted is not None and wanted.is_newer_than(date) and not is_told:
            detail = f"the source has a version of {wanted.document.updated_at:%Y-%m-%d %H:%M} UTC"
            yield self._finding(Kind.STALE, "", detail)
        head = self._head
        if head is None or head.id in self._corrupt:
            return
        yield from self._within(range(int(_number(head.metadata, "chunk_count"))))
        for one, record in self._held.items():
            is_of_head = _number(record.metadata, "updated_at") == date
            if one not in self._corrupt and not is_of_head:
                yield self._finding(Kind.STALE, one, "it is of another version than its head")

    def _unlisted(self) -> Iterator[Finding]:
        """Yield that the source lists the document no more, or each chunk when it has no head."""
        if self._head is not None:
            yield self._finding(Kind.ORPHANED, "", "the source lists it no more")
            return
        for one in self._held:
            yield self._finding(Kind.ORPHANED, one, "its document is in neither source nor index")

    def _within(self, ordinals: range) -> Iterator[Finding]:
        """Yield what a document of so many chunks lacks, and what goes beyond its end."""
        for n in ordinals:
            if record_id(self._id, n) not in self._held:
                detail = f"the document has {len(ordinals)} chunks, this one is not there"
                yield self._finding(Kind.MISSING, record_id(self._id, n), detail)
        for one in self._held:
            if ordinal_of(one) not in ordinals:
                detail = f"the document ends after {len(ordinals)} chunks"
                yield self._finding(Kind.ORPHANED, one, detail)

    def _date(self) -> float | None:
        """Return the date of the version that the index holds, by a record that can be trusted."""
        if self._head is not None and self._head.id not in self._corrupt:
            return _number(self._head.metadata, "updated_at")
        sound = [record for one, record in self._held.items() if one not in self._corrupt]
        return max((_number(one.metadata, "updated_at") for one in sound), default=None)

    def _finding(self, kind: Kind, chunk_id: str, detail: str) -> Finding:
        return Finding(kind, self._id, chunk_id, detail)


def is_sound(record: Record, vector_spec: str) -> bool:
    """Tell whether a record is the one that its id says, and hashes to its fingerprints.

    Stores give every number back as a float, and the fingerprint was made of what it was before.
    """
    fields = {name: v for name, v in record.metadata.items() if name not in _NOT_HASHED}
    if record.id != record_id(str(fields.get("document_id")), int(_number(fields, "chunk"))):
        return False
    if ordinal_of(record.id) != 0 and _OF_HEADS & record.metadata.keys():
        return False
    text, found = str(fields.get("text", "")), trusted_fingerprint(record.metadata)
    whole = [
        name
        for name, value in fields.items()
        if isinstance(value, float) and value.is_integer() and not name.endswith("_at")
    ]
    for chosen in product((False, True), repeat=min(len(whole), _MAX_AMBIGUOUS_FIELDS)):
        # Fields after the last that is chosen are whole numbers, as most are.
        changed = {
            name: int(float(str(fields[name])))
            for name, stays in zip(whole, (*chosen, *[False] * len(whole)), strict=False)
            if not stays
        }
        if chunk_fingerprint(text, {**fields, **changed}, vector_spec) == found:
            return True
    return False


def _is_version(head: Record, wanted: Wanted) -> bool:
    expected = wanted.metadata[head_id(wanted.document.id)]
    return (
        head.metadata.get("document_fingerprint") == wanted.document_fingerprint
        and head.metadata.get("stamp", "") == expected["stamp"]
    )


def _number(metadata: Metadata | Mapping[str, Value], name: str) -> float:
    value = metadata.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
