"""Vector to index: `lancedb` (embedded, the default) and `pinecone`. No Dagster in here.

Keep out: what to write and when (`pipeline/sync.py`). A new store is one module and one line below.
"""

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.stores.base import IndexStore


def build_store(settings: Settings, meter: Meter) -> IndexStore:
    """Return the store that the settings name, without a request; `SettingsError` if incomplete."""
    if settings.vector_store == "pinecone":
        from vector_assets.stores.pinecone.store import PineconeStore

        return PineconeStore.from_settings(settings, meter)
    from vector_assets.stores.lancedb.store import LanceDBStore

    return LanceDBStore(settings.lancedb_uri, settings.text_language)
