"""One run in a process of its own, timed from the inside: no start of an interpreter is in it.

    python benchmarks/speed_run.py floor|sync|sync-SOURCE|SOURCE --days 1 --answer FILE

The name of a source runs its Dagster asset, as the nightly job does in a process of its own; after
`sync-`, the same source without Dagster. Says
`ready` when all is imported, begins when it is sent a line, and writes to the file, as JSON,
seconds, CPU seconds, peak memory, and what failed. The environment points at what is asked.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vector_assets.core.settings import Settings

SOURCES = ("slack", "notion", "jira", "fireflies")
_SYNCS = {"sync": SOURCES, **{f"sync-{name}": (name,) for name in SOURCES}}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("floor", *_SYNCS, *SOURCES))
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    asked = parser.parse_args()
    if asked.kind == "floor":
        run = _floor(asked.days)
    elif asked.kind in _SYNCS:
        run = _sync(asked.days, _SYNCS[asked.kind])
    else:
        run = _dagster(asked.kind, asked.days)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began, began_cpu = time.perf_counter(), time.process_time()
    failures = run()
    answer = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - began_cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "failures": failures or [],
    }
    asked.answer.write_text(json.dumps(answer), encoding="utf-8")


def _floor(days: int) -> Callable[[], None]:
    import httpcore  # noqa: F401 - no import is in the time of a run
    import speed_floor

    return speed_floor.main(days)


def _sync(days: int, sources: tuple[str, ...]) -> Callable[[], list[str]]:
    """Return what `vector-assets sync --days N` does, its sources side by side."""
    from vector_assets.core.days import Days
    from vector_assets.core.memory import keep_little_freed_memory
    from vector_assets.core.settings import load_settings
    from vector_assets.index.targets import IndexOpener
    from vector_assets.pipeline.resume import load_source

    keep_little_freed_memory()
    _import_what_a_run_imports()
    settings = load_settings()
    _know_the_index(settings)
    asked = Days.newest(days, datetime.now(UTC))

    def run() -> list[str]:
        opener = IndexOpener(settings)
        with ThreadPoolExecutor(len(sources)) as pool:
            found = [
                pool.submit(load_source, name, asked, settings, opener=opener) for name in sources
            ]
            reports = [one.result() for one in found]
        return [f"{r.source}: {f.document_id}: {f.cause}" for r in reports for f in r.failures]

    return run


def _dagster(source: str, days: int) -> Callable[[], list[str]]:
    """Return a run of the nightly job for one source, all of its days at once."""
    import dagster as dg

    from vector_assets.core.days import Days
    from vector_assets.core.settings import load_settings
    from vector_assets.definitions import build_defs
    from vector_assets.monitoring.dagster_state.asset_keys import asset_key
    from vector_assets.orchestration.partitions import range_tags

    _import_what_a_run_imports()
    _know_the_index(load_settings())
    tags = dict(range_tags(Days.newest(days, datetime.now(UTC))))
    job = build_defs().resolve_job_def("nightly_ingestion")
    # Dagster's own database is there before any run is.
    instance = dg.DagsterInstance.local_temp(tempfile.mkdtemp())
    instance.get_runs(limit=1)

    def run() -> list[str]:
        result = job.execute_in_process(
            asset_selection=[asset_key(source)],
            tags=tags,
            instance=instance,
            raise_on_error=False,
        )
        return [] if result.success else [f"{source}: its run failed"]

    return run


def _know_the_index(settings: "Settings") -> None:
    """Let the index say of which kind it is, as it does on every night but the first."""
    from vector_assets.core.meter import Meter
    from vector_assets.index.targets import IndexOpener

    IndexOpener(settings).target(Meter())


def _import_what_a_run_imports() -> None:
    """Import the SDKs and read the vocabulary, as a process does once."""
    import httpcore  # noqa: F401 - imported to be there, as httpx does at its first client

    from vector_assets.embedding.openai.embedder import OpenAIEmbedder  # noqa: F401 - imported to be there
    from vector_assets.embedding.openai.tokenizer import Cl100kTokenizer
    from vector_assets.pipeline.redaction.redact import redact
    from vector_assets.sources import source_class
    from vector_assets.stores.pinecone.store import PineconeStore  # noqa: F401

    tokenizer = Cl100kTokenizer()
    tokenizer.count("hello")
    tokenizer.splitter(512).chunks("hello")
    redact("hello")
    for name in SOURCES:
        source_class(name)


if __name__ == "__main__":
    main()
