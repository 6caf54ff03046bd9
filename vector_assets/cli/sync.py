"""`vector-assets sync`: sources side by side, each from where an unfinished run has stopped."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import click

from vector_assets.cli.estimate import estimate
from vector_assets.cli.options import DayType, asked_days, json_option, named_or_enabled
from vector_assets.core.days import Days
from vector_assets.core.errors import BudgetSpentError, FatalError, VectorAssetsError
from vector_assets.core.settings import Settings, load_settings
from vector_assets.pipeline.checkpoint import Budget
from vector_assets.pipeline.report import SyncReport


def run_sync(
    names: Sequence[str],
    days: Days,
    settings: Settings,
    *,
    budget: Budget,
    is_again: bool,
    as_json: bool,
) -> None:
    """Sync sources side by side; what one of them cannot do never stops another.

    Raises:
        FatalError: Some source could not be brought; the others were.
        BudgetSpentError: Nothing went wrong, and it is not finished.
    """
    from vector_assets.cli import output
    from vector_assets.core.meter import Meter
    from vector_assets.index.generations import build_store
    from vector_assets.index.targets import pending_change

    done = _load_all(names, days, settings, budget, is_again=is_again)
    reports = list(done.reports.values())
    change = pending_change(build_store(settings, Meter()), settings) if reports else None
    if change:
        click.echo(f"note: {change}", err=True)
    if as_json:
        output.print_json([output.report_json(report) for report in reports])
    else:
        output.print_reports(reports)
    if done.failed:
        raise FatalError("; ".join(done.failed))
    if done.unfinished:
        names_left = ", ".join(done.unfinished)
        raise BudgetSpentError(f"{budget.spent_in_words}, {names_left} not finished")
    if any(report.failures or report.failed_again_documents for report in reports):
        sys.exit(1)


@dataclass(slots=True)
class _Done:
    """What came of all sources.

    Attributes:
        reports: Of those that went to their end, or as far as the budget.
        unfinished: Those that the budget has ended.
        failed: Each with its error, in words.
    """

    reports: dict[str, SyncReport] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def _load_all(
    names: Sequence[str], days: Days, settings: Settings, budget: Budget, *, is_again: bool
) -> _Done:
    from vector_assets.cli import output
    from vector_assets.index.targets import Opening
    from vector_assets.pipeline.resume import load_source

    done, opening = _Done(), Opening(settings)
    latest: dict[str, SyncReport] = {}
    with output.progress(*names) as progress, ThreadPoolExecutor(len(names)) as pool:

        def show(report: SyncReport) -> None:
            latest[report.source] = report
            done_days, asked_days = report.finished_days, report.asked_days or None
            progress(report.source, output.report_line(report), done_days, asked_days)

        runs = {
            name: pool.submit(
                load_source, name, days, settings,
                opening=opening, on_progress=show, on_resumed=_say_resumed, budget=budget,
                is_again=is_again,
            )
            for name in names
        }  # fmt: skip
        for name, run in runs.items():
            try:
                done.reports[name] = run.result()
            except BudgetSpentError:
                done.unfinished.append(name)
                if name in latest:
                    done.reports[name] = latest[name]
            except VectorAssetsError as error:
                done.failed.append(f"{name}: {error}")
    return done


def _say_resumed(source: str, done: Sequence[Days]) -> None:
    spans = ", ".join(f"{one.first} to {one.last}" for one in done)
    click.echo(
        f"note: {source} goes on where an unfinished run has stopped: {spans} are done and not "
        f"read again (--again reads them)",
        err=True,
    )


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--days", type=int, help="So many complete days up to yesterday.  [default: 1]")
@click.option("--from", "first", type=DayType(), help="First day, UTC.")
@click.option("--to", "last", type=DayType(), help="Last day, UTC.  [default: yesterday]")
@click.option("--dry-run", is_flag=True, help="Only say what it would cost.")
@click.option("--max-calls", type=click.IntRange(1), help="Stop when so many requests were made.")
@click.option("--max-dollars", type=click.FloatRange(0), help="Stop when so much was spent.")
@click.option("--again", is_flag=True, help="Read again what an unfinished run has brought.")
@json_option
def sync(
    sources: tuple[str, ...],
    days: int | None,
    first: date | None,
    last: date | None,
    dry_run: bool,
    max_calls: int | None,
    max_dollars: float | None,
    again: bool,
    as_json: bool,
) -> None:
    """Bring some days of some sources into the index; all sources that are on if none is named.

    Running a day again costs little: what has not changed is neither embedded nor written. The
    newest days come first; a run of many days that was stopped, killed, or has spent its budget
    (exit code 3) is gone on with by the same command.

    \b
    Examples:
      vector-assets sync                       yesterday, every source
      vector-assets sync jira --days 30        the last thirty days of Jira
      vector-assets sync --from 2026-01-01     this year
      vector-assets sync --from 2026-01-01 --dry-run          what that costs
      vector-assets sync --from 2026-01-01 --max-dollars 5    so much of it
    """
    settings = load_settings()
    asked = asked_days(days, first, last, datetime.now(UTC))
    names = named_or_enabled(sources, settings)
    if dry_run:
        estimate(names, asked, settings, as_json=as_json)
    else:
        allowed = Budget(max_calls=max_calls, max_dollars=max_dollars)
        run_sync(names, asked, settings, budget=allowed, is_again=again, as_json=as_json)
