"""Mends what a verify has found, by the same planner and writer as every run.

A record that cannot be trusted loses its fingerprint, and its document's head the name of its
version: from then on any run would write both anew, so that a crash at any moment loses nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.base import Embedder
from vector_assets.index.targets import IndexOpener
from vector_assets.maintenance.verify.findings import Kind
from vector_assets.maintenance.verify.verify import Case, OnVerified, Verifier, VerifyReport
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.pipeline.writer import Writer
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.stores.base import Head, Metadata, VectorStore
from vector_assets.stores.records import head_id, ordinal_of

MAX_REPAIRS = 3
"""Rounds of mending: what a first one brings to light, such as a chunk beyond an end that was
written anew, the next one mends."""

_DISTRUSTED = {Kind.MISMATCHED, Kind.STALE, Kind.WRONG_DIMENSION, Kind.BROKEN_VECTOR}
"""Kinds of damage of a single record after which it is written anew."""


class Mender:
    """Mends cases of one namespace.

    Args:
        store: The index, opened.
        namespace: The source's.
        embedder: The configured one.
    """

    def __init__(self, store: VectorStore, namespace: str, embedder: Embedder) -> None:
        self._store = store
        self._namespace = namespace
        self._planner = Planner(store, namespace, embedder)
        self._writer = Writer(store, namespace, self._planner)

    def mend(self, cases: Sequence[Case]) -> None:
        """Mend what can be mended: a document that the source does not give is left as it is.

        Raises:
            VectorAssetsError: What embedder or index raise; what was mended stays so.
        """
        self._drop_doubles(cases)
        self._delete_orphans(cases)
        to_write = [case for case in cases if _is_to_be_written(case)]
        self._distrust(to_write)
        documents = [case.wanted.document for case in to_write if case.wanted is not None]
        if documents:
            plans = self._planner.plan(documents)
            self._writer.write([o for o in plans if isinstance(o, DocumentPlan) and not o.is_empty])

    def finish(self) -> None:
        """Read back what was written.

        Raises:
            LostWriteError: It is not in the index.
        """
        self._writer.finish()
        self._store.maintain(self._namespace)

    def _drop_doubles(self, cases: Sequence[Case]) -> None:
        doubled = {one for case in cases for one in _chunk_ids(case, {Kind.DOUBLED})}
        if doubled:
            self._store.drop_doubles(self._namespace, sorted(doubled))

    def _delete_orphans(self, cases: Sequence[Case]) -> None:
        """Delete chunks of no document, unless a run has made them part of one meanwhile."""
        orphans = {case.document_id: _chunk_ids(case, {Kind.ORPHANED}) for case in cases}
        orphans = {one: ids for one, ids in orphans.items() if ids}
        heads = self._store.heads(self._namespace, list(orphans)) if orphans else {}
        gone = [
            chunk_id
            for one, ids in orphans.items()
            for chunk_id in ids
            if _is_beyond(chunk_id, heads.get(one))
        ]
        if gone:
            self._store.delete(self._namespace, gone)

    def _distrust(self, cases: Sequence[Case]) -> None:
        """Take fingerprints and names away, so that the planner takes no record for right.

        One that bears a later date than its document is deleted: a store in which the newest wins
        would keep it for ever.
        """
        ahead: list[str] = []
        unmarked: dict[str, Metadata] = {}
        unnamed: dict[str, Metadata] = {}
        for case in cases:
            assert case.wanted is not None
            bad = set(_chunk_ids(case, _DISTRUSTED))
            for record in case.records:
                if record.id in bad and _date(record.metadata) > case.wanted.date:
                    ahead.append(record.id)
                elif record.id in bad:
                    unmarked[record.id] = {"fingerprint": ""}
            if any(one.chunk_id or one.kind is Kind.MISMATCHED for one in case.findings):
                unnamed[head_id(case.document_id)] = {"document_fingerprint": ""}
        self._store.update_metadata(self._namespace, unmarked)
        self._store.update_metadata(self._namespace, unnamed)
        if ahead:
            self._store.delete(self._namespace, ahead)


def _is_beyond(chunk_id: str, head: Head | None) -> bool:
    """Tell whether a chunk has no head, or lies beyond the end of a document that is whole."""
    if head is None:
        return True
    return bool(head.document_fingerprint) and not 0 <= ordinal_of(chunk_id) < head.chunk_count


def _is_to_be_written(case: Case) -> bool:
    """Tell whether the source's version mends a document; not one that the index outruns."""
    if case.wanted is None:
        return False
    bad = set(_chunk_ids(case, _DISTRUSTED))
    head = next((one for one in case.records if one.id == head_id(case.document_id)), None)
    if head is not None and head.id not in bad and _date(head.metadata) > case.wanted.date:
        return False
    return any(not _is_mended_by_deleting(one.kind, one.chunk_id) for one in case.findings)


def _is_mended_by_deleting(kind: Kind, chunk_id: str) -> bool:
    return bool(chunk_id) and kind is Kind.ORPHANED


def _chunk_ids(case: Case, kinds: Iterable[Kind]) -> list[str]:
    return [one.chunk_id for one in case.findings if one.chunk_id and one.kind in kinds]


def _date(metadata: Metadata) -> float:
    value = metadata.get("updated_at")
    return float(value) if isinstance(value, int | float) else 0.0


def verify_index(
    *,
    open_source: Callable[[], Source],
    embedder: Embedder,
    store: VectorStore,
    days: Days,
    repair: bool = False,
    now: datetime | None = None,
    on_progress: OnVerified = lambda report: None,
) -> VerifyReport:
    """Verify some days; with `repair` mend what is found, then verify again.

    Args:
        open_source: Returns the source, without anything remembered from before.
        embedder: The configured one.
        store: The index; only read unless `repair`.
        days: To look at.
        repair: Whether to mend.
        now: The present; for tests.
        on_progress: Called with the report as it grows.

    Returns:
        What is wrong at the end, and what was mended.

    Raises:
        VectorAssetsError: What source, embedder or index raise; then nothing may be concluded.
    """
    new_verifier = partial(
        Verifier,
        open_source=open_source,
        embedder=embedder,
        store=store,
        days=days,
        now=now,
        on_progress=on_progress,
    )
    if not repair:
        return new_verifier().verify()
    store.open(open_source().name, embedder.dimensions)
    return _mended(new_verifier, store, embedder)


def _mended(
    new_verifier: Callable[[], Verifier], store: VectorStore, embedder: Embedder
) -> VerifyReport:
    """Mend until nothing is found, some rounds at the most; return what was seen at last."""
    first: VerifyReport | None = None
    for _ in range(MAX_REPAIRS):
        verifier = new_verifier()
        mender = Mender(store, verifier.report.source, embedder)
        for cases in verifier.cases():
            mender.mend(cases)
        mender.finish()
        last = verifier.report
        first = first or last
        if not last.counts:
            break
    else:
        last = new_verifier().verify()
    if first is not None:
        last.mended = first.counts - last.counts
    return last


def verify_source(
    name: str,
    days: Days,
    settings: Settings,
    *,
    repair: bool = False,
    on_progress: OnVerified = lambda report: None,
) -> VerifyReport:
    """Verify some days of one source as the settings say.

    Raises:
        SettingsError: A setting that it needs is missing.
        VectorAssetsError: See `verify_index`.
    """
    meter = Meter()
    target = IndexOpener(settings).target(meter)
    return verify_index(
        open_source=lambda: build_source(name, settings, meter),
        embedder=target.embedder,
        store=target.store,
        days=days,
        repair=repair,
        on_progress=on_progress,
    )
