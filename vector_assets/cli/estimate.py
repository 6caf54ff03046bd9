"""`vector-assets sync --dry-run`: what a sync would cost, and what that looks like."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from vector_assets.core.errors import FatalError, VectorAssetsError
from vector_assets.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from vector_assets.core.days import Days
    from vector_assets.maintenance.estimate import Estimate


_HEADINGS = (
    "source", "documents", "chunks", "tokens", "dollars", "requests", "at least", "about",
)  # fmt: skip
_MINUTE, _HOUR = 60, 3600


def estimate(names: Sequence[str], days: "Days", settings: Settings, *, as_json: bool) -> None:
    """Print what a sync of some sources would cost; what one cannot tell never stops another.

    Raises:
        FatalError: Some source could not be asked; the others were printed.
    """
    from vector_assets.cli import output as terminal
    from vector_assets.maintenance.estimate import estimate_source, total_of

    failed: list[str] = []
    found: list[Estimate] = []
    with _progress(names) as on_progress, ThreadPoolExecutor(len(names)) as pool:
        asked = {
            name: pool.submit(estimate_source, name, days, settings, on_progress=on_progress)
            for name in names
        }
        for name, run in asked.items():
            try:
                found.append(run.result())
            except VectorAssetsError as error:
                failed.append(f"{name}: {error}")
    if as_json:
        total = asdict(total_of(found)) if found else None
        terminal.print_json({"sources": [asdict(one) for one in found], "total": total})
    elif found:
        _print(found)
    if failed:
        raise FatalError("; ".join(failed))


def _print(found: "Sequence[Estimate]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from vector_assets.cli import output as terminal
    from vector_assets.maintenance.estimate import total_of

    console = terminal.out()
    total = total_of(found)
    console.print(f"{total.first} to {total.last}; nothing was written or embedded")
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 1))
    for heading in _HEADINGS:
        table.add_column(heading, no_wrap=True, justify="left" if heading == "source" else "right")
    for one in [*found, total] if len(found) > 1 else found:
        table.add_row(*_row(one))
    console.print(table)
    for one in found:
        requests = ", ".join(f"{count:,} {vendor}" for vendor, count in one.requests.items())
        parts = [
            one.basis,
            f"texts from {one.sampled_documents:,} documents read, ±{one.spread:.0%}",
            requests or "no requests",
            f"asked with {one.own_requests:,} requests",
        ]
        if one.unchanged_documents:
            parts.insert(1, f"{one.unchanged_documents:,} unchanged")
        console.print(f"{one.source}: {escape('; '.join(parts))}")
        for note in one.notes:
            console.print(f"  {escape(note)}")


def _row(one: "Estimate") -> tuple[str, ...]:
    return (
        one.source,
        f"{one.documents:,}",
        f"{one.chunks:,}",
        f"{one.tokens:,}",
        f"${one.dollars:,.2f}" if one.dollars >= 1 else f"${one.dollars:.4f}",
        f"{one.request_count:,}",
        duration(one.seconds_at_least),
        duration(one.seconds),
    )


def duration(seconds: float) -> str:
    """Return a span of time as a person says it: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


@contextmanager
def _progress(names: Sequence[str]) -> "Iterator[Callable[[str, str], None]]":
    """Show a line a source on stderr while the block runs."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from vector_assets.cli import output as terminal

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=terminal.err(), transient=True) as progress:
        tasks = {name: progress.add_task(f"{name:<10} asking …", total=None) for name in names}

        def show(source: str, line: str) -> None:
            progress.update(tasks[source], description=f"{source:<10} {line}")

        yield show
