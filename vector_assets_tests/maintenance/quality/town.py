"""A small office whose documents change each night, in a real index, and what can break there."""

import random
from collections.abc import Iterable, Sequence
from copy import copy, deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from vector_assets.core.documents import RESTRICTED, Document, Section
from vector_assets.embedding.base import Embedder
from vector_assets.index.ledger import Ledger
from vector_assets.maintenance.quality.examine import Examination, examine
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.pipeline.writer import Writer
from vector_assets.stores.base import IndexStore, Record

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
SOURCES = ("jira", "slack", "notion")
NIGHT = timedelta(days=1)

_SYLLABLES = ("ba", "do", "fe", "gi", "ku", "la", "mo", "ne", "pi", "ru", "sa", "to", "va", "zu")


class Town:
    """An index of some sources, written as a sync writes, and examined each night."""

    def __init__(
        self,
        store: IndexStore,
        embedder: Embedder,
        seed: int = 1,
        sources: Sequence[str] = SOURCES,
    ) -> None:
        self.store = store
        self.sources = sources
        self.embedder = embedder
        self.now = NOW
        self.documents: dict[str, Document] = {}
        self._random = random.Random(seed)
        self._words = ["".join(self._random.choices(_SYLLABLES, k=3)) for _ in range(2_000)]
        self._count = 0
        for source in sources:
            store.open(source, embedder.dimensions)
        self.ledger = Ledger(store, embedder.dimensions)

    def moved(self, store: IndexStore) -> "Town":
        """Return the office over a copy of its index, to go its own way from here."""
        twin = copy(self)
        twin.store = store
        twin.ledger = Ledger(store, self.embedder.dimensions)
        twin.documents = dict(self.documents)
        twin._random = deepcopy(self._random)
        return twin

    def settle(self, count: int = 150) -> None:
        """Fill the index: half of it long ago, half in the last weeks."""
        for number in range(count):
            is_old = number // len(self.sources) % 2
            days_ago = self._random.randint(31, 400) if is_old else self._random.randint(1, 29)
            self.put(
                self.new(
                    self.sources[number % len(self.sources)], self.now - timedelta(days=days_ago)
                )
            )
        self.write(self.documents.values())

    def new(self, source: str, at: datetime, **fields: Any) -> Document:
        """Return a document with made-up words, some of which are frequent."""
        self._count += 1
        native_id = str(10_000 + self._count)
        title = self.sentence(5).rstrip(".")
        asks = self.sentence(9).rstrip(".") + "?"
        sections = [
            Section(" ".join(self.sentence(10) for _ in range(self._random.randint(2, 4))))
            for _ in range(self._random.randint(1, 4))
        ]
        if source == "slack":
            sections = [Section(asks, "Ann Lee, 2026-02-03 10:15"), *sections]
        elif source == "notion":
            sections[-1] = Section(sections[-1].text, self.sentence(3).rstrip("."))
        plain: dict[str, Any] = {
            "source": source,
            "native_id": native_id,
            "title": title,
            "sections": tuple(sections),
            "url": f"https://example.com/{native_id}",
            "container": "HAR",
            "authors": ("Ann",),
            "created_at": at,
            "updated_at": at,
            "extra": {"issue_key": f"HAR-{self._count}" if source == "jira" else ""},
        }
        return Document(**{**plain, **fields})

    def sentence(self, word_count: int) -> str:
        """Return a sentence; low ranks of the vocabulary are frequent, as in any language."""
        ranks = [int(2_000 ** self._random.random()) - 1 for _ in range(word_count)]
        return " ".join(self._words[rank] for rank in ranks).capitalize() + "."

    def put(self, *documents: Document) -> None:
        self.documents |= {document.id: document for document in documents}

    def write(self, documents: Iterable[Document]) -> None:
        """Write documents as a sync does."""
        by_source: dict[str, list[Document]] = {}
        for document in documents:
            by_source.setdefault(document.source, []).append(document)
        for source, some in by_source.items():
            planner = Planner(self.store, source, self.embedder)
            plans = [plan for plan in planner.plan(some) if isinstance(plan, DocumentPlan)]
            writer = Writer(self.store, source, planner)
            writer.write([plan for plan in plans if not plan.is_empty])
            writer.finish()
            self.store.maintain(source)

    def pass_day(self, *, added: int = 5, edited: int = 5, deleted: int = 3) -> None:
        """Let a day pass as others do: documents come, change and go."""
        self.now += NIGHT
        at = self.now - timedelta(hours=9)
        ids = self._random.sample(sorted(self.documents), edited + deleted)
        for document_id in ids[:deleted]:
            source = self.documents.pop(document_id).source
            self.store.delete(source, self.store.chunk_ids(source, document_id))
        changed = [self._edited(self.documents[each], at) for each in ids[deleted:]]
        fresh = [self.new(self._random.choice(self.sources), at) for _ in range(added)]
        self.put(*changed, *fresh)
        self.write([*changed, *fresh])

    def _edited(self, document: Document, at: datetime) -> Document:
        sections = list(document.sections)
        place = self._random.randrange(len(sections))
        sections[place] = Section(self.sentence(12), sections[place].heading)
        fields = {name: getattr(document, name) for name in ("native_id", "title", "extra")}
        return self.new(document.source, at, sections=tuple(sections), **fields)

    def examine(self, **options: Any) -> Examination:
        return examine(
            self.store, self.embedder, self.ledger, self.sources, now=self.now, **options
        )

    def records(self, source: str) -> list[Record]:
        """Return all records of a source."""
        return self.store.fetch(source, list(self.store.record_ids(source)))

    def swap_vectors(self, share: float) -> None:
        """Give the documents of a share of the index each other's vectors."""
        for source in self.sources:
            records = self.records(source)
            documents = sorted({record.metadata["document_id"] for record in records}, key=str)
            chosen = set(documents[: int(len(documents) * share)])
            swapped = [each for each in records if each.metadata["document_id"] in chosen]
            vectors = [each.vector for each in swapped]
            # A shift by half exchanges documents, not chunks of one.
            half = len(vectors) // 2
            self.rewrite(source, swapped, [*vectors[half:], *vectors[:half]])

    def rewrite(self, source: str, records: Sequence[Record], vectors: Sequence[Any]) -> None:
        self.store.upsert(
            source,
            [
                Record(record.id, vector, record.metadata)
                for record, vector in zip(records, vectors, strict=True)
            ],
        )

    def embed_with(self, other: Embedder) -> None:
        """Put vectors of another model of the same length into the index."""
        for source in self.sources:
            records = self.records(source)
            texts = [str(record.metadata["text"]) for record in records]
            self.rewrite(source, records, list(other.embed(texts).vectors))


PRIVATE = (RESTRICTED, "ann@example.com")
