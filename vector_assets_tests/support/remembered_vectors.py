"""The local model's vectors, computed once for each text of a test process.

Thousands of tests embed the same few texts with the real model. What it computes is tested in
`embedding/test_local.py`, which runs without this.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import numpy as np
import pytest

from vector_assets.core.vectors import Vectors
from vector_assets.embedding.local.model import LocalModel, TokenIds

Compute = Callable[[LocalModel, Sequence[TokenIds]], Vectors]

MOST_TEXTS = 20_000
"""Of one process; each takes 2.5 KB at most."""

computed: Compute = LocalModel.vectors
"""The model's own computation."""


class RememberedVectors:
    """Computes the vectors of texts that are new, and remembers the texts that were last asked."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = Lock()

    def vectors(self, model: LocalModel, texts: Sequence[TokenIds]) -> Vectors:
        """Return what `LocalModel.vectors` returns."""
        keys = [np.asarray(text, np.int32).tobytes() for text in texts]
        with self._lock:
            known = {key: self._vectors[key] for key in keys if key in self._vectors}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            made = self._compute(model, list(new.values()))
            known.update(zip(new, made, strict=True))
        with self._lock:
            for key in keys:
                self._vectors[key] = known[key]
                self._vectors.move_to_end(key)
            while len(self._vectors) > MOST_TEXTS:
                self._vectors.popitem(last=False)
        return np.stack([known[key] for key in keys]) if keys else self._compute(model, [])


@contextmanager
def remembered() -> Iterator[None]:
    """Let every model of this process remember, until the block ends."""
    memory = RememberedVectors(computed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalModel, "vectors", lambda model, texts: memory.vectors(model, texts))
        yield
