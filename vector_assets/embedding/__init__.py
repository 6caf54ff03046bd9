"""Chunk to vector: `openai` (or any compatible server) and `local` (a model on this machine).

Keep out: chunking, stores. A new provider is one module and one line below.
"""

import threading
from contextlib import suppress

from vector_assets.core.errors import VectorAssetsError
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


def load_ahead(settings: Settings) -> None:
    """Load a local model in a thread, while the caller imports a store; do nothing for others.

    Most of it is no Python, so that a second core does it meanwhile. What goes wrong is raised
    when a text is embedded, which tries again.
    """
    if settings.embedding_provider == "local":
        # The process ends after this thread: a model that is half loaded would crash it.
        threading.Thread(target=_load, args=(settings,), name="load model").start()


def _load(settings: Settings) -> None:
    with suppress(VectorAssetsError):
        build_embedder(settings, Meter()).load()
