"""How fresh each source is, what is wrong, and how good answers are."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from vector_assets.cli.output.console import out
from vector_assets.cli.output.reports import gap_line, print_quarantine
from vector_assets.monitoring.health import Health, SourceHealth
from vector_assets.monitoring.liveness import DAEMON
from vector_assets.monitoring.verdict import Verdict, hours

if TYPE_CHECKING:
    from vector_assets.maintenance.quality.scores import Scores
    from vector_assets.monitoring.alerts.incidents import Incident
    from vector_assets.monitoring.doctor import ServiceCheck

_COLOURS = {
    Verdict.FRESH: "green",
    Verdict.LATE: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.STALE: "red",
}
_HEALTH_HEADINGS = (
    "source", "verdict", "newest in index", "behind source", "vectors", "newest day",
)  # fmt: skip
_NOT_RUNNING = {"webserver", DAEMON}
_STATE_COLOURS = {"ok": "green", "broken": "red", "off": "dim"}


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
            print_quarantine(console, source.quarantine, source.failed_documents)
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


def print_service_check(check: "ServiceCheck") -> None:
    """Print the result of one service in `doctor`."""
    colour = _STATE_COLOURS[check.state]
    console = out()
    console.print(f"{check.service:<10} [{colour}]{check.state:<7}[/] {escape(check.line)}")
    for gap in check.gaps:
        console.print(f"  [yellow]not read[/] {escape(gap_line(gap))}")
