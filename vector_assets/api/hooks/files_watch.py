"""Queues the files that change in the folder of the files source, as events of vendors are."""

import asyncio
import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

from vector_assets.api.hooks.delivery import ParsedEvent
from vector_assets.api.hooks.event_handler import EventHandler
from vector_assets.core.errors import RetryableError
from vector_assets.core.settings import Settings
from vector_assets.index.queue import Change
from vector_assets.sources.files.watch import FolderWatch

logger = logging.getLogger(__name__)

MAX_NAMED = 500
"""Files of a burst that are named; more become "the folder since then", read by a listing."""

PAUSE_SECONDS = 10.0
"""Between two attempts to watch a folder, or to queue what was seen."""

_SOURCE = "files"
_EVENT = "changed"
_TAKEN_WITHIN_SECONDS = 60.0


def build_files_watcher(settings: Settings, event_handler: EventHandler) -> "FilesWatcher | None":
    """Return the watcher; None unless FILES_WATCH is set and the files source is on."""
    is_wanted = settings.files_watch and _SOURCE in settings.enabled_sources
    return FilesWatcher(Path(settings.files_path), event_handler) if is_wanted else None


class FilesWatcher:
    """Watches the folder for as long as `serve` runs.

    Attributes:
        is_watching: Whether changes are noticed now.
    """

    def __init__(self, folder: Path, event_handler: EventHandler) -> None:
        self._folder = folder.expanduser().absolute()
        self._event_handler = event_handler
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_watching = False

    def start(self) -> None:
        """Watch in a thread of its own; call it on the event loop of the event handler."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._watch, args=(loop,), name="files watch", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch again whenever it breaks off; what changed meanwhile is named as a whole."""
        since: datetime | None = None
        while not self._stopped.is_set():
            began = datetime.now(UTC)
            try:
                watch = FolderWatch(self._folder.resolve(strict=True), _SOURCE)
                for document_ids in watch.changed(self._stopped):
                    self.is_watching = True
                    if since is not None:
                        self._queue({f"{_SOURCE}:"}, since, loop)
                        since = None
                    if document_ids:
                        self._queue(document_ids, began, loop)
                    began = datetime.now(UTC)
            except (OSError, RuntimeError) as error:
                logger.warning(
                    "FILES_PATH cannot be watched: %s. It is tried again in %.0f s; the nightly "
                    "run reads it all the same.",
                    error,
                    PAUSE_SECONDS,
                )
                since = since or began
                self._stopped.wait(PAUSE_SECONDS)
            finally:
                self.is_watching = False

    def _queue(
        self, document_ids: set[str], since: datetime, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Queue files, and try again until the queue takes them or the watch is to end."""
        now = datetime.now(UTC)
        changes = [Change(document_id, now) for document_id in sorted(document_ids)]
        if len(changes) > MAX_NAMED:
            gone = [change for change in changes if not self._is_there(change.document_id)]
            changes = [*gone, Change(f"{_SOURCE}:", since)]
        while not self._stopped.is_set():
            taking = asyncio.run_coroutine_threadsafe(
                self._event_handler.handle(_SOURCE, ParsedEvent(_EVENT, tuple(changes)), b""), loop
            )
            try:
                taking.result(_TAKEN_WITHIN_SECONDS)
            except (RetryableError, TimeoutError) as error:
                taking.cancel()
                logger.warning("changed files wait to be queued: %s", error)
                self._stopped.wait(PAUSE_SECONDS)
            else:
                return

    def _is_there(self, document_id: str) -> bool:
        """Tell whether a file is there; one whose id is a hash counts as gone, and is asked for."""
        return (self._folder / document_id.partition(":")[2].lstrip("/")).is_file()
