"""The kind of an index that says nothing of it: one that was filled before kinds were recorded.

A record's fingerprint hashes the kind, so a kind that is guessed right is proved by it.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product

from vector_assets.core.documents import Value
from vector_assets.embedding import chunking, known_models
from vector_assets.index.spec import IndexKind
from vector_assets.sources import SOURCES
from vector_assets.stores import records
from vector_assets.stores.base import IndexStore, Metadata
from vector_assets.stores.records import chunk_fingerprint, head_id, is_same_vector, without_marks

UNKNOWN_LAYOUT = 0

_HEADS_LISTED = 500
_HEADS_READ = 40

_FLOATS = frozenset({"created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an index is made of.

    Attributes:
        kind: Of all records that were looked at; None when it is not known, or they differ. Its
            layout is `UNKNOWN_LAYOUT` when only that could not be told.
        is_empty: Whether there are none.
    """

    kind: IndexKind | None
    is_empty: bool


def recognised(
    store: IndexStore, likely: IndexKind | None = None, models: Sequence[str] = ()
) -> Recognition:
    """Look at some records of each source and find the kind that they prove.

    Args:
        store: The index.
        likely: Tried first.
        models: Names of further models of OpenAI-compatible servers.
    """
    with ThreadPoolExecutor(len(SOURCES)) as pool:
        kinds_of_sources = pool.map(partial(_kinds_in, store, likely, models), SOURCES)
        found = {kind for kinds in kinds_of_sources for kind in kinds}
    vectors = {replace(one, layout=UNKNOWN_LAYOUT) if one else None for one in found}
    proved = next((kinds for kinds in (found, vectors) if len(kinds) == 1), {None})
    return Recognition(next(iter(proved)), is_empty=not found)


def _kinds_in(
    store: IndexStore, likely: IndexKind | None, models: Sequence[str], source: str
) -> set[IndexKind | None]:
    """Return the kinds of some records of a source."""
    ids = [head_id(one) for one, _ in islice(store.documents(source), _HEADS_LISTED)]
    sample = random.Random(0).sample(ids, min(len(ids), _HEADS_READ))  # noqa: S311 - a sample
    if not sample:
        return set()
    tried = list(_candidates(store.dimensions(source) or 0, likely, models))
    return {_kind_of(fields, tried) for fields in store.metadata(source, sample).values()}


def _candidates(
    dimensions: int, likely: IndexKind | None, models: Sequence[str]
) -> Iterator[IndexKind]:
    if likely is not None:
        yield from _versions(replace(likely, dimensions=dimensions))
    for provider, model, chunk_tokens in known_models(models):
        yield from _versions(IndexKind(provider, model, dimensions, chunk_tokens, 0, 0))


def _versions(kind: IndexKind) -> Iterator[IndexKind]:
    for chunker in range(chunking.CHUNKER_VERSION, 0, -1):
        yield replace(kind, chunker=chunker, layout=UNKNOWN_LAYOUT)


def _kind_of(metadata: Metadata, candidates: Sequence[IndexKind]) -> IndexKind | None:
    """Return the kind that a record's own fingerprint proves."""
    fingerprint = str(metadata["fingerprint"])
    text = str(metadata["text"])
    for kind in candidates:
        if not is_same_vector(fingerprint, chunk_fingerprint(text, {}, kind.vector_kind)):
            continue
        layouts = range(records.LAYOUT_VERSION, 0, -1)
        for layout, fields in product(layouts, _spellings(without_marks(metadata))):
            said = chunk_fingerprint(text, fields, kind.vector_kind, layout=layout)
            if said == fingerprint:
                return replace(kind, layout=layout)
        return kind
    return None


def _spellings(fields: dict[str, Value]) -> Iterator[dict[str, Value]]:
    """Yield metadata as it may have been hashed: both stores give whole numbers back as floats."""
    yield fields
    yield {
        name: int(value)
        if isinstance(value, float) and value.is_integer() and name not in _FLOATS
        else value
        for name, value in fields.items()
    }
