"""`vector-assets prune`: deletes from the index what is gone at its source."""

import sys
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from vector_assets.cli.options import DayType, json_option, named_or_enabled
from vector_assets.core.errors import FatalError, UsageError, VectorAssetsError
from vector_assets.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from vector_assets.core.days import Window
    from vector_assets.maintenance.prune.report import PruneReport


MAX_ROWS = 100
"""Most deleted documents that are printed; `--json` lists all."""


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--days", type=click.IntRange(1), help="Only documents active in this many last days."
)
@click.option("--from", "first", type=DayType(), help="Only documents active on this day or later.")
@click.option(
    "--to", "last", type=DayType(), help="Only documents last active on this day or earlier."
)
@click.option("--container", "containers", multiple=True, help="Only this project or channel.")
@click.option(
    "--max-share",
    type=click.FloatRange(0, 1),
    help="Largest share that may be deleted; 1 allows all.  [default: PRUNE_MAX_SHARE]",
)
@click.option("--dry-run", is_flag=True, help="Only list what would be deleted.")
@json_option
def prune(
    sources: tuple[str, ...],
    days: int | None,
    first: date | None,
    last: date | None,
    containers: tuple[str, ...],
    max_share: float | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Delete from the index what is gone at its source; all days unless some are named.

    Refuses, and exits with 1, if a listing is incomplete or empty, if a whole project or channel is
    no longer listed, or if an unusually large share would be deleted, because a lost permission
    looks the same.

    \b
    Examples:
      vector-assets prune --dry-run            what is gone, every source
      vector-assets prune jira                 all of Jira
      vector-assets prune slack --days 30      documents active in the last thirty days
      vector-assets prune jira --container OPS --max-share 1     OPS was deleted on purpose
    """
    from vector_assets.cli.output.console import print_json

    settings = load_settings()
    asked: dict[str, Any] = {
        "window": _window(days, first, last),
        "containers": containers,
        "max_share": max_share,
        "is_dry_run": dry_run,
    }
    reports, failed = [], []
    for name in named_or_enabled(sources, settings):
        try:
            report = _pruned(name, settings, asked)
        except VectorAssetsError as error:
            failed.append(f"{name}: {error}")
            continue
        reports.append(report)
        if not as_json:
            _print(report)
    if as_json:
        print_json([asdict(report) for report in reports])
    if failed:
        raise FatalError("; ".join(failed))
    if any(report.refusals for report in reports):
        sys.exit(1)


def _pruned(name: str, settings: Settings, asked: dict[str, Any]) -> "PruneReport":
    """Prune a source under a progress bar."""
    from vector_assets.cli.output.progress import show_progress
    from vector_assets.maintenance.prune.prune import prune_source

    with show_progress(name) as progress:
        return prune_source(
            name, settings, **asked,
            on_progress=lambda report: progress(report.source, _progress_line(report)),
        )  # fmt: skip


def _window(days: int | None, first: date | None, last: date | None) -> "Window":
    """Return the window of the options; everything when no day is named."""
    from vector_assets.core.days import Window, start_of_day
    from vector_assets.maintenance.prune.prune import EPOCH

    if days is not None and (first or last):
        raise UsageError("--days was given with --from or --to: use one or the other")
    if first and last and first > last:
        raise UsageError(f"the first day {first} is after the last day {last}: swap them")
    if days is not None:
        first = datetime.now(UTC).date() - timedelta(days=days)
    return Window(
        start_of_day(first) if first else EPOCH,
        start_of_day(last + timedelta(days=1)) if last else None,
    )


def _progress_line(report: "PruneReport") -> str:
    return (
        f"{report.listed_documents:,} listed, {report.judged_documents:,} in the index · "
        f"{len(report.deleted):,} deleted"
    )


def _print(report: "PruneReport") -> None:
    """Print the summary of a prune, what is gone, and what was refused."""
    from rich.markup import escape

    from vector_assets.cli.output.console import out

    console = out()
    action = "to delete" if report.is_dry_run else "deleted"
    count = len(report.missing) if report.is_dry_run else len(report.deleted)
    parts = [
        f"{report.judged_documents:,} documents compared with {report.listed_documents:,} listed",
        f"{count:,} {action}",
        *([f"{report.moved_documents:,} moved"] if report.moved_documents else []),
        *([f"{report.kept_documents:,} updated meanwhile"] if report.kept_documents else []),
        f"{sum(report.requests.values()):,} requests",
        f"{report.seconds:.1f} s",
    ]
    console.print(f"{report.source:<10} {' · '.join(parts)}")
    for document in report.missing[:MAX_ROWS]:
        facts = f"{escape(document.container)}, {document.updated_at:%Y-%m-%d %H:%M}"
        console.print(f"  gone {escape(document.document_id)} ({facts})")
    if len(report.missing) > MAX_ROWS:
        console.print(f"  and {len(report.missing) - MAX_ROWS:,} more")
    for refusal in report.refusals:
        reason = f"{refusal.subject}, {refusal.documents:,} documents: {refusal.reason}."
        console.print(f"  [red]refused[/] {escape(reason)} {escape(refusal.advice)}")
