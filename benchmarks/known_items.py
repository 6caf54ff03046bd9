"""Makes questions whose answer is known: a few words of a sentence of a document, in their order.

The same index and seed give the same questions. They are what somebody asks who remembers some of
the words; whoever wrote the document had no question in mind, so nothing gives them away.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from vector_assets.core.stop_words import STOP_WORDS
from vector_assets.embedding.chunking import passage_of
from vector_assets.stores.base import IndexStore
from vector_assets.stores.records import head_id

_WORD = re.compile(r"[^\W\d_][\w'-]{2,}")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LINK = re.compile(r"https?://\S+|<[^>]*>|`[^`]*`")
_STOP = frozenset(STOP_WORDS)

LEAST_WORDS, FEWEST_ASKED, MOST_ASKED = 8, 4, 7
"""A sentence needs so many words that mean something; a question has so many of them."""


@dataclass(frozen=True, slots=True)
class KnownItem:
    """Words of a document, and its id."""

    source: str
    text: str
    document_id: str


def known_items(
    store: IndexStore, source: str, count: int, *, seed: int = 0
) -> Iterator[KnownItem]:
    """Yield at most `count` questions of a source, each of another document."""
    chooser = random.Random(f"{seed} {source}")
    document_ids = sorted(document_id for document_id, _ in store.documents(source))
    chooser.shuffle(document_ids)
    asked = 0
    for document_id in document_ids:
        if asked == count:
            return
        question = _question(store, source, document_id, chooser)
        if question:
            asked += 1
            yield KnownItem(source, question, document_id)


def _question(store: IndexStore, source: str, document_id: str, chooser: random.Random) -> str:
    """Return some words of a sentence of a document; empty when no sentence has enough."""
    chunk_ids = store.chunk_ids(source, document_id) or [head_id(document_id)]
    chunk_id = chooser.choice(sorted(chunk_ids))
    metadata = store.metadata(source, [chunk_id])
    text = _LINK.sub(" ", passage_of(str(metadata[chunk_id]["text"])))
    sentences = [
        words
        for sentence in _SENTENCE_END.split(text)
        if len(words := [w for w in _WORD.findall(sentence) if w.lower() not in _STOP])
        >= LEAST_WORDS
    ]
    if not sentences:
        return ""
    words = chooser.choice(sentences)
    kept = sorted(
        chooser.sample(
            range(len(words)), min(chooser.randint(FEWEST_ASKED, MOST_ASKED), len(words))
        )
    )
    return " ".join(words[at] for at in kept)
