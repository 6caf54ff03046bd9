"""The backend of `vector-assets mcp`: the index itself, for one person."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from mcp.server.mcpserver import Context

from vector_assets.api.index_reader import IndexReader
from vector_assets.api.mcp import Backend
from vector_assets.core.errors import ForeignViewerError, VectorAssetsError
from vector_assets.core.read_keys import Reader, ReadKey
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.observe import observe_if_any
from vector_assets.monitoring.health import Health, measure
from vector_assets.monitoring.probes import Probes

MEASURED_FOR = timedelta(seconds=60)
"""How long a measured health is used; each asks the vendors."""

Result = TypeVar("Result")


class StdioBackend(IndexReader, Backend):
    """Reads as one person, or public documents only."""

    def __init__(self, settings: Settings, key: ReadKey) -> None:
        super().__init__(settings)
        self._key = key
        self._health: Health | None = None
        self._measuring: asyncio.Task[Health | None] | None = None

    def reader(self, context: Context[Any, Any], asked_viewer: str) -> Reader:
        """Return the person whom this process was started for."""
        try:
            return self._key.reader(asked_viewer)
        except ForeignViewerError:
            raise ForeignViewerError(
                f"this server reads {self._key.viewer or 'public documents'} only: leave out "
                f"`viewer`, or start `vector-assets mcp --viewer` for that person"
            ) from None

    async def call(self, context: Context[Any, Any], function: Callable[[], Result]) -> Result:
        """Call in a thread."""
        return await asyncio.to_thread(function)

    async def health(self, wait_seconds: float) -> Health | None:
        """Return the health of the last minute; measure it, in the background, when it is older."""
        if self._health and datetime.now(UTC) - self._health.checked_at < MEASURED_FOR:
            return self._health
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.create_task(asyncio.to_thread(self._measured))
        done, _ = await asyncio.wait({self._measuring}, timeout=wait_seconds)
        return self._measuring.result() if done else None

    def may_know_all(self, context: Context[Any, Any], asked_viewer: str) -> bool:
        """Return whether this process was started for somebody who may know everything: never."""
        return self._key.may_know_all(asked_viewer)

    def _measured(self) -> Health | None:
        settings = self.settings
        try:
            self._health = measure(settings, Probes(settings), observe_if_any(settings))
        except VectorAssetsError:
            return None
        return self._health
