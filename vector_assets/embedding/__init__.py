"""Chunk to vector: `openai` (or any compatible server) and `local` (a model on this machine).

Keep out: chunking, stores. A new provider is one module and one line below.
"""

from collections.abc import Iterator, Sequence

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


def known_models(others: Sequence[str] = ()) -> Iterator[tuple[str, str, int]]:
    """Yield provider, model and tokens a chunk of each model that may have filled an index.

    Args:
        others: Names of further models of OpenAI-compatible servers.
    """
    from vector_assets.embedding.local.embedder import LocalEmbedder
    from vector_assets.embedding.openai import embedder as openai

    yield LocalEmbedder.provider, LocalEmbedder.model, LocalEmbedder.chunk_tokens
    for model in dict.fromkeys([*openai.DIMENSIONS_BY_MODEL, *others]):
        yield openai.OpenAIEmbedder.provider, model, openai.CHUNK_TOKENS
