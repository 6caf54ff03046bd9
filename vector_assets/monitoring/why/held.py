"""What the index holds of one document, whole or not, for who may read it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from vector_assets.embedding.chunking import passage_of
from vector_assets.index.document import is_document_id
from vector_assets.stores.base import Head, VectorStore
from vector_assets.stores.records import head_id, is_changing_readers, record_id

_DATED_HEADING = re.compile(r"^.+, \d{4}-\d\d-\d\d(?: \d\d:\d\d)?$", re.MULTILINE)
"""Above what somebody said: a name and when."""

_REDACTED = re.compile(r"\[redacted: [^\[\]\n]*\]")
_WORD = re.compile(r"\w")

MAX_NAMED_PARTS = 5
"""Missing parts that a sentence names."""


@dataclass(frozen=True, slots=True)
class Held:
    """A document in the index.

    Attributes:
        missing: Ordinals of the chunks that should be there and are not.
        text: Of its first chunk, without the head.
    """

    document_id: str
    source: str
    head: Head
    title: str
    link: str
    text: str
    missing: tuple[int, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing but its title can be found."""
        if self.head.chunk_count > 1:
            return False
        return not _WORD.search(_REDACTED.sub("", _DATED_HEADING.sub("", self.text)))

    @property
    def is_redacted(self) -> bool:
        """Whether something of its first chunk was redacted."""
        return _REDACTED.search(self.text) is not None

    @property
    def defect(self) -> str:
        """What of it is not whole, in words; empty when it is whole."""
        count = self.head.chunk_count
        if self.missing:
            parts = ", ".join(str(ordinal + 1) for ordinal in self.missing[:MAX_NAMED_PARTS])
            more = len(self.missing) - MAX_NAMED_PARTS
            listed = f"{parts} and {more} more" if more > 0 else parts
            word = "part" if len(self.missing) == 1 else "parts"
            return f"{word} {listed} of its {count} are missing from the index"
        if not self.head.document_fingerprint:
            return f"a write of it was not finished, so its {count} parts may be of two versions"
        if is_changing_readers(self.head):
            return "a change of its readers has not reached all of its parts"
        return ""


def read_held(
    store: VectorStore, source: str, document_id: str, lets_read: Callable[[Head], bool]
) -> Held | None:
    """Return a document; None when it is not there, or not for who asks.

    Args:
        store: The live index, or another generation of it.
        source: Its namespace.
        document_id: Complete.
        lets_read: Tells by the head whether who asks may read the document.

    Raises:
        RetryableError: The index does not answer.
    """
    if not is_document_id(document_id):
        return None
    # Most names are of nothing that who asks may read, which a copy tells in less time.
    head = store.for_question(source).heads(source, [document_id]).get(document_id)
    if head is None or not lets_read(head):
        return None
    ids = set(store.chunk_ids(source, document_id))
    records = store.fetch(source, [head_id(document_id)])
    # Its readers may have changed while it was read.
    head = store.heads(source, [document_id]).get(document_id)
    if head is None or not lets_read(head) or not records:
        return None
    fields = records[0].metadata
    ordinals = range(head.chunk_count)
    return Held(
        document_id,
        source,
        head,
        str(fields.get("title", "")),
        str(fields.get("url", "")),
        passage_of(str(fields.get("text", ""))),
        tuple(n for n in ordinals if record_id(document_id, n) not in ids),
    )
