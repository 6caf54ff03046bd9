"""`vector-assets verify`: compares the index with its sources."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from vector_assets.cli.options import DayType, asked_days, json_option, named_or_enabled
from vector_assets.core.errors import FatalError, VectorAssetsError
from vector_assets.core.settings import load_settings

if TYPE_CHECKING:
    from vector_assets.maintenance.verify.verify import VerifyReport


MAX_ROWS = 100
"""Most findings in the table; `--json` lists all."""


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--days", type=int, help="Number of complete days up to yesterday.  [default: 1]")
@click.option("--from", "first", type=DayType(), help="First day, UTC.")
@click.option("--to", "last", type=DayType(), help="Last day, UTC.  [default: yesterday]")
@click.option("--repair", is_flag=True, help="Repair what is wrong, then verify again.")
@json_option
def verify(
    sources: tuple[str, ...],
    days: int | None,
    first: date | None,
    last: date | None,
    repair: bool,
    as_json: bool,
) -> None:
    """Compare the index with its sources, record by record, and list what is wrong.

    Finds missing, stale, orphaned and duplicate records, invalid vectors, text or metadata that
    differs from what was written, and unfinished writes. Writes nothing without --repair. Exits
    with 1 while anything is wrong or could not be compared.

    \b
    Examples:
      vector-assets verify                          yesterday, every source
      vector-assets verify jira --days 30 --repair  thirty days of Jira, repaired
      vector-assets verify --from 2026-01-01        this year
    """
    from vector_assets.cli.output.console import print_json
    from vector_assets.cli.output.progress import show_progress
    from vector_assets.maintenance.verify.repair import verify_source

    settings = load_settings()
    asked = asked_days(days, first, last, datetime.now(UTC))
    reports: list[VerifyReport] = []
    failed: list[str] = []
    for name in named_or_enabled(sources, settings):
        try:
            with show_progress(name) as progress:
                report = verify_source(
                    name, asked, settings, repair=repair,
                    on_progress=lambda report: progress(
                        report.source, _progress_line(report), report.records,
                        max(report.record_count, report.records) or None,
                    ),
                )  # fmt: skip
            reports.append(report)
        except VectorAssetsError as error:
            failed.append(f"{name}: {error}")
    if as_json:
        print_json([_json(report) for report in reports])
    else:
        _print(reports, is_repaired=repair)
    if failed:
        raise FatalError("; ".join(failed))
    if not all(report.is_right for report in reports):
        sys.exit(1)


def _progress_line(report: "VerifyReport") -> str:
    return (
        f"{report.stage}: {report.documents:,} documents, {report.records:,} records, "
        f"{report.counts.total():,} findings"
    )


def _print(reports: Sequence["VerifyReport"], *, is_repaired: bool) -> None:
    """Print the findings, then a summary per source."""
    from rich.markup import escape
    from rich.table import Table

    from vector_assets.cli.output.console import out

    console = out()
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("what", "document or chunk", "seen"):
        table.add_column(heading, overflow="fold")
    findings = [finding for report in reports for finding in report.findings]
    for finding in findings[:MAX_ROWS]:
        where = escape(finding.chunk_id or finding.document_id)
        table.add_row(f"[red]{finding.kind}[/]", where, escape(finding.detail))
    if findings:
        console.print(table)
    if len(findings) > MAX_ROWS:
        console.print(f"and {len(findings) - MAX_ROWS:,} more; --json lists all")
    for report in reports:
        console.print(f"{report.source:<10} {_line(report)}")
        for failure in report.unread:
            console.print(
                f"  [yellow]not compared[/] {escape(failure.document_id)}: {escape(failure.cause)}"
            )
        for advice in _advice(report, is_repaired=is_repaired):
            console.print(f"  {advice}")


def _line(report: "VerifyReport") -> str:
    parts = [f"{report.documents:,} documents and {report.records:,} records compared"]
    if report.mended:
        parts.append(f"repaired: {_counted(report.mended)}")
    parts.append(f"wrong: {_counted(report.counts)}" if report.counts else "nothing is wrong")
    return " · ".join(parts)


def _counted(counts: Counter[Any]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))


def _advice(report: "VerifyReport", *, is_repaired: bool) -> Iterator[str]:
    """Yield what to do about the remaining findings."""
    span = f"--from {report.days.first} --to {report.days.last}"
    gone_count = sum(
        not finding.chunk_id and finding.kind == "orphaned" for finding in report.findings
    )
    if gone_count:
        yield f"gone at the source: `vector-assets prune {report.source} {span}` deletes them"
    if report.counts.total() > gone_count and not is_repaired:
        yield f"`vector-assets verify {report.source} {span} --repair` repairs them"
    elif report.counts.total() > gone_count:
        yield (
            "not repaired: another run may be writing these documents, or the source does not "
            "list them in these days; verify the days up to now as well"
        )


def _json(report: "VerifyReport") -> dict[str, Any]:
    return {
        "source": report.source,
        "first": str(report.days.first),
        "last": str(report.days.last),
        "is_right": report.is_right,
        "documents": report.documents,
        "records": report.records,
        "counts": dict(report.counts),
        "mended": dict(report.mended),
        "findings": [asdict(finding) for finding in report.findings],
        "unread": [asdict(failure) for failure in report.unread],
    }
