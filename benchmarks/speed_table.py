"""Renders runs and targets as Markdown."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from speed_measure import Measured

NAMES = {
    "floor": "the floor",
    "sync": "`sync`",
    "sync again": "`sync`, nothing changed",
    "dagster": "Dagster assets",
    "dagster again": "Dagster assets, nothing changed",
    "sync-slack": "`sync` of Slack alone",
    "slack": "Dagster asset of Slack alone",
    "limited": "`sync`, documented limits kept",
}

HEAD = (
    "| days | run | seconds | to the floor | CPU s | requests | to the floor | texts "
    "| most in flight | answered 429 | peak MiB |"
)


@dataclass(frozen=True)
class Row:
    """A run, and the floor of the same days if there is one."""

    kind: str
    days: int
    measured: Measured
    floor: Measured | None


@dataclass(frozen=True)
class Target:
    """A measured value and its upper bound."""

    name: str
    seen: float
    most: float

    @property
    def is_met(self) -> bool:
        """Whether the value is within its bound."""
        return self.seen <= self.most


def markdown(rows: Sequence[Row], targets: Sequence[Target]) -> str:
    """Return the whole report."""
    return "\n".join(
        [
            "# Speed",
            "",
            (
                f"Measured on {datetime.now(UTC):%Y-%m-%d} on {_machine()}, by `make bench`. "
                "Ratios, not seconds, are what can be compared: see `benchmarks/speed.py`."
            ),
            "",
            HEAD,
            "|-:|-|-:|-:|-:|-:|-:|-:|-:|-:|-:|",
            *map(_line, rows),
            "",
            *_limits(rows),
            "| target | seen | at most | |",
            "|-|-:|-:|-|",
            *(
                f"| {target.name} | {target.seen:.2f} | {target.most:g} | "
                f"{'met' if target.is_met else '**missed**'} |"
                for target in targets
            ),
            "",
            "## Requests by endpoint",
            "",
            *_endpoints(rows),
            "",
        ]
    )


def _line(row: Row) -> str:
    run, floor = row.measured, row.floor
    seconds = f"{run.seconds / floor.seconds:.2f}" if floor and row.kind != "limited" else ""
    requests = f"{run.request_count / floor.request_count:.2f}" if floor else ""
    return (
        f"| {row.days} | {NAMES[row.kind]} | {run.seconds:.1f} | {seconds} | "
        f"{run.cpu_seconds:.1f} | {run.request_count:,} | {requests} | {run.texts:,} | "
        f"{run.most_in_flight} | {run.throttled} | {run.peak_mib:.0f} |"
    )


def _limits(rows: Sequence[Row]) -> list[str]:
    """Return what the vendors' limits dictate for the requests of the runs that keep them."""
    dictated = [f"{row.measured.dictated_seconds:.0f} s" for row in rows if row.kind == "limited"]
    if not dictated:
        return []
    least = ", ".join(dictated)
    return [
        f"The limited run is to be compared with what the limits dictate for it: {least}.",
        "",
    ]


def _endpoints(rows: Sequence[Row]) -> list[str]:
    names = sorted({name for row in rows for name in row.measured.requests})
    heads = [f"{NAMES[row.kind]}, {row.days}" for row in rows]
    return [
        f"| endpoint | {' | '.join(heads)} |",
        f"|-|{'-:|' * len(rows)}",
        *(
            f"| {name} | "
            + " | ".join(f"{row.measured.requests.get(name, 0) or ''}" for row in rows)
            + " |"
            for name in names
        ),
    ]


def _machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            named = (line.partition(":")[2].strip() for line in lines if "model name" in line)
            model = next(named, model)
    except OSError:
        pass
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"
