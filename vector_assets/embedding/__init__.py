"""Chunk to vector: `openai` (or any compatible server) and `local` (a model on this machine).

Keep out: chunking, stores. A new provider is one module and one line below.
"""

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.base import Embedder


def build_embedder(settings: Settings, meter: Meter) -> Embedder:
    """Return the embedder that the settings name; heavy imports happen here, not before.

    Raises:
        SettingsError: The provider is unknown, or its package is not installed.
    """
    if settings.embedding_provider == "openai":
        from vector_assets.embedding.openai.embedder import OpenAIEmbedder

        return OpenAIEmbedder.from_settings(settings, meter)
    from vector_assets.embedding.local.embedder import LocalEmbedder

    return LocalEmbedder.from_settings(settings)
