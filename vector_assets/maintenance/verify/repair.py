"""Repair what a verify has found, with the planner and writer that every run uses.

A record that cannot be trusted loses its fingerprint, and its document's head loses
`document_fingerprint`. From then on any sync writes both again, so a crash loses nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.base import Embedder
from vector_assets.index.targets import IndexOpener
from vector_assets.maintenance.verify.findings import Defect, Wanted, number_in
from vector_assets.maintenance.verify.verify import Case, OnVerified, Verifier, VerifyReport
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.pipeline.writer import Writer
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.stores.base import Head, Metadata, Record, VectorStore
from vector_assets.stores.records import head_id, ordinal_of

MAX_REPAIRS = 3
"""Rounds of repair. A repair can reveal another defect, such as a chunk beyond the end of a
document that was just written again; the next round repairs that."""

_REWRITTEN = (Defect.MISMATCHED, Defect.STALE)


class Mender:
    """Repairs documents of one namespace."""

    def __init__(self, store: VectorStore, namespace: str, embedder: Embedder) -> None:
        self._store = store
        self._namespace = namespace
        self._planner = Planner(store, namespace, embedder)
        self._writer = Writer(store, namespace, self._planner)

    def mend(self, cases: Sequence[Case]) -> None:
        """Repair what can be repaired; a document that the source does not give is not written."""
        self._drop_doubles(cases)
        self._delete_orphans(cases)
        to_write = [case for case in cases if _is_to_be_written(case)]
        self._invalidate(to_write)
        documents = [case.wanted.document for case in to_write if case.wanted is not None]
        if documents:
            plans = self._planner.plan(documents)
            self._writer.write(
                [plan for plan in plans if isinstance(plan, DocumentPlan) and not plan.is_empty]
            )

    def finish(self) -> None:
        """Read back what was written."""
        self._writer.finish()
        self._store.maintain(self._namespace)

    def _drop_doubles(self, cases: Sequence[Case]) -> None:
        doubled = {chunk_id for case in cases for chunk_id in _chunk_ids(case, Defect.DOUBLED)}
        if doubled:
            self._store.drop_doubles(self._namespace, sorted(doubled))

    def _delete_orphans(self, cases: Sequence[Case]) -> None:
        """Delete chunks of no document, unless a run has written a document that has them."""
        orphans = {
            case.document_id: chunk_ids
            for case in cases
            if (chunk_ids := _chunk_ids(case, Defect.ORPHANED))
        }
        heads = self._store.heads(self._namespace, list(orphans)) if orphans else {}
        surplus = [
            chunk_id
            for document_id, chunk_ids in orphans.items()
            for chunk_id in chunk_ids
            if _is_surplus(chunk_id, heads.get(document_id))
        ]
        if surplus:
            self._store.delete(self._namespace, surplus)

    def _invalidate(self, cases: Sequence[Case]) -> None:
        """Clear fingerprints of records and heads, so that the planner writes them again.

        A record that is dated later than its document is deleted instead: a store that keeps the
        newest version would never replace it.
        """
        dated_ahead: list[str] = []
        cleared_records: dict[str, Metadata] = {}
        cleared_heads: dict[str, Metadata] = {}
        for case in cases:
            assert case.wanted is not None
            rewritten = set(_chunk_ids(case, *_REWRITTEN))
            for record in case.records:
                if record.id in rewritten and _is_newer(record, case.wanted):
                    dated_ahead.append(record.id)
                elif record.id in rewritten:
                    cleared_records[record.id] = {"fingerprint": ""}
            if any(
                finding.chunk_id or finding.kind is Defect.MISMATCHED for finding in case.findings
            ):
                cleared_heads[head_id(case.document_id)] = {"document_fingerprint": ""}
        self._store.update_metadata(self._namespace, cleared_records)
        self._store.update_metadata(self._namespace, cleared_heads)
        if dated_ahead:
            self._store.delete(self._namespace, dated_ahead)


def _is_surplus(chunk_id: str, head: Head | None) -> bool:
    """Tell whether a chunk has no head, or lies beyond the end of a complete document."""
    if head is None:
        return True
    return bool(head.document_fingerprint) and not 0 <= ordinal_of(chunk_id) < head.chunk_count


def _is_to_be_written(case: Case) -> bool:
    if case.wanted is None:
        return False
    rewritten = set(_chunk_ids(case, *_REWRITTEN))
    id_of_head = head_id(case.document_id)
    head = next((record for record in case.records if record.id == id_of_head), None)
    is_head_intact = head is not None and head.id not in rewritten
    is_newer = case.wanted.document.is_overtaken_by
    if head is not None and is_head_intact and is_newer(number_in(head.metadata, "updated_at")):
        # The index holds a newer version than this listing of the source.
        return False
    return any(
        not (finding.chunk_id and finding.kind is Defect.ORPHANED) for finding in case.findings
    )


def _is_newer(record: Record, wanted: Wanted) -> bool:
    return number_in(record.metadata, "updated_at") > wanted.updated_at


def _chunk_ids(case: Case, *kinds: Defect) -> list[str]:
    return [
        finding.chunk_id for finding in case.findings if finding.chunk_id and finding.kind in kinds
    ]


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
    """Verify some days; with `repair`, repair what is found and verify again.

    Raises:
        VectorAssetsError: What source, embedder or index raise; then the result is unknown.

    Returns:
        What is wrong at the end, and what was repaired.
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
    """Repair until nothing is found, at most `MAX_REPAIRS` times; return the last report."""
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
    """Verify some days of one source as the settings say; see `verify_index`."""
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
