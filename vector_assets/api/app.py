"""The HTTP faces: `vector-assets serve`. Routes in, statuses out; the work is done elsewhere.

Nothing but the contract of names is reachable, and every route but `/healthz` wants a key.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse

from vector_assets.api.keys import require_admin_key, require_any_key, require_read_key
from vector_assets.api.metrics import CONTENT_TYPE, metrics_of
from vector_assets.api.models import (
    BackfillLaunched,
    BackfillState,
    FoundAnswer,
    FoundContext,
    NotRead,
    Pulse,
    Refusal,
    SourceAge,
    SyncStatus,
)
from vector_assets.core.days import complete_days, start_of_day
from vector_assets.core.errors import RetryableError, UsageError, VectorAssetsError
from vector_assets.core.settings import Settings
from vector_assets.index.search import Answers, find
from vector_assets.index.targets import LiveIndex
from vector_assets.monitoring.dagster_state.webserver import DagsterGraphql
from vector_assets.monitoring.health import Health, SourceHealth, Verdict
from vector_assets.monitoring.liveness import CODE_LOCATION, DAEMON, problems_of
from vector_assets.monitoring.watcher import Watcher
from vector_assets.sources import SOURCES
from vector_assets.stores.base import Filter

MAX_BACKFILL_DAYS = 400
"""Most days a request; more than a year is a first load, which the command line does."""

FIRST_LOOK_SECONDS = 30.0
"""How long a request waits for the watcher's first look after a start."""

MAX_ANSWERS = 100
MAX_QUESTION_CHARACTERS = 4000

SourceName = Annotated[str, Path(description=f"One of {', '.join(SOURCES)}.")]

# FastAPI states 200 and 422 by itself.
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "A word that is not known here; names it."},
    401: {"model": Refusal, "description": "The key is missing or wrong."},
    403: {"model": Refusal, "description": "Closed: no key is set on the server."},
    503: {"model": Refusal, "description": "Not now; says why."},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Refusal}}
_NOT_WELL: dict[int | str, dict[str, Any]] = {503: {"model": Pulse}}


class Faces:
    """What the routes need, made once.

    Args:
        settings: Name the services.
        watcher: Knows how everything is.
    """

    def __init__(self, settings: Settings, watcher: Watcher) -> None:
        self.settings = settings
        self.watcher = watcher
        self.dagster = DagsterGraphql(settings.dagster_graphql_url)
        self._index: LiveIndex | None = None

    def health(self) -> Health:
        """Return what the watcher last saw.

        Raises:
            HTTPException: 503 when it has not looked for too long.
        """
        look = self.watcher.last(FIRST_LOOK_SECONDS)
        if look is None or not self.watcher.is_looking(datetime.now(UTC)):
            raise HTTPException(503, "the watcher does not look: see the log of this process")
        return look.health

    def find(self, question: str, sources: tuple[str, ...], where: Filter, limit: int) -> Answers:
        """Search with an index that is kept and follows a switch to another generation."""
        self._index = self._index or LiveIndex(self.settings)
        return find(
            question,
            settings=self.settings,
            sources=sources,
            where=where,
            limit=limit,
            index=self._index,
        )


def build_api(settings: Settings, watcher: Watcher) -> FastAPI:
    """Return the application; the watcher runs as long as it does."""
    faces = Faces(settings, watcher)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher.start()
        yield
        watcher.stop()

    app = FastAPI(
        title="vector-assets",
        summary="How fresh the index is, what it knows, and how to have days of it made again.",
        version="1",
        lifespan=lifespan,
        # Served below, behind a key.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.settings = settings
    app.add_exception_handler(VectorAssetsError, _refusal)
    _add_reading(app, faces)
    _add_backfill(app, faces)
    _add_watching(app, faces)
    _add_documents(app)
    return app


def _add_reading(app: FastAPI, faces: Faces) -> None:
    @app.get("/api/find-context", dependencies=[Depends(require_read_key)], responses=_REFUSALS)
    def find_context(
        q: Annotated[str, Query(min_length=1, max_length=MAX_QUESTION_CHARACTERS)],
        source: Annotated[
            list[str] | None, Query(description="Only these: repeat it, or use commas.")
        ] = None,
        since: Annotated[date | None, Query(description="Active on this day or later.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_ANSWERS)] = 10,
        viewer: Annotated[str, Query(description="E-mail of who asks; public only if empty.")] = "",
    ) -> FoundContext:
        """Find the passages that answer a question, and how old the sources behind them are."""
        try:
            start = start_of_day(since).timestamp() if since else None
        except (OverflowError, ValueError):
            raise HTTPException(400, f"since is {since}: ask for a day of this century") from None
        where = Filter(since=start, viewer=viewer.lower())
        names = [name.strip() for one in source or () for name in one.split(",") if name.strip()]
        found = faces.find(q, tuple(names), where, limit)
        # Searching goes on while the watcher does not look; then it says so.
        look = faces.watcher.last(FIRST_LOOK_SECONDS)
        return _context(found, look.health if look else None)

    @app.get("/api/sync-status", dependencies=[Depends(require_read_key)], responses=_REFUSALS)
    def sync_status() -> SyncStatus:
        """Say how fresh each source is, with the verdict and its reasons."""
        health = faces.health()
        sources = [_source_age(one, health.checked_at) for one in health.sources]
        stale_count = sum(one.is_stale for one in sources)
        return SyncStatus(
            verdict=health.verdict,
            checked_at=health.checked_at,
            all_fresh=health.verdict is Verdict.FRESH,
            stale_count=stale_count,
            sources=sources,
            canary_found_at=health.canary_found_at,
            problems=[f"{one.headline}: {one.detail}" for one in health.problems],
            notes=list(health.notes),
        )


def _add_backfill(app: FastAPI, faces: Faces) -> None:
    @app.post(
        "/api/backfill/{source}",
        status_code=202,
        dependencies=[Depends(require_admin_key)],
        responses={**_REFUSALS, **_NOT_FOUND},
    )
    def launch_backfill(
        source: SourceName,
        days: Annotated[int, Query(ge=1, le=MAX_BACKFILL_DAYS, description="Up to yesterday.")] = 1,
    ) -> BackfillLaunched:
        """Launch a Dagster backfill of the newest days; 503 when nobody would run it."""
        _require_somebody_who_runs_it(source, faces)
        first = date.fromisoformat(faces.settings.partitions_start)
        wanted = complete_days(datetime.now(UTC), days, first)
        backfill_id = faces.dagster.launch_backfill(
            source, wanted, title=f"{source}, {len(wanted)} days, asked for over HTTP"
        )
        return BackfillLaunched(
            backfill_id=backfill_id,
            source=source,
            days=list(wanted),
            status_url=f"/api/backfill/{backfill_id}",
        )

    @app.get(
        "/api/backfill/{backfill_id}",
        dependencies=[Depends(require_any_key)],
        responses={**_REFUSALS, **_NOT_FOUND},
    )
    def backfill(
        backfill_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")],
    ) -> BackfillState:
        """Say how far a backfill is, day by day."""
        found = faces.dagster.backfill(backfill_id)
        if found is None:
            raise HTTPException(404, f"no backfill {backfill_id!r}")
        states = list(found.days.values())
        return BackfillState(
            backfill_id=found.id,
            source=found.source,
            status=found.status,
            days=dict(found.days),
            is_finished=all(state in {"materialized", "failed"} for state in states),
            has_failed="failed" in states,
            error=found.error,
        )


def _add_watching(app: FastAPI, faces: Faces) -> None:
    @app.get("/healthz", responses=_NOT_WELL)
    def healthz(response: Response) -> Pulse:
        """Answer 200 while all is fresh and alive, else 503; needs no key, tells no more."""
        try:
            verdict = faces.health().verdict
        except HTTPException:
            verdict = Verdict.UNKNOWN
        response.status_code = 200 if verdict is Verdict.FRESH else 503
        return Pulse(verdict=verdict)

    @app.get("/metrics", dependencies=[Depends(require_any_key)], responses=_REFUSALS)
    def metrics() -> Response:
        """Return the numbers behind the verdict, for Prometheus."""
        look = faces.watcher.last(FIRST_LOOK_SECONDS)
        if look is None:
            raise HTTPException(503, "the watcher has not looked yet")
        return Response(metrics_of(look), media_type=CONTENT_TYPE)


def _add_documents(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(require_any_key)])
    def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get("/docs", include_in_schema=False, dependencies=[Depends(require_any_key)])
    def docs() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="openapi.json", title=app.title)


def _require_somebody_who_runs_it(source: str, faces: Faces) -> None:
    """Refuse what nobody would run, as of now and not of the watcher's last look.

    Raises:
        HTTPException: 404 for an unknown source; 503, with the reason, for what would not run.
    """
    if source not in SOURCES:
        raise HTTPException(404, f"unknown source {source!r}: {', '.join(SOURCES)}")
    if missing := faces.settings.missing_credentials(source):
        raise HTTPException(503, f"{source} is off: {', '.join(missing)} not set")
    observation = faces.dagster.observe((), ())
    for problem in problems_of(observation, faces.settings, datetime.now(UTC)):
        if problem.key in {DAEMON, CODE_LOCATION}:
            raise HTTPException(503, f"{problem.headline}. {problem.detail}. {problem.advice}")


def _refusal(_: Request, error: Exception) -> JSONResponse:
    """Return an error of ours as a status, in its own words."""
    status = 400 if isinstance(error, UsageError) else 503
    headers = {"Retry-After": "60"} if isinstance(error, RetryableError) else None
    return JSONResponse({"detail": str(error)}, status, headers)


def _context(found: Answers, health: Health | None) -> FoundContext:
    by_source = {one.source: one for one in health.sources} if health else {}
    warnings = list(found.warnings)
    for source, as_of in found.as_of.items():
        one = by_source.get(source)
        # What has been synced since the watcher looked is newer than its verdict.
        if one is not None and one.verdict is not Verdict.FRESH and as_of == one.watermark:
            warnings.append(f"{source} is {one.verdict}: {'; '.join(one.reasons)}")
    if health is None:
        warnings.append("How fresh the sources are is not known: nobody has looked yet.")
    return FoundContext(
        answers=[
            FoundAnswer(
                title=one.title,
                text=one.passage,
                link=one.url,
                author=", ".join(one.authors),
                date=one.updated_at,
                score=one.score,
                source=one.source,
                container=one.container,
                document_id=one.document_id,
            )
            for one in found.answers
        ],
        as_of=dict(found.as_of),
        warnings=warnings,
    )


def _source_age(source: SourceHealth, now: datetime) -> SourceAge:
    """Return a source's state with the predecessor's fields."""
    last_sync = source.last_sync or source.watermark
    return SourceAge(
        source=source.source,
        last_sync=last_sync,
        age_hours=round((now - last_sync).total_seconds() / 3600, 2) if last_sync else None,
        is_stale=source.verdict is not Verdict.FRESH,
        **{
            name: value
            for name, value in asdict(source).items()
            if name not in {"source", "last_sync", "gaps"}
        },
        gaps=[NotRead.model_validate(asdict(gap.for_readers())) for gap in source.gaps],
    )


def serve(settings: Settings, *, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        settings: Of everything.
        host: To listen on.
        port: To listen on; 0 takes a free one.
        started: Called with the address once it answers.
    """
    import socket

    import uvicorn

    from vector_assets.monitoring.alerts.incidents import incident_store
    from vector_assets.monitoring.watcher import build_watcher

    with socket.create_server((host, port)) as listening, incident_store() as incidents:
        app = build_api(settings, build_watcher(settings, incidents))
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
        bound = listening.getsockname()[1]
        started(f"http://{host}:{bound}")
        uvicorn.Server(config).run(sockets=[listening])
