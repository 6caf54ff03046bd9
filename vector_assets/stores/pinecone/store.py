"""Pinecone: an index in the cloud, through the API with which it was created.

Indexes that we create use the Documents API and have full text. An existing index of vectors uses
the Vectors API, without full text. Both APIs are eventually consistent (docs.pinecone.io, "Data
freshness", 2026-11): searches and fetches may miss what was written seconds ago.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Any, Self, TypeVar

from pinecone import Pinecone

from vector_assets.core.errors import IndexMismatchError, SettingsError, UnavailableError
from vector_assets.core.languages import CODES, ENGLISH, NONE
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.core.waiting import wait_until
from vector_assets.stores.base import Filter, Head, Hit, IndexStore, Metadata, Record
from vector_assets.stores.pinecone.api import MAX_ANSWER_BYTES, PineconeApi, answered
from vector_assets.stores.pinecone.documents_api import DocumentsApi
from vector_assets.stores.pinecone.vectors_api import VectorsApi
from vector_assets.stores.records import MAX_METADATA_BYTES, chunks_of

Result = TypeVar("Result")

VECTOR_FIELD = "vector"
TEXT_FIELD = "text"

FIELD_OF_VECTOR_INDEX = "_values"
"""The control plane's name of the only field of an index of the Vectors API."""

MAX_NAME_CHARACTERS = 45
"""Longest allowed name of an index (docs.pinecone.io, "Create an index", 2026-11)."""

READY_SECONDS = 300.0
"""How long to wait until a new index can be used."""

READY_POLL_SECONDS = 1.0

DEPLOYMENT = {"deployment_type": "managed", "cloud": "aws", "region": "us-east-1"}


class PineconeStore(IndexStore):
    """One index.

    Args:
        host: URL of its data plane; looked up by name when empty.
        controller_host: URL of the control plane; Pinecone's own when empty.
    """

    name = "pinecone"
    # Eventually consistent (docs.pinecone.io, "Check data freshness", 2026-11): seconds as a rule.
    seen_within_seconds = 60.0
    # The requests of a batch wait for one another; a second batch uses the time between them.
    batches_in_flight = 2
    max_hits = MAX_ANSWER_BYTES // MAX_METADATA_BYTES

    def __init__(
        self,
        key: str,
        *,
        index: str,
        host: str,
        controller_host: str,
        meter: Meter,
        text_language: str = ENGLISH,
    ) -> None:
        self._key = key
        self._index_name = index
        self._host = host
        self._controller_host = controller_host
        self._meter = meter
        self._text_language = text_language
        self._text_field: Any = None
        self._client = _client(key, controller_host)
        self._lock = threading.Lock()
        self._api: PineconeApi | None = None

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Create the store without a request; `SettingsError` if the key is missing."""
        key = settings.pinecone_api_key.get_secret_value()
        if not key:
            raise SettingsError(
                "VECTOR_STORE is 'pinecone' and PINECONE_API_KEY is not set: set it, or set "
                "VECTOR_STORE=lancedb"
            )
        return cls(
            key,
            index=settings.pinecone_index,
            host=settings.pinecone_host,
            controller_host=settings.pinecone_controller_host,
            meter=meter,
            text_language=settings.text_language,
        )

    @property
    def has_lexical_search(self) -> bool:  # type: ignore[override]  # known once the index is
        """Whether the index is one of documents, which have full text."""
        api = self._existing()
        return api is None or isinstance(api, DocumentsApi)

    def open(self, namespace: str, dimensions: int) -> None:
        """Look the index up, or create it; namespaces need not be created."""
        api = self._existing() or self._create(dimensions)
        if api.dimensions != dimensions:
            raise IndexMismatchError(
                f"the Pinecone index {self._index_name!r} holds vectors of {api.dimensions} "
                f"dimensions, and the embedder makes {dimensions}: set EMBEDDING_MODEL and "
                f"EMBEDDING_DIMENSIONS back, or name a new index in PINECONE_INDEX and sync again"
            )

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        """Return what the index holds of these documents."""
        return self._read({}, lambda api: api.heads(namespace, document_ids))

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Return the fingerprints of the chunks that exist."""
        return self._read({}, lambda api: api.fingerprints(namespace, chunk_ids))

    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        """Return the ids of all chunks of a document; the prefix includes the separator."""
        return list(self.record_ids(namespace, document_id))

    def record_ids(self, namespace: str, document_id: str = "") -> Iterator[str]:
        """Yield ids in order, a page per request."""
        prefix = f"{document_id}#" if document_id else ""
        listed: Iterator[str] = self._read(iter(()), lambda api: api.listed(namespace, prefix))
        return chunks_of(document_id, listed)

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        """Return records with their vectors, in responses of bounded size."""
        return self._read([], lambda api: api.fetch(namespace, chunk_ids))

    def drop_doubles(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Do nothing: ids are unique in a namespace of Pinecone."""

    def shows_written(self, namespace: str) -> bool:
        """Tell whether a search is known to see everything written through this object."""
        return self._read(False, lambda api: api.shows_written(namespace))

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        """Write records in requests of bounded count and bytes, a few concurrently."""
        if records:
            self._opened().upsert(namespace, records)

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        """Set fields of existing records."""
        if metadata_by_id:
            self._opened().update(namespace, metadata_by_id)

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        """Delete records by id."""
        if chunk_ids:
            self._opened().delete(namespace, chunk_ids)

    def count(self, namespace: str) -> int:
        """Return the number of records from the index's statistics."""
        return self._read(0, lambda api: api.count(namespace))

    def watermark(self, namespace: str) -> datetime | None:
        """Return the newest `updated_at`.

        Pinecone cannot sort, so each request asks for one record that is newer than the newest
        seen, by a step that shrinks. That takes about 20 requests for any number of records.
        """
        newest = self._read(None, lambda api: _newest_time(api, namespace))
        return None if newest is None else datetime.fromtimestamp(newest, UTC)

    def documents(self, namespace: str, days: Sequence[date] = ()) -> Iterator[tuple[str, Head]]:
        """Yield each document, or those of some days, with its head, a page per request."""
        return self._read(iter(()), lambda api: api.documents(namespace, days))

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        """Return the nearest records."""
        return self._read([], lambda api: api.search_dense(namespace, vector, where, limit))

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return the best records by BM25; none from an index of vectors."""
        if not text.strip():
            return []
        return self._read([], lambda api: api.search_lexical(namespace, text, where, limit))

    def lookup(self, namespace: str, *, where: Filter, limit: int) -> list[Hit]:
        """Return first records that match a filter."""
        return self._read([], lambda api: api.lookup(namespace, where, limit))

    def maintain(self, namespace: str) -> None:
        """Do nothing: Pinecone maintains its indexes itself."""

    def keep_pace(self, namespace: str) -> None:
        """Do nothing: Pinecone maintains its indexes itself."""

    def check(self) -> str:
        """Look the index up."""
        if (api := self._existing()) is None:
            return f"Pinecone answers; the index {self._index_name!r} is made by the first sync"
        kind = "documents" if isinstance(api, DocumentsApi) else "vectors, without full text"
        line = f"Pinecone index {self._index_name!r} of {kind}, {api.dimensions} dimensions"
        return "; ".join(filter(None, (line, self._other_language())))

    def _other_language(self) -> str:
        """Return in words that the index was made for another language than is set."""
        held = getattr(self._text_field, "full_text_search", None)
        wanted = _full_text(self._text_language)
        if held is None or all(getattr(held, name) == value for name, value in wanted.items()):
            return ""
        return (
            f"its words are searched as {held.language}{'' if held.stemming else ', unstemmed'}, "
            f"and not as {self._text_language} (TEXT_LANGUAGE), which only a new index can be: "
            f"name one in PINECONE_INDEX and sync"
        )

    def beside(self, generation: str) -> Self:
        """Return another index, of the Documents API, whose name is derived from this one's.

        A name that is too long is cut and gets a hash, to be different from others.
        """
        name = f"{self._index_name}-{generation}"
        if len(name) > MAX_NAME_CHARACTERS:
            digest = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
            name = f"{name[: MAX_NAME_CHARACTERS - len(digest) - 1]}-{digest}"
        controller = self._controller_host
        return type(self)(
            self._key,
            index=name,
            host="",
            controller_host=controller,
            meter=self._meter,
            text_language=self._text_language,
        )

    def dimensions(self, namespace: str) -> int | None:
        """Return the length of the index's vectors, the same in all namespaces."""
        return self._read(None, lambda api: api.dimensions)

    def clear(self, namespace: str) -> None:
        """Delete every record of a namespace."""
        self._read(None, lambda api: api.clear(namespace))

    def remove(self) -> None:
        """Delete the index."""
        delete = partial(self._client.indexes.delete, self._index_name, timeout=-1)
        answered("pinecone indexes.delete", self._meter, delete, missing=None)
        with self._lock:
            self._api = None

    def _read(self, empty: Result, ask: Callable[[PineconeApi], Result]) -> Result:
        """Return the index's answer; `empty` when there is no index."""
        api = self._existing()
        return empty if api is None else ask(api)

    def _opened(self) -> PineconeApi:
        if (api := self._existing()) is None:
            raise IndexMismatchError(
                f"the Pinecone index {self._index_name!r} does not exist: open it first"
            )
        return api

    def _existing(self) -> PineconeApi | None:
        """Return the index through its API, or None when there is no such index."""
        with self._lock:
            if self._api is None and (description := self._described()) is not None:
                self._api = self._connect(description)
            return self._api

    def _described(self) -> Any | None:
        """Return the index's description when it is ready; None when there is no index.

        Raises:
            UnavailableError: It is being created, and was not ready in time.
        """
        ask = partial(self._client.indexes.describe, self._index_name)
        description = wait_until(
            lambda: answered("pinecone indexes.describe", self._meter, ask, missing=None),
            seconds=READY_SECONDS,
            is_done=lambda index: index is None or index.status.ready,
            pause_seconds=READY_POLL_SECONDS,
        )
        if description is not None and not description.status.ready:
            raise UnavailableError(
                f"Pinecone index {self._index_name!r}", f"{description.status.state} for too long"
            )
        return description

    def _connect(self, description: Any) -> PineconeApi:
        fields = description.schema.fields
        vector_field = next(
            name for name, field in fields.items() if getattr(field, "dimension", None) is not None
        )
        self._text_field = fields.get(TEXT_FIELD)
        handle = _index(self._key, self._controller_host, self._host or description.host)
        api = VectorsApi if vector_field == FIELD_OF_VECTOR_INDEX else DocumentsApi
        dimensions = fields[vector_field].dimension
        return api(handle, vector_field=vector_field, dimensions=dimensions, meter=self._meter)

    def _create(self, dimensions: int) -> PineconeApi:
        """Create an index with a vector and full text; other fields can be filtered."""
        full_text = _full_text(self._text_language)
        fields = {
            VECTOR_FIELD: {"type": "dense_vector", "dimension": dimensions, "metric": "cosine"},
            TEXT_FIELD: {"type": "string", "full_text_search": full_text},
        }
        create = partial(
            self._client.indexes.create,
            name=self._index_name,
            schema={"fields": fields},
            deployment=DEPLOYMENT,
            timeout=-1,
        )
        # Another run may have just created it: sources sync concurrently.
        answered("pinecone indexes.create", self._meter, create, existing=None)
        return self._opened()


def _full_text(language: str) -> dict[str, Any]:
    """Return how a text's words are cut; Pinecone wants some language also without stems."""
    return {"language": CODES.get(language, CODES[ENGLISH]), "stemming": language != NONE}


@lru_cache(maxsize=8)
def _client(key: str, controller_host: str) -> Pinecone:
    """Return a client, whose connections sources that sync concurrently share."""
    return Pinecone(api_key=key, host=controller_host or None)


@lru_cache(maxsize=8)
def _index(key: str, controller_host: str, host: str) -> Any:
    return _client(key, controller_host).Index(host=host)


MAX_LAST_REQUESTS = 30
"""For the newest of the records of two seconds; each finds one that is newer than those before."""


def _newest_time(api: PineconeApi, namespace: str) -> float | None:
    newest = api.any_newer(namespace, None)
    if newest is None:
        return None
    step_seconds = 365 * 86400.0
    while step_seconds >= 0.5:
        newer = api.any_newer(namespace, newest + step_seconds)
        if newer is None:
            # Nothing that far ahead; within two seconds few records are left.
            step_seconds = step_seconds / 4 if step_seconds > 1 else 0.0
        else:
            newest = newer
    for _ in range(MAX_LAST_REQUESTS):
        last = api.any_newer(namespace, newest)
        if last is None:
            break
        newest = last
    return newest
