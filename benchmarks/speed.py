"""Measures speed in ratios to the least that the vendors' latency and limits allow.

Serves a made-up workspace (`speed_workspace.py`) from a process of its own with 60 ms latency per
request. An unmeasured run of each kind lets it cache the vendors' answers. Measures in sequence,
each in a process of its own: the floor (`speed_floor.py`), `sync` and the Dagster assets; `sync`
and the assets again with nothing changed; one source without and with Dagster; and `sync` under the
vendors' documented rate limits, in real time. The best round counts. Dagster's share is the median
difference of the two runs of one source. Writes `benchmarks/results.md`, and exits 1 when a target
is missed.

    python benchmarks/speed.py [--days 1 30] [--rounds 5] [--without-limits]
        [--results FILE] [--plot FILE]

The limited run always covers one day: at 50 requests a minute, 30 days of Slack take 100 minutes.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from speed_measure import Measured, Server
from speed_plot import plot
from speed_table import Row, Target, markdown

from vector_assets.sandbox.limits import DOCUMENTED

SETTINGS = {
    "VECTOR_STORE": "pinecone",
    "EMBEDDING_PROVIDER": "openai",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
}
DOCUMENTED_RATES = {"SLACK_REQUESTS_PER_MINUTE": "50", "NOTION_REQUESTS_PER_SECOND": "3"}
ALONE = ("sync-slack", "slack")
KINDS = ("floor", "sync", "dagster", *ALONE)
TWICE = ("sync", "dagster")
IMAGES = Path(__file__).parents[1] / "docs" / "images"
Best = dict[tuple[str, int], Measured]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, nargs="+", default=[1, 7, 30])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-limits", action="store_true")
    parser.add_argument("--plot", type=Path, default=IMAGES / "speed.png")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results.md")
    options = parser.parse_args()
    best: Best = {}
    shares: defaultdict[int, list[float]] = defaultdict(list)
    for days in options.days:
        with Server.serving(days) as server:
            server.warm_up(days, SETTINGS)
            for number in range(options.rounds):
                # One round of a long run suffices, but not for the difference of two runs.
                kinds = KINDS if days == 1 or number == 0 else ALONE
                alone: dict[str, float] = {}
                for kind, measured in _round(server, days, kinds):
                    print(f"round {number + 1}, {days} days, {kind}: {measured.seconds:.1f} s",
                          file=sys.stderr)  # fmt: skip
                    if kind in ALONE:
                        alone[kind] = measured.seconds
                    known = best.get((kind, days))
                    if known is None or measured.seconds < known.seconds:
                        best[kind, days] = measured
                without, with_dagster = (alone[kind] for kind in ALONE)
                shares[days].append(with_dagster - without)
    if not options.without_limits:
        best["limited", 1] = _limited()
    targets = _targets(best, {days: median(seconds) for days, seconds in shares.items()})
    rows = [
        Row(kind, days, measured, best.get(("floor", days)))
        for (kind, days), measured in best.items()
    ]
    text = markdown(rows, targets)
    options.results.write_text(text, encoding="utf-8")
    plot(rows, options.plot)
    print(text)
    sys.exit(0 if all(target.is_met for target in targets) else 1)


def _round(server: Server, days: int, kinds: tuple[str, ...]) -> list[tuple[str, Measured]]:
    """Measure each kind of run with an empty index, and some kinds again with nothing changed."""
    runs = []
    for kind in kinds:
        server.with_empty_index()
        runs.append((kind, server.run(kind, days, SETTINGS)))
        if kind in TWICE:
            runs.append((f"{kind} again", server.run(kind, days, SETTINGS)))
    return runs


def _limited() -> Measured:
    """Measure one day under the documented limits, in real time."""
    with Server.serving(1) as server:
        server.warm_up(1, SETTINGS)
        server.with_empty_index()
        server.limited(DOCUMENTED)
        return server.run("sync", 1, {**SETTINGS, **DOCUMENTED_RATES})


def _targets(best: Best, shares: Mapping[int, float]) -> list[Target]:
    """Compare the best runs, and Dagster's share in seconds by days, with the targets."""
    targets: list[Target] = []
    for days, share in shares.items():
        floor, sync, assets = (best[kind, days] for kind in ("floor", *TWICE))
        again = best["sync again", days]
        shown = f"{days} day{'s' if days > 1 else ''}"
        targets += [
            Target(
                f"{shown}: seconds of sync to the floor's",
                sync.seconds / floor.seconds,
                1.15 if days == 1 else 1.0,
            ),
            Target(
                f"{shown}: requests of sync to the floor's",
                sync.request_count / floor.request_count,
                1.1,
            ),
            Target(f"{shown}: Dagster's share, seconds", share, 1.0),
            Target(f"{shown}, nothing changed: texts embedded", again.texts, 0),
            Target(f"{shown}, nothing changed: writes", again.count("upsert"), 0),
            Target(
                f"{shown}: failures", sum(len(run.failures) for run in (sync, assets, again)), 0
            ),
        ]
        if days > 1:
            targets += [
                Target(
                    f"{shown}, nothing changed: seconds to the first run's",
                    again.seconds / sync.seconds,
                    0.2,
                ),
                Target(
                    f"{shown}: peak memory to that of one day",
                    sync.peak_mib / best["sync", min(shares)].peak_mib,
                    1.25,
                ),
            ]
        targets.append(Target(f"{shown}: peak memory, MiB", sync.peak_mib, 400))
    if limited := best.get(("limited", 1)):
        targets += [
            Target(
                "1 day with limits: seconds to what the limits dictate",
                limited.seconds / limited.dictated_seconds,
                1.05,
            ),
            Target("1 day with limits: failures", len(limited.failures), 0),
        ]
    return targets


if __name__ == "__main__":
    main()
