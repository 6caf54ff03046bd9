"""Documents of the live index that reading the sources anew has not brought into the new one.

A listing alone does not tell why: a document may be deleted, or have failed in an earlier run of
the reindex. So each is asked for by its id before it counts as gone.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from vector_assets.core.errors import FatalError
from vector_assets.index.queue import Waiting
from vector_assets.maintenance.reindex.report import ReindexReport
from vector_assets.pipeline.changes import MAX_DOCUMENTS, run_changes
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sources.items import DocumentFailure
from vector_assets.stores.base import Head

MAX_GONE_SHARE = 0.2
"""More of a source's documents than this are not taken for deleted at the source: no switch."""


def read_missing(
    pipeline: Pipeline,
    theirs: Mapping[str, Head],
    ours: Mapping[str, Head],
    report: ReindexReport,
    *,
    accepts_missing: bool,
) -> None:
    """Read by id what the source has not listed, and what has failed; add it to the report.

    Args:
        pipeline: Of the source, into the new generation.
        theirs: What the live index holds of the source.
        ours: What the new generation holds of it.
        report: Of the reindex.
        accepts_missing: Whether a person has said that any number may be missing.

    Raises:
        FatalError: Too many are not listed for all of them to be deleted.
        VectorAssetsError: As `Source.retry` raises, and as embedder and index do.
    """
    missing = theirs.keys() - ours.keys()
    failed_ids = {failure.document_id for failure in report.failures}
    unlisted = sorted(missing - failed_ids)
    is_too_much = len(unlisted) > MAX_GONE_SHARE * len(theirs)
    if is_too_much and not accepts_missing:
        raise _too_many_gone(pipeline.source.name, unlisted, len(theirs))
    asked = missing & failed_ids if is_too_much else missing
    waiting = [_waiting(document_id, theirs[document_id]) for document_id in sorted(asked)]
    for at in range(0, len(waiting), MAX_DOCUMENTS):
        done = run_changes(pipeline, waiting[at : at + MAX_DOCUMENTS]).sync
        report.stats.add(done.total)
        add_failures(report, done.failures)


def add_failures(report: ReindexReport, failures: Iterable[DocumentFailure]) -> None:
    """Add failures of documents that have not failed before."""
    known_ids = {failure.document_id for failure in report.failures}
    report.failures += [failure for failure in failures if failure.document_id not in known_ids]


def _waiting(document_id: str, head: Head) -> Waiting:
    updated_at = datetime.fromtimestamp(head.updated_at, UTC)
    return Waiting(document_id, updated_at, updated_at, updated_at, ())


def _too_many_gone(source: str, gone: Collection[str], held_count: int) -> FatalError:
    named = ", ".join(list(gone)[:5])
    return FatalError(
        f"{len(gone)} of {held_count} documents of {source} in the live index are shown by the "
        f"source no more, which is too many to be taken for deleted: {named}. See whether the "
        f"credentials have lost access (`vector-assets doctor`); if they are deleted, add "
        f"--accept-missing"
    )
