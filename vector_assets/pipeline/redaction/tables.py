"""Finds secrets in the column of a table whose first row names them: `| user | password |`.

Texts are searched as `normal.py` shows them. A name and its value side by side in one row are found
by `passwords.py`.
"""

from collections.abc import Iterator

from vector_assets.pipeline.redaction.names import NAMES
from vector_assets.pipeline.redaction.secret import Secret
from vector_assets.pipeline.redaction.values import is_code, is_placeholder, is_strong

_MARKS = " \t\r*_~`\x01\"'"
_NOT_HEADS = ("pass", "pin")
"""Whole words that head columns of test results and of connectors."""

_HEADS = tuple(
    name.word for name in NAMES if name.kind == "password" and name.word not in _NOT_HEADS
)


def secrets_of_tables(text: str) -> Iterator[Secret]:
    """Yield the cells below a head that names a password, unless they may be words.

    Args:
        text: As `read_text` shows it.
    """
    if "|" not in text:
        return
    start = 0
    columns: list[int] | None = None
    for line in text.split("\n"):
        cells = list(_cells(line, start)) if "|" in line else []
        if not cells:
            columns = None
        elif columns is None:
            columns = [at for at, cell in enumerate(cells) if _is_head(text[slice(*cell)])]
        else:
            values = (cells[at] for at in columns if at < len(cells))
            yield from (Secret(*cell, "password") for cell in values if _is_secret(text, cell))
        start += len(line) + 1


def _cells(line: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of what stands in each cell of a row that begins at an index."""
    stripped = line.strip()
    at = start + line.index(stripped)
    if stripped.startswith("|"):
        stripped, at = stripped[1:], at + 1
    # In Jira's mark-up the cells of a head stand between two bars.
    bar = "||" if stripped.startswith("|") else "|"
    if bar == "||":
        stripped, at = stripped[1:], at + 1
    for cell in stripped.removesuffix("|").removesuffix(bar[1:]).split(bar):
        inner = cell.strip(_MARKS)
        begin = at + (cell.index(inner) if inner else 0)
        yield begin, begin + len(inner)
        at += len(cell) + len(bar)


def _is_head(cell: str) -> bool:
    """Tell whether a cell is the name of a password, with at most a word or two around it."""
    lowered = cell.lower().partition("(")[0].strip()
    words = lowered.replace("_", " ").split(" ")
    return any(lowered == head or head in (words[0], words[-1]) for head in _HEADS) and (
        len(words) <= 3
    )


def _is_secret(text: str, cell: tuple[int, int]) -> bool:
    value = text[slice(*cell)]
    return is_strong(value) and not is_placeholder(value) and not is_code(value)
