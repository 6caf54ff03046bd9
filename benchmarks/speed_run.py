"""Runs once and measures itself, without the start of the interpreter.

    python benchmarks/speed_run.py floor|sync|sync-SOURCE|SOURCE --days 1 --answer FILE

The name of a source runs its Dagster asset, as the nightly job does in a process of its own;
`sync-SOURCE` runs the same source without Dagster. Prints `ready` after all imports, begins when it
reads a line, and writes seconds, CPU seconds, peak memory and failures to the file as JSON. The
environment points at the vendors.
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
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("floor", *_SYNCS, *SOURCES))
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    options = parser.parse_args()
    if options.kind == "floor":
        run = _floor(options.days)
    elif options.kind in _SYNCS:
        run = _sync(options.days, _SYNCS[options.kind])
    else:
        run = _dagster(options.kind, options.days)
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
    options.answer.write_text(json.dumps(answer), encoding="utf-8")


def _floor(days: int) -> Callable[[], None]:
    import httpcore  # noqa: F401 - imported before the measured run
    import speed_floor

    return speed_floor.main(days)


def _sync(days: int, sources: tuple[str, ...]) -> Callable[[], list[str]]:
    """Return a function that does what `vector-assets sync --days N` does."""
    from vector_assets.core.days import Days
    from vector_assets.core.memory import keep_little_freed_memory
    from vector_assets.core.settings import load_settings
    from vector_assets.index.targets import IndexOpener
    from vector_assets.pipeline.resume import load_source

    keep_little_freed_memory()
    _import_what_a_run_imports()
    settings = load_settings()
    _record_the_spec(settings)
    span = Days.newest(days, datetime.now(UTC))

    def run() -> list[str]:
        opener = IndexOpener(settings)
        with ThreadPoolExecutor(len(sources)) as pool:
            futures = [
                pool.submit(load_source, name, span, settings, opener=opener) for name in sources
            ]
            reports = [future.result() for future in futures]
        return [f"{r.source}: {f.document_id}: {f.cause}" for r in reports for f in r.failures]

    return run


def _dagster(source: str, days: int) -> Callable[[], list[str]]:
    """Return a function that runs the nightly job for one source, all of its days at once."""
    import dagster as dg

    from vector_assets.core.days import Days
    from vector_assets.core.settings import load_settings
    from vector_assets.definitions import build_defs
    from vector_assets.monitoring.dagster_state.asset_keys import asset_key
    from vector_assets.orchestration.partitions import range_tags

    _import_what_a_run_imports()
    _record_the_spec(load_settings())
    tags = dict(range_tags(Days.newest(days, datetime.now(UTC))))
    job = build_defs().resolve_job_def("nightly_ingestion")
    # Create Dagster's database before the measured run.
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


def _record_the_spec(settings: "Settings") -> None:
    """Store the spec in the index, as the first night does."""
    from vector_assets.core.meter import Meter
    from vector_assets.index.targets import IndexOpener

    IndexOpener(settings).target(Meter())


def _import_what_a_run_imports() -> None:
    """Import the SDKs and load the vocabulary, as each process does once."""
    import httpcore  # noqa: F401 - httpx imports it with its first client

    from vector_assets.embedding.openai.embedder import OpenAIEmbedder  # noqa: F401 - imported before the measured run
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
