"""Numbers of properties as Notion shows them, in the format of their data source.

Formats: developers.notion.com/reference/property-object, "Number", 2026-11.
"""

from decimal import Decimal

_SIGNS = {
    "dollar": "$", "australian_dollar": "A$", "canadian_dollar": "CA$", "singapore_dollar": "SGD ",
    "hong_kong_dollar": "HK$", "new_zealand_dollar": "NZ$", "new_taiwan_dollar": "NT$",
    "euro": "€", "pound": "£", "yen": "¥", "yuan": "CN¥", "won": "₩", "rupee": "₹",
    "ruble": "RUB ", "real": "R$", "lira": "TRY ", "rupiah": "IDR ", "franc": "CHF ",
    "krona": "SEK ", "norwegian_krone": "NOK ", "danish_krone": "DKK ", "mexican_peso": "MX$",
    "rand": "ZAR ", "zloty": "PLN ", "baht": "THB ", "forint": "HUF ", "koruna": "CZK ",
    "shekel": "₪", "chilean_peso": "CLP ", "philippine_peso": "₱", "dirham": "AED ",
    "colombian_peso": "COP ", "riyal": "SAR ", "ringgit": "MYR ", "leu": "RON ",
    "argentine_peso": "ARS ", "uruguayan_peso": "UYU ", "peruvian_sol": "PEN ",
}  # fmt: skip
"""What stands before an amount: a sign where English has one that is not ambiguous, else a code."""

_MAX_DIGITS = 21
"""Longer numbers are shown as they are."""

_CENTS = Decimal("0.01")


def number_text(number: float, number_format: str = "") -> str:
    """Return a number in one of Notion's formats; as it is in any other."""
    if number != number or abs(number) >= 10**_MAX_DIGITS:
        return str(number)
    exact = Decimal(str(number))
    if number_format == "percent":
        return f"{_trimmed(exact * 100):,f}%"
    if number_format == "number_with_commas":
        return f"{_trimmed(exact):,f}"
    if number_format in _SIGNS:
        amount = _trimmed(abs(exact))
        if amount != amount.to_integral_value():
            amount = max(amount, amount.quantize(_CENTS), key=_decimals)
        return f"{'-' if exact < 0 else ''}{_SIGNS[number_format]}{amount:,f}"
    return f"{_trimmed(exact):f}"


def _trimmed(number: Decimal) -> Decimal:
    """Return a number without zeros at its end, and without a minus before zero."""
    return number.normalize() if number else Decimal(0)


def _decimals(number: Decimal) -> int:
    return -int(number.as_tuple().exponent)
