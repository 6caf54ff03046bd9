"""A sync of many days that can be stopped, killed and gone on with, within a budget.

Sources yield the newest days first. Which days are done is noted in the index as the run goes, so
that the same command, on whatever machine, goes on where it stopped; a load that is finished leaves
no note, and running its days again reads all of them again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime

from vector_assets.core.days import Days, left_of, spans_of
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.index.targets import IndexOpener
from vector_assets.pipeline.checkpoint import LANDING_SECONDS, Budget, Landing
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.stream import EmbeddedDocuments
from vector_assets.pipeline.sync import build_pipeline, write

KIND = "load"


def days_brought(ledger: Ledger, source: str) -> list[Days]:
    """Return the spans that an unfinished load of a source has brought, oldest first."""
    entry = ledger.entries(KIND).get(source)
    spans = entry["done"] if entry else []
    return [Days(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans]


def note_brought(ledger: Ledger, source: str, days: Iterable[date]) -> None:
    """Record all days that a load has brought so far; a run that is killed knows them again.

    Raises:
        VectorAssetsError: As the index raises.
    """
    done = [[span.first.isoformat(), span.last.isoformat()] for span in spans_of(days)]
    entry = {"done": done, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    ledger.put(KIND, {source: entry})


def forget(ledger: Ledger, source: str) -> None:
    """Say that a load is finished, so that the next sync of its days reads all of them again."""
    ledger.remove(KIND, [source])


OnProgress = Callable[[SyncReport], None]


def load_source(
    name: str,
    days: Days,
    settings: Settings,
    *,
    opener: IndexOpener | None = None,
    on_progress: OnProgress = lambda report: None,
    on_resumed: Callable[[str, list[Days]], None] = lambda source, done: None,
    budget: Budget | None = None,
    is_again: bool = False,
    landing_seconds: float = LANDING_SECONDS,
) -> SyncReport:
    """Sync some days of one source, newest first, from where an earlier run has stopped.

    Args:
        name: Of the source.
        days: That are wanted.
        settings: Name everything.
        opener: Shared by sources that are synced side by side.
        on_progress: Called after each batch.
        on_resumed: Called with the source and the spans that are not read again, if there are any.
        budget: That all sources of the run share.
        is_again: Whether what an unfinished run has brought is read again.
        landing_seconds: See `LANDING_SECONDS`.

    Raises:
        BudgetSpentError: It is not finished; the same call goes on.
        VectorAssetsError: As `sync_source` raises; the same call goes on.
    """
    pipeline = build_pipeline(name, settings, opener)
    if budget is not None:
        budget.watch(pipeline.meter)
    load = _Load(name, days, pipeline.target.ledger, is_again=is_again)
    if load.brought:
        on_resumed(name, load.brought)
    report: SyncReport | None = None
    for span in left_of(days, load.brought):
        stream = pipeline.embedded_documents(span)
        if report is not None:
            stream.report.absorb(report)
        with load.noting(stream):
            on_done = load.note if load.is_kept else None
            landing = Landing(on_done, budget, every_seconds=landing_seconds)
            report = write(stream, on_progress=on_progress, landing=landing)
    load.finish()
    assert report is not None
    return report


class _Load:
    """What is kept of a load while it is not finished.

    A single day needs no note: it is read again.
    """

    def __init__(self, name: str, days: Days, ledger: Ledger, *, is_again: bool) -> None:
        self._name = name
        self._ledger = ledger
        self._done: set[date] = set()
        self._is_noted = False
        self.is_kept = len(days) > 1
        self.brought: list[Days] = []
        if not self.is_kept:
            return
        brought = days_brought(ledger, name)
        if not brought:
            return
        if any(one.first < days.first or days.last < one.last for one in brought):
            # Some days of a larger load are asked for on purpose; its note stays as it is.
            self.is_kept = False
            return
        self._is_noted = True
        if not is_again and left_of(days, brought):
            self.brought = brought
            self._done = {day for span in brought for day in span}

    def note(self, _: SyncReport, finished: Sequence[date]) -> None:
        """Note that these days are done as well."""
        self._done |= set(finished)
        note_brought(self._ledger, self._name, self._done)
        self._is_noted = True

    def finish(self) -> None:
        """Forget it: everything that was asked for is done."""
        if self._is_noted:
            forget(self._ledger, self._name)

    @contextmanager
    def noting(self, stream: EmbeddedDocuments) -> Iterator[None]:
        """Note what is done when the block ends by an error, and at its end."""
        try:
            yield
        except VectorAssetsError:
            # The index may be what is away; then the last landing stands.
            with suppress(VectorAssetsError):
                if self.is_kept and set(stream.finished_days) - self._done:
                    self.note(stream.report, stream.finished_days)
            raise
        self._done |= set(stream.finished_days)
