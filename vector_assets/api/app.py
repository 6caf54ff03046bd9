"""The HTTP routes of `vector-assets serve` for programs; all except `/healthz` require a key.

Routes run on the event loop; what blocks (a search, a request to Dagster) goes through a gate.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import Route

from vector_assets.api.context import context_of
from vector_assets.api.docs_page import add_docs_page
from vector_assets.api.gate import Bounds, Gate, RefuseWhenFull
from vector_assets.api.hooks.event_handler import EventHandler
from vector_assets.api.hooks.files_watch import build_files_watcher
from vector_assets.api.hooks.routes import MAX_BODY_BYTES as MAX_HOOK_BYTES
from vector_assets.api.hooks.routes import PATH as HOOKS_PATH
from vector_assets.api.hooks.routes import add_hooks
from vector_assets.api.hooks.slack_socket import build_slack_socket
from vector_assets.api.index_reader import IndexReader
from vector_assets.api.keys import require_admin_key, require_any_key, require_read_key
from vector_assets.api.mcp_http import PATH as MCP_PATH
from vector_assets.api.mcp_http import McpRoute
from vector_assets.api.metrics import CONTENT_TYPE, metrics_of
from vector_assets.api.models import (
    BackfillLaunched,
    BackfillState,
    FoundContext,
    Pulse,
    Refusal,
    SyncStatus,
)
from vector_assets.api.page.routes import add_page
from vector_assets.api.parameters import Day, IgnoredKinds, WordForWord, asked_days, require_known
from vector_assets.api.read_keys import ReadKeys
from vector_assets.api.reading import (
    MAX_ANSWERS,
    MAX_QUESTION_CHARACTERS,
    Question,
    answers_to,
    source_names,
    status_of,
)
from vector_assets.api.sizes import LimitSizes
from vector_assets.api.why import PATH as WHY_PATH
from vector_assets.api.why import add_why
from vector_assets.core.errors import (
    ForeignViewerError,
    RetryableError,
    UsageError,
    VectorAssetsError,
)
from vector_assets.core.read_keys import ReadKey
from vector_assets.core.settings import Settings
from vector_assets.index.question.parsed import ParseOptions
from vector_assets.index.queue import ChangeQueue
from vector_assets.monitoring.dagster_state.webserver import DagsterGraphql
from vector_assets.monitoring.health import Health
from vector_assets.monitoring.liveness import CODE_LOCATION, DAEMON, problems_of
from vector_assets.monitoring.verdict import Verdict
from vector_assets.monitoring.watcher import Snapshot, Watcher
from vector_assets.sources import SOURCES

FIRST_CHECK_SECONDS = 30.0
"""How long a request waits for the watcher's first check after a start."""

SEARCHES = Bounds(at_once=8, waiting=24, waiting_seconds=2.0, running_seconds=60.0)
"""Bounds of searches. With OpenAI most of a search is a wait. The first loads a local model."""

SEARCHES_OF_A_CORE = 2
"""With a local model a search is work. In a burst on 2 cores, 8 at once left the event loop so
little time that `/healthz` took 20 s and no search was answered sooner; with 4 it took 0.3 s."""

BACKFILLS = Bounds(at_once=2, waiting=8, waiting_seconds=5.0, running_seconds=60.0)
"""Bounds of requests to Dagster's webserver."""

_POLL_SECONDS = 0.05

ViewerName = Annotated[
    str,
    Query(
        description="E-mail of the person who asks. READ_API_KEY and keys for any viewer may name "
        "anybody; without a viewer they read public documents only. A key that is bound to a "
        "viewer reads as that viewer; it gets a 403 when it names another."
    ),
]
SourceName = Annotated[str, Path(description=f"One of {', '.join(SOURCES)}.")]

_READING = [Depends(require_read_key), Depends(require_known)]
_WORKING = [Depends(require_admin_key), Depends(require_known)]
_WATCHING = [Depends(require_any_key), Depends(require_known)]

_INVALID: dict[int | str, dict[str, Any]] = {
    422: {
        "description": "A parameter is unknown or invalid; names it.",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}
        },
    },
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    **_INVALID,
    400: {"model": Refusal, "description": "Unknown value; names it."},
    401: {"model": Refusal, "description": "The key is missing or wrong."},
    403: {"model": Refusal, "description": "No key is set, or it may not read for this viewer."},
    503: {"model": Refusal, "description": "Temporarily unavailable; says why."},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Refusal}}
_NOT_WELL: dict[int | str, dict[str, Any]] = {**_INVALID, 503: {"model": Pulse}}


class Services(IndexReader):
    """What the routes share."""

    def __init__(
        self, settings: Settings, watcher: Watcher, searches: Bounds, backfills: Bounds
    ) -> None:
        super().__init__(settings)
        self.watcher = watcher
        self.dagster = DagsterGraphql(settings.dagster_graphql_url)
        self.searches = Gate("searches", searches)
        self.backfills = Gate("requests to Dagster", backfills)
        self.event_handler = EventHandler(self.queue)
        self.slack_socket = build_slack_socket(settings, self.event_handler)
        self.files_watcher = build_files_watcher(settings, self.event_handler)

    async def snapshot(self) -> Snapshot | None:
        """Return the watcher's newest snapshot, after a wait for the first; None without one."""
        # By the clock: on a busy machine a pause takes longer than was asked for.
        give_up_at = time.monotonic() + FIRST_CHECK_SECONDS
        while (snapshot := self.watcher.last()) is None and time.monotonic() < give_up_at:
            await asyncio.sleep(_POLL_SECONDS)
        return snapshot

    async def health(self) -> Health:
        """Return the health of the watcher's last check; refuse with 503 when that is too old."""
        return (await self.checked()).health

    async def checked(self) -> Snapshot:
        """Return the watcher's last check; refuse with 503 when that is too old."""
        snapshot = await self.snapshot()
        if snapshot is None or not self.watcher.is_checking(datetime.now(UTC)):
            raise HTTPException(503, "the watcher has stopped: see the log of this process")
        return snapshot

    @asynccontextmanager
    async def receiving_events(self) -> AsyncIterator[None]:
        """Listen to Slack's socket and watch the folder, where they are on."""
        listeners = [listener for listener in (self.slack_socket, self.files_watcher) if listener]
        for listener in listeners:
            listener.start()
        yield
        for listener in listeners:
            await listener.stop()

    def queue(self) -> ChangeQueue:
        """Return the queue of changes on the same connection.

        Raises:
            RetryableError: The index has never been filled: there is no ledger to keep them in.
        """
        index = self.live_index().index
        if index.live() is None:
            raise RetryableError("the index is empty: run `vector-assets sync` first")
        return ChangeQueue(index.ledger)


def search_bounds(settings: Settings) -> Bounds:
    """Return the bounds of searches on this machine."""
    if settings.embedding_provider != "local":
        return SEARCHES
    of_cores = SEARCHES_OF_A_CORE * (os.cpu_count() or 1)
    return replace(SEARCHES, at_once=min(SEARCHES.at_once, of_cores))


def build_api(
    settings: Settings,
    watcher: Watcher,
    *,
    searches: Bounds | None = None,
    backfills: Bounds = BACKFILLS,
) -> FastAPI:
    """Return the application; it starts and stops the watcher."""
    services = Services(settings, watcher, searches or search_bounds(settings), backfills)
    mcp = McpRoute(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher.start()
        async with mcp.running(), services.receiving_events():
            yield
        watcher.stop()
        services.searches.close()
        services.backfills.close()

    app = FastAPI(
        title="vector-assets",
        summary="Search the index, see how fresh it is, and launch backfills.",
        version="1",
        lifespan=lifespan,
        # Served below, with a key.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.settings = settings
    app.state.read_keys = ReadKeys(settings)
    app.add_middleware(
        RefuseWhenFull,
        gates=dict.fromkeys(("/api/find-context", WHY_PATH, MCP_PATH), services.searches),
    )
    add_hooks(app, settings, services.event_handler)
    app.add_middleware(LimitSizes, max_body_bytes={HOOKS_PATH: MAX_HOOK_BYTES})
    app.add_exception_handler(VectorAssetsError, _refusal)
    _add_reading(app, services)
    add_why(app, services, _REFUSALS)
    _add_status(app, services)
    _add_backfill(app, services)
    _add_watching(app, services)
    add_docs_page(app)
    add_page(app, services)
    app.router.routes.append(Route(MCP_PATH, mcp, methods=["POST"], include_in_schema=False))
    return app


def _add_reading(app: FastAPI, services: Services) -> None:
    @app.get(
        "/api/find-context",
        dependencies=_READING,
        responses=_REFUSALS,
        # Without `confirm` the answer is what it was before there was any.
        response_model_exclude_unset=True,
    )
    async def find_context(
        request: Request,
        key: Annotated[ReadKey, Depends(require_read_key)],
        q: Annotated[str, Query(min_length=1, max_length=MAX_QUESTION_CHARACTERS)],
        source: Annotated[
            list[str] | None,
            Query(description="Only these sources; may be repeated or comma-separated."),
        ] = None,
        container: Annotated[
            list[str] | None,
            Query(description="Only this project, channel or database; may be repeated."),
        ] = None,
        since: Annotated[Day | None, Query(description="Active on this day or later.")] = None,
        until: Annotated[Day | None, Query(description="Last active before this day.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_ANSWERS)] = 10,
        viewer: ViewerName = "",
        confirm: Annotated[
            bool,
            Query(
                description="Ask each document's source whether it still stands, within "
                "CONFIRM_SECONDS; what is deleted or hidden there is left out."
            ),
        ] = False,
        literal: WordForWord = False,
        ignore: IgnoredKinds = None,
    ) -> FoundContext:
        """Find passages that answer a question, and how fresh their sources are."""
        question = Question(
            q,
            source_names(source or ()),
            tuple(container or ()),
            since,
            until,
            limit,
            confirm,
            ParseOptions.of(literal=literal, ignore=ignore or ()),
        )
        return context_of(*await answers_to(question, key, viewer, request, services))


def _add_status(app: FastAPI, services: Services) -> None:
    @app.get("/api/sync-status", dependencies=_READING, responses=_REFUSALS)
    async def sync_status(key: Annotated[ReadKey, Depends(require_read_key)]) -> SyncStatus:
        """Return how fresh each source is, with the verdict and its reasons."""
        return status_of(await services.health(), key)


def _add_backfill(app: FastAPI, services: Services) -> None:
    @app.post(
        "/api/backfill/{source}",
        status_code=202,
        dependencies=_WORKING,
        responses={**_REFUSALS, **_NOT_FOUND},
    )
    async def launch_backfill(
        request: Request,
        source: SourceName,
        days: Annotated[tuple[date, ...], Depends(asked_days)],
    ) -> BackfillLaunched:
        """Launch a Dagster backfill of the newest days, or of `from` to `to`."""
        backfill_id = await services.backfills.call(
            request, lambda: _launched(source, days, services)
        )
        return BackfillLaunched(
            backfill_id=backfill_id,
            source=source,
            days=list(days),
            status_url=f"/api/backfill/{backfill_id}",
        )

    @app.get(
        "/api/backfill/{backfill_id}",
        dependencies=_WATCHING,
        responses={**_REFUSALS, **_NOT_FOUND},
    )
    async def backfill(
        request: Request,
        backfill_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")],
    ) -> BackfillState:
        """Return the state of a backfill, day by day."""
        state = await services.backfills.call(
            request, lambda: services.dagster.backfill(backfill_id)
        )
        if state is None:
            raise HTTPException(404, f"no backfill {backfill_id!r}")
        day_states = list(state.days.values())
        return BackfillState(
            backfill_id=state.id,
            source=state.source,
            status=state.status,
            days=dict(state.days),
            is_finished=all(day in {"materialized", "failed"} for day in day_states),
            has_failed="failed" in day_states,
            error=state.error,
        )


def _add_watching(app: FastAPI, services: Services) -> None:
    @app.get("/healthz", dependencies=[Depends(require_known)], responses=_NOT_WELL)
    async def healthz(response: Response) -> Pulse:
        """Return 200 while everything is fresh and running, else 503; needs no key."""
        try:
            verdict = (await services.health()).verdict
        except HTTPException:
            verdict = Verdict.UNKNOWN
        response.status_code = 200 if verdict is Verdict.FRESH else 503
        return Pulse(verdict=verdict)

    @app.get(
        "/metrics",
        dependencies=_WATCHING,
        responses=_REFUSALS,
    )
    async def metrics() -> Response:
        """Return the numbers behind the verdict for Prometheus."""
        snapshot = await services.snapshot()
        if snapshot is None:
            raise HTTPException(503, "the watcher has not finished its first check")
        socket = services.slack_socket
        text = metrics_of(
            snapshot, services.event_handler.counts, socket.is_connected if socket else None
        )
        return Response(text, media_type=CONTENT_TYPE)


def _launched(source: str, days: Sequence[date], services: Services) -> str:
    """Launch a backfill; return its id."""
    _require_runnable(source, services)
    title = f"{source}, {len(days)} days, requested over HTTP"
    return services.dagster.launch_backfill(source, days, title=title)


def _require_runnable(source: str, services: Services) -> None:
    """Refuse a backfill that nothing would run, judged by Dagster's present state."""
    if source not in SOURCES:
        raise HTTPException(404, f"unknown source {source!r}: {', '.join(SOURCES)}")
    if missing := services.settings.missing_credentials(source):
        raise HTTPException(503, f"{source} is off: {', '.join(missing)} not set")
    state = services.dagster.observe((), ())
    for problem in problems_of(state, services.settings, datetime.now(UTC)):
        if problem.key in {DAEMON, CODE_LOCATION}:
            raise HTTPException(503, f"{problem.headline}. {problem.detail}. {problem.advice}")


async def _refusal(_: Request, error: Exception) -> JSONResponse:
    """Return one of our errors as a status with its message."""
    status = 503
    if isinstance(error, ForeignViewerError | UsageError):
        status = 403 if isinstance(error, ForeignViewerError) else 400
    headers = {"Retry-After": "60"} if isinstance(error, RetryableError) else None
    return JSONResponse({"detail": str(error)}, status, headers)
