"""Tables as Markdown, each text under its own column where cells span rows and columns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_SPAN = 200
"""A longer span is taken for a mistake, and for this many columns or rows."""

MAX_REPEATED_CHARACTERS = 100
"""A text up to this length is repeated in every row that its cell spans, so that each row can be
understood by itself. A longer one stands in the first row alone."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: Markdown of any number of lines.
        column_span: How many columns it covers, at least 1.
        row_span: How many rows it covers, at least 1.
    """

    text: str
    column_span: int = 1
    row_span: int = 1


@dataclass(slots=True)
class _Spanning:
    """What a cell leaves in one column for the rows below it."""

    text: str
    row_count: int


def table_markdown(rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table with its first row as head; empty without a cell."""
    lines = list(_lines(rows))
    width = max(map(len, lines), default=0)
    if not width:
        return ""
    shown = [f"| {' | '.join(line + [''] * (width - len(line)))} |" for line in lines]
    return "\n".join([shown[0], "|" + " --- |" * width, *shown[1:]])


def _lines(rows: Iterable[Sequence[Cell]]) -> Iterator[list[str]]:
    """Yield the text of each column of each row."""
    spanning: dict[int, _Spanning] = {}
    for cells in rows:
        line = {column: above.text for column, above in spanning.items()}
        for above in spanning.values():
            above.row_count -= 1
        column = 0
        for cell in cells:
            while column in line:
                column += 1
            _place(cell, column, line, spanning)
        spanning = {column: above for column, above in spanning.items() if above.row_count}
        yield [line.get(column, "") for column in range(max(line, default=-1) + 1)]


def _place(cell: Cell, column: int, line: dict[int, str], spanning: dict[int, _Spanning]) -> None:
    """Put a cell into its first column, and empty texts into the others that it covers."""
    text = cell.text.replace("|", "\\|").replace("\n", "<br>")
    below = text if len(text) <= MAX_REPEATED_CHARACTERS else ""
    for offset in range(cell.column_span):
        if column + offset in line:
            # Cells that overlap are a mistake: what stands there stays.
            continue
        line[column + offset] = "" if offset else text
        if cell.row_span > 1:
            spanning[column + offset] = _Spanning("" if offset else below, cell.row_span - 1)
