"""Reads what a run asks of its source: the window, then what failed before, in batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import VectorAssetsError
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.sources.base import Source
from vector_assets.sources.items import (
    DocumentFailure,
    Quarantined,
    SourceItem,
    Unchanged,
    document_id_of_item,
)

# A batch is one embedding request of some 50,000 tokens: a sixth of what OpenAI takes, so that the
# vectors of the batches in flight, 6 KB a passage and several times that on the wire, stay few.
BATCH_DOCUMENTS = 128
BATCH_CHARACTERS = 100_000


def extract(source: Source, window: Window, quarantine: Quarantine) -> Iterator[SourceItem]:
    """Yield the items of a window and, when it reaches the present, what is to be read again.

    Each night therefore tries again whatever failed, of whatever day, and reads what a vendor
    showed changed; a run for an old day does not. What the window itself holds is not read twice.
    """
    seen: set[str] = set()
    reread: set[str] = set()
    for item in source.documents(window):
        document_id = document_id_of_item(item)
        # A listing does not show every change: what it passes over has not been read.
        if not isinstance(item, Unchanged):
            if document_id in quarantine.held:
                seen.add(document_id)
            if document_id in quarantine.rereads:
                reread.add(document_id)
        yield item
    if window.end is not None:
        return
    yield from _again(source, quarantine.due(seen))
    yield from _again(source, quarantine.rereads_due(reread))


def _again(source: Source, wanted: Sequence[Quarantined]) -> Iterator[SourceItem]:
    due = {failed.document_id: failed for failed in wanted}
    if not due:
        return
    try:
        for item in source.retry(list(due.values())):
            due.pop(document_id_of_item(item), None)
            yield item
    except VectorAssetsError as error:
        # The window is complete; a retry that fails must not fail it.
        for failed in due.values():
            yield DocumentFailure(failed.document_id, str(error), failed.day)


class Extraction:
    """The items of one run, read until `is_stopped` returns true; `is_cut` says whether it did.

    What was read before is still written.
    """

    def __init__(self, items: Iterable[SourceItem]) -> None:
        self._items = items
        self.is_stopped: Callable[[], bool] = bool
        self.is_cut = False

    def __iter__(self) -> Iterator[SourceItem]:
        for item in self._items:
            if self.is_stopped():
                self.is_cut = True
                return
            yield item


def newest_documents(items: Iterable[SourceItem]) -> dict[str, Document]:
    """Return the documents among items by id; of one that is listed twice, the newer version."""
    newest: dict[str, Document] = {}
    for item in items:
        if isinstance(item, Document):
            earlier = newest.get(item.id)
            if earlier is None or item.updated_at >= earlier.updated_at:
                newest[item.id] = item
    return newest


def batched(items: Iterable[SourceItem]) -> Iterator[list[SourceItem]]:
    """Yield items in order, in lists of bounded length and bounded text.

    What was read before a source fails is yielded before its error is raised.
    """
    batch: list[SourceItem] = []
    characters = 0
    try:
        for item in items:
            batch.append(item)
            if isinstance(item, Document):
                characters += sum(len(section.text) for section in item.sections)
            if len(batch) >= BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
    except VectorAssetsError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
