"""Numbers in Notion's formats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vector_assets.sources.notion.numbers import number_text

FORMATS = [
    "number", "number_with_commas", "percent", "dollar", "australian_dollar", "canadian_dollar",
    "singapore_dollar", "euro", "pound", "yen", "ruble", "rupee", "won", "yuan", "real", "lira",
    "rupiah", "franc", "hong_kong_dollar", "new_zealand_dollar", "krona", "norwegian_krone",
    "mexican_peso", "rand", "new_taiwan_dollar", "danish_krone", "zloty", "baht", "forint",
    "koruna", "shekel", "chilean_peso", "philippine_peso", "dirham", "colombian_peso", "riyal",
    "ringgit", "leu", "argentine_peso", "uruguayan_peso", "peruvian_sol",
]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "number_format", "wanted"),
    [
        (0.25, "percent", "25%"),
        (0.255, "percent", "25.5%"),
        (0.07, "percent", "7%"),
        (-0.5, "percent", "-50%"),
        (12, "percent", "1,200%"),
        (1200, "euro", "€1,200"),
        (1200.5, "euro", "€1,200.50"),
        (1200.125, "dollar", "$1,200.125"),
        (-1200, "pound", "-£1,200"),
        (0, "yen", "¥0"),
        (-0.0, "euro", "€0"),
        (99, "baht", "THB 99"),
        (1234567.5, "number_with_commas", "1,234,567.5"),
        (1234567.5, "number", "1234567.5"),
        (1e-7, "number", "0.0000001"),
        (1200, "a format of tomorrow", "1200"),
        (1e300, "euro", "1e+300"),
        (float("inf"), "percent", "inf"),
        (float("nan"), "percent", "nan"),
    ],
)
def test_a_number_reads_as_people_see_it(number: float, number_format: str, wanted: str) -> None:
    assert number_text(number, number_format) == wanted


@pytest.mark.parametrize("number_format", FORMATS)
def test_each_documented_format_keeps_the_digits_and_adds_its_sign(number_format: str) -> None:
    shown = number_text(4321, number_format)
    digits = "432100" if number_format == "percent" else "4321"
    assert "".join(filter(str.isdigit, shown)) == digits
    assert (shown == "4321") is (number_format == "number")


@given(st.integers() | st.floats(), st.sampled_from([*FORMATS, ""]))
def test_no_number_raises(number: float, number_format: str) -> None:
    assert number_text(number, number_format)
