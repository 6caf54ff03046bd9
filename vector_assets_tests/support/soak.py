"""A process of its own that streams made-up documents through the pipeline and weighs itself.

    python -m vector_assets_tests.support.soak FOLDER COUNT

Prints a JSON list a step: documents written so far, the process's resident memory in MiB, and how
often the index has been maintained.
"""

import json
import resource
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from vector_assets.core.days import Days, Window
from vector_assets.core.memory import keep_little_freed_memory
from vector_assets.core.meter import Meter
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources.items import DocumentFailure, Gap, SourceItem, Unchanged
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

FIRST = date(2020, 1, 1)
DAYS = 2_000
STEPS = 100


class EndlessSource(ListSource):
    """Makes documents as they are asked for, and with each tenth what else a source may yield."""

    def __init__(self, count: int) -> None:
        super().__init__([])
        self._count = count

    def documents(self, window: Window) -> Iterator[SourceItem]:
        for n in range(self._count):
            day = FIRST + timedelta(days=n * DAYS // self._count)
            yield document(
                str(n),
                f"The printer number {n} stopped. " * 20,
                f"password: hunter{n}",
                title=f"Printer {n} stopped",
                updated_at=f"{day}T10:00",
            )
            if n % 10 == 0:
                yield DocumentFailure(f"jira:failed-{n}", f"its comments answer 500 ({n})", day)
                yield Gap(f"#channel-{n}", "the bot is not a member", "Invite it.")
                yield Unchanged(f"jira:unchanged-{n}", day)


class CountedStore(LanceDBStore):
    """A real LanceDB that counts how often it is maintained."""

    maintained = 0

    def maintain(self, namespace: str) -> None:
        super().maintain(namespace)
        self.maintained += 1


def resident_mib() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main(folder: str, count: int) -> None:
    keep_little_freed_memory()
    store = CountedStore(folder)
    embedder = TinyEmbedder(dimensions=32, chunk_tokens=100, is_remembering=False)
    pipeline = Pipeline(
        source=EndlessSource(count), target=target_of(store, embedder), meter=Meter()
    )
    stream = pipeline.embedded_documents(
        Days(FIRST, FIRST + timedelta(days=DAYS)), now=utc("2026-03-10T06:00")
    )
    told = 0

    def tell(report: SyncReport) -> None:
        nonlocal told
        documents = report.total.documents
        if documents >= (told + 1) * count // STEPS:
            told = documents * STEPS // count
            step = [documents, round(resident_mib(), 1), store.maintained]
            sys.stdout.write(json.dumps(step) + "\n")
            sys.stdout.flush()

    write(stream, on_progress=tell)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
