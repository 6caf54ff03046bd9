"""A store and a source that break at random, at any call and in the middle of any write.

A write that breaks has taken none of its records, all of them, or those before some point: what a
process that is killed there would leave as well.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import (
    LostWriteError,
    RateLimitedError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.embedding.base import Embedded
from vector_assets.sources.items import DocumentFailure, SourceItem
from vector_assets.stores.base import Head, Metadata, Record
from vector_assets_tests.faults.memory_store import MemoryStore
from vector_assets_tests.faults.world import World
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder

Item = TypeVar("Item")


@dataclass
class Faults:
    """When something breaks, and how often it did.

    Attributes:
        random: Decides.
        share: How many of all calls break; 0 for none.
        injected: Faults so far, by name.
    """

    random: Random
    share: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)

    def strikes(self, name: str, *, rarer: int = 1) -> bool:
        """Tell whether this call breaks, and count it; one of many is to break more rarely."""
        if self.random.random() >= self.share / rarer:
            return False
        self.injected[name] += 1
        return True

    def error(self) -> VectorAssetsError:
        """Return one of the errors that end a run."""
        return self.random.choice(
            [
                UnavailableError("index", "connection reset"),
                RateLimitedError("index", waited_seconds=1, ceiling_seconds=1),
                LostWriteError("index took fewer than it was given"),
            ]
        )


class FaultyStore(MemoryStore):
    """A store in memory that breaks."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def heads(self, namespace: str, document_ids: Sequence[str]) -> dict[str, Head]:
        self._may_fail("heads")
        return super().heads(namespace, document_ids)

    def fingerprints(self, namespace: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        self._may_fail("fingerprints")
        return super().fingerprints(namespace, chunk_ids)

    def chunk_ids(self, namespace: str, document_id: str) -> list[str]:
        self._may_fail("chunk_ids")
        return super().chunk_ids(namespace, document_id)

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        taken = self._taken("upsert", records)
        super().upsert(namespace, taken)
        self._complain(len(taken) < len(records))

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        # Of updates several are in flight at once, so that any of them may be lost.
        items = list(metadata_by_id.items())
        self.faults.random.shuffle(items)
        taken = dict(self._taken("update", items))
        super().update_metadata(namespace, taken)
        self._complain(len(taken) < len(items))

    def delete(self, namespace: str, chunk_ids: Sequence[str]) -> None:
        taken = self._taken("delete", chunk_ids)
        super().delete(namespace, taken)
        self._complain(len(taken) < len(chunk_ids))

    _broken = False

    def _taken(self, verb: str, items: Sequence[Item]) -> Sequence[Item]:
        self._broken = bool(items) and self.faults.strikes(verb)
        return items[: self.faults.random.randint(0, len(items))] if self._broken else items

    def _complain(self, is_short: bool) -> None:
        # What was taken as a whole may be answered by an error all the same.
        if self._broken or is_short:
            self._broken = False
            raise self.faults.error()

    def _may_fail(self, verb: str) -> None:
        if self.faults.strikes(verb, rarer=4):
            raise self.faults.error()


class FaultyEmbedder(TinyEmbedder):
    """An embedder that does not answer, or refuses a text."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(dimensions=16, chunk_tokens=40)
        self.faults = faults

    def embed(self, texts: Sequence[str]) -> Embedded:
        if self.faults.strikes("embed", rarer=2):
            raise UnavailableError("embedder", "HTTP 503")
        embedded = super().embed(texts)
        if self.faults.strikes("refused text", rarer=4):
            return Embedded(embedded.vectors, embedded.token_count, {0: "refused"})
        return embedded


class FaultySource(ListSource):
    """A source whose pages repeat, come in any order, break off, and miss a document by name."""

    def __init__(self, world: World, faults: Faults) -> None:
        super().__init__([])
        self.world = world
        self.faults = faults

    def documents(self, window: Window) -> Iterator[SourceItem]:
        listing = list(self.world.listing() if self.faults.share else self._plain())
        for item in listing:
            if self.faults.strikes("listing breaks off", rarer=15):
                raise UnavailableError("jira", "HTTP 503")
            if self.faults.strikes("document fails", rarer=10):
                yield DocumentFailure(item.id, "HTTP 500", item.day)
            else:
                yield item

    def _plain(self) -> Iterator[Document]:
        yield from self.world.documents.values()
