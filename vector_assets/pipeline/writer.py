"""Plans to index: the order of writes that is right after a crash at any of them, and the check.

A store need have no transactions. What holds instead: a head that names no version (an empty
`document_fingerprint`) is written before anything else of a document that takes several writes,
and the head that names the version last. So whoever reads a head that names one may trust it.
`docs/consistency.md` says what can still be seen for a moment.
"""

import itertools
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from vector_assets.core.concurrency import side_by_side
from vector_assets.core.errors import ContractError, LostWriteError, VectorAssetsError
from vector_assets.core.waiting import wait_until
from vector_assets.pipeline.plan import DocumentPlan, Planner
from vector_assets.sources.items import DocumentFailure
from vector_assets.stores.base import Head, Metadata, VectorStore
from vector_assets.stores.records import record_id, vector_cause

UNCONFIRMED_BATCHES = 2
"""So many written batches wait until they are read back: an index that lags has time to show them,
and what another run did at the same moment has happened by then."""

MANY_REFUSED = 5
"""So many documents in a row of which the index takes none are not bad documents."""

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
_NAMED = 5


class Writer:
    """Writes the plans of one run, batch by batch, and believes a write when it has read it back.

    Several batches may be written at once, as long as no document is in two of them, nor in one
    that is read back meanwhile: in any of the last `UNCONFIRMED_BATCHES` and those at once.

    Args:
        store: The index.
        namespace: The source's.
        planner: Plans anew what another run has overwritten meanwhile.
    """

    def __init__(self, store: VectorStore, namespace: str, planner: Planner) -> None:
        self._store = store
        self._namespace = namespace
        self._planner = planner
        self._lock = threading.Lock()
        self._failures: list[DocumentFailure] = []
        self._unconfirmed: deque[list[DocumentPlan]] = deque()

    def taken_failures(self) -> list[DocumentFailure]:
        """Return what the index refused, or could not be planned anew, since the last time."""
        with self._lock:
            failures, self._failures = self._failures, []
        return failures

    def write(self, plans: list[DocumentPlan]) -> None:
        """Write a batch, and meanwhile read back an earlier one.

        Raises:
            ContractError: The index refuses many documents in a row.
            LostWriteError: What was written is not in the index, however often.
        """
        if not plans:
            return
        self._forget({plan.document.id for plan in plans})
        with self._lock:
            is_one_due = len(self._unconfirmed) >= UNCONFIRMED_BATCHES
            due = self._unconfirmed.popleft() if is_one_due else []
        taken, _ = side_by_side(lambda: self._taken(plans), lambda: self._confirm_or_keep(due))
        with self._lock:
            self._unconfirmed.append(taken)

    def finish(self) -> bool:
        """Read back what is left, and tell whether some of it had to be written again.

        Raises:
            LostWriteError: What was written is not in the index, however often.
        """
        with self._lock:
            left = [plan for plans in self._unconfirmed for plan in plans]
            self._unconfirmed.clear()
        return self._confirm_or_keep(left)

    def _forget(self, document_ids: set[str]) -> None:
        """Read back no earlier version of these: they are written anew."""
        with self._lock:
            self._unconfirmed = deque(
                [plan for plan in plans if plan.document.id not in document_ids]
                for plans in self._unconfirmed
            )

    def _confirm_or_keep(self, plans: list[DocumentPlan]) -> bool:
        """Read plans back, and keep them for another time when the index does not answer."""
        try:
            return self._confirm(plans)
        except VectorAssetsError:
            with self._lock:
                self._unconfirmed.appendleft(plans)
            raise

    def _taken(self, plans: list[DocumentPlan]) -> list[DocumentPlan]:
        """Write plans and return them; halve what the index refuses until one stands alone."""
        try:
            return self._apply(plans)
        except ContractError as error:
            if len(plans) == 1:
                document = plans[0].document
                cause = f"the index refused it: {error.seen}"
                self._fail(DocumentFailure(document.id, cause, document.day))
                return []
            middle = len(plans) // 2
            taken = self._taken(plans[:middle]) + self._taken(plans[middle:])
            if not taken and len(plans) >= MANY_REFUSED:
                self._acquit({plan.document.id for plan in plans})
                raise
            return taken

    def _apply(self, plans: list[DocumentPlan]) -> list[DocumentPlan]:
        """Write a batch, and return what was written of it."""
        plans = self._current(plans)
        # One that takes a single write is whole or not there: it needs no mark.
        record_count = sum(len(plan.upserts) for plan in plans)
        is_atomic = record_count <= self._store.atomic_records
        begun: list[DocumentPlan] = []
        single: list[DocumentPlan] = []
        for plan in plans:
            (begun if _has_several_writes(plan, is_atomic=is_atomic) else single).append(plan)
        self._write_heads(begun, is_whole=False)
        self._write_tails(begun, single)
        # A newer version that was written meanwhile needs what ours has not.
        surplus = {
            chunk_id: plan.document.updated_at.timestamp()
            for plan in begun
            for chunk_id in plan.surplus_ids
        }
        if surplus:
            self._store.delete_older(self._namespace, surplus)
        self._write_heads(begun, is_whole=True)
        for plan in begun:
            plan.stats.deleted_chunks = len(plan.surplus_ids)
        return plans

    def _current(self, plans: list[DocumentPlan]) -> list[DocumentPlan]:
        """Leave out what is overtaken, and plan anew what another run has written since."""
        heads = self._heads(plans)
        plans = [plan for plan in plans if not _is_overtaken(plan, heads.get(plan.document.id))]
        moved = [plan for plan in plans if heads.get(plan.document.id) != plan.held]
        if not moved:
            return plans
        # A plan may leave alone, or relabel, a chunk that is another one by now.
        stale = {plan.document.id for plan in moved}
        return [plan for plan in plans if plan.document.id not in stale] + self._again(moved)

    def _again(self, plans: list[DocumentPlan]) -> list[DocumentPlan]:
        """Plan anew, with the vectors that are paid for."""
        made = {
            vector_cause(str(one.metadata["fingerprint"])): one.vector
            for plan in plans
            for one in plan.upserts
        }
        again: list[DocumentPlan] = []
        outcomes = self._planner.plan([plan.document for plan in plans], made=made)
        for before, now in zip(plans, outcomes, strict=True):
            if isinstance(now, DocumentFailure):
                self._fail(now)
            elif not now.is_empty:
                before.stats.add_cost(now.stats)
                now.stats = before.stats
                again.append(now)
        return again

    def _write_heads(self, plans: Sequence[DocumentPlan], *, is_whole: bool) -> None:
        """Write the heads of plans, with the name of the version when that is whole."""
        records = [
            one if is_whole else replace(one, metadata={**one.metadata, "document_fingerprint": ""})
            for plan in plans
            for one in plan.upserts
            if one.id == plan.head_id
        ]
        relabelled: dict[str, Metadata] = {
            plan.head_id: plan.metadata_updates[plan.head_id]
            if is_whole
            else {**plan.metadata_updates[plan.head_id], "document_fingerprint": ""}
            for plan in plans
            if plan.head_id in plan.metadata_updates
        }
        self._store.upsert(self._namespace, records)
        self._store.update_metadata(self._namespace, relabelled)

    def _write_tails(self, plans: Sequence[DocumentPlan], single: Sequence[DocumentPlan]) -> None:
        """Write all but the heads of plans, and all of those that take a single write."""
        records = [one for plan in plans for one in plan.upserts if one.id != plan.head_id]
        records += [one for plan in single for one in plan.upserts]
        relabelled: dict[str, Metadata] = {
            chunk_id: metadata
            for plan in plans
            for chunk_id, metadata in plan.metadata_updates.items()
            if chunk_id != plan.head_id
        }
        for plan in single:
            relabelled |= plan.metadata_updates
        self._store.upsert(self._namespace, records)
        self._store.update_metadata(self._namespace, relabelled)

    def _fail(self, failure: DocumentFailure) -> None:
        with self._lock:
            self._failures.append(failure)

    def _acquit(self, document_ids: set[str]) -> None:
        """Take back the failures of documents that are not to blame."""
        with self._lock:
            self._failures = [one for one in self._failures if one.document_id not in document_ids]

    def _confirm(self, plans: list[DocumentPlan]) -> bool:
        """Read plans back, and write again what is not there as it was written.

        Returns:
            Whether something was.
        """
        for attempt in range(_ATTEMPTS):
            plans = self._undone_at_last(plans)
            if not plans:
                return attempt > 0
            self._unname(plans)
            plans = self._taken(self._again(plans))
        undone = [plan.document.id for plan in self._undone_at_last(plans, is_last=True)]
        if undone:
            raise LostWriteError(
                f"{len(undone)} documents were written to {self._namespace!r} {_ATTEMPTS + 1} "
                f"times and are not there as they were written: {', '.join(undone[:_NAMED])}. Run "
                f"the same days again, one run at a time"
            )
        return True

    def _undone_at_last(
        self, plans: list[DocumentPlan], *, is_last: bool = False
    ) -> list[DocumentPlan]:
        """Return what is not there as it was written, once the index has had its time to show it.

        A store that says what its reads have seen is believed, and what they miss is written again
        at once. Before a run is given up it has all its time nevertheless: reads by id may lag
        behind the searches that a store speaks of.
        """
        undone = plans

        def is_answer() -> bool:
            nonlocal undone
            undone = self._undone(undone, is_seen=False)
            return not undone or (not is_last and self._store.shows_written(self._namespace))

        if seconds := self._store.seen_within_seconds:
            wait_until(is_answer, seconds=seconds, pause_seconds=_PAUSE_SECONDS)
        return self._undone(undone, is_seen=True)

    def _undone(self, plans: list[DocumentPlan], *, is_seen: bool) -> list[DocumentPlan]:
        """Return what is not in the index as it was written, and nothing newer in its place.

        Args:
            plans: Written ones.
            is_seen: Whether the index shows all that was written. Before it does, the version of
                another run is no answer: ours may have come after it, and is not seen yet. A run
                that took it for one would end, and the next would plan from what it saw before.
        """
        if not plans:
            return []
        asked = [one for plan in plans for one in (*_written(plan), *_beyond(plan))]
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(self._store.fingerprints, self._namespace, asked)
            heads = self._heads(plans)
            found = asking.result()
        ours: list[DocumentPlan] = []
        undone: list[DocumentPlan] = []
        for plan in plans:
            head = heads.get(plan.document.id)
            if head is not None and _is_overtaken(plan, head):
                if is_seen:
                    self._withdraw(plan, head)
                else:
                    undone.append(plan)
            elif head is None or head.updated_at < plan.document.updated_at.timestamp():
                undone.append(plan)
            elif head.document_fingerprint == plan.document_fingerprint:
                ours.append(plan)
            elif not head.document_fingerprint or not is_seen:
                undone.append(plan)
            # Else another run has read another text of the same moment: theirs is as good.
        wanted = {
            chunk_id: str(metadata["fingerprint"])
            for plan in ours
            for chunk_id, metadata in _written(plan).items()
        }
        mixed = {one for one, fingerprint in wanted.items() if found.get(one) != fingerprint}
        mixed |= {one for plan in ours for one in _beyond(plan)} & found.keys()
        return undone + [plan for plan in ours if mixed & {*_written(plan), *_beyond(plan)}]

    def _withdraw(self, plan: DocumentPlan, head: Head) -> None:
        """Delete what we wrote beyond the end of a newer version that was written beside us."""
        beyond = [
            chunk_id
            for chunk_id in (
                record_id(plan.document.id, n) for n in range(head.chunk_count, plan.stats.chunks)
            )
            if chunk_id in _written(plan)
        ]
        # A newer version that is still being written deletes what is beyond it by itself.
        if beyond and head.document_fingerprint:
            until = dict.fromkeys(beyond, plan.document.updated_at.timestamp())
            self._store.delete_older(self._namespace, until)

    def _unname(self, plans: Sequence[DocumentPlan]) -> None:
        """Take back the word that these are whole, so that they are planned from their chunks."""
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
    return head is not None and head.updated_at > plan.document.updated_at.timestamp()


def _has_several_writes(plan: DocumentPlan, *, is_atomic: bool) -> bool:
    """Tell whether a crash can leave a part of a plan.

    Args:
        plan: The one.
        is_atomic: Whether the store writes all of its records at once.
    """
    if plan.surplus_ids:
        return True
    is_one_upsert = is_atomic and not plan.metadata_updates
    return not is_one_upsert and _written(plan).keys() != {plan.head_id}


def _beyond(plan: DocumentPlan) -> set[str]:
    """Return the ids at which a longer version shows that was written beside this one.

    It goes on where ours ends, and past what we have deleted of it.
    """
    deleted = {*plan.surplus_ids}
    ordinals = itertools.count(plan.stats.chunks)
    ids = (record_id(plan.document.id, ordinal) for ordinal in ordinals)
    return {
        record_id(plan.document.id, plan.stats.chunks),
        next(one for one in ids if one not in deleted),
    }


def _written(plan: DocumentPlan) -> dict[str, Metadata]:
    """Return what a plan writes, by id."""
    return {**{one.id: one.metadata for one in plan.upserts}, **plan.metadata_updates}
