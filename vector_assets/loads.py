"""Which days an unfinished load of a source has brought, kept in the index until it is finished."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from vector_assets.days import Days, spans_of
from vector_assets.ledger import Ledger

KIND = "load"


def days_brought(ledger: Ledger, source: str) -> list[Days]:
    """Return the spans that an unfinished load of a source has brought, oldest first."""
    entry = ledger.entries(KIND).get(source)
    spans = entry["done"] if entry else []
    return [Days(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans]


def note_brought(ledger: Ledger, source: str, days: Iterable[date]) -> None:
    """Record all days that a load has brought so far; a run that is killed knows them again.

    Raises:
        VectorAssetsError: As the index raises.
    """
    done = [[span.first.isoformat(), span.last.isoformat()] for span in spans_of(days)]
    entry = {"done": done, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    ledger.put(KIND, {source: entry})


def forget(ledger: Ledger, source: str) -> None:
    """Say that a load is finished, so that the next sync of its days reads all of them again."""
    ledger.remove(KIND, [source])
