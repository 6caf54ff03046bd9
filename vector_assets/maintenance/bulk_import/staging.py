"""An index as files that another one imports: a folder a namespace, a few files in each.

Memory is bounded by a batch, beside the ids of a namespace.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice

from vector_assets.core.object_store import Folder
from vector_assets.index.pending_import import Staged
from vector_assets.maintenance.bulk_import.compare import summed
from vector_assets.stores.base import Record, VectorStore
from vector_assets.stores.bulk_import import BulkImports
from vector_assets.stores.records import trusted_fingerprint

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
) -> Staged:
    """Write all records of a namespace below a folder; return what they are.

    Args:
        store: Read from.
        namespace: Which, and the name of its folder.
        folder: Of the import.
        imports: Of the index that is to read it.
        on_records: Called after each batch with how many records it had.
    """
    batches = _batches(store, namespace)
    count = total = 0
    for number, first in enumerate(batches):
        name = f"{namespace}/{number:05}{imports.suffix}"
        with folder.writing(name) as stream, closing(imports.file(stream)) as file:
            for batch in chain([first], islice(batches, FILE_RECORDS // BATCH_RECORDS - 1)):
                file.write(batch)
                count += len(batch)
                marks = {one.id: trusted_fingerprint(one.metadata) for one in batch}
                total = summed(total, marks)
                on_records(len(batch))
    return Staged(count, total)


def whole(store: VectorStore, namespace: str, ids: Sequence[str]) -> list[Record]:
    """Return records by id; of those that share one, the newest."""
    found = store.fetch(namespace, ids)
    newest_last = sorted(found, key=lambda one: float(str(one.metadata["updated_at"])))
    return list({one.id: one for one in newest_last}.values())


def _batches(store: VectorStore, namespace: str) -> Iterator[Sequence[Record]]:
    """Yield all records in order of their ids."""
    ids = iter(dict.fromkeys(store.record_ids(namespace)))
    while asked := list(islice(ids, BATCH_RECORDS)):
        yield whole(store, namespace, asked)
