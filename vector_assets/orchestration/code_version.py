"""Which code and which model make the documents of the index, as the UI shows it.

Only settings are read: no model is loaded, no SDK imported and no service asked.
"""

from vector_assets.core.credentials import scrub
from vector_assets.core.settings import Settings
from vector_assets.embedding import chunking
from vector_assets.embedding.local.embedder import LocalEmbedder
from vector_assets.embedding.openai import models
from vector_assets.index.spec import IndexSpec
from vector_assets.stores import records

UNKNOWN_DIMENSIONS = 0
"""Of a model that is not known here; a run refuses it by name."""


def code_version(settings: Settings) -> str:
    """Return what decides the records of a document beside its text: what a reindex would change.

    The settings say it; while a reindex is pending, the live index is still of the spec before.
    """
    spec = _wanted_spec(settings)
    return scrub(f"{spec.vector_spec}|layout {spec.layout}")


def _wanted_spec(settings: Settings) -> IndexSpec:
    if settings.embedding_provider == "openai":
        model = settings.embedding_model or models.DEFAULT_MODEL
        known_dimensions = models.DIMENSIONS_BY_MODEL.get(model, UNKNOWN_DIMENSIONS)
        dimensions = settings.embedding_dimensions or known_dimensions
        chunk_tokens = models.CHUNK_TOKENS
    else:
        model, dimensions = LocalEmbedder.model, LocalEmbedder.dimensions
        chunk_tokens = LocalEmbedder.chunk_tokens
    return IndexSpec(
        settings.embedding_provider,
        model,
        dimensions,
        chunk_tokens,
        chunking.CHUNKER_VERSION,
        records.LAYOUT_VERSION,
    )
