"""`vector-assets sync`: sources side by side, each from where an unfinished run has stopped."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import click

from vector_assets.days import Days
from vector_assets.errors import BudgetSpentError, FatalError, VectorAssetsError
from vector_assets.landing import Budget
from vector_assets.report import SyncReport
from vector_assets.settings import Settings


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
    from vector_assets import terminal
    from vector_assets.generations import build_store
    from vector_assets.meter import Meter
    from vector_assets.serving import pending_change

    done = _load_all(names, days, settings, budget, is_again=is_again)
    reports = list(done.reports.values())
    change = pending_change(build_store(settings, Meter()), settings) if reports else None
    if change:
        click.echo(f"note: {change}", err=True)
    if as_json:
        terminal.print_json([terminal.report_json(report) for report in reports])
    else:
        terminal.print_reports(reports)
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
    from vector_assets import terminal
    from vector_assets.loading import load_source
    from vector_assets.serving import Opening

    done, opening = _Done(), Opening(settings)
    latest: dict[str, SyncReport] = {}
    with terminal.sync_progress(names) as progress, ThreadPoolExecutor(len(names)) as pool:

        def show(report: SyncReport) -> None:
            latest[report.source] = report
            progress(report)

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
