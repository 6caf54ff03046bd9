"""What both of Pinecone's APIs share: requests cut to size, errors in our words, filters.

Limits: docs.pinecone.io, "Database limits", 2026-11.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np
import orjson
from pinecone.errors import exceptions as pinecone_errors

from vector_assets.core.concurrency import mapped_in_order
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
from vector_assets.stores.records import MAX_METADATA_BYTES

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_RECORDS = 1000
"""Most records an upsert, and most ids a fetch or delete."""

SENDS = 3
"""How often a batch is sent of which Pinecone says that it took a part."""

MAX_REQUEST_BYTES = 1_900_000
"""Most bytes a request: the vendor's 2 MB, less what frames the records."""

NAMED = 5
"""So many records are named in an error."""

MAX_ANSWER_BYTES = 4_000_000
"""Most bytes of an answer with whole records (docs.pinecone.io, "Database limits", 2026-11)."""

_NUMBER_BYTES = 22
"""What a number of a vector may take as JSON, when it comes back as a double."""

HEAD_FIELDS = [
    "document_id", "document_fingerprint", "updated_at", "chunk_count", "stamp", "container",
    "access",
]  # fmt: skip

REQUESTS_IN_FLIGHT = 4
"""Requests of one verb at the same time; each of an upsert holds up to 2 MB."""

_RAISE = object()


class PineconeApi(ABC):
    """The verbs that a store needs, spoken in one of Pinecone's APIs.

    Args:
        index: The SDK's data-plane client.
        vector_field: Name of the dense field.
        dimensions: Length of a vector.
        meter: Of the run.
    """

    def __init__(self, index: Any, *, vector_field: str, dimensions: int, meter: Meter) -> None:
        self._index = index
        self._vector_field = vector_field
        self.dimensions = dimensions
        self._meter = meter
        self._written_through: dict[str, int] = {}
        self._lock = threading.Lock()

    @abstractmethod
    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return heads by document id; no vector is fetched of those that exist."""

    @abstractmethod
    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return fingerprints by chunk id; no vector is fetched of those that exist."""

    @abstractmethod
    def clear(self, namespace: str) -> None:
        """Delete every record of a namespace; one that does not exist is passed over."""

    @abstractmethod
    def listed(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids that begin with a prefix, in order, a page a request."""

    @abstractmethod
    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return whole records, vectors included, `records_of_an_answer` at a time."""

    @abstractmethod
    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records and compare the counts that come back."""

    @abstractmethod
    def update(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Set fields of records."""

    @abstractmethod
    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records."""

    @abstractmethod
    def any_newer(self, namespace: str, than: float | None) -> float | None:
        """Return the `updated_at` of any record newer than an instant; None when there is none."""

    @abstractmethod
    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield all heads, or those of some days."""

    @abstractmethod
    def search_dense(self, namespace: str, vector: Vectors, where: Filter, limit: int) -> list[Hit]:
        """Return the nearest records."""

    @abstractmethod
    def search_lexical(self, namespace: str, text: str, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by words."""

    @abstractmethod
    def lookup(self, namespace: str, where: Filter, limit: int) -> list[Hit]:
        """Return first chunks that meet a filter."""

    @property
    def records_of_an_answer(self) -> int:
        """How many whole records are sure to fit an answer."""
        return max(1, MAX_ANSWER_BYTES // (MAX_METADATA_BYTES + _NUMBER_BYTES * self.dimensions))

    def count(self, namespace: str) -> int:
        """Return the number of records of a namespace."""
        stats = self._asked("describe_index_stats", self._index.describe_index_stats)
        found = stats.namespaces.get(namespace)
        return int(found.vector_count) if found is not None else 0

    def shows_written(self, namespace: str) -> bool:
        """Tell whether a search sees all that was written here, by log positions.

        False also where no position is known. A search has to be asked, for a fetch tells none
        (docs.pinecone.io, "Check data freshness", 2026-11).
        """
        written = self._written_through.get(namespace)
        if written is None:
            return False
        info = self._search_info(namespace)
        return info is not None and bool(info.is_reconciled(written))

    @abstractmethod
    def _search_info(self, namespace: str) -> Any:
        """Return what the SDK tells of the smallest search."""

    def _asked(self, verb: str, ask: Callable[[], Any]) -> Any:
        return answered(f"pinecone {verb}", self._meter, ask)

    def _written(self, verb: str, namespace: str, ask: Callable[[], Any]) -> Any:
        """Ask for a write, and remember its position in the namespace's log."""
        answer = self._asked(verb, ask)
        info = getattr(answer, "response_info", None)  # A delete of vectors answers nothing.
        if info is not None and info.lsn_committed is not None:
            with self._lock:
                before = self._written_through.get(namespace, 0)
                self._written_through[namespace] = max(before, info.lsn_committed)
        return answer

    def _upserted(
        self, verb: str, namespace: str, ids: Sequence[str], ask: Callable[[], Any]
    ) -> None:
        """Send a batch until Pinecone says that it took all of it.

        Raises:
            LostWriteError: It never does.
        """
        for _ in range(SENDS):
            taken = self._written(verb, namespace, ask).upserted_count
            if taken == len(ids):
                return
        raise LostWriteError(
            f"pinecone took {taken} of {len(ids)} records into {namespace!r}, sent {SENDS} times: "
            f"{', '.join(ids[:NAMED])}{' and more' if len(ids) > NAMED else ''}. Run the same days "
            f"again"
        )


def answered(
    operation: str,
    meter: Meter,
    ask: Callable[[], Any],
    *,
    missing: Any = _RAISE,
    existing: Any = _RAISE,
) -> Any:
    """Count a request and return its answer, or raise what went wrong in our words.

    Args:
        operation: For the meter and for errors.
        meter: Of the run.
        ask: Makes the request; the SDK retries and obeys `Retry-After` inside.
        missing: Returned for a thing that does not exist; raised as an error when not given.
        existing: The same for a thing that exists already.
    """
    meter.count(operation)
    try:
        return ask()
    except pinecone_errors.NotFoundError as error:
        if missing is _RAISE:
            raise _translated(operation, error) from error
        return missing
    except pinecone_errors.ConflictError as error:
        if existing is _RAISE:
            raise _translated(operation, error) from error
        return existing
    except pinecone_errors.PineconeError as error:
        raise _translated(operation, error) from error


def _translated(operation: str, error: pinecone_errors.PineconeError) -> VectorAssetsError:
    status = getattr(error, "status_code", None) or getattr(error, "status", None)
    words = str(error).splitlines()[0][:300]
    if status in (401, 403):
        return CredentialsError(
            "pinecone", f"HTTP {status}", "Check PINECONE_API_KEY and its project."
        )
    if status == 429:
        return RateLimitedError(operation, waited_seconds=60, ceiling_seconds=60)
    if status is None or status >= 500:
        return UnavailableError(
            "pinecone", words, "Check PINECONE_HOST, then run the same days again."
        )
    if "dimension" in words.lower():
        return IndexMismatchError(f"{operation}: {words}. Sync into a new PINECONE_INDEX.")
    return ContractError(operation, words, "an answer to a valid request")


def in_parallel(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    in_flight: int = REQUESTS_IN_FLIGHT,
) -> list[Result]:
    """Return `function(item)` for each item, in order, several at the same time.

    Args:
        function: Makes a request.
        items: Drawn no further ahead than requests are in flight, for each may be large.
        in_flight: Requests at the same time.
    """
    first = list(islice(iterator := iter(items), 2))
    if len(first) < 2:
        return [function(one) for one in first]
    return list(mapped_in_order(function, chain(first, iterator), in_flight=REQUESTS_IN_FLIGHT))


def groups(items: Sequence[Item], count: int = MAX_RECORDS) -> Iterator[Sequence[Item]]:
    """Yield items in groups of at most so many."""
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
    """Return a vector as the shortest numbers that are these very float32.

    Half the bytes of a request: as doubles they would be written with seventeen digits.
    """
    numbers: list[float] = orjson.loads(vector_json(vector))
    return numbers


def vector_json(vector: Vectors) -> bytes:
    """Return a vector as JSON, in the shortest numbers that are these very float32."""
    return orjson.dumps(np.ascontiguousarray(vector), option=orjson.OPT_SERIALIZE_NUMPY)


def pinecone_filter(where: Filter, **also: Any) -> dict[str, Any]:
    """Return a filter in Pinecone's language; who asks is always part of it."""
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
    """Return the filter that a record is a head, of one of these days when there are any."""
    of_days = {"partition": {"$in": [day.isoformat() for day in days]}} if days else {}
    return {"chunk": {"$eq": 0}, **of_days}


def head_of(fields: Mapping[str, Any]) -> Head:
    """Return the head that a first chunk's fields tell."""
    return Head(
        str(fields.get("document_fingerprint") or ""),
        float(fields["updated_at"]),
        int(fields["chunk_count"]),
        str(fields.get("stamp") or ""),
        str(fields.get("container") or ""),
        tuple(fields.get("access") or ()),
    )


def restored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as it was written: Pinecone gives every number back as a float."""
    return {
        name: int(value) if name in ("chunk", "chunk_count") else value
        for name, value in fields.items()
        if value is not None
    }
