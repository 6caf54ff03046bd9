"""Runs the HTTP routes in this process until it is stopped."""

import logging
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from vector_assets.api.app import build_api
from vector_assets.api.connections import (
    BACKLOG,
    HEAD_BYTES,
    BoundedProtocol,
    raise_file_limit,
)
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.monitoring.alerts.incidents import incident_store
from vector_assets.monitoring.watcher import build_watcher

SWITCH_SECONDS = 0.001
"""How long a search may keep Python's lock while the event loop waits for it; by default 5 ms, and
the loop may have to wait several times in one request."""

logger = logging.getLogger(__name__)


def server_config(
    app: FastAPI, protocol: type[BoundedProtocol] = BoundedProtocol
) -> uvicorn.Config:
    """Return the configuration of a server whose connections and requests are bounded."""
    return uvicorn.Config(
        app,
        port=0,
        http=protocol,
        # An upgraded connection would leave the protocol and its bounds.
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES,
        backlog=BACKLOG,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


def serve(settings: Settings, *, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve until the process is stopped."""
    # Before the MCP SDK sets up a log of its own form.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    raise_file_limit()
    sys.setswitchinterval(SWITCH_SECONDS)
    if settings.embedding_provider == "local":
        threading.Thread(
            target=_load_model, args=(settings,), name="load model", daemon=True
        ).start()
    with socket.create_server((host, port)) as listening, incident_store() as incidents:
        app = build_api(settings, build_watcher(settings, incidents))
        bound = listening.getsockname()[1]
        started(f"http://{host}:{bound}")
        uvicorn.Server(server_config(app)).run(sockets=[listening])


def _load_model(settings: Settings) -> None:
    """Load the local model, which takes seconds, before the first question needs it."""
    try:
        build_embedder(settings, Meter()).check()
    except VectorAssetsError as error:
        logger.warning("questions cannot be embedded: %s", error)
