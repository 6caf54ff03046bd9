"""Cells that span rows and columns leave every text under the header of its own column."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.sources.jira.table import Cell, table_markdown


def lines_of(markdown: str) -> list[list[str]]:
    """Return the cells of a table's rows, without the line under its head."""
    rows = [line.removeprefix("| ").removesuffix(" |") for line in markdown.split("\n")]
    return [row.split(" | ") for row in [rows[0], *rows[2:]]]


@st.composite
def covered(draw: st.DrawFn) -> tuple[list[list[Cell]], list[list[str]]]:
    """Draw rows of cells that cover a rectangle, and the text that each place is to show."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    shown: list[list[str | None]] = [[None] * width for _ in range(height)]
    rows: list[list[Cell]] = []
    for top in range(height):
        rows.append([])
        for left in range(width):
            if shown[top][left] is not None:
                continue
            free = next(
                (n for n in range(left, width) if shown[top][n] is not None), width
            ) - left  # fmt: skip
            across, down = draw(st.integers(1, free)), draw(st.integers(1, height - top))
            text = f"r{top}c{left}"
            rows[top].append(Cell(text, across, down))
            for row in range(top, top + down):
                for column in range(left, left + across):
                    shown[row][column] = text if column == left else ""
    return rows, [[text or "" for text in line] for line in shown]


@settings(max_examples=300)
@given(covered())
def test_every_text_stands_under_its_own_column(
    table: tuple[list[list[Cell]], list[list[str]]],
) -> None:
    rows, shown = table
    assert lines_of(table_markdown(rows)) == shown


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=5),
        max_size=5,
    )
)
def test_no_text_is_lost_where_cells_overlap_or_leave_the_table(
    spans: list[list[tuple[int, int]]],
) -> None:
    rows = [
        [Cell(f"r{top}c{left}", *span) for left, span in enumerate(row)]
        for top, row in enumerate(spans)
    ]
    shown = table_markdown(rows)
    assert [cell.text for row in rows for cell in row if cell.text not in shown] == []


def test_a_long_text_is_not_repeated_in_the_rows_that_it_spans() -> None:
    long = "word " * 40
    rows = [[Cell("a"), Cell("b")], [Cell(long, row_span=3), Cell("1")], [Cell("2")], [Cell("3")]]
    assert lines_of(table_markdown(rows)) == [["a", "b"], [long, "1"], ["", "2"], ["", "3"]]


def test_a_table_without_cells_is_nothing() -> None:
    assert table_markdown([]) == table_markdown([[], []]) == ""
