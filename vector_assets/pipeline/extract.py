"""What a run takes in: the window of its source, then what failed before, in batches."""

from collections.abc import Callable, Iterable, Iterator

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import VectorAssetsError
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.sources.base import Source
from vector_assets.sources.items import DocumentFailure, SourceItem, document_id_of_item

# A batch is one embedding request of some 50,000 tokens: a sixth of what OpenAI takes, so that the
# vectors of the batches in flight, 6 KB a passage and several times that on the wire, stay few.
BATCH_DOCUMENTS = 128
BATCH_CHARACTERS = 100_000


def taken_in(source: Source, window: Window, quarantine: Quarantine) -> Iterator[SourceItem]:
    """Yield a window; when it reaches the present, then what failed in earlier runs.

    So each night tries again whatever failed, wherever in time it lies, and a run for an old day
    by hand does not. What the window itself holds is not read twice.

    Raises:
        VectorAssetsError: As `Source.documents` raises.
    """
    seen: set[str] = set()
    for item in source.documents(window):
        if (document_id := document_id_of_item(item)) in quarantine.held:
            seen.add(document_id)
        yield item
    if window.end is not None:
        return
    due = {one.document_id: one for one in quarantine.due(seen)}
    if not due:
        return
    try:
        for item in source.retry(list(due.values())):
            due.pop(document_id_of_item(item), None)
            yield item
    except VectorAssetsError as error:
        # The window is whole; what a source cannot give again must not cost it.
        for one in due.values():
            yield DocumentFailure(one.document_id, str(error), one.day)


class Intake:
    """What a run takes in, once, until it is stopped.

    Args:
        source: Of the run.
        window: Of the run.
        quarantine: Of the source.

    Attributes:
        is_stopped: Asked before each item, from any thread, whether nothing more is taken in; what
            was taken in goes its way.
        is_cut: Whether it was stopped before its source came to an end.
    """

    def __init__(self, source: Source, window: Window, quarantine: Quarantine) -> None:
        self._items = taken_in(source, window, quarantine)
        self.is_stopped: Callable[[], bool] = bool
        self.is_cut = False

    def __iter__(self) -> Iterator[SourceItem]:
        for item in self._items:
            if self.is_stopped():
                self.is_cut = True
                return
            yield item


def batched(items: Iterable[SourceItem]) -> Iterator[list[SourceItem]]:
    """Gather items into lists of bounded length and bounded text, in order.

    What was gathered before a source breaks off is handed on before its error is.
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
