"""What both of Pinecone's APIs share: requests of bounded size, errors, filters.

Limits: docs.pinecone.io, "Database limits", 2026-11.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import chain, islice
from typing import Any, ClassVar, TypeVar

import numpy as np
import orjson
from pinecone.errors import exceptions as pinecone_errors

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.deadline import CALL_SECONDS, within
from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    IndexMismatchError,
    LostWriteError,
    RateLimitedError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.vectors import Vectors
from vector_assets.stores.base import Filter, Head, Hit, Metadata, Record
from vector_assets.stores.records import (
    HEAD_FIELDS,
    MAX_METADATA_BYTES,
    VECTOR_FINGERPRINT,
    head_id,
    head_of,
    trusted_fingerprint,
)

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_RECORDS = 1000
"""Most records of an upsert, and most ids of a fetch or delete."""

SENDS = 3
"""How often a batch is sent while Pinecone reports that it took only a part of it."""

MAX_REQUEST_BYTES = 1_900_000
"""Most bytes of the records of a request: the vendor's 2 MB, less the rest of the request."""

NAMED = 5
"""How many records an error names."""

MAX_ANSWER_BYTES = 4_000_000
"""Most bytes of a response with whole records (docs.pinecone.io, "Database limits", 2026-11)."""

_NUMBER_BYTES = 22
"""Most bytes of one number of a vector as JSON, which is returned as a double."""

REQUESTS_IN_FLIGHT = 4
"""Concurrent requests of one method; each request of an upsert holds up to 2 MB."""

ANSWER_FIELDS = [
    "document_id", "source", "title", "text", "url", "container", "authors", "created_at",
    "updated_at", "partition", "chunk", "chunk_count", "fingerprint", "access", "issue_key",
    "status", "channel", "thread_ts", "meeting_date", "page_id",
]  # fmt: skip
"""Fields that a search returns: everything that a result may show, and no vector."""

_RAISE = object()


class PineconeApi(ABC):
    """The methods that a store needs, through one of Pinecone's APIs.

    Attributes:
        noun: What the API calls a record: `documents` or `vectors`.
        id_field: Name of the id in a record that is sent.
    """

    noun: ClassVar[str]
    id_field: ClassVar[str]

    def __init__(self, index: Any, *, vector_field: str, dimensions: int, meter: Meter) -> None:
        self._index = index
        self._vector_field = vector_field
        self.dimensions = dimensions
        self._meter = meter
        self._written_through: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    @abstractmethod
    def _methods(self) -> Any:
        """The SDK's object with the methods `upsert` and `delete` of this API."""

    @abstractmethod
    def _fields_by_id(
        self, namespace: str, chunk_ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return at least these fields of the records that exist, by id, without their vectors."""

    @abstractmethod
    def _head_fields(self, namespace: str, days: Sequence[date]) -> Iterator[Mapping[str, Any]]:
        """Yield the fields of all heads, or of those of some days, a page per request."""

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return heads by document id."""
        chunk_ids = [head_id(document_id) for document_id in document_ids]
        records = self._fields_by_id(namespace, chunk_ids, HEAD_FIELDS)
        return {str(fields["document_id"]): head_of(fields) for fields in records.values()}

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return fingerprints by chunk id."""
        records = self._fields_by_id(namespace, chunk_ids, ["fingerprint", VECTOR_FINGERPRINT])
        return {chunk_id: trusted_fingerprint(fields) for chunk_id, fields in records.items()}

    def clear(self, namespace: str) -> None:
        """Delete every record of a namespace, if it exists."""
        delete = partial(self._methods.delete, namespace=namespace, delete_all=True)
        answered(f"pinecone {self.noun}.delete", self._meter, delete, missing=None)

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records and compare the counts that are returned."""
        in_parallel(partial(self._upsert_group, namespace), groups_by_bytes(self.wire(records)))

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records."""
        for group in groups(chunk_ids):
            self._written(f"{self.noun}.delete", namespace, self._methods.delete, ids=list(group))

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield all heads, or those of some days, a page per request."""
        for fields in self._head_fields(namespace, days):
            yield str(fields["document_id"]), head_of(fields)

    @abstractmethod
    def listed(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids that begin with a prefix, in order, a page per request."""

    @abstractmethod
    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records, vectors included, `records_of_an_answer` at a time."""

    @abstractmethod
    def wire(self, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
        """Yield each record in the form in which this API takes it."""

    @abstractmethod
    def update(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Set fields of records."""

    @abstractmethod
    def _matching(
        self, namespace: str, condition: Mapping[str, Any], fields: Sequence[str], limit: int
    ) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Return ids and at least these fields of records that meet a filter, in any order."""

    def any_newer(self, namespace: str, than: float | None) -> float | None:
        """Return the `updated_at` of any record newer than an instant; None when there is none."""
        bound = {"$gt": than} if than is not None else {"$exists": True}
        records = self._matching(namespace, {"updated_at": bound}, ["updated_at"], 1)
        return next((float(fields["updated_at"]) for _, fields in records), None)

    @abstractmethod
    def search_dense(self, namespace: str, vector: Vectors, where: Filter, limit: int) -> list[Hit]:
        """Return the nearest records."""

    @abstractmethod
    def search_lexical(self, namespace: str, text: str, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by full text."""

    def lookup(self, namespace: str, where: Filter, limit: int) -> list[Hit]:
        """Return first chunks that meet a filter."""
        condition = pinecone_filter(where, chunk=0)
        records = self._matching(namespace, condition, ANSWER_FIELDS, limit)
        return [Hit(chunk_id, 1.0, fields) for chunk_id, fields in records]

    @property
    def _any_vector(self) -> list[float]:
        """A vector for searches in which only the filter counts."""
        return [1.0] + [0.0] * (self.dimensions - 1)

    @property
    def records_of_an_answer(self) -> int:
        """How many whole records always fit into a response."""
        return max(1, MAX_ANSWER_BYTES // (MAX_METADATA_BYTES + _NUMBER_BYTES * self.dimensions))

    def count(self, namespace: str) -> int:
        """Return the number of records of a namespace."""
        stats = self._asked("describe_index_stats", self._index.describe_index_stats)
        summary = stats.namespaces.get(namespace)
        return int(summary.vector_count) if summary is not None else 0

    def shows_written(self, namespace: str) -> bool:
        """Tell whether a search sees everything written through this object, by log positions.

        False also when no position is known. It takes a search, because a fetch returns no
        position (docs.pinecone.io, "Check data freshness", 2026-11).
        """
        written = self._written_through.get(namespace)
        info = None if written is None else self._search_info(namespace)
        return info is not None and bool(info.is_reconciled(written))

    @abstractmethod
    def _search_info(self, namespace: str) -> Any:
        """Return the SDK's `response_info` of the smallest search."""

    def _asked(self, verb: str, ask: Callable[..., Any], **arguments: Any) -> Any:
        return answered(f"pinecone {verb}", self._meter, partial(ask, **arguments))

    def _written(self, verb: str, namespace: str, ask: Callable[..., Any], **arguments: Any) -> Any:
        """Send a write, and remember its position in the namespace's log."""
        answer = self._asked(verb, ask, namespace=namespace, **arguments)
        info = getattr(answer, "response_info", None)  # A delete of vectors returns nothing.
        if info is not None and info.lsn_committed is not None:
            with self._lock:
                before = self._written_through.get(namespace, 0)
                self._written_through[namespace] = max(before, info.lsn_committed)
        return answer

    def _upsert_group(self, namespace: str, group: Sequence[Mapping[str, Any]]) -> None:
        """Send a batch until Pinecone reports that it took all of it.

        Raises:
            LostWriteError: It took only a part, `SENDS` times.
        """
        for _ in range(SENDS):
            # Without `batch_size`, with which the SDK reports failed batches and raises nothing.
            answer = self._written(
                f"{self.noun}.upsert", namespace, self._methods.upsert, **{self.noun: group}
            )
            if answer.upserted_count == len(group):
                return
        named = ", ".join(str(record[self.id_field]) for record in group[:NAMED])
        raise LostWriteError(
            f"pinecone took {answer.upserted_count} of {len(group)} records into {namespace!r}, "
            f"sent {SENDS} times: {named}{' and more' if len(group) > NAMED else ''}. Run the same "
            f"days again"
        )


def answered(
    operation: str,
    meter: Meter,
    ask: Callable[[], Any],
    *,
    missing: Any = _RAISE,
    existing: Any = _RAISE,
) -> Any:
    """Count a request and return its response, or raise one of our errors.

    The SDK retries and obeys `Retry-After` inside. `missing` is returned when the object does not
    exist, and `existing` when it exists already; without them, an error is raised.
    """
    meter.count(operation)
    try:
        return within(CALL_SECONDS, ask)
    except pinecone_errors.PineconeError as error:
        if isinstance(error, pinecone_errors.NotFoundError) and missing is not _RAISE:
            return missing
        if isinstance(error, pinecone_errors.ConflictError) and existing is not _RAISE:
            return existing
        raise _translated(operation, error) from error
    except TimeoutError as error:
        raise UnavailableError(operation, str(error)) from error


def _translated(operation: str, error: pinecone_errors.PineconeError) -> VectorAssetsError:
    status = getattr(error, "status_code", None) or getattr(error, "status", None)
    words = str(error).splitlines()[0][:300]
    if status in (401, 403):
        advice = "Check PINECONE_API_KEY and its project."
        return CredentialsError("pinecone", f"HTTP {status}", advice)
    if status == 429:
        return RateLimitedError(operation, waited_seconds=60, ceiling_seconds=60)
    if status is None or status >= 500:
        advice = "Check PINECONE_HOST, then run the same days again."
        return UnavailableError("pinecone", words, advice)
    if "dimension" in words.lower():
        return IndexMismatchError(f"{operation}: {words}. Sync into a new PINECONE_INDEX.")
    return ContractError(operation, words, "an answer to a valid request")


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return `function(item)` for each item, in order, several concurrently.

    Items may be large: they are read only as far ahead as requests are in flight.
    """
    first = list(islice(iterator := iter(items), 2))
    if len(first) < 2:
        return [function(item) for item in first]
    return list(map_ordered(function, chain(first, iterator), in_flight=REQUESTS_IN_FLIGHT))


def pages(ask: Callable[[str | None], Any]) -> Iterator[Any]:
    """Yield the SDK's pages; `ask` returns the page of a token, the first one for None."""
    token: str | None = None
    while token != "":
        page = ask(token)
        yield page
        token = (page.pagination.next if page.pagination is not None else None) or ""


def groups(items: Sequence[Item], count: int = MAX_RECORDS) -> Iterator[Sequence[Item]]:
    """Yield items in groups of at most `count`."""
    for at in range(0, len(items), count):
        yield items[at : at + count]


def groups_by_bytes(items: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield records in groups that fit one request, by count and by bytes, in order."""
    group: list[Mapping[str, Any]] = []
    total_bytes = 0
    for item in items:
        item_bytes = len(orjson.dumps(item)) + 1
        if group and (len(group) == MAX_RECORDS or total_bytes + item_bytes > MAX_REQUEST_BYTES):
            yield group
            group, total_bytes = [], 0
        group.append(item)
        total_bytes += item_bytes
    if group:
        yield group


def short_numbers(vector: Vectors) -> list[float]:
    """Return a vector as the shortest numbers that denote these float32.

    That halves the request: as doubles they would be written with seventeen digits.
    """
    numbers: list[float] = orjson.loads(vector_json(vector))
    return numbers


def vector_json(vector: Vectors) -> bytes:
    """Return a vector as JSON, in the shortest numbers that denote these float32."""
    return orjson.dumps(np.ascontiguousarray(vector), option=orjson.OPT_SERIALIZE_NUMPY)


def pinecone_filter(where: Filter, **also: Any) -> dict[str, Any]:
    """Return a filter in Pinecone's language; it always restricts the readers."""
    clauses: list[dict[str, Any]] = [{"access": {"$in": where.readers}}]
    if where.containers:
        clauses.append({"container": {"$in": list(where.containers)}})
    if where.since is not None:
        clauses.append({"updated_at": {"$gte": where.since}})
    if where.until is not None:
        clauses.append({"updated_at": {"$lt": where.until}})
    if where.issue_key:
        clauses.append({"issue_key": {"$eq": where.issue_key}})
    clauses += [{name: {"$eq": value}} for name, value in also.items()]
    return {"$and": clauses}


def heads_filter(days: Sequence[date]) -> dict[str, Any]:
    """Return the filter for heads, of these days if there are any."""
    of_days = {"partition": {"$in": [day.isoformat() for day in days]}} if days else {}
    return {"chunk": {"$eq": 0}, **of_days}


def restored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as it was written; Pinecone returns every number as a float."""
    return {
        name: int(value) if name in ("chunk", "chunk_count") else value
        for name, value in fields.items()
        if value is not None
    }
