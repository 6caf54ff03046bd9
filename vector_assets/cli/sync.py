"""`vector-assets sync`: syncs sources in parallel, each resuming an unfinished run."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import click

from vector_assets.cli.estimate import estimate
from vector_assets.cli.options import DayType, asked_days, json_option, named_or_enabled
from vector_assets.core.days import Days
from vector_assets.core.errors import BudgetSpentError, FatalError, VectorAssetsError, cause_of
from vector_assets.core.settings import Settings, load_settings
from vector_assets.pipeline.checkpoint import Budget, OnCommit
from vector_assets.pipeline.report import SyncReport

_SIGNAL_SECONDS = 0.5


def run_sync(
    names: Sequence[str],
    days: Days,
    settings: Settings,
    *,
    budget: Budget,
    is_again: bool,
    is_rescan: bool,
    as_json: bool,
) -> None:
    """Sync sources in parallel; a failing source does not stop the others.

    Raises:
        FatalError: A source failed; the others were synced.
        BudgetSpentError: The budget is spent before the sync was finished.
    """
    from vector_assets.cli.output.console import print_json
    from vector_assets.cli.output.reports import print_reports, report_json
    from vector_assets.core.meter import Meter
    from vector_assets.index.generations import build_index
    from vector_assets.index.targets import pending_reindex

    with _dagster_records(settings, datetime.now(UTC)) as record:
        outcome = _load_all(
            names, days, settings, budget, record, is_again=is_again, is_rescan=is_rescan
        )
    reports = list(outcome.reports.values())
    pending = pending_reindex(build_index(settings, Meter()), settings) if reports else None
    if pending:
        click.echo(f"note: {pending}", err=True)
    if as_json:
        print_json([report_json(report) for report in reports])
    else:
        print_reports(reports)
    if outcome.failed:
        raise FatalError("; ".join(outcome.failed))
    if outcome.unfinished:
        unfinished = ", ".join(outcome.unfinished)
        raise BudgetSpentError(f"{budget.spent_in_words}, {unfinished} not finished")
    if any(report.failures or report.failed_again_documents for report in reports):
        sys.exit(1)


@dataclass(slots=True)
class _Outcome:
    """The results of all sources.

    Attributes:
        reports: Of sources that finished, or were stopped by the budget.
    """

    reports: dict[str, SyncReport] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def _load_all(
    names: Sequence[str],
    days: Days,
    settings: Settings,
    budget: Budget,
    record: OnCommit,
    *,
    is_again: bool,
    is_rescan: bool,
) -> _Outcome:
    from vector_assets.cli.output.progress import show_progress
    from vector_assets.cli.output.reports import report_line
    from vector_assets.index.targets import IndexOpener
    from vector_assets.pipeline.resume import load_source

    opener = IndexOpener(settings)
    latest: dict[str, SyncReport] = {}
    with show_progress(*names) as progress, ThreadPoolExecutor(len(names)) as pool:

        def show(report: SyncReport) -> None:
            latest[report.source] = report
            done_days, asked_days = report.finished_days, report.asked_days or None
            progress(report.source, report_line(report), done_days, asked_days)

        runs: dict[str, Future[SyncReport]] = {}
        # The first run may be under way before this thread goes on.
        try:
            for name in names:
                runs[name] = pool.submit(
                    load_source, name, days, settings,
                    opener=opener, on_progress=show, on_resumed=_print_resumed,
                    on_finished=record, budget=budget,
                    is_again=is_again, is_rescan=is_rescan,
                )  # fmt: skip
            return _outcome_of(runs, latest)
        except KeyboardInterrupt:
            _end(runs.values(), budget)
            raise


def _outcome_of(
    runs: Mapping[str, Future[SyncReport]], latest: Mapping[str, SyncReport]
) -> _Outcome:
    """Wait for the run of each source; `latest` has the reports of those that did not finish."""
    outcome = _Outcome()
    _wait(runs.values())
    for name, run in runs.items():
        try:
            outcome.reports[name] = run.result()
        except BudgetSpentError:
            outcome.unfinished.append(name)
            if name in latest:
                outcome.reports[name] = latest[name]
        except VectorAssetsError as error:
            outcome.failed.append(f"{name}: {error}")
    return outcome


def _wait(runs: Iterable[Future[SyncReport]]) -> None:
    """Wait until all have ended; Ctrl-C ends the wait.

    A signal that another thread receives does not wake this one: it is handled at the next turn.
    """
    while wait(runs, timeout=_SIGNAL_SECONDS).not_done:
        pass


def _end(runs: Iterable[Future[SyncReport]], budget: Budget) -> None:
    """Let runs write what they have read, and end; at another Ctrl-C, end the process."""
    from vector_assets.cli.output.console import err

    budget.stop()
    click.echo("stopping: what was read is still written; Ctrl-C again stops at once", err=True)
    try:
        _wait(runs)
    except KeyboardInterrupt:
        err().show_cursor()
        # Python waits at its end for threads, and a run may wait for its vendor for minutes.
        os._exit(130)


@contextmanager
def _dagster_records(settings: Settings, started_at: datetime) -> Iterator[OnCommit]:
    """Yield what records finished days in the Dagster of DAGSTER_HOME; nothing without one.

    The index is what counts: records that cannot be written cost a note and not the sync.
    """
    if not os.environ.get("DAGSTER_HOME"):
        yield lambda report, days: None
        return
    # Dagster takes 2 s to import.
    from vector_assets.monitoring.dagster_state.observe import configured_instance, opening_errors
    from vector_assets.orchestration.local import SyncedDays, prepare_named_home

    noted: set[str] = set()

    def note(error: Exception) -> None:
        text = (
            f"note: not recorded in Dagster, so its nightly run reads these days again: "
            f"{cause_of(error)}"
        )
        if text not in noted:
            noted.add(text)
            click.echo(text, err=True)

    with ExitStack() as stack:
        try:
            prepare_named_home()
            instance = stack.enter_context(configured_instance())
        except opening_errors() as error:
            note(error)
            yield lambda report, days: None
            return
        synced = SyncedDays(instance, settings.first_day, started_at)

        def record(report: SyncReport, days: Sequence[date]) -> None:
            try:
                synced.record(report, days)
            except opening_errors() as error:
                note(error)

        yield record


def _print_resumed(source: str, done_spans: Sequence[Days]) -> None:
    spans = ", ".join(f"{days.first} to {days.last}" for days in done_spans)
    click.echo(
        f"note: {source} resumes an unfinished run: {spans} are done and not read again (--again "
        f"reads them)",
        err=True,
    )


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--days", type=int, help="Number of complete days up to yesterday.  [default: 1]")
@click.option("--from", "first", type=DayType(), help="First day, UTC.")
@click.option("--to", "last", type=DayType(), help="Last day, UTC.  [default: yesterday]")
@click.option("--dry-run", is_flag=True, help="Only estimate the cost.")
@click.option("--max-calls", type=click.IntRange(1), help="Stop after this many requests.")
@click.option("--max-dollars", type=click.FloatRange(0), help="Stop after spending this much.")
@click.option(
    "--max-hours",
    type=click.FloatRange(0, min_open=True),
    help="Stop after so many hours.  [default: RUN_MAX_HOURS, 24]",
)
@click.option("--again", is_flag=True, help="Read days again that an unfinished run has completed.")
@click.option(
    "--rescan", is_flag=True, help="Also read what seems unchanged, for edits that do not show."
)
@json_option
def sync(
    sources: tuple[str, ...],
    days: int | None,
    first: date | None,
    last: date | None,
    dry_run: bool,
    max_calls: int | None,
    max_dollars: float | None,
    max_hours: float | None,
    again: bool,
    rescan: bool,
    as_json: bool,
) -> None:
    """Sync days of the named sources, or of all enabled ones, into the index.

    Where DAGSTER_HOME is set, each finished day is recorded there as materialized.
    Repeating a day costs little, because unchanged documents are neither embedded nor written. The
    newest days come first. To resume a run that was stopped, was killed or has spent its budget
    (exit code 3), run the same command again.

    \b
    Examples:
      vector-assets sync                       yesterday, every source
      vector-assets sync jira --days 30        the last thirty days of Jira
      vector-assets sync --from 2026-01-01     this year
      vector-assets sync slack --days 365 --rescan            edits and deletions of a year
      vector-assets sync --from 2026-01-01 --dry-run          what that would cost
      vector-assets sync --from 2026-01-01 --max-dollars 5    at most $5 of it
    """
    settings = load_settings()
    asked = asked_days(days, first, last, datetime.now(UTC))
    names = named_or_enabled(sources, settings)
    if dry_run:
        estimate(names, asked, settings, as_json=as_json)
    else:
        allowed = Budget(
            max_calls=max_calls,
            max_dollars=max_dollars,
            max_hours=max_hours or settings.run_max_hours,
        )
        run_sync(
            names, asked, settings, budget=allowed,
            is_again=again, is_rescan=rescan, as_json=as_json,
        )  # fmt: skip
