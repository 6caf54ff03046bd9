"""The route `/hooks/{source}`: verifies a delivery, queues what it says, and answers."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from vector_assets.api.hooks.delivery import Delivery, ForgedError, MalformedError
from vector_assets.api.hooks.receivers import build_receivers
from vector_assets.api.hooks.repeats import Repeats
from vector_assets.api.hooks.writer import QueueWriter
from vector_assets.core.settings import Settings
from vector_assets.index.queue import ChangeQueue

PATH = "/hooks/"

MAX_BODY_BYTES = 1024 * 1024
"""Jira sends whole issues."""

FORGED = "forged"
MALFORMED = "malformed"
REPEATED = "repeated"


def token_file() -> Path:
    """Return where Notion's verification token is written."""
    return Path(os.environ.get("DAGSTER_HOME") or "data") / "notion-webhook-token"


def add_hooks(
    app: FastAPI, settings: Settings, queue: Callable[[], ChangeQueue]
) -> Counter[tuple[str, str]]:
    """Add the route when any receiver is on; return the counts of events by source and name."""
    receivers = build_receivers(settings, token_file())
    counts: Counter[tuple[str, str]] = Counter()
    if not receivers:
        return counts
    writer, repeats = QueueWriter(queue), Repeats()

    @app.post(PATH + "{source}", include_in_schema=False)
    async def hook(source: str, request: Request) -> JSONResponse:
        receiver = receivers.get(source)
        if receiver is None:
            raise HTTPException(404)
        delivery = Delivery(request.headers, await request.body(), datetime.now(UTC))
        try:
            heard = receiver.receive(delivery)
        except ForgedError as error:
            counts[source, FORGED] += 1
            raise HTTPException(401, str(error)) from None
        except MalformedError as error:
            counts[source, MALFORMED] += 1
            raise HTTPException(400, str(error)) from None
        if heard.is_dated and repeats.has(delivery.body):
            counts[source, REPEATED] += 1
            return JSONResponse({"queued": 0})
        if heard.changes:
            await writer.write(heard.changes)
            repeats.remember(delivery.body)
        counts[source, heard.event] += 1
        return JSONResponse(heard.reply or {"queued": len(heard.changes)})

    return counts
