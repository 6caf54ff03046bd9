"""A sync of many days that resumes where an earlier run stopped, within a budget.

Finished days, the newest first, are recorded in the index while the run goes on, so the same
command resumes on any machine. A finished load leaves no record: running its days again reads all
again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime

from vector_assets.core.days import Days, left_of, spans_of
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.index.targets import IndexOpener
from vector_assets.pipeline.checkpoint import CHECKPOINT_SECONDS, Budget, Checkpointer, OnCommit
from vector_assets.pipeline.load import OnProgress
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import build_pipeline, write

KIND = "load"


def loaded_days(ledger: Ledger, source: str) -> list[Days]:
    """Return the spans that an unfinished load of a source has loaded, oldest first."""
    entry = ledger.entries(KIND).get(source)
    spans = entry["done"] if entry else []
    return [Days(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans]


def record_loaded(ledger: Ledger, source: str, days: Iterable[date]) -> None:
    """Record all days that an unfinished load has loaded so far."""
    done = [[span.first.isoformat(), span.last.isoformat()] for span in spans_of(days)]
    entry = {"done": done, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    ledger.put(KIND, {source: entry})


def load_source(
    name: str,
    days: Days,
    settings: Settings,
    *,
    opener: IndexOpener | None = None,
    on_progress: OnProgress = lambda report: None,
    on_resumed: Callable[[str, list[Days]], None] = lambda source, done: None,
    on_finished: OnCommit = lambda report, days: None,
    budget: Budget | None = None,
    is_again: bool = False,
    is_rescan: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> SyncReport:
    """Sync some days of one source, newest first, from where an earlier run stopped.

    With `is_again`, days that an unfinished load has loaded are read again; otherwise `on_resumed`
    is called with the source and the spans that are skipped. With `is_rescan`, what seems
    unchanged is read again as well. `on_finished` is called with days that are written and read
    back: some of them while the load goes on, all of them at its end.

    Raises:
        VectorAssetsError: The load is not finished; the same call resumes it.
    """
    pipeline = build_pipeline(name, settings, opener)
    if budget is not None:
        budget.watch(pipeline.meter)
    resume = _ResumeRecord(name, days, pipeline.target.ledger, is_again=is_again)
    if resume.loaded:
        on_resumed(name, resume.loaded)
    report: SyncReport | None = None
    for span in left_of(days, resume.loaded):
        stream = pipeline.embedded_documents(span, is_rescan=is_rescan)
        if report is not None:
            stream.report.absorb(report)
        checkpointer = Checkpointer(
            stream.report,
            span,
            _both(resume.on_commit, on_finished),
            budget,
            every_seconds=checkpoint_seconds,
        )
        with _committed_on_error(checkpointer):
            report = write(stream, on_progress=on_progress, checkpointer=checkpointer)
        on_finished(report, list(span))
        resume.add(span)
    resume.finish()
    assert report is not None
    return report


def _both(first: OnCommit | None, second: OnCommit) -> OnCommit:
    def call(report: SyncReport, finished_days: Sequence[date]) -> None:
        if first is not None:
            first(report, finished_days)
        second(report, finished_days)

    return call


@contextmanager
def _committed_on_error(checkpointer: Checkpointer) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(VectorAssetsError):  # The index may be down; the last commit stands then.
            checkpointer.commit()
        raise


class _ResumeRecord:
    """What the index records of a load until it is finished.

    A load of a single day is not recorded: the day is read again.
    """

    def __init__(self, source: str, days: Days, ledger: Ledger, *, is_again: bool) -> None:
        self._source = source
        self._ledger = ledger
        self._done: set[date] = set()
        self._is_recorded = False
        self.is_kept = len(days) > 1
        self.loaded: list[Days] = []
        if not self.is_kept:
            return
        earlier = loaded_days(ledger, source)
        if not earlier:
            return
        if any(span.first < days.first or days.last < span.last for span in earlier):
            # These days are a part of a larger load, whose record stays as it is.
            self.is_kept = False
            return
        self._is_recorded = True
        if not is_again and left_of(days, earlier):
            self.loaded = earlier
            self._done = {day for span in earlier for day in span}

    @property
    def on_commit(self) -> Callable[[SyncReport, Sequence[date]], None] | None:
        """What to call with days that are loaded; None when this load is not recorded."""
        return self.commit if self.is_kept else None

    def commit(self, _: SyncReport, finished_days: Sequence[date]) -> None:
        """Record that these days are loaded as well."""
        self._done |= set(finished_days)
        record_loaded(self._ledger, self._source, self._done)
        self._is_recorded = True

    def add(self, days: Iterable[date]) -> None:
        """Count days as loaded; the next commit records them."""
        self._done |= set(days)

    def finish(self) -> None:
        """Remove the record: all days are loaded, and the next sync of them reads them again."""
        if self._is_recorded:
            self._ledger.remove(KIND, [self._source])
