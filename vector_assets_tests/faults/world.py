"""A source that changes at random between runs, and what an index of it must contain."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from vector_assets.core.documents import Document, Section
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.chunking import chunk_document
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.redaction.version import redaction_version
from vector_assets.stores.base import Metadata
from vector_assets.stores.records import chunk_metadata, record_id
from vector_assets_tests.support.tiny import TinyEmbedder, document, utc

Contents = dict[str, tuple[Metadata, Vectors]]
"""What an index holds: metadata and vector by record id."""

WORDS = tuple(f"w{n}" for n in range(60))
MAX_SECTIONS = 5


def section(random: Random) -> str:
    """Return a text that fills a chunk by itself."""
    return " ".join(random.choices(WORDS, k=25))


@dataclass
class World:
    """Documents at a source, each in its newest version, and some of its versions before.

    Attributes:
        random: Decides every change.
        documents: By id.
        before: Older versions that a stale page may still show.
    """

    random: Random
    documents: dict[str, Document] = field(default_factory=dict)
    before: list[Document] = field(default_factory=list)
    _made: int = 0

    def change(self) -> None:
        """Add, edit, grow, shrink, retitle or take back, a few times."""
        for _ in range(self.random.randint(1, 4)):
            if not self.documents or self.random.random() < 0.3:
                self._made += 1
                sections = [section(self.random) for _ in range(self.random.randint(1, 5))]
                self._put(document(str(self._made), *sections))
            else:
                self._edit(self.random.choice(sorted(self.documents)))

    def _edit(self, document_id: str) -> None:
        old = self.documents[document_id]
        self.before.append(old)
        parts = [section.text for section in old.sections]
        place = self.random.randrange(len(parts))
        what = self.random.choice(["edit", "grow", "shrink", "cut", "title", "back"])
        # Vendors date to the minute: a second edit may carry the date of the first.
        minutes = self.random.choice([0, 1, 1, 60])
        when = old.updated_at + timedelta(minutes=minutes)
        if what == "back":
            earlier = [doc for doc in self.before if doc.id == document_id]
            chosen = self.random.choice(earlier)
            self._put(replace(chosen, updated_at=when))
            return
        if what == "edit":
            parts[place] = section(self.random)
        elif what == "grow" and len(parts) < MAX_SECTIONS:
            parts.insert(place, section(self.random))
        elif what == "shrink" and len(parts) > 1:
            del parts[place]
        elif what == "cut":
            parts = parts[:1]
        title = section(self.random)[:12] if what == "title" else old.title
        self._put(replace(old, title=title, sections=tuple(map(Section, parts)), updated_at=when))

    def _put(self, new: Document) -> None:
        self.documents[new.id] = new

    def listing(self) -> Iterator[Document]:
        """Yield every document in any order, some twice, some first in a version before."""
        shown = list(self.documents.values())
        self.random.shuffle(shown)
        for doc in shown:
            stale = [old for old in self.before if old.id == doc.id]
            if stale and self.random.random() < 0.2:
                older = self.random.choice(stale)
                if older.updated_at < doc.updated_at:
                    yield from self.random.choice([(older, doc), (doc, older)])
                    continue
            yield doc
            if self.random.random() < 0.1:
                yield doc


def expected(documents: dict[str, Document], embedder: TinyEmbedder) -> Contents:
    """Return what an index must contain, record by record."""
    kind = IndexSpec.of(embedder).vector_spec
    contents: Contents = {}
    for doc in documents.values():
        chunks = chunk_document(doc, embedder.tokenizer, embedder.chunk_tokens)
        for chunk in chunks:
            contents[record_id(doc.id, chunk.ordinal)] = (
                chunk_metadata(
                    doc,
                    chunk,
                    chunk_count=len(chunks),
                    vector_spec=kind,
                    redaction=redaction_version(),
                ),
                embedder.embed_query(chunk.text),
            )
    return contents


START = utc("2026-03-02")
