"""What an index may hold when a run was killed: of each document the old version or the new one."""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import numpy as np

from vector_assets.stores.records import head_id
from vector_assets_tests.faults.world import Contents

UNNAMED = {"document_fingerprint": ""}


def by_document(contents: Contents) -> dict[str, Contents]:
    """Return what an index holds, document by document."""
    records_by_document: defaultdict[str, Contents] = defaultdict(dict)
    for identity, record in contents.items():
        records_by_document[identity.rpartition("#")[0]][identity] = record
    return dict(records_by_document)


def whole(contents: Contents) -> set[str]:
    """Return the documents whose head names a version."""
    return {
        document_id
        for document_id, records in by_document(contents).items()
        if head_id(document_id) in records
        and records[head_id(document_id)][0]["document_fingerprint"]
    }


def unfinished(contents: Contents) -> set[str]:
    """Return the documents whose head names none."""
    return by_document(contents).keys() - whole(contents)


def assert_each_is_old_or_new(held: Contents, old: Contents, new: Contents) -> None:
    """Check that no document is absent, and that none says it is whole that is not.

    One that says so has exactly the records of its old version or of its new one. One that says it
    is unfinished has records of these two and no others.
    """
    documents, before, after = by_document(held), by_document(old), by_document(new)
    assert before.keys() <= documents.keys() <= before.keys() | after.keys()
    for document_id, records in documents.items():
        versions = [
            snapshot[document_id] for snapshot in (before, after) if document_id in snapshot
        ]
        head = records.get(head_id(document_id))
        assert head is not None, f"{document_id} has no head"
        if head[0]["document_fingerprint"]:
            assert any(_is_same(records, version) for version in versions), (
                f"{document_id} is mixed"
            )
            continue
        for identity, record in records.items():
            meant = [version[identity] for version in versions if identity in version]
            unnamed = [({**metadata, **UNNAMED}, vector) for metadata, vector in meant]
            wanted = unnamed if identity == head_id(document_id) else meant
            assert any(_is_same({identity: record}, {identity: each}) for each in wanted), identity


def assert_only_gone_are_touched(held: Contents, old: Contents, gone: AbstractSet[str]) -> None:
    """Check what a prune has left of documents that are gone, and that it left all others alone.

    One that is gone is as it was, or says that it is unfinished, or is not there at all.
    """
    documents, before = by_document(held), by_document(old)
    assert documents.keys() <= before.keys()
    for document_id, records in before.items():
        left = documents.get(document_id, {})
        if _is_same(left, records):
            continue
        assert document_id in gone, f"{document_id} is not gone, and it was touched"
        if left:
            head = left.pop(head_id(document_id), None)
            assert head is not None, f"{document_id} has chunks and no head"
            assert head[0] == {**records[head_id(document_id)][0], **UNNAMED}
            assert _is_same(left, {identity: records[identity] for identity in left})


def assert_days_are_whole(days: Iterable[str], held: Contents, new: Contents) -> None:
    """Check that an index holds every document of some days in its new version."""
    documents = by_document(held)
    for document_id, version in by_document(new).items():
        if version[head_id(document_id)][0]["partition"] in set(days):
            assert _is_same(documents.get(document_id, {}), version), (
                f"{document_id} is not there, its day is done"
            )


def _is_same(records: Contents, version: Contents) -> bool:
    return records.keys() == version.keys() and all(
        dict(records[identity][0]) == dict(metadata)
        and np.allclose(records[identity][1], vector, atol=1e-5)
        for identity, (metadata, vector) in version.items()
    )
