"""What the tools of `vector-assets mcp` ask: the index directly, for one person."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from mcp.server.mcpserver import Context

from vector_assets.api.mcp import Backend
from vector_assets.core.errors import ForeignViewerError, VectorAssetsError
from vector_assets.core.read_keys import Reader, ReadKey
from vector_assets.core.settings import Settings
from vector_assets.index.confirm import Confirmer
from vector_assets.index.document import Page, read_page
from vector_assets.index.search import Answers, find
from vector_assets.index.targets import LiveIndex
from vector_assets.monitoring.dagster_state.observe import observe_if_any
from vector_assets.monitoring.health import Health, measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.why.answer import Asked, Why
from vector_assets.monitoring.why.walk import explain
from vector_assets.stores.base import Filter

MEASURED_FOR = timedelta(seconds=60)
"""How long a measured health is used; each asks the vendors."""

Result = TypeVar("Result")


class StdioBackend(Backend):
    """Reads as one person, or public documents only."""

    def __init__(self, settings: Settings, key: ReadKey) -> None:
        self._settings = settings
        self._key = key
        self._lock = threading.Lock()
        self._index: LiveIndex | None = None
        self._confirmer = Confirmer(settings)
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

    def find(
        self,
        question: str,
        sources: tuple[str, ...],
        where: Filter,
        limit: int,
        *,
        confirms: bool,
    ) -> Answers:
        """Search the live index."""
        index = self._live()
        answers = find(
            question,
            settings=self._settings,
            sources=sources,
            where=where,
            limit=limit,
            index=index,
        )
        return self._confirmer.confirm(answers, index) if confirms else answers

    def may_know_all(self, context: Context[Any, Any], asked_viewer: str) -> bool:
        """Return whether this process was started for somebody who may know everything: never."""
        return self._key.may_know_all(asked_viewer)

    def why(self, asked: Asked) -> Why:
        """Ask the live index."""
        return explain(asked, self._settings, self._live())

    def read(self, document_id: str, where: Filter, characters: int, cursor: str) -> Page | None:
        """Read from the live index."""
        store = self._live().now().store
        return read_page(document_id, store, where=where, characters=characters, cursor=cursor)

    def _live(self) -> LiveIndex:
        with self._lock:
            self._index = self._index or LiveIndex(self._settings, keeps_copies=True)
            return self._index

    def _measured(self) -> Health | None:
        settings = self._settings
        try:
            self._health = measure(settings, Probes(settings), observe_if_any(settings))
        except VectorAssetsError:
            return None
        return self._health
