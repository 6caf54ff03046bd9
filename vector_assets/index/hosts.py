"""Namespaces that assets of other projects fill, as the ledger of the index knows them.

They have no vendor to compare with and may be written by any Dagster instance, so that the ledger
alone can tell every reader of the index which there are and when each was last written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from vector_assets.index.ledger import Ledger

KIND = "host"

RECORDED_EVERY = timedelta(hours=1)
"""A run that changed nothing is recorded when the last record is older than this."""


@dataclass(frozen=True, slots=True)
class HostNamespace:
    """A namespace that a host's assets fill.

    Attributes:
        assets: Keys of the assets that have written it.
        last_run_at: End of the newest run that succeeded, UTC; None before the first.
        covered_until: End of the newest time partition that was written, UTC; None without any.
        late_after_hours: How old it may be; None for what a nightly source may be.
    """

    name: str
    assets: tuple[str, ...]
    last_run_at: datetime | None = None
    covered_until: datetime | None = None
    late_after_hours: float | None = None

    @property
    def fresh_at(self) -> datetime | None:
        """Until when it holds everything: a backfill of an old day makes it no fresher."""
        return self.covered_until or self.last_run_at

    @property
    def late_after(self) -> timedelta | None:
        """How old it may be; None for what a nightly source may be."""
        return None if self.late_after_hours is None else timedelta(hours=self.late_after_hours)

    def is_worth_recording_after(self, earlier: "HostNamespace", *, is_written: bool) -> bool:
        """Tell whether a run has changed what is recorded, except for the time of the last run."""
        if is_written or self.last_run_at is None or earlier.last_run_at is None:
            return True
        is_same = (self.assets, self.covered_until, self.late_after_hours) == (
            earlier.assets,
            earlier.covered_until,
            earlier.late_after_hours,
        )
        return not is_same or self.last_run_at - earlier.last_run_at >= RECORDED_EVERY


def host_namespaces(ledger: Ledger) -> dict[str, HostNamespace]:
    """Return all that were ever written, by name."""
    return {name: _read(name, entry) for name, entry in sorted(ledger.entries(KIND).items())}


def record_host(ledger: Ledger, host: HostNamespace) -> None:
    """Record a namespace in place of what is recorded of it; raises as `Ledger.put`."""
    entry = {
        "assets": list(host.assets),
        "last_run_at": _text(host.last_run_at),
        "covered_until": _text(host.covered_until),
        "late_after_hours": host.late_after_hours,
    }
    ledger.put(KIND, {host.name: entry})


def _read(name: str, entry: Mapping[str, Any]) -> HostNamespace:
    return HostNamespace(
        name,
        tuple(entry["assets"]),
        _instant(entry["last_run_at"]),
        _instant(entry["covered_until"]),
        entry["late_after_hours"],
    )


def _text(instant: datetime | None) -> str:
    return instant.astimezone(UTC).isoformat() if instant else ""


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
