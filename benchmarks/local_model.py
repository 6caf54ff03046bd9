"""Measures how much of the local model's throughput reaches the pipeline, and its precision.

    python benchmarks/local_model.py [../shared/workspace-data] [--texts 200]

Chunks the documents of a workspace in the batches that the pipeline hands to the embedder; without
a workspace it makes up texts of similar lengths. Measures the bare model on texts that are already
tokenized and sorted by length, in several batch sizes, with one thread per core or all threads on a
batch; and our embedder on the batches as they come, including tokenizing. The best round of each
counts. Exits 1 when ours is below 0.9 of the best.
"""

import argparse
import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import onnxruntime
from real_input import served

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import load_settings
from vector_assets.embedding.chunking import chunk_document
from vector_assets.embedding.local.embedder import LocalEmbedder, model_folder
from vector_assets.embedding.local.graph import model_graph
from vector_assets.pipeline.extract import batched
from vector_assets.pipeline.redaction.redact import redact_document
from vector_assets.sources import build_source

MIN_RATIO = 0.9
ROUNDS = 3
BATCH_TOKENS = (1_024, 4_096)
BATCH_TEXTS = 64
"""Longer batches are truncated, so that there are several of each source."""

Batches = list[list[str]]
Ids = Sequence[int]
Inputs = dict[str, np.ndarray]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path, nargs="?", default="../shared/workspace-data")
    parser.add_argument("--texts", type=int, default=200)
    options = parser.parse_args()
    embedder = LocalEmbedder(model_folder())
    if options.workspace.is_dir():
        batches = workspace_batches(options.workspace, embedder, options.texts)
    else:
        print(
            f"skipped: the texts of {options.workspace}, which is not there; made-up ones instead"
        )
        batches = made_up_batches(options.texts)
    texts = [text for batch in batches for text in batch]
    ids = embedder._own_tokenizer().ids(texts)
    tokens, core_count = sum(map(len, ids)), len(os.sched_getaffinity(0))
    print(
        f"{len(texts):,} texts of {tokens / len(texts):.0f} tokens in {len(batches)} batches; "
        f"{core_count} cores"
    )
    embedder.embed_query("warm up")
    ways: dict[str, Callable[[], object]] = {"our embedder": lambda: embed_all(embedder, batches)}
    for size, lanes in itertools.product(BATCH_TOKENS, {1, core_count}):
        parts, model = sorted_batches(ids, size), BareModel(core_count // lanes)
        name = f"bare, {size:,} tokens a batch, {lanes} at once on {core_count // lanes} threads"
        ways[name] = lambda parts=parts, model=model, lanes=lanes: model.run(parts, lanes)
    seconds, core_seconds = (dict.fromkeys(ways, float("inf")) for _ in range(2))
    for _ in range(ROUNDS):
        for name, run in ways.items():
            took, core_took = timed(run)
            seconds[name] = min(seconds[name], took)
            core_seconds[name] = min(core_seconds[name], core_took)
    for name, took in sorted(seconds.items(), key=lambda item: item[1]):
        print(
            f"{name:<55}{tokens / took:>8,.0f} tokens/s{len(texts) / took:>6,.0f} texts/s"
            f"{tokens / core_seconds[name]:>8,.0f} tokens in a second of a core"
        )
    best = min(took for name, took in seconds.items() if name != "our embedder")
    ratio = best / seconds["our embedder"]
    print(f"ours to the model's best: {ratio:.2f} (at least {MIN_RATIO})")
    sys.exit(0 if ratio >= MIN_RATIO else 1)


def workspace_batches(workspace: Path, embedder: LocalEmbedder, count: int) -> Batches:
    """Return the batches that the pipeline hands to its embedder, equally many texts per source."""
    by_source: list[Batches] = []
    with served(workspace) as environment:
        os.environ.update(environment)
        settings = load_settings()
        for name in settings.enabled_sources:
            source = build_source(name, settings, Meter())
            batches: Batches = []
            today = datetime.now(UTC)
            window = Window.of_days(
                date(2010, 1, 1), today.date(), overlap=source.overlap, now=today
            )
            for batch in batched(source.documents(window)):
                documents = [item for item in batch if isinstance(item, Document)]
                redacted = [redact_document(document)[0] for document in documents]
                texts = [text for document in redacted for text in cut(document, embedder)]
                batches.append(texts[:BATCH_TEXTS])
                if sum(map(len, batches)) >= count // len(settings.enabled_sources):
                    break
            by_source.append([texts for texts in batches if texts])
    # Sources are synced concurrently, so their batches alternate.
    turns = itertools.zip_longest(*by_source, fillvalue=[])
    return [batch for turn in turns for batch in turn if batch]


def cut(document: Document, embedder: LocalEmbedder) -> list[str]:
    """Return the texts of a document's chunks."""
    chunks = chunk_document(document, embedder.tokenizer, embedder.chunk_tokens)
    return [chunk.text for chunk in chunks]


def made_up_batches(count: int) -> Batches:
    """Return texts of 40 to 240 words, most of them long, as chunks are."""
    chance = random.Random(0)
    words = ("crane", "quay", "brake", "berth", "pilot", "tug", "cargo", "anchor", "vessel")
    texts = [
        " ".join(chance.choices(words, k=int(240 - 200 * chance.random() ** 2)))
        for _ in range(count)
    ]
    return [texts[at : at + 100] for at in range(0, count, 100)]


def embed_all(embedder: LocalEmbedder, batches: Batches) -> None:
    """Embed several batches concurrently, as the pipeline does."""
    with ThreadPoolExecutor(4) as pool:
        for embedded in pool.map(embedder.embed, batches):
            assert not embedded.failures


def sorted_batches(ids: Sequence[Ids], max_tokens: int) -> list[Inputs]:
    """Return the model's inputs, longest texts first, of at most so many tokens each."""
    parts: list[list[Ids]] = [[]]
    for text_ids in sorted(ids, key=len, reverse=True):
        if parts[-1] and (len(parts[-1]) + 1) * len(parts[-1][0]) > max_tokens:
            parts.append([])
        parts[-1].append(text_ids)
    return [inputs(part) for part in parts]


def inputs(part: list[Ids]) -> Inputs:
    """Return padded ids and their mask."""
    ids, mask = (np.zeros((len(part), len(part[0])), np.int32) for _ in range(2))
    for row, text_ids in enumerate(part):
        ids[row, : len(text_ids)] = text_ids
        mask[row, : len(text_ids)] = 1
    return {"ids": ids, "mask": mask}


class BareModel:
    """The model alone, which computes a batch on so many threads."""

    def __init__(self, thread_count: int) -> None:
        graph, weights = model_graph(model_folder())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = thread_count, 1
        # The session reads the weights' memory as long as it lives.
        self._weights = list(map(onnxruntime.OrtValue.ortvalue_from_numpy, weights.values()))
        options.add_external_initializers(list(weights), self._weights)
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def run(self, parts: list[Inputs], lanes: int) -> None:
        """Run prepared batches, so many at once."""
        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(lambda part: self._session.run(None, part), parts))


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return the wall-clock seconds and the CPU seconds of a call."""
    began, core_began = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - began, time.process_time() - core_began


if __name__ == "__main__":
    main()
