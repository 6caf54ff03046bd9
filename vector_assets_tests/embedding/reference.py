"""Texts, and the vectors that sentence-transformers 5.7 on torch 2.13 makes of them in float32.

`reference.npy` was made by `SentenceTransformer(model_folder(), device="cpu").encode(texts(),
normalize_embeddings=True)`.
"""

from pathlib import Path
from random import Random

FILE = Path(__file__).parent / "reference.npy"

_WORDS = ("crane", "quay", "brake", "berth", "pilot", "tug", "cargo", "anchor", "vessel", "label")
_ODD = (
    "", " ", "a", "…", "x" * 100, "HAR-41", "日本語の検索です", "한국어 문장", "Grüße aus Zürich",
    "🦆🚀 emoji", "Привет, мир", "مرحبا بالعالم", "\x00\x07", "`code()` | table | **bold**",
)  # fmt: skip


def texts() -> list[str]:
    """Return texts of all lengths up to the model's window, and odd ones."""
    random = Random(7)
    sentences = [" ".join(random.choices(_WORDS, k=length)) for length in range(1, 180, 7)]
    symbols = [
        "".join(chr(random.randint(33, 0x2FFF)) for _ in range(length)) for length in (3, 20, 60)
    ]
    return [*_ODD, *sentences, *symbols]
