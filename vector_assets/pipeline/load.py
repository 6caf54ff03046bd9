"""A stream into the index: batches written side by side, and counted once they are."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from vector_assets.core.concurrency import side_by_side
from vector_assets.core.errors import LostWriteError, SwitchedIndexError, VectorAssetsError
from vector_assets.pipeline.checkpoint import Landing
from vector_assets.pipeline.plan import DocumentPlan
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import BATCHES_IN_FLIGHT, EmbeddedDocuments, Outcome
from vector_assets.pipeline.writer import UNCONFIRMED_BATCHES, Writer
from vector_assets.stores.base import VectorStore

PACED_BATCHES = 5
"""Written batches after which an index may keep pace: its small files make each question slower."""


def drain(
    stream: EmbeddedDocuments,
    store: VectorStore,
    on_progress: Callable[[SyncReport], None],
    landing: Landing,
) -> None:
    """Write a stream to its end, or to where it breaks off, and record what failed of it.

    Afterwards `stream.finished_days` are those of which all has been written and read back.

    Args:
        stream: Not iterated yet.
        store: The index.
        on_progress: Called with the report after each batch.
        landing: Told now and then which days are done, and may stop what is taken in.

    Raises:
        LostWriteError: The index took less than it was given.
        SwitchedIndexError: The index was switched to another generation meanwhile.
        VectorAssetsError: As source, embedder and index raise.
    """
    stream.intake.is_stopped = landing.is_spent
    writer = Writer(store, stream.namespace, stream.planner)
    with _Flights(stream, store, writer, on_progress) as flights:
        try:
            for batch in stream:
                landing.note(stream.report)
                if landing.is_due(stream.written_days):
                    flights.land()
                    _make_sure(stream, writer)
                    stream.record_failures()
                    landing.land(stream.report, stream.finished_days)
                flights.launch(batch)
            flights.land()
            _make_sure(stream, writer)
            if stream.intake.is_cut:
                stream.record_failures()
            else:
                stream.settle()
        except BaseException as error:  # A run that is told to end has days to show as well.
            _break_off(error, flights, stream, writer)
            raise


class _Flights:
    """Batches that are being written, oldest first: as many at once as the store is good for.

    No two of them hold the same document, nor does one hold a document of a batch that may be read
    back meanwhile: each document's writes come one after the other.

    Args:
        stream: Told of each batch once it is written, in order.
        store: The index.
        writer: Of the run.
        on_progress: Called with the report after each batch.
    """

    def __init__(
        self,
        stream: EmbeddedDocuments,
        store: VectorStore,
        writer: Writer,
        on_progress: Callable[[SyncReport], None],
    ) -> None:
        self._stream = stream
        self._store = store
        self._writer = writer
        self._on_progress = on_progress
        self._count = store.batches_in_flight
        self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="write")
        self._flying: deque[tuple[list[Outcome], Future[None]]] = deque()
        # Of the batches written since the next one may have been planned, or not read back yet.
        self._recent_ids: deque[set[str]] = deque(
            maxlen=BATCHES_IN_FLIGHT + 3 + UNCONFIRMED_BATCHES + 2 * self._count
        )
        self._written_batches = 0

    def __enter__(self) -> "_Flights":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def launch(self, batch: list[Outcome]) -> None:
        """Begin to write the stream's next batch, when there is room for one more.

        Raises:
            VectorAssetsError: What an earlier one, or the index, raises.
        """
        ids = {one.document.id for one in batch if isinstance(one, DocumentPlan)}
        again = ids & set().union(*self._recent_ids)
        if again:
            self.land()
            batch = self._stream.planned_again(batch, again)
        self._land_until(self._count - 1)
        plans = [o for o in batch if isinstance(o, DocumentPlan) and not o.is_empty]
        self._written_batches += bool(plans)
        if plans and self._written_batches % PACED_BATCHES == 0:
            self._store.keep_pace(self._stream.namespace)
        self._flying.append((batch, self._pool.submit(self._writer.write, plans)))
        self._recent_ids.append(ids)
        if again:
            self.land()

    def land(self) -> None:
        """Wait until all are written.

        Raises:
            VectorAssetsError: What the first that is not written raises; those after it do not
                count as written.
        """
        self._land_until(0)

    def _land_until(self, left: int) -> None:
        while len(self._flying) > left:
            batch, written = self._flying[0]
            if written.exception() is not None:
                wait([one for _, one in self._flying])
            written.result()
            self._flying.popleft()
            self._stream.refuse(self._writer.taken_failures())
            self._stream.note_written(batch)
            self._on_progress(self._stream.report)


def _make_sure(stream: EmbeddedDocuments, writer: Writer) -> None:
    """Read back what is written, in the index that is served; all of it is believed then."""
    is_written_again, _ = side_by_side(writer.finish, stream.target.require_live)
    if is_written_again:
        stream.target.require_live()
    stream.refuse(writer.taken_failures())
    stream.believe()


def _break_off(
    error: BaseException,
    flights: _Flights,
    stream: EmbeddedDocuments,
    writer: Writer,
) -> None:
    """Make sure of what was written before a run broke off, and record what failed until then."""
    try:
        if isinstance(error, LostWriteError | SwitchedIndexError):
            raise error
        try:
            flights.land()
        except (LostWriteError, SwitchedIndexError):
            raise
        except VectorAssetsError:
            pass  # Not written; its batch does not count, nor do those after it.
        _make_sure(stream, writer)
    except (LostWriteError, SwitchedIndexError):
        stream.distrust()
    except VectorAssetsError:
        stream.doubt()
    try:
        stream.record_failures()
    except VectorAssetsError:
        # A day whose failures nobody knows is not done.
        stream.distrust()
