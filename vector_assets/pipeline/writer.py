"""Writes plans to the index in an order that survives a crash at any point, and reads them back.

A store needs no transactions. A document that takes several writes gets a head that names no
version (an empty `document_fingerprint`) first, and the head that names its version last. A head
that names a version can therefore be trusted. `docs/consistency.md` says what a reader can see
meanwhile.
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vector_assets.core.causes import without_quotations
from vector_assets.core.concurrency import run_both
from vector_assets.core.errors import ContractError, LostWriteError, VectorAssetsError
from vector_assets.core.waiting import wait_until
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.sources.items import DocumentFailure
from vector_assets.stores.base import Head, Metadata, VectorStore
from vector_assets.stores.records import record_id, vector_cause

UNCONFIRMED_BATCHES = 2
"""Written batches that wait before they are read back. The wait gives an index that lags time to
show them, and lets a write that another run makes at the same moment finish."""

MANY_REFUSED = 5
"""When the index refuses this many documents in a row, the documents are not the cause."""

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
_NAMED = 5


class Writer:
    """Writes the plans of one run, batch by batch, and reads each batch back.

    Several batches may be written in parallel, as long as no document is in two of them, nor in one
    of the last `UNCONFIRMED_BATCHES`, which may be read back meanwhile.
    """

    def __init__(self, store: VectorStore, namespace: str, planner: Planner) -> None:
        self._store = store
        self._namespace = namespace
        self._planner = planner
        self._lock = threading.Lock()
        self._failures: list[DocumentFailure] = []
        self._unconfirmed: deque[list[DocumentPlan]] = deque()

    def taken_failures(self) -> list[DocumentFailure]:
        """Return, once, the documents that the index refused or that could not be planned again."""
        with self._lock:
            failures, self._failures = self._failures, []
        return failures

    def write(self, plans: list[DocumentPlan]) -> None:
        """Write a batch, and read back an earlier one in parallel.

        Raises:
            ContractError: The index refuses many documents in a row.
            LostWriteError: What was written is not in the index after several attempts.
        """
        if not plans:
            return
        self._forget({plan.document.id for plan in plans})
        with self._lock:
            is_due = len(self._unconfirmed) >= UNCONFIRMED_BATCHES
            due = self._unconfirmed.popleft() if is_due else []
        written, _ = run_both(
            lambda: self._write_or_split(plans), lambda: self._confirm_or_keep(due)
        )
        with self._lock:
            self._unconfirmed.append(written)

    def finish(self) -> bool:
        """Read back all that is unconfirmed, and tell whether some had to be written again."""
        with self._lock:
            unconfirmed = [plan for plans in self._unconfirmed for plan in plans]
            self._unconfirmed.clear()
        return self._confirm_or_keep(unconfirmed)

    def _forget(self, document_ids: set[str]) -> None:
        with self._lock:
            self._unconfirmed = deque(
                [plan for plan in plans if plan.document.id not in document_ids]
                for plans in self._unconfirmed
            )

    def _confirm_or_keep(self, plans: list[DocumentPlan]) -> bool:
        """Read plans back, and keep them for later when the index does not answer."""
        try:
            return self._confirm(plans)
        except VectorAssetsError:
            with self._lock:
                self._unconfirmed.appendleft(plans)
            raise

    def _write_or_split(self, plans: list[DocumentPlan]) -> list[DocumentPlan]:
        """Write plans and return those that were written; halve what the index refuses."""
        try:
            return self._write_batch(plans)
        except ContractError as error:
            if len(plans) == 1:
                document = plans[0].document
                names = {name for record in plans[0].upserts for name in record.metadata}
                cause = f"the index refused it: {without_quotations(error.seen, names)}"
                self._fail(DocumentFailure(document.id, cause, document.day))
                return []
            middle = len(plans) // 2
            written = self._write_or_split(plans[:middle]) + self._write_or_split(plans[middle:])
            if not written and len(plans) >= MANY_REFUSED:
                self._clear_failures({plan.document.id for plan in plans})
                raise
            return written

    def _write_batch(self, plans: list[DocumentPlan]) -> list[DocumentPlan]:
        plans = self._drop_overtaken(plans)
        self._backdate(plans)
        # A document that takes a single write is whole or absent: it needs no unfinished head.
        record_count = sum(len(plan.upserts) for plan in plans)
        is_atomic = record_count <= self._store.atomic_records
        multiple = [plan for plan in plans if _has_several_writes(plan, is_atomic=is_atomic)]
        multiple_ids = {plan.document.id for plan in multiple}
        self._write_heads(multiple, is_whole=False)
        self._write_records(
            plans,
            lambda plan, chunk_id: plan.document.id not in multiple_ids or chunk_id != plan.head_id,
            {},
        )
        # Only older records: a newer version written meanwhile may need chunks that ours lacks.
        surplus = {
            chunk_id: plan.document.updated_at.timestamp()
            for plan in multiple
            for chunk_id in plan.surplus_ids
        }
        if surplus:
            self._store.delete_older(self._namespace, surplus)
        self._write_heads(multiple, is_whole=True)
        for plan in multiple:
            plan.stats.deleted_chunks = len(plan.surplus_ids)
        return plans

    def _backdate(self, plans: Sequence[DocumentPlan]) -> None:
        """Date records back where an older version replaces them: a store keeps the newest."""
        backdated: dict[str, Metadata] = {}
        for plan in plans:
            backdated |= plan.backdated
        if backdated:
            self._store.backdate(self._namespace, backdated)

    def _drop_overtaken(self, plans: list[DocumentPlan]) -> list[DocumentPlan]:
        """Drop plans that a newer version has overtaken; replan what another run has written."""
        heads = self._heads(plans)
        plans = [plan for plan in plans if not _is_overtaken(plan, heads.get(plan.document.id))]
        moved = [plan for plan in plans if heads.get(plan.document.id) != plan.held]
        if not moved:
            return plans
        # Such a plan may keep or relabel a chunk that has changed since.
        stale = {plan.document.id for plan in moved}
        return [plan for plan in plans if plan.document.id not in stale] + self._replan(moved)

    def _replan(self, plans: list[DocumentPlan], *, is_doubted: bool = False) -> list[DocumentPlan]:
        made = {
            vector_cause(str(record.metadata["fingerprint"])): record.vector
            for plan in plans
            for record in plan.upserts
        }
        replanned: list[DocumentPlan] = []
        outcomes = self._planner.plan(
            [plan.document for plan in plans],
            made=made,
            doubted={plan.document.id for plan in plans if is_doubted or plan.is_doubted},
        )
        for before, now in zip(plans, outcomes, strict=True):
            if isinstance(now, DocumentFailure):
                self._fail(now)
            elif not now.is_empty:
                before.stats.add_cost(now.stats)
                now.stats = before.stats
                replanned.append(now)
        return replanned

    def _write_heads(self, plans: Sequence[DocumentPlan], *, is_whole: bool) -> None:
        """Write the heads of plans; a head names its version once the document is whole."""
        mark: Metadata = {} if is_whole else {"document_fingerprint": ""}
        self._write_records(plans, lambda plan, chunk_id: chunk_id == plan.head_id, mark)

    def _write_records(
        self,
        plans: Sequence[DocumentPlan],
        is_chosen: Callable[[DocumentPlan, str], bool],
        mark: Metadata,
    ) -> None:
        """Write the chosen records of plans, with other metadata where it is marked."""
        records = [
            replace(record, metadata={**record.metadata, **mark})
            for plan in plans
            for record in plan.upserts
            if is_chosen(plan, record.id)
        ]
        relabelled: dict[str, Metadata] = {
            chunk_id: {**metadata, **mark}
            for plan in plans
            for chunk_id, metadata in plan.metadata_updates.items()
            if is_chosen(plan, chunk_id)
        }
        self._store.upsert(self._namespace, records)
        self._store.update_metadata(self._namespace, relabelled)

    def _fail(self, failure: DocumentFailure) -> None:
        with self._lock:
            self._failures.append(failure)

    def _clear_failures(self, document_ids: set[str]) -> None:
        with self._lock:
            self._failures = [
                failure for failure in self._failures if failure.document_id not in document_ids
            ]

    def _confirm(self, plans: list[DocumentPlan]) -> bool:
        """Read plans back, write again what is missing, and tell whether something was."""
        for attempt in range(_ATTEMPTS):
            plans = self._not_readable_at_last(plans)
            if not plans:
                return attempt > 0
            self._mark_unfinished(plans)
            # An index that lags shows the mark later: a head that names the version still would
            # pass for the whole document.
            plans = self._write_or_split(self._replan(plans, is_doubted=True))
        lost_ids = [plan.document.id for plan in self._not_readable_at_last(plans, is_last=True)]
        if lost_ids:
            raise LostWriteError(
                f"{len(lost_ids)} documents were written to {self._namespace!r} {_ATTEMPTS + 1} "
                f"times and are not there as they were written: {', '.join(lost_ids[:_NAMED])}. "
                f"Run the same days again, one run at a time"
            )
        return True

    def _not_readable_at_last(
        self, plans: list[DocumentPlan], *, is_last: bool = False
    ) -> list[DocumentPlan]:
        """Return what the index does not hold as written, after it had its time to show it.

        When the store says that its reads show all writes, what is missing is written again at
        once. On the last attempt it gets its whole time nevertheless: reads by id may lag behind
        the searches that the store speaks of.
        """
        missing = plans

        def is_answered() -> bool:
            nonlocal missing
            missing = self._not_readable(missing, is_seen=False)
            return not missing or (not is_last and self._store.shows_written(self._namespace))

        if seconds := self._store.seen_within_seconds:
            wait_until(is_answered, seconds=seconds, pause_seconds=_PAUSE_SECONDS)
        return self._not_readable(missing, is_seen=True)

    def _not_readable(self, plans: list[DocumentPlan], *, is_seen: bool) -> list[DocumentPlan]:
        """Return what is not in the index as it was written, and nothing newer in its place.

        Before the index shows all writes (`is_seen`), a version of another run proves nothing: ours
        may have been written after it and not be visible yet. A run that stopped here would let the
        next one plan from the older state.
        """
        if not plans:
            return []
        chunk_ids = [chunk_id for plan in plans for chunk_id in (*_written(plan), *_beyond(plan))]
        heads, fingerprints = run_both(
            lambda: self._heads(plans),
            lambda: self._store.fingerprints(self._namespace, chunk_ids),
        )
        ours: list[DocumentPlan] = []
        missing: list[DocumentPlan] = []
        for plan in plans:
            head = heads.get(plan.document.id)
            if head is not None and _is_overtaken(plan, head):
                if is_seen:
                    self._delete_own_surplus(plan, head)
                else:
                    missing.append(plan)
            elif head is None or head.updated_at != plan.document.updated_at.timestamp():
                missing.append(plan)
            elif head.document_fingerprint == plan.document_fingerprint:
                ours.append(plan)
            elif not head.document_fingerprint or not is_seen:
                missing.append(plan)
            # Otherwise another run has read another text of the same moment, which is as good.
        return missing + [plan for plan in ours if _is_mixed(plan, fingerprints)]

    def _delete_own_surplus(self, plan: DocumentPlan, head: Head) -> None:
        """Delete our chunks beyond the end of a newer version that another run has written."""
        beyond = [
            chunk_id
            for chunk_id in (
                record_id(plan.document.id, n) for n in range(head.chunk_count, plan.stats.chunks)
            )
            if chunk_id in _written(plan)
        ]
        # A newer version that is still being written deletes its surplus itself.
        if beyond and head.document_fingerprint:
            until = dict.fromkeys(beyond, plan.document.updated_at.timestamp())
            self._store.delete_older(self._namespace, until)

    def _mark_unfinished(self, plans: Sequence[DocumentPlan]) -> None:
        """Mark documents as unfinished, so that they are planned from their chunks."""
        self._store.update_metadata(
            self._namespace,
            {
                plan.head_id: {
                    "document_fingerprint": "",
                    "updated_at": plan.document.updated_at.timestamp(),
                }
                for plan in plans
            },
        )

    def _heads(self, plans: Sequence[DocumentPlan]) -> dict[str, Head]:
        ids = [plan.document.id for plan in plans]
        return self._store.heads(self._namespace, ids) if ids else {}


def _is_overtaken(plan: DocumentPlan, head: Head | None) -> bool:
    return head is not None and plan.document.is_overtaken_by(head.updated_at)


def _has_several_writes(plan: DocumentPlan, *, is_atomic: bool) -> bool:
    if plan.surplus_ids:
        return True
    is_single_upsert = is_atomic and not plan.metadata_updates
    return not is_single_upsert and _written(plan).keys() != {plan.head_id}


def _is_mixed(plan: DocumentPlan, fingerprints: Mapping[str, str]) -> bool:
    return any(
        fingerprints.get(chunk_id) != str(metadata["fingerprint"])
        for chunk_id, metadata in _written(plan).items()
    ) or not fingerprints.keys().isdisjoint(_beyond(plan))


def _beyond(plan: DocumentPlan) -> set[str]:
    """Return the ids that hold a record if another run has written a longer version.

    The first id after ours, and the first after ours that this plan does not delete.
    """
    deleted_ids = {*plan.surplus_ids}
    ordinals = itertools.count(plan.stats.chunks)
    chunk_ids = (record_id(plan.document.id, ordinal) for ordinal in ordinals)
    return {
        record_id(plan.document.id, plan.stats.chunks),
        next(chunk_id for chunk_id in chunk_ids if chunk_id not in deleted_ids),
    }


def _written(plan: DocumentPlan) -> dict[str, Metadata]:
    return {**{record.id: record.metadata for record in plan.upserts}, **plan.metadata_updates}
