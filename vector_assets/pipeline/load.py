"""Loads a stream into the index: writes batches in parallel and commits the days that are done."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from vector_assets.core.concurrency import run_both
from vector_assets.core.errors import LostWriteError, SwitchedIndexError, VectorAssetsError
from vector_assets.pipeline.checkpoint import Checkpointer
from vector_assets.pipeline.plan import DocumentPlan
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import BATCHES_IN_FLIGHT, EmbeddedDocuments, Outcome
from vector_assets.pipeline.writer import UNCONFIRMED_BATCHES, Writer
from vector_assets.sources.items import Checkpoint

UPKEEP_BATCHES = 5
"""Written batches between two calls of `keep_pace`: small files make each query slower."""

OnProgress = Callable[[SyncReport], None]
"""Called with the report so far after each batch."""


class Loader:
    """Writes one stream to its end, or to where it breaks off.

    Afterwards the checkpointer's finished days are those that are written and read back.
    """

    def __init__(
        self,
        stream: EmbeddedDocuments,
        checkpointer: Checkpointer,
        on_progress: OnProgress,
    ) -> None:
        self._stream = stream
        self._target = stream.target
        self._checkpointer = checkpointer
        self._on_progress = on_progress
        self._writer = Writer(stream.target.store, stream.namespace, stream.planner)

    def run(self) -> None:
        """Write the stream and record what failed of it; see `write`."""
        self._stream.extraction.is_stopped = self._checkpointer.is_budget_spent
        with _InFlight(self._stream, self._writer, self._count) as in_flight:
            try:
                self._stream.update_readers()
                for batch in self._stream:
                    self._checkpointer.record_spend()
                    if self._checkpointer.is_due():
                        self._commit(in_flight)
                    in_flight.submit(batch)
                in_flight.wait()
                self._confirm()
                if self._stream.extraction.is_cut:
                    self._stream.record_failures()
                else:
                    self._stream.save_quarantine()
            except BaseException as error:  # A run that is told to end has finished days as well.
                self._break_off(error, in_flight)
                raise

    def _count(self, batch: list[Outcome]) -> None:
        self._stream.reject(self._writer.taken_failures())
        self._stream.count_written(batch)
        for outcome in batch:
            if isinstance(outcome, Checkpoint):
                self._checkpointer.mark_written(outcome.since)
        self._on_progress(self._stream.report)

    def _commit(self, in_flight: "_InFlight") -> None:
        in_flight.wait()
        self._confirm()
        self._stream.record_failures()
        self._checkpointer.commit()

    def _confirm(self) -> None:
        """Read back what is written, in the index that is live."""
        is_rewritten, _ = run_both(self._writer.finish, self._target.require_live)
        if is_rewritten:
            self._target.require_live()
        self._stream.reject(self._writer.taken_failures())
        self._checkpointer.confirm()

    def _break_off(self, error: BaseException, in_flight: "_InFlight") -> None:
        """Confirm what was written before the run broke off, and record what failed of it."""
        try:
            if isinstance(error, LostWriteError | SwitchedIndexError):
                raise error
            try:
                in_flight.wait()
            except (LostWriteError, SwitchedIndexError):
                raise
            except VectorAssetsError:
                pass  # That batch is not written; neither it nor those after it count.
            self._confirm()
        except (LostWriteError, SwitchedIndexError):
            self._checkpointer.invalidate()
        except VectorAssetsError:
            self._checkpointer.roll_back()
        try:
            self._stream.record_failures()
        except VectorAssetsError:
            # A day whose failures are not recorded is not finished.
            self._checkpointer.invalidate()


class _InFlight:
    """Batches that are being written, oldest first: as many at once as the store allows.

    No two of them hold the same document, nor does one hold a document of a batch that may be read
    back meanwhile: the writes of a document follow one another.
    """

    def __init__(
        self,
        stream: EmbeddedDocuments,
        writer: Writer,
        on_written: Callable[[list[Outcome]], None],
    ) -> None:
        self._stream = stream
        self._store = stream.target.store
        self._writer = writer
        self._on_written = on_written
        self._max_batches = self._store.batches_in_flight
        self._pool = ThreadPoolExecutor(self._max_batches, thread_name_prefix="write")
        self._batches: deque[tuple[list[Outcome], Future[None]]] = deque()
        # Documents written since the next batch may have been planned, or not read back yet.
        self._recent_ids: deque[set[str]] = deque(
            maxlen=BATCHES_IN_FLIGHT + 3 + UNCONFIRMED_BATCHES + 2 * self._max_batches
        )
        self._written_batches = 0

    def __enter__(self) -> "_InFlight":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, batch: list[Outcome]) -> None:
        """Start to write the stream's next batch, once there is room for it."""
        document_ids = {plan.document.id for plan in batch if isinstance(plan, DocumentPlan)}
        repeated_ids = document_ids & set().union(*self._recent_ids)
        if repeated_ids:
            self.wait()
            batch = self._stream.replan(batch, repeated_ids)
        self._wait_until_left(self._max_batches - 1)
        plans = [plan for plan in batch if isinstance(plan, DocumentPlan) and not plan.is_empty]
        self._written_batches += bool(plans)
        if plans and self._written_batches % UPKEEP_BATCHES == 0:
            self._store.keep_pace(self._stream.namespace)
        self._batches.append((batch, self._pool.submit(self._writer.write, plans)))
        self._recent_ids.append(document_ids)
        if repeated_ids:
            self.wait()

    def wait(self) -> None:
        """Wait until all are written; batches after one that fails do not count as written."""
        self._wait_until_left(0)

    def _wait_until_left(self, max_left: int) -> None:
        while len(self._batches) > max_left:
            batch, written = self._batches[0]
            if written.exception() is not None:
                wait([other for _, other in self._batches])
            written.result()
            self._batches.popleft()
            self._on_written(batch)
