"""The route `/hooks/{source}`: verifies a delivery, queues what it says, and answers."""

import os
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from vector_assets.api.hooks.delivery import Delivery, ForgedError, MalformedError
from vector_assets.api.hooks.event_handler import FORGED, MALFORMED, EventHandler
from vector_assets.api.hooks.receivers import build_receivers
from vector_assets.core.settings import Settings

PATH = "/hooks/"

MAX_BODY_BYTES = 1024 * 1024
"""Jira sends whole issues."""


def token_file() -> Path:
    """Return where Notion's verification token is written."""
    return Path(os.environ.get("DAGSTER_HOME") or "data") / "notion-webhook-token"


def add_hooks(app: FastAPI, settings: Settings, event_handler: EventHandler) -> None:
    """Add the route when any receiver is on."""
    receivers = build_receivers(settings, token_file())
    if not receivers:
        return

    @app.post(PATH + "{source}", include_in_schema=False)
    async def hook(source: str, request: Request) -> JSONResponse:
        receiver = receivers.get(source)
        if receiver is None:
            raise HTTPException(404)
        delivery = Delivery(request.headers, await request.body(), datetime.now(UTC))
        try:
            parsed = receiver.receive(delivery)
        except ForgedError as error:
            event_handler.counts[source, FORGED] += 1
            raise HTTPException(401, str(error)) from None
        except MalformedError as error:
            event_handler.counts[source, MALFORMED] += 1
            raise HTTPException(400, str(error)) from None
        queued_count = await event_handler.handle(source, parsed, delivery.body)
        return JSONResponse(parsed.reply or {"queued": queued_count})
