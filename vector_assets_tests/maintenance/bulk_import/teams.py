"""A small team with a LanceDB that a sync has filled, and the Pinecone that it is brought into."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import LiveStore, build_store
from vector_assets.maintenance.bulk_import.importer import Importing, ImportReport
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores.base import IndexStore
from vector_assets_tests.support.indexes import Contents, assert_same

WEEK = Days.newest(7, datetime.now(UTC))


class Team:
    """One sandbox, one LanceDB, one Pinecone.

    Args:
        served: The sandbox.
        folder: For the LanceDB and for what is staged.
    """

    def __init__(self, served: Sandbox, folder: Path) -> None:
        self.served = served
        self.lancedb = str(folder / "lancedb")
        self.staging = f"file://{folder}/staging"
        self.staged = folder / "staging"
        self.old = self.settings(vector_store="lancedb")
        self.new = self.settings(vector_store="pinecone")

    def settings(self, **update: Any) -> Settings:
        values = {name.lower(): value for name, value in self.served.environment.items()}
        given = {"lancedb_uri": self.lancedb, "embedding_dimensions": 64, **update}
        return Settings.model_validate({**values, **given})

    def fill(self) -> None:
        """Bring the week into the LanceDB."""
        for source in SOURCE_NAMES:
            sync_source(source, WEEK, self.old)

    def night(self) -> list[SyncReport]:
        """Bring the week into the Pinecone, as the nights do."""
        return [sync_source(source, WEEK, self.new) for source in SOURCE_NAMES]

    def importing(self, settings: Settings | None = None, **options: Any) -> Importing:
        return Importing(settings or self.new, **options)

    def run(self, staging: str = "", **options: Any) -> ImportReport:
        return self.importing(**options).run(self.lancedb, staging or self.staging)

    def store(self, settings: Settings | None = None) -> LiveStore:
        return build_store(settings or self.new, Meter())

    def assert_imported(self) -> None:
        """Check that the Pinecone is the LanceDB, record by record and vector by vector."""
        assert_same(contents(self.store(self.old).base), contents(self.store().base))


def contents(store: IndexStore) -> Contents:
    """Return each source's records by id, the vector among their fields."""
    return {
        name: {
            one.id: {**one.metadata, "id": one.id, "vector": one.vector}
            for one in store.fetch(name, list(store.record_ids(name)))
        }
        for name in SOURCE_NAMES
    }
