"""The route of hooks over a queue in a folder, as a process of its own: `… PORT FOLDER SECRET`."""

import sys

import uvicorn
from fastapi import FastAPI

from vector_assets.api.hooks.event_handler import EventHandler
from vector_assets.api.hooks.routes import add_hooks
from vector_assets.core.settings import Settings
from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import ChangeQueue
from vector_assets.stores.lancedb.store import LanceDBStore

DIMENSIONS = 8


def main() -> None:
    """Serve until killed."""
    port, folder, secret = sys.argv[1:]
    queue = ChangeQueue(Ledger(LanceDBStore(folder), DIMENSIONS))
    settings = Settings.model_validate(
        {"vector_assets_sources": "jira", "jira_webhook_secret": secret}
    )
    app = FastAPI()
    add_hooks(app, settings, EventHandler(lambda: queue))
    uvicorn.run(app, port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
