"""Small real parts for tests: an embedder of hashed words, a source of given items, a document.

They are full implementations of the interfaces, not mocks: the embedder's vectors are unit vectors
whose cosine grows with shared words, and the source obeys its window.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Self

import numpy as np

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, Section
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded, Embedder
from vector_assets.sources.base import ConnectionCheck, Source
from vector_assets.sources.items import SourceItem


class WordSplitter:
    """Cuts after so many words."""

    def __init__(self, capacity_tokens: int) -> None:
        self._capacity_tokens = max(1, capacity_tokens)

    def chunks(self, text: str) -> list[str]:
        words = text.split()
        step = self._capacity_tokens
        return [" ".join(words[at : at + step]) for at in range(0, len(words), step)]


class WordTokenizer:
    """A token a word."""

    def count(self, text: str) -> int:
        return len(text.split())

    def splitter(self, capacity_tokens: int) -> WordSplitter:
        return WordSplitter(capacity_tokens)


@lru_cache(maxsize=100_000)
def _number_of(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest())


class TinyEmbedder(Embedder):
    """Hashes words into a unit vector; counts its calls; refuses texts that hold `POISON`."""

    provider = "tiny"
    model = "hashed-words"
    dollars_per_million_tokens = 1.0

    def __init__(
        self, dimensions: int = 64, chunk_tokens: int = 50, *, is_remembering: bool = True
    ) -> None:
        self.dimensions = dimensions
        self.chunk_tokens = chunk_tokens
        self._is_remembering = is_remembering
        self.embedded_texts: list[str] = []
        self._lock = threading.Lock()

    @property
    def tokenizer(self) -> WordTokenizer:
        return WordTokenizer()

    def embed(self, texts: Sequence[str]) -> Embedded:
        if self._is_remembering:
            with self._lock:
                self.embedded_texts.extend(texts)
        vectors = np.stack([self.embed_query(text) for text in texts])
        failures = {i: "it holds POISON" for i, text in enumerate(texts) if "POISON" in text}
        return Embedded(vectors, sum(len(text.split()) for text in texts), failures)

    def embed_query(self, text: str) -> Vectors:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        for word in text.lower().split():
            vector[_number_of(word) % self.dimensions] += 1.0
        length = float(np.linalg.norm(vector)) or 1.0
        return (vector / length).astype(np.float32)

    def check(self) -> str:
        return "tiny"


class ListSource(Source):
    """Yields given items: documents that lie in the window, and everything else as it comes."""

    name = "jira"
    overlap = timedelta(hours=12)

    def __init__(self, items: Iterable[SourceItem | Exception]) -> None:
        self.items = list(items)
        self.windows: list[Window] = []

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        return cls([])

    def documents(self, window: Window) -> Iterator[SourceItem]:
        self.windows.append(window)
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if not isinstance(item, Document) or item.updated_at in window:
                yield item

    def newest(self) -> datetime | None:
        instants = [item.updated_at for item in self.items if isinstance(item, Document)]
        return max(instants, default=None)

    def check(self) -> ConnectionCheck:
        return ConnectionCheck("a list")


def utc(text: str) -> datetime:
    """Return the instant of `2026-03-02` or `2026-03-02T10:15`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def document(
    native_id: str = "1",
    *texts: str,
    updated_at: str = "2026-03-02T10:00",
    **fields: Any,
) -> Document:
    """Return a document of some sections, with plain values for all that is not given."""
    plain: dict[str, Any] = {
        "source": "jira",
        "title": f"Title {native_id}",
        "url": f"https://example.com/{native_id}",
        "container": "HAR",
        "authors": ("Ann",),
        "created_at": utc("2026-01-01"),
        "extra": {"issue_key": f"HAR-{native_id}"},
    }
    return Document(
        native_id=native_id,
        sections=tuple(Section(text) for text in texts),
        updated_at=utc(updated_at),
        **{**plain, **fields},
    )
