"""A bar for each thing that takes long, on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from vector_assets.cli.output.console import err


class ShowProgress(Protocol):
    """Updates the progress line of a name."""

    def __call__(self, name: str, line: str, done: int = 0, total: int | None = None) -> None:
        """Replace the line; without a total, the bar shows only that work continues."""


@contextmanager
def show_progress(*names: str, is_transient: bool = False) -> Iterator[ShowProgress]:
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
