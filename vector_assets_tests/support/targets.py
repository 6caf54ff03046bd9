"""A store handed to a run as it is, in place of the live generation of an index."""

from typing import Any

from vector_assets.embedding.base import Embedder
from vector_assets.index.generations import Generation, Index
from vector_assets.index.ledger import Ledger
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import WriteTarget
from vector_assets.stores.base import IndexStore


def target_of(store: Any, embedder: Embedder) -> WriteTarget:
    """Return a store to write to; nobody is asked whether it is live.

    Args:
        store: A `VectorStore`, or what stands in for one.
        embedder: Makes the vectors.
    """
    return WriteTarget(store, Ledger(store, embedder.dimensions), embedder)


def recorded_index(store: IndexStore, embedder: Embedder) -> Index:
    """Return an index whose ledger says that a store is live and what it was filled with."""
    index = Index(store)
    index.records.set_live(Generation("", IndexSpec.of(embedder)))
    return index
