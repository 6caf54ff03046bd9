"""The index as an IO manager: what an asset streams is written here, batch by batch.

`LanceDBIOManager` is the embedded default, `PineconeIOManager` the index of a team; both stand
under the resource key `vector_index`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

import dagster as dg

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import LiveStore
from vector_assets.orchestration.errors import Attempt, failing_by_name
from vector_assets.orchestration.metadata import MAX_FAILURE_ROWS, metadata_by_day
from vector_assets.orchestration.resources import progress_log
from vector_assets.pipeline.checkpoint import LANDING_SECONDS, NO_LANDING, Landing
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import write
from vector_assets.stores.base import VectorStore


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """What an asset hands to its IO manager.

    Attributes:
        stream: What is to be written; nothing has been fetched yet.
        store: The index that the stream compares itself with, and is written to: a second
            connection might not see at once what the first has written.
    """

    stream: EmbeddedDocuments
    store: VectorStore


class VectorIndexIOManager(dg.ConfigurableIOManager):
    """Drains a stream of embedded documents into an index, in memory that does not grow.

    Attributes:
        max_retries: How often a step is tried again after a retryable error.
        retry_delay_seconds: Before the first of these; doubles with each one after it.
        landing_seconds: How often a run for a range of days records which of them are done.
    """

    max_retries: int = 2
    retry_delay_seconds: float = 30.0
    landing_seconds: float = LANDING_SECONDS

    @abstractmethod
    def build_store(self, meter: Meter) -> VectorStore:
        """Return a connection to the index, counted on a meter.

        Raises:
            SettingsError: A setting that it needs is missing.
        """

    def attempt(self, context: dg.AssetExecutionContext) -> Attempt:
        """Return where a step stands with its retries."""
        return Attempt(context.retry_number, self.max_retries, self.retry_delay_seconds)

    def handle_output(self, context: dg.OutputContext, obj: PendingWrite) -> None:
        """Write a stream to its end and record each day with its own numbers.

        Of a range, days are recorded while the run goes on, the newest first: Dagster itself
        records none of a range before its end, and none of one that fails or is killed. At the end
        it records each once more, with its last numbers.

        Raises:
            RetryRequested: A service does not answer, and attempts are left.
            Failure: The run cannot go on; its text says what to change.
        """
        step = dg.AssetExecutionContext.get()
        attempt = self.attempt(step)
        recorded = _Recorded(context, obj.stream)
        is_range = len(obj.stream.days) > 1
        landing = Landing(recorded.add, every_seconds=self.landing_seconds) if is_range else None
        with failing_by_name(attempt):
            try:
                report = write(
                    obj.stream,
                    obj.store,
                    on_progress=progress_log(context.log, _summary),
                    landing=landing or NO_LANDING,
                )
            except BaseException as error:
                if not attempt.is_retried_after(error):
                    recorded.finish()
                raise
        for day, metadata in metadata_by_day(report, list(obj.stream.days)).items():
            step.add_asset_metadata(metadata, partition_key=day.isoformat())
        _log_outcome(context, report)

    def load_input(self, context: dg.InputContext) -> NoReturn:
        """Refuse: an index is not a value that another asset could load.

        Raises:
            Failure: Always; says where to read instead.
        """
        raise dg.Failure(
            description=(
                f"{context.asset_key.to_user_string()} is an index and is not loaded whole: "
                f"read it through search (`vector-assets find`, or vector_assets.index.search), "
                f"and name it in `deps=` where an asset has to wait for it"
            ),
            allow_retries=False,
        )


class LanceDBIOManager(VectorIndexIOManager):
    """An index in a folder or an object store, without a server.

    Attributes:
        uri: Folder or object-store URI.
    """

    uri: str

    def build_store(self, meter: Meter) -> VectorStore:
        """Return a connection to the folder."""
        from vector_assets.stores.lancedb.store import LanceDBStore

        return LiveStore(LanceDBStore(self.uri))


class PineconeIOManager(VectorIndexIOManager):
    """A Pinecone index.

    Attributes:
        settings: Hold the key, which is therefore not part of the configuration that the UI shows.
        index: Name of the index.
    """

    settings: dg.ResourceDependency[Settings]
    index: str

    def build_store(self, meter: Meter) -> VectorStore:
        """Return a connection to the index.

        Raises:
            SettingsError: The key is missing.
        """
        from vector_assets.stores.pinecone.store import PineconeStore

        named = self.settings.model_copy(update={"pinecone_index": self.index})
        return LiveStore(PineconeStore.from_settings(named, meter))


class _Recorded:
    """The days of a run that are recorded as done before its end.

    Args:
        context: Of the run's output.
        stream: That is written.
    """

    def __init__(self, context: dg.OutputContext, stream: EmbeddedDocuments) -> None:
        self._context = context
        self._stream = stream
        self._days: set[date] = set()

    def add(self, report: SyncReport, finished: Sequence[date]) -> None:
        """Log a materialization for each of these days that has none of this run yet."""
        for day, metadata in metadata_by_day(report, finished).items():
            if day not in self._days:
                self._context.log_event(
                    dg.AssetMaterialization(
                        self._context.asset_key, partition=day.isoformat(), metadata=metadata
                    )
                )
        self._days |= set(finished)

    def finish(self) -> None:
        """Record the days that are completely written though the run breaks off."""
        finished = self._stream.finished_days
        self.add(self._stream.report, finished)
        self._context.log.warning(
            f"{_summary(self._stream.report)}; the run broke off: {len(finished)} of "
            f"{len(self._stream.days)} days are complete and recorded as such"
        )


def _log_outcome(context: dg.OutputContext, report: SyncReport) -> None:
    """Log what was done, and name what was not."""
    context.log.info(_summary(report))
    for failure in report.failures[:MAX_FAILURE_ROWS]:
        context.log.warning(f"{failure.document_id} failed: {failure.cause}")


def _summary(report: SyncReport) -> str:
    total = report.total
    return (
        f"{report.source}: {total.documents} documents, {total.unchanged_documents} unchanged, "
        f"{total.failed_documents} failed; {total.embedded_chunks} chunks embedded, "
        f"{total.reused_chunks} reused, {total.deleted_chunks} deleted; "
        f"{total.redacted_secrets} secrets redacted; {len(report.quarantine)} in quarantine; "
        f"{report.seconds:.1f} s"
    )
