"""`vector-assets sync --dry-run`: print what a sync would cost."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING

from vector_assets.core.errors import FatalError, VectorAssetsError
from vector_assets.core.settings import Settings

if TYPE_CHECKING:
    from vector_assets.core.days import Days
    from vector_assets.maintenance.estimate import Estimate


_HEADINGS = (
    "source", "documents", "chunks", "tokens", "dollars", "requests", "at least", "about",
)  # fmt: skip
_MINUTE, _HOUR = 60, 3600


def estimate(names: Sequence[str], days: "Days", settings: Settings, *, as_json: bool) -> None:
    """Print what a sync of some sources would cost; fail after that if any has failed."""
    from vector_assets.cli.output.console import print_json
    from vector_assets.cli.output.progress import show_progress
    from vector_assets.maintenance.estimate import estimate_source, total_of

    failed: list[str] = []
    estimates: list[Estimate] = []
    bars = show_progress(*names, is_transient=True)
    with bars as on_progress, ThreadPoolExecutor(len(names)) as pool:
        runs = {
            name: pool.submit(estimate_source, name, days, settings, on_progress=on_progress)
            for name in names
        }
        for name, run in runs.items():
            try:
                estimates.append(run.result())
            except VectorAssetsError as error:
                failed.append(f"{name}: {error}")
    if as_json:
        total = asdict(total_of(estimates)) if estimates else None
        print_json({"sources": [asdict(estimate) for estimate in estimates], "total": total})
    elif estimates:
        _print(estimates)
    if failed:
        raise FatalError("; ".join(failed))


def _print(estimates: "Sequence[Estimate]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from vector_assets.cli.output.console import out
    from vector_assets.maintenance.estimate import total_of

    console = out()
    total = total_of(estimates)
    console.print(f"{total.first} to {total.last}; nothing was written or embedded")
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 1))
    for heading in _HEADINGS:
        table.add_column(heading, no_wrap=True, justify="left" if heading == "source" else "right")
    for estimate in [*estimates, total] if len(estimates) > 1 else estimates:
        table.add_row(*_row(estimate))
    console.print(table)
    for estimate in estimates:
        requests = ", ".join(f"{count:,} {vendor}" for vendor, count in estimate.requests.items())
        parts = [
            estimate.basis,
            f"texts from {estimate.sampled_documents:,} documents read, ±{estimate.spread:.0%}",
            requests or "no requests",
            f"asked with {estimate.own_requests:,} requests",
        ]
        if estimate.unchanged_documents:
            parts.insert(1, f"{estimate.unchanged_documents:,} unchanged")
        console.print(f"{estimate.source}: {escape('; '.join(parts))}")
        for note in estimate.notes:
            console.print(f"  {escape(note)}")


def _row(estimate: "Estimate") -> tuple[str, ...]:
    return (
        estimate.source,
        f"{estimate.documents:,}",
        f"{estimate.chunks:,}",
        f"{estimate.tokens:,}",
        f"${estimate.dollars:,.2f}" if estimate.dollars >= 1 else f"${estimate.dollars:.4f}",
        f"{estimate.request_count:,}",
        duration(estimate.seconds_at_least),
        duration(estimate.seconds),
    )


def duration(seconds: float) -> str:
    """Return a duration in words: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
