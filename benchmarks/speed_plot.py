"""Plots time and requests against the number of documents, with the physical limit."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from speed_floor import IN_FLIGHT
from speed_table import NAMES, Row
from speed_workspace import DOCUMENTS

LATENCY_SECONDS = 0.06
STYLES = {"floor": "o--", "sync": "o-", "dagster": "s-", "sync again": "^-"}


def plot(rows: Sequence[Row], path: Path) -> None:
    """Write the picture of `speed.py`; lines of slope one are linear growth."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (seconds, requests) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for kind, style in STYLES.items():
        of_kind = sorted((row for row in rows if row.kind == kind), key=lambda row: row.days)
        documents = [row.days * DOCUMENTS for row in of_kind]
        name = NAMES[kind].replace("`", "")
        seconds.plot(documents, [row.measured.seconds for row in of_kind], style, label=name)
        counts = [row.measured.request_count for row in of_kind]
        requests.plot(documents, counts, style, label=name)
        if kind == "floor":
            least = [count * LATENCY_SECONDS / IN_FLIGHT for count in counts]
            seconds.plot(
                documents, least, "k:", label=f"its requests x {LATENCY_SECONDS * 1000:.0f} ms "
                f"/ {IN_FLIGHT} in flight",
            )  # fmt: skip
    for axes, title in ((seconds, "Seconds"), (requests, "Requests")):
        axes.set(xscale="log", yscale="log", xlabel="documents", title=title)
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def plot_law(
    documents: Sequence[int],
    seconds: Sequence[float],
    cpu_seconds: Sequence[float],
    limit_seconds: Sequence[float],
    requests: Sequence[int],
    path: Path,
) -> None:
    """Write the picture of `law.py`: seconds and requests, lines of slope one, and the limit."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    left.plot(documents, seconds, "o-", label="pipeline into LanceDB")
    left.plot(documents, cpu_seconds, "s--", label="of it, time of the processor")
    left.plot(documents, limit_seconds, "k:", label="physical limit: cut, embedded and appended")
    right.plot(documents, requests, "o-", label="questions and commits to LanceDB")
    for axes, values, title in ((left, seconds, "Seconds"), (right, requests, "Requests")):
        straight = [values[0] * count / documents[0] for count in documents]
        axes.plot(documents, straight, color="gray", linewidth=0.8, label="slope one")
        axes.set(xscale="log", yscale="log", xlabel="documents", title=title)
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
