"""How texts are cut into requests: by number and by tokens."""

from collections.abc import Iterable, Iterator

MAX_INPUTS = 2048
"""Most texts a request (platform.openai.com/docs/api-reference/embeddings, 2026-11)."""

MAX_REQUEST_TOKENS = 295_000
"""Most tokens a request: the vendor's 300,000, less what its count may differ from ours."""

Batch = list[tuple[int, str, int]]
"""Texts as `(index, text, tokens)`."""


def batches(texts: Iterable[tuple[int, str, int]]) -> Iterator[Batch]:
    """Yield batches that fit a request, in order; a text alone may exceed it."""
    batch: Batch = []
    tokens = 0
    for one in texts:
        if batch and (len(batch) == MAX_INPUTS or tokens + one[2] > MAX_REQUEST_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(one)
        tokens += one[2]
    if batch:
        yield batch


def halves(texts: list[str]) -> tuple[list[str], list[str]]:
    """Return the two halves of two texts or more."""
    middle = len(texts) // 2
    return texts[:middle], texts[middle:]
