"""An index as files that another one imports: a folder a namespace, a few files in each.

Memory is bounded by a batch, beside the ids of a namespace.
Keep out: what a file looks like inside (`stores/`), and when files are staged (`importing.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice

from vector_assets.object_stores import Folder
from vector_assets.stores.base import Record, VectorStore
from vector_assets.stores.bulk import BulkImports

BATCH_RECORDS = 1_000
"""Records that are held at once: 46 MB at the very most with 1,536 dimensions."""

FILE_RECORDS = 50_000
"""Records of a file: 3 GB at the very most, a third of what Pinecone takes."""


def stage(
    store: VectorStore,
    namespace: str,
    folder: Folder,
    imports: BulkImports,
    on_records: Callable[[int], None] = lambda count: None,
) -> int:
    """Write all records of a namespace below a folder; return how many.

    Args:
        store: Read from.
        namespace: Which, and the name of its folder.
        folder: Of the import.
        imports: Of the index that is to read it.
        on_records: Called after each batch with how many records it had.
    """
    batches = _batches(store, namespace)
    count = 0
    for number, first in enumerate(batches):
        name = f"{namespace}/{number:05}{imports.suffix}"
        with folder.writing(name) as stream, closing(imports.file(stream)) as file:
            for batch in chain([first], islice(batches, FILE_RECORDS // BATCH_RECORDS - 1)):
                file.write(batch)
                count += len(batch)
                on_records(len(batch))
    return count


def _batches(store: VectorStore, namespace: str) -> Iterator[Sequence[Record]]:
    """Yield all records in order of their ids; of those that share one, the newest."""
    ids = dict.fromkeys(store.record_ids(namespace))
    rest = iter(ids)
    while asked := list(islice(rest, BATCH_RECORDS)):
        found = store.fetch(namespace, asked)
        newest = sorted(found, key=lambda one: float(str(one.metadata["updated_at"])))
        yield list({one.id: one for one in newest}.values())
