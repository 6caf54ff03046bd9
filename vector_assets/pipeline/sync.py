"""The pipeline: fetch, chunk, embed and write one source concurrently, in bounded memory.

Schedule, UI, command line and HTTP all run this code.
"""

from datetime import UTC, datetime

from vector_assets.core.concurrency import run_both
from vector_assets.core.days import Days, Window
from vector_assets.core.memory import freeze_what_is_loaded
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import IndexOpener, WriteTarget
from vector_assets.pipeline.arrivals import EventAudit
from vector_assets.pipeline.checkpoint import Checkpointer
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.load import Loader, OnProgress
from vector_assets.pipeline.plan import Planner
from vector_assets.pipeline.quarantine import Quarantine
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.sources import build_source
from vector_assets.sources.base import Source


class Pipeline:
    """One run of one source into one index; source and target count on the meter."""

    def __init__(self, *, source: Source, target: WriteTarget, meter: Meter) -> None:
        self.source = source
        self.target = target
        self.meter = meter

    def embedded_documents(
        self,
        days: Days,
        now: datetime | None = None,
        *,
        is_rescan: bool = False,
        audits_events: bool = False,
    ) -> EmbeddedDocuments:
        """Return the stream for some days; nothing is fetched until it is iterated.

        A rescan reads unchanged documents as well, to find edits and deletions that a vendor's
        listing does not show. A run that reaches the present may count the changes that events
        should have brought.

        Raises:
            IndexMismatchError: The index holds vectors of another length.
        """
        store, embedder = self.target.store, self.target.embedder
        store.open(self.source.name, embedder.dimensions)
        held = HeldVersions(
            store,
            self.source.name,
            IndexSpec.of(embedder).vector_spec,
            is_rescan=is_rescan,
        )
        self.source.known = held
        window = Window.of_days(
            days.first, days.last, overlap=self.source.overlap, now=now or datetime.now(UTC)
        )
        freeze_what_is_loaded()
        audit = None
        if audits_events and window.end is None:
            started_at = now or datetime.now(UTC)
            audit = EventAudit(self.target.ledger, self.source.name, started_at)
        return EmbeddedDocuments(
            source=self.source,
            days=days,
            window=window,
            target=self.target,
            planner=Planner(store, self.source.name, embedder),
            quarantine=Quarantine(
                self.target.ledger, self.source.name, window, releases=self.target.is_served
            ),
            meter=self.meter,
            held=held,
            audit=audit,
        )

    def run(self, days: Days, *, on_progress: OnProgress = lambda report: None) -> SyncReport:
        """Sync some days and return what was done."""
        return write(self.embedded_documents(days), on_progress=on_progress)


def write(
    stream: EmbeddedDocuments,
    *,
    on_progress: OnProgress = lambda report: None,
    checkpointer: Checkpointer | None = None,
) -> SyncReport:
    """Load a stream into the index and return what was done.

    The checkpointer commits days while the run goes on, and may stop it.

    Raises:
        LostWriteError: The index took less than it was given.
        SwitchedIndexError: The index was switched to another generation meanwhile.
        BudgetSpentError: The budget is spent; the checkpointer's finished days are complete.
        RetryableError: Source, embedder or index do not answer; what was written stays written,
            and the checkpointer's finished days are complete.
    """
    checkpointer = checkpointer or Checkpointer(stream.report, stream.days)
    Loader(stream, checkpointer, on_progress).run()
    if stream.extraction.is_cut:
        checkpointer.stop()
    checkpointer.complete()
    stream.target.store.maintain(stream.namespace)
    on_progress(stream.report)
    return stream.report


def build_pipeline(name: str, settings: Settings, opener: IndexOpener | None = None) -> Pipeline:
    """Return the pipeline of a source as the settings say; concurrent ones share an opener.

    Raises:
        SettingsError: A setting that it needs is missing.
        IndexMismatchError: The index is of another kind than this can write.
    """
    meter = Meter()
    source = build_source(name, settings, meter)
    opener = opener or IndexOpener(settings)
    target, _ = run_both(lambda: opener.target(meter), source.prepare)
    return Pipeline(source=source, target=target, meter=meter)


def sync_source(name: str, days: Days, settings: Settings) -> SyncReport:
    """Sync some days of one source as the settings say, from source to index."""
    return build_pipeline(name, settings).run(days)
