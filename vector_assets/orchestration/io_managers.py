"""IO managers that write an asset's documents to the index, batch by batch.

Our own assets hand over a stream of embedded documents; assets of other projects return `Document`
objects, which are embedded here.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import Any, NoReturn, cast

import dagster as dg
from pydantic import PrivateAttr

from vector_assets.core.errors import SettingsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings, settings_of, with_values
from vector_assets.embedding import build_embedder
from vector_assets.index.generations import Index
from vector_assets.index.targets import embedder_of, write_target
from vector_assets.orchestration.errors import Attempt, converted_errors
from vector_assets.orchestration.host_documents import (
    PREFIX,
    HostAsset,
    HostRun,
    host_metadata,
    host_metadata_by_day,
)
from vector_assets.orchestration.metadata import MAX_FAILURE_ROWS, metadata_by_day
from vector_assets.orchestration.resources import progress_log
from vector_assets.pipeline.checkpoint import CHECKPOINT_SECONDS, Checkpointer
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import write


class VectorIndexIOManager(dg.ConfigurableIOManager):
    """Writes documents to an index, in constant memory.

    Attributes:
        settings: Of our own application. Without them the fields here say which model embeds the
            documents of another project's assets; nothing is read from the environment.
        openai_api_key: Give it as `dg.EnvVar`, or the UI shows it.
        max_share: How much of a namespace a run of a complete asset may delete.
        retry_delay_seconds: Before the first retry; doubles with each further one.
        checkpoint_seconds: How often a run for several days records which days are complete.
    """

    max_retries: int = 2
    retry_delay_seconds: float = 30.0
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    settings: dg.ResourceDependency[Settings | None] = cast(Any, None)
    embedding_provider: str = ""
    embedding_model: str = ""
    embedding_dimensions: int | None = None
    openai_api_key: str = ""
    openai_base_url: str = ""
    max_share: float = 0.2
    _index: Index | None = PrivateAttr(default=None)

    def host_settings(self) -> Settings:
        """Return the settings for documents of other projects, or raise `SettingsError`."""
        return self._own_settings() or settings_of(
            embedding_provider=self.embedding_provider,
            embedding_model=self.embedding_model,
            embedding_dimensions=self.embedding_dimensions,
            openai_api_key=self.openai_api_key,
            openai_base_url=self.openai_base_url,
            prune_max_share=self.max_share,
        )

    def _own_settings(self) -> Settings | None:
        return self.settings.with_credentials() if self.settings else None

    @abstractmethod
    def build_index(self, meter: Meter) -> Index:
        """Return a connection to the index whose requests a meter counts."""

    def connect(self, meter: Meter) -> Index:
        """Connect a run to the index; see `connected`."""
        self._index = self.build_index(meter)
        return self._index

    def connected(self) -> Index:
        """Return the connection of the run in this process, for its checks, or a new one."""
        return self._index or self.connect(Meter())

    def attempt(self, context: dg.AssetExecutionContext) -> Attempt:
        """Return the attempt of a step."""
        return Attempt(context.retry_number, self.max_retries, self.retry_delay_seconds)

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Write our own stream, or the documents of another project's asset."""
        if isinstance(obj, EmbeddedDocuments):
            self._write_stream(context, obj)
        else:
            self._write_documents(context, obj)

    def _write_documents(self, context: dg.OutputContext, documents: object) -> None:
        """Write an iterable of documents and add the run's numbers to its materialization."""
        step = dg.AssetExecutionContext.get()
        with converted_errors(self.attempt(step)):
            settings = self.host_settings()
            asset = HostAsset.of(context, settings.prune_max_share)
            source = asset.source(documents)
            meter = Meter()
            target = write_target(
                self.connect(meter),
                build_embedder(settings, meter),
                lambda spec: embedder_of(spec, settings, meter),
            )
            run = HostRun(asset, target, meter)
            report = write(run.stream(source), on_progress=progress_log(context.log, _summary))
            pruned = run.prune(source)
            run.record(is_written=bool(report.written_ids or (pruned and pruned.deleted)))
        if target.pending:
            context.log.warning(str(target.pending))
        if asset.days is not None and len(asset.days) > 1:
            for day, metadata in host_metadata_by_day(asset.days, report).items():
                step.add_asset_metadata(
                    metadata, asset_key=context.asset_key, partition_key=day.isoformat()
                )
        else:
            context.add_output_metadata(host_metadata(asset, report, pruned))
        _log_outcome(context, report)
        if asset.is_complete and pruned is None:
            context.log.warning(f"{asset.key} returned no document, so nothing was deleted")
        for refusal in pruned.refusals if pruned else ():
            context.log.warning(
                f"{refusal.documents} documents of {refusal.subject} were not deleted: "
                f"{refusal.reason}. If they are gone, set {PREFIX}max_share to 1 for a run"
            )

    def _write_stream(self, context: dg.OutputContext, obj: EmbeddedDocuments) -> None:
        """Write a stream and record a materialization with its own numbers for each day.

        A run for several days records each as it is completed, the newest first: Dagster records
        none before the end of a run, and none of a run that fails. At the end it records each once
        more, with its final numbers.
        """
        step = dg.AssetExecutionContext.get()
        attempt = self.attempt(step)
        is_range = len(obj.days) > 1
        checkpointer = Checkpointer(
            obj.report,
            obj.days,
            _DayRecorder(context).record,
            every_seconds=self.checkpoint_seconds if is_range else math.inf,
        )
        with converted_errors(attempt):
            try:
                report = write(
                    obj,
                    on_progress=progress_log(context.log, _summary),
                    checkpointer=checkpointer,
                )
            except BaseException as error:
                if not attempt.is_retried_after(error):
                    checkpointer.commit()
                    context.log.warning(
                        f"{_summary(obj.report)}; the run failed: "
                        f"{len(checkpointer.finished_days)} of {len(obj.days)} days are complete "
                        f"and recorded as such"
                    )
                raise
        for day, metadata in metadata_by_day(report, list(obj.days)).items():
            step.add_asset_metadata(metadata, partition_key=day.isoformat())
        _log_outcome(context, report)

    def load_input(self, context: dg.InputContext) -> NoReturn:
        """Refuse: an index is not a value that another asset can load."""
        raise dg.Failure(
            description=(
                f"{context.asset_key.to_user_string()} is an index and cannot be loaded as a "
                f"value: read it through search (`vector-assets find`, or "
                f"vector_assets.index.search), and name it in `deps=` of assets that depend on it"
            ),
            allow_retries=False,
        )


class LanceDBIOManager(VectorIndexIOManager):
    """An index in a folder or an object store, without a server."""

    uri: str

    def build_index(self, meter: Meter) -> Index:
        """Return a connection to the folder."""
        from vector_assets.stores.lancedb.store import LanceDBStore

        settings = self._own_settings() or settings_of()
        return Index(LanceDBStore(self.uri, settings.text_language))


class PineconeIOManager(VectorIndexIOManager):
    """A Pinecone index.

    Attributes:
        api_key: Give it as `dg.EnvVar`, or the UI shows it. Without one it is that of `settings`.
        host: Address of the index; looked up by its name when empty.
        controller_host: Address of Pinecone's control plane; its own when empty.
    """

    index: str
    api_key: str = ""
    host: str = ""
    controller_host: str = ""

    def build_index(self, meter: Meter) -> Index:
        """Return a connection to the index."""
        from vector_assets.stores.pinecone.store import PineconeStore

        own_settings = self._own_settings() or settings_of()
        given = {
            "pinecone_index": self.index,
            "pinecone_api_key": self.api_key,
            "pinecone_host": self.host,
            "pinecone_controller_host": self.controller_host,
        }
        settings = with_values(
            own_settings, {name: value for name, value in given.items() if value}
        )
        if not settings.pinecone_api_key.get_secret_value():
            raise SettingsError(
                "PineconeIOManager has no api_key: give it one, such as "
                'api_key=dg.EnvVar("PINECONE_API_KEY")'
            )
        return Index(PineconeStore.from_settings(settings, meter))


class _DayRecorder:
    """Records days of a run as materialized before the run ends, each once."""

    def __init__(self, context: dg.OutputContext) -> None:
        self._context = context
        self._days: set[date] = set()

    def record(self, report: SyncReport, finished_days: Sequence[date]) -> None:
        """Log a materialization for each of these days that this run has not recorded yet."""
        for day, metadata in metadata_by_day(report, finished_days).items():
            if day not in self._days:
                self._context.log_event(
                    dg.AssetMaterialization(
                        self._context.asset_key, partition=day.isoformat(), metadata=metadata
                    )
                )
        self._days |= set(finished_days)


def _log_outcome(context: dg.OutputContext, report: SyncReport) -> None:
    """Log the result and the documents that failed."""
    context.log.info(_summary(report))
    for failure in report.failures[:MAX_FAILURE_ROWS]:
        context.log.warning(f"{failure.document_id} failed: {failure.cause}")


def _summary(report: SyncReport) -> str:
    total = report.total
    return (
        f"{report.source}: {total.documents} documents, {total.unchanged_documents} unchanged, "
        f"{total.failed_documents} failed; {total.embedded_chunks} chunks embedded, "
        f"{total.reused_chunks} reused, {total.deleted_chunks} deleted; "
        f"{total.redacted_secrets} secrets redacted; "
        f"{report.documents_with_other_readers} with other readers; "
        f"{len(report.quarantine)} in quarantine; "
        f"{report.seconds:.1f} s"
    )
