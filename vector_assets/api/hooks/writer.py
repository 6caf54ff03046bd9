"""Writes the changes of events into the queue, many at once, before anything is answered."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vector_assets.core.errors import RetryableError, VectorAssetsError
from vector_assets.index.queue import Change, ChangeQueue

MAX_PENDING = 2_000
"""Changes that wait to be written; beyond it vendors are asked to deliver again later."""

COMPACT_AFTER = 500
"""Written changes between two looks whether the queue has grown too long."""


@dataclass(frozen=True, slots=True)
class _Pending:
    changes: Sequence[Change]
    written: "asyncio.Future[None]"


class QueueWriter:
    """Adds changes in groups: those that come while a group is written form the next one.

    Args:
        queue: Opens the queue; called for each group, so that it follows a new connection.
    """

    def __init__(self, queue: Callable[[], ChangeQueue]) -> None:
        self._queue = queue
        self._pending: list[_Pending] = []
        self._writing: asyncio.Task[None] | None = None
        self._written_count = 0

    async def write(self, changes: Sequence[Change]) -> None:
        """Return when the queue has the changes.

        Raises:
            RetryableError: Too many wait, or the index does not take them.
        """
        if sum(len(pending.changes) for pending in self._pending) >= MAX_PENDING:
            raise RetryableError(f"{MAX_PENDING:,} changes wait to be written: deliver it later")
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append(_Pending(changes, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await written

    async def _write_all(self) -> None:
        while self._pending:
            group, self._pending = self._pending, []
            (raised,) = await asyncio.gather(
                asyncio.to_thread(self._add, group), return_exceptions=True
            )
            if isinstance(raised, VectorAssetsError):
                raised = RetryableError(f"the change could not be queued: {raised}")
            for pending in group:
                # A client that has left no longer waits; all others get any error.
                if pending.written.done():
                    continue
                if raised is None:
                    pending.written.set_result(None)
                else:
                    pending.written.set_exception(raised)

    def _add(self, group: Sequence[_Pending]) -> None:
        changes = [change for pending in group for change in pending.changes]
        queue = self._queue()
        queue.add(changes)
        self._written_count += len(changes)
        if self._written_count >= COMPACT_AFTER:
            self._written_count = 0
            queue.compact()
