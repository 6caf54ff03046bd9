"""What a sync did: a line for each source, then what failed and what is not read."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape

from vector_assets.cli.output.console import out
from vector_assets.pipeline.quarantine import MAX_LISTED
from vector_assets.pipeline.report import SyncReport
from vector_assets.sources.items import Gap, Quarantined

_MAX_QUARANTINE_LINES = 10


def report_line(report: SyncReport) -> str:
    """Summarize a run so far in one line."""
    total = report.total
    parts = [
        f"{total.documents:,} documents ({total.unchanged_documents:,} unchanged)",
        f"{total.embedded_chunks:,} chunks embedded",
        f"{report.request_count:,} requests",
    ]
    if report.finished_days < report.asked_days:
        parts.insert(0, f"{report.finished_days:,} of {report.asked_days:,} days done")
    if total.deleted_chunks:
        parts.append(f"{total.deleted_chunks:,} deleted")
    if report.documents_with_other_readers:
        parts.append(f"{report.documents_with_other_readers:,} with other readers")
    if total.deferred_documents:
        parts.append(f"{total.deferred_documents:,} not ready yet")
    if total.redacted_secrets:
        parts.append(f"{total.redacted_secrets:,} secrets redacted")
    if total.failed_documents:
        parts.append(f"{total.failed_documents:,} failed")
    if report.throttled_seconds >= 1:
        parts.append(f"{report.throttled_seconds:,.0f} s throttled")
    return " · ".join(parts)


def report_json(report: SyncReport) -> dict[str, Any]:
    """Return a run's report for `--json`."""
    return {
        "source": report.source,
        **asdict(report.total),
        "asked_days": report.asked_days,
        "finished_days": report.finished_days,
        "requests": report.requests,
        "throttled_seconds": round(report.throttled_seconds, 3),
        "seconds": round(report.seconds, 3),
        "failures": [asdict(failure) for failure in report.failures],
        "failed_again_documents": report.failed_again_documents,
        "released_documents": report.released_documents,
        "documents_with_other_readers": report.documents_with_other_readers,
        "quarantined_documents": len(report.quarantine),
        "quarantine": [asdict(document) for document in report.quarantine[:MAX_LISTED]],
        "gaps": [asdict(gap) for gap in report.gaps],
        "days": {str(day): asdict(stats) for day, stats in sorted(report.days.items())},
    }


def print_reports(reports: Iterable[SyncReport]) -> None:
    """Print each run's summary and the documents that failed, with causes."""
    console = out()
    for report in reports:
        console.print(f"{report.source:<10} {report_line(report)} · {report.seconds:.1f} s")
        for failure in report.failures:
            console.print(
                f"  [red]failed[/] {escape(failure.document_id)}: {escape(failure.cause)}"
            )
        unlisted_count = report.total.failed_documents - len(report.failures)
        if unlisted_count:
            console.print(f"  [red]failed[/] and {unlisted_count:,} more")
        new_ids = {failure.document_id for failure in report.failures}
        older = [failed for failed in report.quarantine if failed.document_id not in new_ids]
        print_quarantine(console, older, len(older))
        for gap in report.gaps:
            console.print(f"  [yellow]not read[/] {escape(gap_line(gap))}")


def print_quarantine(console: Console, listed: Sequence[Quarantined], total_count: int) -> None:
    """Print the first documents in quarantine, with their causes, and how many more there are."""
    shown = listed[:_MAX_QUARANTINE_LINES]
    for failed in shown:
        since = f"{failed.first_seen_at:%Y-%m-%d}, {failed.attempts}x"
        console.print(
            f"  [red]failed[/] since {since}: {escape(failed.document_id)}: {escape(failed.cause)}"
        )
    if total_count > len(shown):
        more = f"{total_count - len(shown):,} more; --json lists {MAX_LISTED}"
        console.print(f"  [red]failed[/] and {more}")


def gap_line(gap: Gap) -> str:
    """Return what is not read, why, and what to do about it, in one line."""
    count = f" ({gap.count:,})" if gap.count != 1 else ""
    return f"{gap.subject}{count}: {'. '.join(filter(None, (gap.reason, gap.advice)))}"
