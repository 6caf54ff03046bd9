"""The canary: a document that is written and found each night, so that a silent index is heard.

It lives in a namespace that no source has, which no question of a person is ever asked of.
"""

from datetime import UTC, datetime, timedelta

from vector_assets.documents import Document, Section
from vector_assets.stores.base import VectorStore

CANARY = "canary"
"""Its namespace in the index, and its name in alerts."""

CANARY_ID = f"{CANARY}:nightly"

OLD_AFTER = timedelta(hours=36)
"""A night and half a day: a canary that was last found before this has missed a night."""

_MARK = "found"
_SONG = "a small yellow bird sings below the ground for as long as the air is good"
_OTHERS = {
    "bread": "flour, water, salt and a night in the cold make a loaf with a dark crust",
    "tides": "when the moon is full the harbour runs dry and boats lean on the mud until noon",
}
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def song(now: datetime) -> str:
    """Return tonight's words; those of no other night hold the same instant."""
    return f"{_SONG}, {now:%Y%m%dT%H%M%S%f}"


def canary_documents(now: datetime) -> list[Document]:
    """Return tonight's canary, and what it has to be told from, which stays the same."""
    others = [_document(name, text, _LONG_AGO) for name, text in _OTHERS.items()]
    return [_document(CANARY_ID.partition(":")[2], song(now), now), *others]


def mark(now: datetime) -> Document:
    """Return the document whose date says when the canary was last found."""
    return _document(_MARK, "last found", now)


def last_found(store: VectorStore) -> datetime | None:
    """Return when the canary was last found, UTC; None when it never was. One small request.

    Raises:
        RetryableError: The index does not answer.
    """
    document_id = f"{CANARY}:{_MARK}"
    head = store.heads(CANARY, [document_id]).get(document_id)
    return datetime.fromtimestamp(head.updated_at, UTC) if head is not None else None


def _document(native_id: str, text: str, at: datetime) -> Document:
    return Document(
        source=CANARY,
        native_id=native_id,
        title=native_id,
        sections=(Section(text),),
        url="",
        container=CANARY,
        authors=(),
        created_at=at,
        updated_at=at,
    )
