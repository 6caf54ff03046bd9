"""Syncs a whole workspace and checks that each document is in the index exactly once.

Serves a folder of real data from a process of its own, syncs all days of all sources, compares the
index with the folder by id, syncs again, and prints documents, chunks, seconds, chunks per second
and peak memory. Exits 1 when a document is missing or duplicated, or the second run embeds a chunk.

    python benchmarks/real_input.py ../shared/workspace-data [--store lancedb|pinecone]
        [--embedder local|openai] [--folder data/real_input]
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from raw_words import lines, slack_messages

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import load_settings
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import sync_source
from vector_assets.sources.slack.document import channel_document_id
from vector_assets.stores import build_store
from vector_assets.stores.base import VectorStore

FIRST_DAY = date(2010, 1, 1)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--store", choices=("lancedb", "pinecone"), default="lancedb")
    parser.add_argument("--embedder", choices=("local", "openai"), default="local")
    parser.add_argument("--folder", type=Path, default=Path("data/real_input"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    with served(options.workspace) as environment:
        os.environ.update(
            environment, VECTOR_STORE=options.store, EMBEDDING_PROVIDER=options.embedder
        )
        os.environ["LANCEDB_URI"] = str(options.folder / "lancedb")
        first = run("first run")
        store = build_store(load_settings(), Meter())
        problems = [*compare(expected_ids(options.workspace), store)]
        second = run("second run")
    problems += [
        f"{report.source}: {len(report.failures)} documents failed: {report.failures[:3]}"
        for report in first + second
        if report.failures
    ]
    problems += [
        f"{report.source}: the second run embedded {report.total.embedded_chunks} chunks"
        for report in second
        if report.total.embedded_chunks or report.total.chunks
    ]
    print("\n".join(problems) or "every document is in the index exactly once")
    sys.exit(1 if problems else 0)


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


@contextmanager
def served(workspace: Path) -> Iterator[dict[str, str]]:
    """Serve a folder from a process of its own; yield the environment that points at it."""
    command = ["vector-assets", "sandbox", "--workspace", str(workspace), "--port", "0"]
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        environment: dict[str, str] = {}
        for line in process.stdout:
            name, _, value = line.strip().partition("=")
            environment[name] = value
            if name == "PINECONE_CONTROLLER_HOST":
                break
        yield environment
    finally:
        process.terminate()
        process.wait(10)


def run(title: str) -> list[SyncReport]:
    """Sync all days of all sources concurrently and print the cost."""
    settings = load_settings()
    names = settings.enabled_sources
    days = Days(FIRST_DAY, Days.newest(1, datetime.now(UTC)).last)
    began = time.monotonic()
    with ThreadPoolExecutor(len(names)) as pool:
        reports = list(pool.map(lambda name: sync_source(name, days, settings), names))
    seconds = time.monotonic() - began
    print(f"\n{title} ({settings.embedding_provider}, {settings.vector_store})")
    print(f"{'source':<10} {'documents':>9} {'chunks':>8} {'embedded':>8} {'requests':>8} {'s':>7}")
    for report in reports:
        total = report.total
        print(
            f"{report.source:<10} {total.documents:>9,} {total.chunks:>8,} "
            f"{total.embedded_chunks:>8,} {report.request_count:>8,} {report.seconds:>7.1f}"
        )
    chunks = sum(report.total.embedded_chunks for report in reports)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.1f} s, {chunks / seconds:.0f} chunks/s, peak memory {peak_mib:.0f} MiB")
    return reports


def compare(wanted: dict[str, set[str]], store: VectorStore) -> Iterator[str]:
    """Yield the problems: documents that are missing, surplus, incomplete or duplicated."""
    for source, ids in wanted.items():
        heads = dict(store.documents(source))
        print(f"{source}: {len(ids):,} in the folder, {len(heads):,} in the index")
        if missing := ids - heads.keys():
            yield f"{source}: {len(missing)} missing, such as {sorted(missing)[:3]}"
        if surplus := heads.keys() - ids:
            yield f"{source}: {len(surplus)} that the folder lacks, such as {sorted(surplus)[:3]}"
        chunks = sum(head.chunk_count for head in heads.values())
        if chunks != store.count(source):
            yield f"{source}: heads speak of {chunks} chunks, the index holds {store.count(source)}"
        unfinished = [name for name, head in heads.items() if not head.document_fingerprint]
        if unfinished:
            yield f"{source}: {len(unfinished)} unfinished, such as {unfinished[:3]}"


def expected_ids(workspace: Path) -> dict[str, set[str]]:
    """Return the ids of all documents that a folder holds, by source."""
    return {
        "jira": {f"jira:{issue['id']}" for issue in lines(workspace / "jira/issues.jsonl")},
        "slack": set(slack_ids(workspace / "slack")),
        "notion": {f"notion:{page['id']}" for page in lines(workspace / "notion/pages.jsonl")},
        "fireflies": {
            f"fireflies:{meeting['id']}"
            for meeting in lines(workspace / "fireflies/transcripts.jsonl")
        },
    }


def slack_ids(folder: Path) -> Iterator[str]:
    """Yield the ids of threads, of days with messages outside threads, and of channels."""
    yield from (document_id for document_id, _ in slack_messages(folder))
    channels = json.loads((folder / "channels.json").read_text(encoding="utf-8"))
    yield from (channel_document_id(channel["id"]) for channel in channels)


if __name__ == "__main__":
    main()
