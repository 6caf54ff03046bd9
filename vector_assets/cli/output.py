"""Output of the commands: progress on stderr, results on stdout."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from textwrap import indent
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from vector_assets.core.word_forms import forms_pattern
from vector_assets.index.answers import NOTHING_FITS, Answers
from vector_assets.monitoring.health import Health, SourceHealth, Verdict, hours
from vector_assets.monitoring.liveness import DAEMON
from vector_assets.pipeline.quarantine import MAX_LISTED
from vector_assets.pipeline.report import SyncReport
from vector_assets.sources.items import Gap, Quarantined

if TYPE_CHECKING:
    from vector_assets.maintenance.quality.scores import Scores
    from vector_assets.monitoring.alerts.incidents import Incident
    from vector_assets.monitoring.doctor import ServiceCheck
    from vector_assets.monitoring.why.answer import Why

_COLOURS = {
    Verdict.FRESH: "green",
    Verdict.LATE: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.STALE: "red",
}
_HEALTH_HEADINGS = (
    "source", "verdict", "newest in index", "behind source", "vectors", "newest day",
)  # fmt: skip
_MAX_QUARANTINE_LINES = 10
_NOT_RUNNING = {"webserver", DAEMON}
"""Keys of the problems that, together, say that nobody has started Dagster."""

_STATE_COLOURS = {"ok": "green", "broken": "red", "off": "dim"}


def out() -> Console:
    """Return the console for results."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


class ShowProgress(Protocol):
    """Updates the progress line of a name."""

    def __call__(self, name: str, line: str, done: int = 0, total: int | None = None) -> None:
        """Replace the line; without a total, the bar shows only that work continues."""


@contextmanager
def progress(*names: str, is_transient: bool = False) -> Iterator[ShowProgress]:
    """Show a line with a bar for each name on stderr; transient ones vanish after the block."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[line]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err(), transient=is_transient) as bars:
        tasks = {name: bars.add_task(name, total=None, line="asking …") for name in names}

        def show(name: str, line: str, done: int = 0, total: int | None = None) -> None:
            bars.update(tasks[name], line=line, completed=done, total=total)

        yield show


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
        _print_quarantine(console, older, len(older))
        for gap in report.gaps:
            console.print(f"  [yellow]not read[/] {escape(gap_line(gap))}")


def print_health(health: Health) -> None:
    """Print a line per source, then the reasons of those that are not fresh, and problems."""
    console = out()
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in _HEALTH_HEADINGS:
        table.add_column(heading, no_wrap=True)
    for source in health.sources:
        table.add_row(*_health_row(source))
    if health.sources:
        console.print(table)
    for source in health.sources:
        if source.verdict is not Verdict.FRESH:
            console.print(f"{source.source}: {escape('; '.join(source.reasons))}")
        if changes := str(source.changes):
            console.print(f"{source.source}: {escape(changes)}")
        if source.quarantine:
            console.print(f"{source.source}: {source.failed_documents:,} documents in quarantine")
            _print_quarantine(console, source.quarantine, source.failed_documents)
        for gap in source.gaps:
            console.print(f"{source.source} does not read {escape(gap_line(gap))}")
    if health.canary_found_at:
        console.print(f"canary last found {health.canary_found_at:%Y-%m-%d %H:%M} UTC")
    if health.quality is not None:
        quality = health.quality
        console.print(
            f"answers {quality.outcome}, examined {quality.examined_at:%Y-%m-%d %H:%M} UTC"
        )
        for name, scores in quality.groups.items():
            console.print(
                f"  {name:<10} first {scores.hit_at_1:.0%}, in ten {scores.hit_at_10:.0%}, "
                f"MRR {scores.mrr:.2f}, 95 % in {scores.p95_seconds:.2f} s"
            )
    not_running = {problem for problem in health.problems if problem.key in _NOT_RUNNING}
    if {problem.key for problem in not_running} == _NOT_RUNNING:
        console.print(
            "Dagster is not running here: no schedule, sensor or backfill will run until it is. "
            "Start it with `vector-assets up`, or set DAGSTER_GRAPHQL_URL to where it runs."
        )
    else:
        not_running = set()
    for problem in health.problems:
        if problem in not_running:
            continue
        console.print(f"[red]{escape(problem.headline)}[/]: {escape(problem.detail)}")
        console.print(f"  {escape(problem.advice)}")
    for note in health.notes:
        console.print(escape(note))


def _print_quarantine(console: Console, listed: Sequence[Quarantined], total_count: int) -> None:
    shown = listed[:_MAX_QUARANTINE_LINES]
    for failed in shown:
        since = f"{failed.first_seen_at:%Y-%m-%d}, {failed.attempts}x"
        console.print(
            f"  [red]failed[/] since {since}: {escape(failed.document_id)}: {escape(failed.cause)}"
        )
    if total_count > len(shown):
        more = f"{total_count - len(shown):,} more; --json lists {MAX_LISTED}"
        console.print(f"  [red]failed[/] and {more}")


def print_scores(groups: "Mapping[str, Scores]") -> None:
    """Print a line for each group of questions."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("", "questions", "hit@1", "hit@10", "MRR", "p95"):
        table.add_column(heading, no_wrap=True, justify="right" if heading else "left")
    for name, scores in groups.items():
        table.add_row(
            name,
            str(scores.asked),
            f"{scores.hit_at_1:.0%}",
            f"{scores.hit_at_10:.0%}",
            f"{scores.mrr:.3f}",
            f"{scores.p95_seconds:.2f} s",
        )
    if groups:
        out().print(table)


def print_incidents(incidents: "Iterable[Incident]") -> None:
    """Print the open incidents, which channels were alerted, and which alerts failed."""
    console = out()
    for incident in incidents:
        channels = ", ".join(incident.notified_at) or "no channel"
        console.print(
            f"open since {incident.opened_at:%Y-%m-%d %H:%M} UTC, sent to {channels}: "
            f"{escape(incident.problem.headline)}"
        )
        for channel, error in incident.errors.items():
            if error:
                console.print(f"  [red]not sent to {channel}[/]: {escape(error)}")


def _health_row(source: SourceHealth) -> tuple[str, ...]:
    colour = _COLOURS[source.verdict]
    watermark = source.watermark
    lag = source.lag_seconds
    return (
        source.source,
        f"[{colour}]{source.verdict}[/]",
        f"{watermark:%Y-%m-%d %H:%M} UTC" if watermark else "-",
        hours(timedelta(seconds=lag)) if lag is not None else "-",
        f"{source.vectors:,}",
        str(source.newest_day or "-"),
    )


def print_answers(question: str, answers: Answers) -> None:
    """Print how the question was understood, each answer with its passages, and the sources' age.

    On a terminal the words of the question are bold.
    """
    console, asked = out(), forms_pattern(question)
    for understood in answers.understood:
        console.print(f"[dim]Understood: {escape(str(understood))}[/]")
    for rank, answer in enumerate(answers.answers, start=1):
        facts = " · ".join(
            part
            for part in (
                answer.source,
                answer.container,
                ", ".join(answer.authors[:3]),
                f"{answer.updated_at:%Y-%m-%d}",
                f"score {answer.score:.2f}",
            )
            if part
        )
        console.print(f"[bold]{rank}. {escape(answer.title)}[/]")
        console.print(f"   [dim]{escape(facts)}[/]")
        if len(answer.passages) <= 1:
            console.print(f"   [cyan]{escape(answer.url)}[/]")
        if answers.confirmation is not None:
            confirmed = answers.confirmation.by_document[answer.document_id]
            console.print(f"   {escape(str(confirmed))}")
        for passage in answer.passages:
            if len(answer.passages) > 1:
                console.print(f"   [cyan]{escape(passage.url)}[/]")
            _print_passage(console, passage.text, asked)
    if not answers.fits_well:
        console.print(f"[yellow]{NOTHING_FITS}[/]")
    if not answers.answers:
        is_empty = not any(answers.as_of.values())
        console.print("no answers: the index is empty" if is_empty else "no answers")
    fresh = [
        f"{name} {as_of:%Y-%m-%d %H:%M}" if as_of else f"{name} never"
        for name, as_of in answers.as_of.items()
    ]
    console.print(f"[dim]as of (UTC): {' · '.join(fresh)}[/]")
    for warning in answers.warnings:
        console.print(f"[yellow]{escape(warning)}[/]")
    if console.is_terminal:
        if answers.understood:
            console.print("[dim]Not what you meant? --literal takes the question word for word.[/]")
        console.print("[dim]Not what you looked for? `vector-assets why LINK` says why.[/]")


def print_why(answer: "Why") -> None:
    """Print the cause in words, what to do, and of which document it is said."""
    console = out()
    if answer.title:
        console.print(f"[bold]{escape(answer.title)}[/]")
    facts = " · ".join(filter(None, (answer.document_id, answer.link)))
    if facts:
        console.print(f"[dim]{escape(facts)}[/]")
    console.print(f"[yellow]{answer.cause}[/]: {escape(answer.sentence)}")
    if answer.advice:
        console.print(escape(answer.advice))
    for note in answer.notes:
        console.print(f"[dim]{escape(note)}[/]")


def _print_passage(console: Console, passage: str, asked: re.Pattern[str] | None) -> None:
    """Print a passage indented; wrap it and mark what was asked for only on a terminal."""
    if console.is_terminal:
        text = Text(passage)
        if asked:
            text.highlight_regex(asked, "bold")
        console.print(Padding(text, (0, 0, 1, 3)), soft_wrap=False)
    else:
        console.print(escape(indent(passage, "   ")) + "\n")


def print_service_check(check: "ServiceCheck") -> None:
    """Print the result of one service in `doctor`."""
    colour = _STATE_COLOURS[check.state]
    console = out()
    console.print(f"{check.service:<10} [{colour}]{check.state:<7}[/] {escape(check.line)}")
    for gap in check.gaps:
        console.print(f"  [yellow]not read[/] {escape(gap_line(gap))}")


def gap_line(gap: Gap) -> str:
    """Return what is not read, why, and what to do about it, in one line."""
    count = f" ({gap.count:,})" if gap.count != 1 else ""
    return f"{gap.subject}{count}: {'. '.join(filter(None, (gap.reason, gap.advice)))}"
