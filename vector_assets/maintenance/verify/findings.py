"""Compare what a source gives for a document with the document's records, and name each defect.

Pure functions: nothing is read from an index or written to one here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np

from vector_assets.core.documents import Document, Value
from vector_assets.embedding.base import Embedder
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.plan import metadata_of_records
from vector_assets.stores.base import Metadata, Record
from vector_assets.stores.records import (
    chunk_fingerprint,
    has_changed_readers,
    head_id,
    is_same_version,
    ordinal_of,
    record_id,
    trusted_fingerprint,
    without_marks,
)

UNIT_TOLERANCE = 0.01
"""How far from 1 the length of a unit vector may be; half-precision models need some of it."""

_HEAD_ONLY_FIELDS = {"document_fingerprint", "stamp"}
"""Fields that only a document's first record has."""


class Defect(StrEnum):
    """Kinds of defects, one for each way to repair them.

    Attributes:
        MISSING: The index lacks a document or a chunk; it is written.
        STALE: Another version than the source gives, or a write that did not finish; the source's
            version is written.
        ORPHANED: A chunk of no document, which is deleted; or a document that the source no longer
            lists, which `prune` deletes.
        DOUBLED: Several records share an id; or a passage now belongs to another document.
        MISMATCHED: Text, metadata or vector are wrong; the record is embedded and written again.
    """

    MISSING = "missing"
    STALE = "stale"
    ORPHANED = "orphaned"
    DOUBLED = "doubled"
    MISMATCHED = "mismatched"


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect of one document; without a chunk's id it is about the whole document."""

    kind: Defect
    document_id: str
    chunk_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What every record has to satisfy, given the configured embedder."""

    dimensions: int
    is_unit: bool
    vector_spec: str

    @classmethod
    def of(cls, embedder: Embedder) -> "Yardstick":
        """Embed one word to see whether the model returns unit vectors."""
        norm = float(np.linalg.norm(embedder.embed_query("vector")))
        is_unit = abs(norm - 1) <= UNIT_TOLERANCE
        return cls(embedder.dimensions, is_unit, IndexSpec.of(embedder).vector_spec)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the index should hold of a document, according to its source.

    `metadata` is by record id. A version is due when a run that is already over had to write it.
    """

    document: Document
    document_fingerprint: str
    metadata: Mapping[str, Mapping[str, Value]]
    is_due: bool

    @classmethod
    def of(cls, document: Document, embedder: Embedder, *, is_due: bool) -> "Wanted":
        """Chunk a document as the planner does; raise `DocumentError` when it fits no index."""
        metadata = metadata_of_records(document, embedder)
        fingerprint = str(metadata[head_id(document.id)]["document_fingerprint"])
        return cls(document, fingerprint, metadata, is_due)

    @property
    def updated_at(self) -> float:
        """Last activity, epoch seconds."""
        return self.document.updated_at.timestamp()

    def replaces(self, updated_at: float | None) -> bool:
        """Tell whether this version should have replaced the version of this other time."""
        if not self.is_due or updated_at is None:
            return False
        return not self.document.is_overtaken_by(updated_at)

    def replacing(self, version: tuple[float, str] | None) -> "Wanted":
        """Return it as what replaces a version of the index, also of one dated later."""
        if version is None or version[0] <= self.updated_at:
            return self
        replaces_at = datetime.fromtimestamp(version[0], UTC)
        return replace(self, document=replace(self.document, replaces_at=replaces_at))

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

    `wanted` is None when the source lists no such document in these days; `records` are all under
    ids of the document. `owner_of` returns the document to which the source assigns a passage's
    link.
    """
    return list(_Examination(document_id, wanted, records, yardstick, owner_of).findings())


class _Examination:
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
        # Of several records with one id, a repair keeps the newest.
        self._held = {
            chunk_id: max(copies, key=lambda copy: number_in(copy.metadata, "updated_at"))
            for chunk_id, copies in sorted(
                self._copies.items(), key=lambda item: ordinal_of(item[0])
            )
        }
        self._head = self._held.get(head_id(document_id))
        self._corrupt = {
            chunk_id
            for chunk_id, record in self._held.items()
            if not is_intact(record, yardstick.vector_spec)
        }

    def findings(self) -> Iterator[Finding]:
        """Yield the defects of each record, then those of the document as a whole."""
        if not self._held:
            if self._wanted is not None and self._wanted.is_due:
                yield self._finding(Defect.MISSING, "", "the index holds nothing of it")
            return
        yield from self._defects_of_records()
        if self._head is not None and not self._head.metadata.get("document_fingerprint"):
            yield self._finding(Defect.STALE, "", "a write of it did not finish")
            return
        moved = list(self._moved_passages())
        yield from moved
        if self._wanted is not None and self._updated_at() == self._wanted.updated_at:
            yield from self._compared_with_source(self._wanted, is_reported=bool(moved))
        else:
            yield from self._of_another_version(is_reported=bool(moved))

    def _defects_of_records(self) -> Iterator[Finding]:
        for chunk_id, copies in self._copies.items():
            if len(copies) > 1:
                yield self._finding(Defect.DOUBLED, chunk_id, f"{len(copies)} records have this id")
        for chunk_id, record in self._held.items():
            if detail := self._vector_defect(record):
                yield self._finding(Defect.MISMATCHED, chunk_id, detail)
            is_begun_head = record is self._head and not record.metadata.get("document_fingerprint")
            if chunk_id in self._corrupt and not is_begun_head:
                detail = "its text or metadata does not match its fingerprint"
                yield self._finding(Defect.MISMATCHED, chunk_id, detail)

    def _vector_defect(self, record: Record) -> str:
        dimensions = self._yardstick.dimensions
        if record.vector.shape != (dimensions,):
            return f"its vector has {record.vector.size} numbers, expected {dimensions}"
        if not np.isfinite(record.vector).all():
            return "its vector holds NaN or infinity"
        if not record.vector.any():
            return "its vector is all zeros"
        norm = float(np.linalg.norm(record.vector))
        if self._yardstick.is_unit and abs(norm - 1) > UNIT_TOLERANCE:
            return f"its vector has the length {norm:.3f}, the model returns length 1"
        return ""

    def _moved_passages(self) -> Iterator[Finding]:
        """Yield records whose passage the source now gives in another document."""
        if self._wanted is None and self._head is None:
            return
        own_urls = self._wanted.urls if self._wanted is not None else set()
        for chunk_id, record in self._held.items():
            url = str(record.metadata.get("url", ""))
            owner = self._owner_of(url) if url and url not in own_urls else None
            if owner is not None and owner != self._id:
                detail = f"the source gives this passage in {owner}"
                yield self._finding(Defect.DOUBLED, chunk_id, detail)

    def _compared_with_source(self, wanted: Wanted, *, is_reported: bool) -> Iterator[Finding]:
        """Compare with the source's version, which has the same date."""
        head = self._head
        if head is not None and head.id not in self._corrupt and not _is_version(head, wanted):
            if not is_reported:
                detail = "it differs from what the source gives, though both have the same date"
                yield self._finding(Defect.MISMATCHED, "", detail)
            yield from self._length_defects(int(number_in(head.metadata, "chunk_count")))
            return
        yield from self._length_defects(len(wanted.metadata))
        for chunk_id, fields in wanted.metadata.items():
            record = self._held.get(chunk_id)
            if record is None or chunk_id in self._corrupt:
                continue
            if record.metadata.get("fingerprint") == fields["fingerprint"]:
                continue
            if number_in(record.metadata, "updated_at") < number_in(fields, "updated_at"):
                detail = "it is of an older version than its document"
                yield self._finding(Defect.STALE, chunk_id, detail)
            else:
                detail = "it differs from what the source gives, though its document does not"
                yield self._finding(Defect.MISMATCHED, chunk_id, detail)

    def _of_another_version(self, *, is_reported: bool) -> Iterator[Finding]:
        """Examine a version that is older or newer than the source's, or no longer listed."""
        wanted, updated_at = self._wanted, self._updated_at()
        if wanted is None and not is_reported:
            yield from self._unlisted()
        elif wanted is not None and self._head is None:
            detail = "the first record of the document is missing"
            yield self._finding(Defect.MISSING, head_id(self._id), detail)
        elif wanted is not None and wanted.replaces(updated_at) and not is_reported:
            detail = f"the source has a version of {wanted.document.updated_at:%Y-%m-%d %H:%M} UTC"
            yield self._finding(Defect.STALE, "", detail)
        head = self._head
        if head is None or head.id in self._corrupt:
            return
        yield from self._length_defects(int(number_in(head.metadata, "chunk_count")))
        for chunk_id, record in self._held.items():
            is_of_head = number_in(record.metadata, "updated_at") == updated_at
            if chunk_id not in self._corrupt and not is_of_head:
                detail = "it is of another version than its document"
                yield self._finding(Defect.STALE, chunk_id, detail)

    def _unlisted(self) -> Iterator[Finding]:
        if self._head is not None:
            yield self._finding(Defect.ORPHANED, "", "the source no longer lists it")
            return
        for chunk_id in self._held:
            detail = "its document is in neither source nor index"
            yield self._finding(Defect.ORPHANED, chunk_id, detail)

    def _length_defects(self, chunk_count: int) -> Iterator[Finding]:
        for chunk_id in (record_id(self._id, ordinal) for ordinal in range(chunk_count)):
            if chunk_id not in self._held:
                detail = f"the document has {chunk_count} chunks, this one is not there"
                yield self._finding(Defect.MISSING, chunk_id, detail)
        for chunk_id in self._held:
            if not 0 <= ordinal_of(chunk_id) < chunk_count:
                detail = f"the document ends after {chunk_count} chunks"
                yield self._finding(Defect.ORPHANED, chunk_id, detail)

    def _updated_at(self) -> float | None:
        """Return the time of the version in the index, from an intact record, the head if it is."""
        if self._head is not None and self._head.id not in self._corrupt:
            return number_in(self._head.metadata, "updated_at")
        intact = [
            record for chunk_id, record in self._held.items() if chunk_id not in self._corrupt
        ]
        return max((number_in(record.metadata, "updated_at") for record in intact), default=None)

    def _finding(self, kind: Defect, chunk_id: str, detail: str) -> Finding:
        return Finding(kind, self._id, chunk_id, detail)


def version_of(document_id: str, records: Sequence[Record]) -> tuple[float, str] | None:
    """Return time and fingerprint of the version that the index holds; None without a head."""
    for record in records:
        updated_at = record.metadata.get("updated_at")
        if record.id == head_id(document_id) and isinstance(updated_at, int | float):
            return float(updated_at), str(record.metadata.get("document_fingerprint") or "")
    return None


def is_intact(record: Record, vector_spec: str) -> bool:
    """Tell whether a record belongs under its id and hashes to its own fingerprint."""
    metadata = record.metadata
    ordinal = int(number_in(metadata, "chunk"))
    if record.id != record_id(str(metadata.get("document_id")), ordinal):
        return False
    if ordinal_of(record.id) != 0 and _HEAD_ONLY_FIELDS & metadata.keys():
        return False
    text = str(metadata.get("text", ""))
    expected = chunk_fingerprint(text, without_marks(metadata), vector_spec)
    return expected == trusted_fingerprint(metadata)


def _is_version(head: Record, wanted: Wanted) -> bool:
    expected = wanted.metadata[head_id(wanted.document.id)]
    fingerprint = str(head.metadata.get("document_fingerprint"))
    # After a change of readers alone it is that of no version; the chunks are compared one by one.
    return (
        is_same_version(fingerprint, wanted.document_fingerprint)
        or has_changed_readers(fingerprint)
    ) and head.metadata.get("stamp", "") == expected["stamp"]


def number_in(metadata: Metadata, name: str) -> float:
    """Return a field of a record as a number; 0 when it is none."""
    value = metadata.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
